//! What this run knows of contents that the index does not (or no longer) hold.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;

use parking_lot::Mutex;

use super::item::Known;
use crate::regions::format::Stored;
use crate::{ContentHash, FileRecord, ImageRecord, Index, IndexError};

/// ContentClaims on their way through the stages, and images that lost their last file in this run.
#[derive(Debug, Default)]
pub(crate) struct ContentClaims {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Other files with the content of an image that is being encoded.
    in_flight: HashMap<ContentHash, Vec<Known>>,
    displaced: HashMap<ContentHash, Displaced>,
    order: VecDeque<ContentHash>,
}

/// An image whose file now holds another one. It is kept for a while, because the file may just
/// have been renamed: two names that change places would otherwise cost the encoding of both.
#[derive(Debug, Clone)]
pub(crate) struct Displaced {
    /// The file that held it.
    pub path: PathBuf,
    pub record: ImageRecord,
    pub vector: Vec<f32>,
    pub regions: Option<Stored>,
}

/// About 30 KiB each.
const MOST_DISPLACED: usize = 1024;

/// What to do with a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Nobody knows it; the caller encodes it and then calls [`ContentClaims::end_claim`].
    Encode,
    /// Somebody is encoding it, and will find this file when done.
    InFlight,
    /// It needs no encoding.
    Known,
}

impl ContentClaims {
    /// Decides about the content of `file`. The lock is held over the look into the index, so that
    /// no content is between being in flight and being stored.
    pub fn claim(&self, index: &Index, file: Known) -> Result<Claim, IndexError> {
        let mut state = self.state.lock();
        if let Some(waiting) = state.in_flight.get_mut(&file.content) {
            waiting.push(file);
            return Ok(Claim::InFlight);
        }
        if state.displaced.contains_key(&file.content) || index.by_content(&file.content)?.is_some() {
            return Ok(Claim::Known);
        }
        state.in_flight.insert(file.content, Vec::new());
        Ok(Claim::Encode)
    }

    /// Ends a claim; returns the files that waited for it.
    pub fn end_claim(&self, content: &ContentHash) -> Vec<Known> {
        self.state.lock().in_flight.remove(content).unwrap_or_default()
    }

    /// Keeps an image that is about to lose its last file.
    pub fn displace(&self, index: &Index, file: FileRecord) -> Result<(), IndexError> {
        let (Some(record), Some(vector)) = (index.image(file.image)?, index.vector(file.image)) else { return Ok(()) };
        let regions = index.stored_regions(file.image)?;
        let mut state = self.state.lock();
        state.order.push_back(record.content);
        state.displaced.insert(record.content, Displaced { path: file.path, record, vector, regions });
        if state.order.len() > MOST_DISPLACED
            && let Some(oldest) = state.order.pop_front()
        {
            state.displaced.remove(&oldest);
        }
        Ok(())
    }

    /// An image that was displaced in this run.
    pub fn displaced(&self, content: &ContentHash) -> Option<Displaced> {
        self.state.lock().displaced.get(content).cloned()
    }
}
