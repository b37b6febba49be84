//! The stages side by side, bounded channels between them.
//!
//! ```text
//! source (1) --work--> decode (N) --images--> encode (M) --vectors--> write (the caller's thread)
//!     \                    \                                              ^
//!      `---- failures ------`------------ known files, failures ----------'
//! ```
//!
//! This machine encodes on one thread; each worker has a thread that talks to it.
//!
//! Files that are found and images of the index that lack something come from one source after the
//! other (`find/source.rs`, `find/rebuild.rs`) and go through the same stages.
//!
//! What waits between stages is bounded by the channels, what is being decoded by
//! [`super::budget::Budget`]. The writer sends nothing, so it always gets on, and with it everybody
//! else. A stage that finds its receiver gone ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::guard::panic_text;
use super::item::{EncodeInput, Message, Work};
use super::shared::Shared;
use crate::ingest::decode::decoder::Decoder;
use crate::ingest::decode::stage::DecodeStage;
use crate::ingest::drives::calls::Drives;
use crate::ingest::encode::batches::Batches;
use crate::ingest::encode::model::Model;
use crate::ingest::encode::stage::{By, LANES, Lane, Stage};
use crate::ingest::find::source::Outlet;
use crate::ingest::pipeline::claims::ContentClaims;
use crate::ingest::write::stage::Writer;
use crate::{Index, IndexError};

/// Work and messages in waiting. Both are small: paths, records, a vector.
pub(crate) const CANDIDATES: usize = 1024;
const MESSAGES: usize = 256;

/// What all stages need.
pub(crate) struct Stages<'a> {
    pub index: &'a Index,
    pub decoder: &'a Decoder<'a>,
    pub claims: &'a ContentClaims,
    pub shared: &'a Shared<'a>,
    pub drives: &'a Drives<'a>,
}

impl Stages<'_> {
    /// Runs all stages to the end of what a source gives, or to the first error, or until
    /// cancelled. Whatever was written is committed.
    ///
    /// # Errors
    /// Of the index, the encoder or the source.
    pub fn run<T: Send>(
        &self,
        writer: &mut Writer<'_, '_>,
        source: impl FnOnce(&Outlet<'_>) -> Result<T, IndexError> + Send,
    ) -> Result<T, IndexError> {
        let Decoder { encoder, options, profile, .. } = *self.decoder;
        let shared = self.shared;
        shared.stopped.store(false, Relaxed);
        let (to_decode, work) = bounded(CANDIDATES);
        let encoders = options.workers.workers.len() * LANES + usize::from(options.workers.here);
        let (to_encode, images) = bounded(2 * options.batch.max(1) * encoders.max(1));
        let (to_write, messages) = bounded(MESSAGES);
        let batches = Arc::new(Batches::new(images));
        let (lanes, ready) = (options.workers.workers.iter().map(Lane::new).collect::<Vec<_>>(), AtomicUsize::new(0));
        let given = std::thread::scope(|scope| {
            let outlet = Outlet { shared, drives: self.drives, work: to_decode, write: to_write.clone() };
            let source = scope.spawn(move || source(&outlet));
            for _ in 0..options.threads.max(1) {
                let (work, to_encode, to_write) = (work.clone(), to_encode.clone(), to_write.clone());
                scope.spawn(move || self.decode(&work, &to_encode, &to_write));
            }
            drop((work, to_encode));
            let model = Model { encoder, profile, captions: options.captions.as_deref() };
            let lanes = lanes.iter().flat_map(|lane| [By::Worker(lane); LANES]);
            for by in lanes.chain(options.workers.here.then_some(By::Here)) {
                let (batches, write) = (Arc::clone(&batches), to_write.clone());
                let stage = Stage { by, model, options, shared, claims: self.claims, write, ready: &ready };
                scope.spawn(move || stage.run(&batches));
            }
            // When all who encode have ended, nobody must go on decoding for them.
            drop((batches, to_write));
            let written = writer.run(messages, shared);
            shared.stopped.store(true, Relaxed);
            let given = source.join().unwrap_or_else(|panic| {
                Err(IndexError::Store {
                    dir: self.index.dir().to_path_buf(),
                    what: "looking for images",
                    reason: panic_text(&*panic),
                })
            });
            written.and(given)
        });
        // Also after an error: what was done before it is kept.
        let committed = writer.commit();
        let given = given?;
        committed.map(|()| given)
    }

    fn decode(&self, work: &Receiver<Work>, encode: &Sender<EncodeInput>, write: &Sender<Message>) {
        let decode_stage = DecodeStage { index: self.index, decoder: self.decoder, claims: self.claims };
        for work in work {
            let start = Instant::now();
            if self.shared.is_over() || !decode_stage.process(work, encode, write) {
                return;
            }
            self.decoder.options.pace.rest(start.elapsed(), || self.shared.is_over());
        }
    }
}
