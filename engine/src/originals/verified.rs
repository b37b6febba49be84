//! Files whose content was compared with what was indexed, by the state in which they were read.

use glimpse_indexer::ContentHash;
use parking_lot::Mutex;

use super::Original;
use super::file::State;
use crate::lru::Lru;

/// Files that are remembered.
const REMEMBERED: usize = 4096;

/// What content a file has in a state. Programs may set the time of the last change, but not that
/// which the system notes beside it, so that a file that was replaced is in another state.
pub(crate) struct Verified(Mutex<Lru<State, ContentHash>>);

impl Verified {
    pub fn new() -> Self {
        Self(Mutex::new(Lru::new(REMEMBERED)))
    }

    /// True if the file is known to have this content.
    pub fn has(&self, original: &Original, content: &ContentHash) -> bool {
        self.0.lock().get(&original.state()).as_ref() == Some(content)
    }

    /// The file was read and has this content.
    pub fn note(&self, original: &Original, content: &ContentHash) {
        self.0.lock().insert(original.state(), *content, 1);
    }
}
