//! Stopping and pausing a run from other threads, and making it give way to queries.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use glimpse_encoder::decoder::Decoder;
use glimpse_encoder::{Embedding, Encode, EncodeError, ImageFeatures, ModelInfo, Outputs, PixelInput, Projection};
use image::RgbImage;
use parking_lot::{Condvar, Mutex};

/// How long a batch waits for queries at most, so that a busy server still gets on with its
/// library.
const GIVE_WAY: Duration = Duration::from_millis(250);
/// How often a waiting batch looks again.
const LOOK: Duration = Duration::from_millis(2);

/// Pauses, resumes and cancels a run, from any thread.
#[derive(Debug, Default)]
pub struct RunControl {
    cancelled: AtomicBool,
    paused: Mutex<bool>,
    changed: Condvar,
}

impl RunControl {
    /// A run that goes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops the run soon, with everything done so far kept. A paused run stops too.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
        self.resume();
    }

    /// Lets the run wait before it encodes the next batch.
    pub fn pause(&self) {
        *self.paused.lock() = !self.cancelled.load(Ordering::Relaxed);
    }

    /// Lets a paused run go on.
    pub fn resume(&self) {
        *self.paused.lock() = false;
        self.changed.notify_all();
    }

    /// True once the run is to stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// True while the run waits, or is about to.
    pub fn is_paused(&self) -> bool {
        *self.paused.lock()
    }

    /// The flag that the run looks at.
    pub(crate) fn cancel_flag(&self) -> &AtomicBool {
        &self.cancelled
    }

    /// Waits while the run is paused, and a moment while there are queries.
    pub(crate) fn wait_for_turn(&self, active_queries: &AtomicUsize) {
        self.wait_while_paused();
        let start = Instant::now();
        while active_queries.load(Ordering::Acquire) > 0 && start.elapsed() < GIVE_WAY {
            std::thread::sleep(LOOK);
        }
    }

    fn wait_while_paused(&self) {
        let mut paused = self.paused.lock();
        while *paused {
            self.changed.wait(&mut paused);
        }
    }
}

/// Counts queries in progress while it lives.
pub(crate) struct ActiveQuery<'a>(&'a AtomicUsize);

impl<'a> ActiveQuery<'a> {
    pub fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for ActiveQuery<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// An encoder for a run in the background: before each batch of images it waits while the run is
/// paused, and a moment while there are queries, which need the same cores and the same model.
pub(crate) struct YieldingEncoder<'a> {
    pub encoder: &'a dyn Encode,
    pub control: &'a RunControl,
    pub active_queries: &'a AtomicUsize,
}

impl Encode for YieldingEncoder<'_> {
    fn info(&self) -> &ModelInfo {
        self.encoder.info()
    }

    fn prepare(&self, image: &RgbImage) -> Result<PixelInput, EncodeError> {
        self.encoder.prepare(image)
    }

    fn encode_images(&self, batch: &[PixelInput], outputs: Outputs) -> Result<Vec<ImageFeatures>, EncodeError> {
        self.control.wait_for_turn(self.active_queries);
        self.encoder.encode_images(batch, outputs)
    }

    fn wait_for_turn(&self) {
        self.control.wait_while_paused();
    }

    fn encode_texts(&self, texts: &[&str]) -> Result<Vec<Embedding>, EncodeError> {
        self.encoder.encode_texts(texts)
    }

    fn token_ids(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        self.encoder.token_ids(text)
    }

    fn align(&self, tokens: &[f32], projection: Projection) -> Result<Vec<f32>, EncodeError> {
        self.encoder.align(tokens, projection)
    }

    fn decoder(&self) -> Result<Option<&Decoder>, EncodeError> {
        self.encoder.decoder()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;
    use std::sync::mpsc;

    use glimpse_encoder::testing::FakeEncoder;

    use super::*;

    #[test]
    fn a_paused_run_waits_and_goes_on_or_stops() {
        for stop in [false, true] {
            let control = Arc::new(RunControl::new());
            control.pause();
            assert!(control.is_paused());
            let (tell, told) = mpsc::channel();
            let held = Arc::clone(&control);
            let run = std::thread::spawn(move || {
                let (encoder, active_queries) = (FakeEncoder::new(8), AtomicUsize::new(0));
                let image = encoder.prepare(&RgbImage::new(4, 4)).unwrap();
                tell.send("ready").unwrap();
                let yielding = YieldingEncoder { encoder: &encoder, control: &held, active_queries: &active_queries };
                yielding.encode_images(&[image], Outputs::Pooled).unwrap();
                tell.send("encoded").unwrap();
            });
            assert_eq!(told.recv().unwrap(), "ready");
            assert!(told.try_recv().is_err(), "a paused run encoded");
            if stop {
                control.cancel()
            } else {
                control.resume()
            }
            assert_eq!(told.recv().unwrap(), "encoded");
            run.join().unwrap();
            assert_eq!(control.cancel_flag().load(Ordering::Relaxed), stop);
        }
    }

    #[test]
    fn queries_are_counted_while_they_run() {
        let count = AtomicUsize::new(0);
        let (first, second) = (ActiveQuery::begin(&count), ActiveQuery::begin(&count));
        drop(first);
        assert_eq!(count.load(Ordering::Relaxed), 1);
        drop(second);
        assert_eq!(count.load(Ordering::Relaxed), 0);
    }
}
