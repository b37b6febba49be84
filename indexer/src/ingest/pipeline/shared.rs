//! What the stages of a run tell each other beside the work.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

#[derive(Debug)]
pub(crate) struct Shared<'a> {
    cancel: &'a AtomicBool,
    /// The writer gave up, or has come to the end.
    pub stopped: AtomicBool,
    /// Candidates so far.
    pub found: AtomicUsize,
    pub walk_done: AtomicBool,
    /// The same by the thread that only counts, which is far ahead.
    pub counted: AtomicUsize,
    pub count_done: AtomicBool,
    /// Nanoseconds spent in the encoder.
    pub encoding: AtomicU64,
}

impl<'a> Shared<'a> {
    pub fn new(cancel: &'a AtomicBool) -> Self {
        Self {
            cancel,
            stopped: AtomicBool::new(false),
            found: AtomicUsize::new(0),
            walk_done: AtomicBool::new(false),
            counted: AtomicUsize::new(0),
            count_done: AtomicBool::new(false),
            encoding: AtomicU64::new(0),
        }
    }

    /// Files found so far, and whether these are all.
    pub fn files(&self) -> (usize, bool) {
        // In this order: a count read after the end is the last one.
        let (walk_done, count_done) = (self.walk_done.load(Relaxed), self.count_done.load(Relaxed));
        let (found, counted) = (self.found.load(Relaxed), self.counted.load(Relaxed));
        if walk_done { (found, true) } else { (found.max(counted), count_done) }
    }

    /// Stages end as soon as they see this.
    pub fn is_over(&self) -> bool {
        self.cancel.load(Relaxed) || self.stopped.load(Relaxed)
    }
}
