//! What the stages of a run tell each other beside the work.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

#[derive(Debug)]
pub(super) struct Shared<'a> {
    cancel: &'a AtomicBool,
    /// The writer gave up, or has come to the end.
    pub stopped: AtomicBool,
    /// Candidates so far.
    pub found: AtomicUsize,
    pub walk_done: AtomicBool,
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
            encoding: AtomicU64::new(0),
        }
    }

    /// Stages end as soon as they see this.
    pub fn is_over(&self) -> bool {
        self.cancel.load(Relaxed) || self.stopped.load(Relaxed)
    }
}
