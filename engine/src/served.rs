//! The generation that serves, with all that is known of it and goes with it.

use std::ops::Deref;
use std::sync::Arc;

use glimpse_indexer::Index;
use parking_lot::Mutex;

use crate::calibrate::Calibrator;
use crate::calibrate::bank::Banks;
use crate::memoized::MemoizedAnswer;
use crate::regions::found::FindCache;
use crate::regions::scale::RegionCalibrator;
use crate::search::results::ResultCache;
use crate::{DuplicateGroup, Tagged};

/// An open generation; reads as its [`Index`]. What is remembered of its images is dropped with it,
/// since numbers of images mean others in the next.
pub(crate) struct Served {
    index: Arc<Index>,
    /// What cosines with images mean.
    pub calibrator: Calibrator,
    /// The same for regions.
    pub region_calibrator: RegionCalibrator,
    /// Held by the question that reads the regions.
    pub reading: Mutex<()>,
    /// Answers of `search`.
    pub results: ResultCache,
    /// Answers of `find`.
    pub finds: FindCache,
    /// The last answer of `tagged`.
    pub tags: MemoizedAnswer<Vec<Tagged>>,
    /// The last labels that were found for examples.
    pub found_labels: MemoizedAnswer<Vec<String>>,
    /// The last answer of `grouped`.
    pub groups: MemoizedAnswer<Vec<DuplicateGroup>>,
}

impl Served {
    /// A generation of which nothing is known yet.
    pub fn new(index: Arc<Index>, banks: Arc<Banks>) -> Self {
        Self {
            index,
            calibrator: Calibrator::new(banks),
            region_calibrator: RegionCalibrator::default(),
            reading: Mutex::new(()),
            results: ResultCache::new(),
            finds: FindCache::new(),
            tags: MemoizedAnswer::default(),
            found_labels: MemoizedAnswer::default(),
            groups: MemoizedAnswer::default(),
        }
    }

    /// The index itself.
    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }
}

impl Deref for Served {
    type Target = Index;

    fn deref(&self) -> &Index {
        &self.index
    }
}
