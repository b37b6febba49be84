//! Who encodes: this machine, or a worker. A thread for each talks to it, in batches from a common
//! queue.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use glimpse_encoder::EncodeError;

use super::batches::{Batch, Batches};
use super::model::{Ask, Model, broken};
use super::workers::Worker;
use super::workers::client::{Away, Failure};
use crate::ingest::event::FileEvent;
use crate::ingest::options::IngestOptions;
use crate::ingest::pipeline::claims::ContentClaims;
use crate::ingest::pipeline::guard::guarded;
use crate::ingest::pipeline::item::{
    EncodeInput, Encoded, Incomplete, Known, Message, NewImage, NotMade, Outcome, Subject,
};
use crate::ingest::pipeline::shared::Shared;
use crate::{Reason, ReasonCode};

/// An encoder that fails this often in a row fails always.
const MOST_FAILURES: usize = 8;
/// An image that so many workers went away with is what ends them.
const MOST_LOST: usize = 5;
/// How long a worker that does not answer is left alone, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How often who waits looks whether the run is over.
const LOOK: Duration = Duration::from_millis(50);

/// One who encodes, one batch after the other.
pub(crate) struct Stage<'a> {
    pub by: By<'a>,
    pub model: Model<'a>,
    pub options: &'a IngestOptions,
    pub shared: &'a Shared<'a>,
    pub claims: &'a ContentClaims,
    pub write: Sender<Message>,
    /// Who of all can take batches now.
    pub ready: &'a AtomicUsize,
}

/// Ways to one worker: while one batch is encoded, the next is on its way.
pub(crate) const LANES: usize = 2;

/// A worker, to which all of its lanes go.
pub(crate) struct Lane<'a> {
    worker: &'a Worker,
    /// Somebody was told that it went away.
    told: AtomicBool,
}

impl<'a> Lane<'a> {
    pub fn new(worker: &'a Worker) -> Self {
        Self { worker, told: AtomicBool::new(false) }
    }
}

/// Who encodes.
#[derive(Clone, Copy)]
pub(crate) enum By<'a> {
    /// This machine.
    Here,
    /// Another.
    Worker(&'a Lane<'a>),
}

/// What became of a batch.
enum Done {
    /// Its images were sent on, or said to have failed.
    Yes,
    /// The run cannot go on.
    Stop,
    /// The worker went away, and these are left.
    Left(Vec<EncodeInput>, String),
}

/// What is remembered from one batch to the next.
#[derive(Default)]
struct Record {
    /// Images in a row that failed on their own.
    failures: usize,
}

impl Stage<'_> {
    /// Encodes what comes, until there is no more, or no going on.
    pub fn run(self, batches: &Batches) {
        let mut record = Record::default();
        while self.is_there(batches) {
            self.ready.fetch_add(1, SeqCst);
            let lost = self.work(batches, &mut record);
            self.ready.fetch_sub(1, SeqCst);
            let (By::Worker(Lane { worker, told }), Some(reason)) = (self.by, lost) else { return };
            let text = format!("{worker} went away, others go on with what it had: {reason}");
            if !told.swap(true, SeqCst) && self.write.send(Message::Note(text)).is_err() {
                return;
            }
        }
    }

    /// Takes batches until there is no more; gives the reason if the worker goes away before.
    fn work(&self, batches: &Batches, record: &mut Record) -> Option<String> {
        while let Some(Batch { images, place }) = batches.next(self.options.batch, || self.shared.is_over()) {
            match self.batch(images, record) {
                Done::Yes => {}
                Done::Stop => return None,
                Done::Left(images, reason) => {
                    batches.give_back(images);
                    return Some(reason);
                }
            }
            drop(place); // not before what is left was given back
        }
        None
    }

    /// Waits until a worker answers; `false` once nothing is left to do, or none answers for too
    /// long.
    fn is_there(&self, batches: &Batches) -> bool {
        let By::Worker(Lane { worker, told }) = self.by else { return true };
        let (start, mut pause) = (Instant::now(), FIRST_PAUSE);
        loop {
            if self.shared.is_over() || batches.is_done() {
                return false;
            }
            let reason = match worker.greet(self.model.encoder.info()) {
                Ok(()) => {
                    return !told.swap(false, SeqCst)
                        || self.write.send(Message::Note(format!("{worker} is back"))).is_ok();
                }
                Err(Away::Silent(reason) | Away::Refused(reason)) => reason,
            };
            let patience = self.options.workers.patience;
            if self.ready.load(SeqCst) == 0 && start.elapsed() > patience {
                let reason = format!(
                    "{reason}; no worker has answered for {} s. What was indexed is kept: start one, and index again",
                    patience.as_secs()
                );
                let _ = self.write.send(Message::Fatal(worker.error(reason)));
                return false;
            }
            let next = Instant::now() + pause;
            pause = LONGEST_PAUSE.min(2 * pause);
            while Instant::now() < next {
                if self.shared.is_over() || batches.is_done() {
                    return false;
                }
                std::thread::sleep(LOOK);
            }
        }
    }

    /// Encodes a batch; if that fails, each of its images, to find the culprit.
    fn batch(&self, batch: Vec<EncodeInput>, record: &mut Record) -> Done {
        match self.encoded(&batch) {
            Ok(encoded) => {
                record.failures = 0;
                let mut encoded = batch.into_iter().map(|input| input.image).zip(encoded);
                match encoded.all(|both| self.write.send(Message::Encoded(Box::new(both))).is_ok()) {
                    true => Done::Yes,
                    false => Done::Stop,
                }
            }
            Err(Failure::Away(Away::Silent(reason) | Away::Refused(reason))) => self.lost(batch, reason, record),
            Err(Failure::Model(error)) if batch.len() == 1 => self.all_failed(batch, &error, record),
            Err(Failure::Model(_)) => self.one_by_one(batch, record),
        }
    }

    fn one_by_one(&self, batch: Vec<EncodeInput>, record: &mut Record) -> Done {
        let mut batch = batch.into_iter();
        while let Some(image) = batch.next() {
            if self.shared.is_over() {
                return Done::Stop;
            }
            match self.batch(vec![image], record) {
                Done::Yes => {}
                Done::Stop => return Done::Stop,
                Done::Left(mut images, reason) => {
                    images.extend(batch);
                    return Done::Left(images, reason);
                }
            }
        }
        Done::Yes
    }

    /// The worker went away with a batch. An image that it went away with alone, as others before,
    /// has failed.
    fn lost(&self, mut batch: Vec<EncodeInput>, reason: String, record: &mut Record) -> Done {
        batch.iter_mut().for_each(|image| image.lost += 1);
        if batch.len() > 1 || batch.iter().all(|image| image.lost < MOST_LOST) {
            return Done::Left(batch, reason);
        }
        let text = format!("{MOST_LOST} workers went away while they encoded it, at last: {reason}");
        match self.all_failed(batch, &EncodeError::Backend { stage: "worker", reason: text }, record) {
            Done::Yes => Done::Left(Vec::new(), reason),
            done => done,
        }
    }

    fn encoded(&self, batch: &[EncodeInput]) -> Result<Vec<Encoded>, Failure> {
        let start = Instant::now();
        let ask: Vec<Ask<'_>> = batch.iter().map(|input| Ask { wants: input.wants, views: &input.views }).collect();
        let encoded = guarded(|| match self.by {
            By::Here => self.model.encode(&ask).map_err(Failure::Model),
            By::Worker(lane) => {
                self.model.encoder.wait_for_turn();
                lane.worker.encode(&self.model, &ask)
            }
        });
        let took = start.elapsed();
        self.shared.encoding.fetch_add(took.as_nanos() as u64, Relaxed);
        if matches!(self.by, By::Here) {
            self.options.pace.rest(took, || self.shared.is_over());
        }
        encoded.unwrap_or_else(|panic| Err(Failure::Model(broken(panic))))
    }

    fn all_failed(&self, batch: Vec<EncodeInput>, error: &EncodeError, record: &mut Record) -> Done {
        match batch.into_iter().all(|input| self.failed(input.image, error, record)) {
            true => Done::Yes,
            false => Done::Stop,
        }
    }

    /// Tells that an image failed; `false` if there is no going on.
    fn failed(&self, image: Subject, error: &EncodeError, record: &mut Record) -> bool {
        let reason = Reason::new(ReasonCode::ModelFailed, format!("the model failed on it: {error}"));
        record.failures += 1;
        if record.failures >= MOST_FAILURES {
            let path = image.path().display();
            let reason = format!(
                "{MOST_FAILURES} images in a row failed, at last {path}: {error}. Images of the index and their \
                 regions are kept as they are"
            );
            let fatal = EncodeError::Backend { stage: "encoding images", reason };
            let _ = self.write.send(Message::Fatal(fatal.into()));
            return false;
        }
        match image {
            Subject::New(image) => {
                let NewImage { file, .. } = *image;
                let outcome = Outcome::Failed(reason);
                let waited = self.claims.end_claim(&file.content);
                std::iter::once(file).chain(waited).all(|Known { path, companions, .. }| {
                    self.write.send(Message::Rejected { path, outcome: outcome.clone(), companions }).is_ok()
                })
            }
            Subject::Frame(frame) => self.write.send(Message::FrameLost { video: frame.video }).is_ok(),
            Subject::Known(Incomplete { id, file, .. }) => {
                let event = Some(FileEvent::Failed { path: file.path, reason });
                self.write.send(Message::NotMade(NotMade { id, event, model_failed: true })).is_ok()
            }
        }
    }
}
