//! Batches for whoever encodes: this machine and workers take from one queue, and what a worker had
//! when it went away comes back to it.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError};
use parking_lot::Mutex;

use crate::ingest::pipeline::item::EncodeInput;

/// A batch that is not full goes on its way after this long.
const PATIENCE: Duration = Duration::from_millis(100);
/// How often who waits looks whether something came back.
const LOOK: Duration = Duration::from_millis(20);
/// An image that so many workers went away with is tried alone from then on: it may be what ends
/// them.
const TRIED_TOGETHER: usize = 2;

/// The queue of a run.
pub(crate) struct Batches {
    images: Receiver<EncodeInput>,
    returned: Mutex<Vec<Vec<EncodeInput>>>,
    /// Who takes a batch at this moment, or has one: it may come back.
    taken: AtomicUsize,
}

/// A place among those who have a batch, given back when dropped.
pub(crate) struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, SeqCst);
        Self(count)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// A batch that is with somebody.
pub(crate) struct Batch<'a> {
    pub images: Vec<EncodeInput>,
    /// Kept until the images are sent on, or given back.
    pub place: Place<'a>,
}

impl Batches {
    pub fn new(images: Receiver<EncodeInput>) -> Self {
        Self { images, returned: Mutex::default(), taken: AtomicUsize::new(0) }
    }

    /// The next batch of `most` images, or as many as come within a moment; `None` once there is
    /// none and none can come back, or the run is over.
    pub fn next(&self, most: usize, is_over: impl Fn() -> bool) -> Option<Batch<'_>> {
        while !is_over() {
            // Before looking, so that nobody leaves while a batch is on its way from the queue.
            let place = Place::take(&self.taken);
            if let Some(images) = self.returned.lock().pop() {
                return Some(Batch { images, place });
            }
            match self.images.recv_timeout(LOOK) {
                Ok(first) => {
                    let images = self.fill(first, most.max(1));
                    return Some(Batch { images, place });
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    drop(place);
                    if self.taken.load(SeqCst) == 0 && self.returned.lock().is_empty() {
                        return None;
                    }
                    std::thread::sleep(LOOK);
                }
            }
        }
        None
    }

    /// Takes back what a worker went away with, before its [`Batch`] is dropped.
    pub fn give_back(&self, images: Vec<EncodeInput>) {
        let mut returned = self.returned.lock();
        let (alone, together): (Vec<_>, Vec<_>) = images.into_iter().partition(|image| image.lost >= TRIED_TOGETHER);
        returned.extend(alone.into_iter().map(|image| vec![image]));
        if !together.is_empty() {
            returned.push(together);
        }
    }

    /// True once all images are encoded: who waits for a worker need wait no longer.
    pub fn is_done(&self) -> bool {
        let place = Place::take(&self.taken);
        match self.images.try_recv() {
            Ok(image) => self.returned.lock().push(vec![image]),
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => {
                drop(place);
                return self.taken.load(SeqCst) == 0 && self.returned.lock().is_empty();
            }
        }
        false
    }

    fn fill(&self, first: EncodeInput, most: usize) -> Vec<EncodeInput> {
        let deadline = Instant::now() + PATIENCE;
        let mut images = vec![first];
        while images.len() < most
            && let Ok(next) = self.images.recv_deadline(deadline)
        {
            images.push(next);
        }
        images
    }
}
