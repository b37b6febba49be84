//! Answers of `find`, remembered for their pages.

use std::sync::Arc;

use parking_lot::Mutex;

use super::query::FoundImage;
use super::scale::QueryScorer;
use crate::lru::Lru;

/// The answer to a query, remembered for its pages.
pub(crate) struct FoundSet {
    pub(super) digest: u64,
    pub(super) images: Vec<FoundImage>,
    pub(super) accepted: usize,
    pub(super) strong: usize,
    pub(super) weaker: Option<usize>,
    pub(super) nothing_particular: bool,
    pub(super) searched: usize,
    pub(super) without_regions: usize,
    /// What the things' scores mean, for a closer look.
    pub(super) scorers: Vec<QueryScorer>,
}

impl FoundSet {
    /// What it takes in memory.
    fn bytes(&self) -> usize {
        let boxes: usize = self.images.iter().map(|image| size_of_val(image.boxes.as_slice())).sum();
        let scorers: usize = self.scorers.iter().map(QueryScorer::bytes).sum();
        size_of::<Self>() + size_of_val(self.images.as_slice()) + boxes + scorers
    }
}

/// The latest answers.
pub(crate) struct FindCache(Mutex<Lru<u64, Arc<FoundSet>>>);

impl FindCache {
    /// Bytes of answers that are remembered.
    const REMEMBERED: usize = 32 << 20;

    pub fn new() -> Self {
        Self(Mutex::new(Lru::new(Self::REMEMBERED)))
    }

    /// The set of this name, if it answers the query with this digest.
    pub(super) fn get(&self, name: u64, digest: u64) -> Option<Arc<FoundSet>> {
        self.0.lock().get(&name).filter(|set| set.digest == digest)
    }

    pub(super) fn insert(&self, name: u64, set: &Arc<FoundSet>) {
        self.0.lock().insert(name, Arc::clone(set), set.bytes());
    }
}
