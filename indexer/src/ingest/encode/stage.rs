//! The one thread that talks to the encoder, in batches.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use glimpse_encoder::dense::{DenseFeatures, DenseProfile, Views};
use glimpse_encoder::{Encode, EncodeError, Outputs, PixelInput as View};
use rayon::prelude::*;

use crate::ingest::event::FileEvent;
use crate::ingest::options::IngestOptions;
use crate::ingest::pipeline::claims::ContentClaims;
use crate::ingest::pipeline::guard::guarded;
use crate::ingest::pipeline::item::{
    EncodeInput, Encoded, Incomplete, Known, Message, NewImage, NotMade, Outcome, Subject, Wants,
};
use crate::ingest::pipeline::shared::Shared;
use crate::{Reason, ReasonCode};

/// A batch that is not full goes on its way after this long.
const PATIENCE: Duration = Duration::from_millis(100);
/// An encoder that fails this often in a row fails always.
const MOST_FAILURES: usize = 8;

/// The stage that encodes, one batch after the other.
pub(crate) struct Stage<'a> {
    pub model: Model<'a>,
    pub shared: &'a Shared<'a>,
    pub claims: &'a ContentClaims,
    pub write: Sender<Message>,
    /// Images in a row that failed on their own.
    failures: usize,
}

/// What is asked, and in which way.
#[derive(Clone, Copy)]
pub(crate) struct Model<'a> {
    pub encoder: &'a dyn Encode,
    pub profile: &'a DenseProfile,
    pub options: &'a IngestOptions,
}

impl<'a> Stage<'a> {
    pub fn new(model: Model<'a>, shared: &'a Shared<'a>, claims: &'a ContentClaims, write: Sender<Message>) -> Self {
        Self { model, shared, claims, write, failures: 0 }
    }

    /// Encodes all that comes, until there is no going on.
    pub fn run(mut self, images: &Receiver<EncodeInput>) {
        while let Ok(first) = images.recv() {
            let deadline = Instant::now() + PATIENCE;
            let mut batch = vec![first];
            while batch.len() < self.model.options.batch.max(1)
                && let Ok(next) = images.recv_deadline(deadline)
            {
                batch.push(next);
            }
            if self.shared.is_over() || !self.batch(batch) {
                return;
            }
        }
    }

    /// Encodes a batch; if that fails, each of its images, to find the culprit. `false` if there is
    /// no going on.
    fn batch(&mut self, batch: Vec<EncodeInput>) -> bool {
        match self.encoded(&batch) {
            Ok(encoded) => {
                self.failures = 0;
                let mut encoded = batch.into_iter().map(|prepared| prepared.image).zip(encoded);
                encoded.all(|both| self.write.send(Message::Encoded(Box::new(both))).is_ok())
            }
            Err(error) if batch.len() == 1 => batch.into_iter().all(|prepared| self.failed(prepared.image, &error)),
            Err(_) => batch.into_iter().all(|prepared| !self.shared.is_over() && self.batch(vec![prepared])),
        }
    }

    fn encoded(&self, batch: &[EncodeInput]) -> Result<Vec<Encoded>, EncodeError> {
        let start = Instant::now();
        let encoded = guarded(|| self.model.encode(batch));
        let took = start.elapsed();
        self.shared.encoding.fetch_add(took.as_nanos() as u64, Relaxed);
        self.model.options.pace.rest(took, || self.shared.is_over());
        encoded.unwrap_or_else(|panic| Err(broken(panic)))
    }

    fn failed(&mut self, image: Subject, error: &EncodeError) -> bool {
        let reason = Reason::new(ReasonCode::ModelFailed, format!("the model failed on it: {error}"));
        self.failures += 1;
        if self.failures >= MOST_FAILURES {
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

impl Model<'_> {
    /// The vectors of a batch, in order, and what else is wanted of each image.
    fn encode(&self, batch: &[EncodeInput]) -> Result<Vec<Encoded>, EncodeError> {
        if batch.iter().all(|prepared| prepared.wants == Wants::default()) {
            return self.vectors(batch);
        }
        let views: Vec<Views> = batch.iter().map(|prepared| prepared.views.clone()).collect();
        let features = self.profile.encode(self.encoder, &views)?;
        if features.len() != batch.len() {
            return Err(broken(format!("{} grids for {} images", features.len(), batch.len())));
        }
        let of_batch = || batch.iter().map(|prepared| prepared.wants).zip(&features);
        let cut: Vec<_> = of_batch().filter(|(wants, _)| wants.regions).map(|(_, features)| &features.grid).collect();
        let mut regions =
            if cut.is_empty() { Vec::new() } else { self.profile.segment(self.encoder, &cut)? }.into_iter();
        let told = of_batch().filter(|(wants, _)| wants.caption).map(|(_, features)| features);
        let mut captions = self.caption(&told.collect::<Vec<_>>())?.into_iter();
        let encoded = |(wants, features): (Wants, &DenseFeatures)| Encoded {
            embedding: features.embedding.clone(),
            regions: if wants.regions { regions.next() } else { None },
            model_caption: if wants.caption { captions.next().flatten() } else { None },
        };
        Ok(of_batch().map(encoded).collect())
    }

    /// The likeliest caption of each image, if the model can write them.
    fn caption(&self, images: &[&DenseFeatures]) -> Result<Vec<Option<String>>, EncodeError> {
        let Some(language) = self.options.captions.as_deref() else { return Ok(Vec::new()) };
        let Some(decoder) = self.encoder.decoder()? else { return Ok(Vec::new()) };
        let caption = |features: &&DenseFeatures| {
            Ok(decoder.caption(features.whole(), language, 1)?.pop().map(|said| said.value))
        };
        images.par_iter().map(caption).collect()
    }

    /// Vectors alone, of whole images.
    fn vectors(&self, batch: &[EncodeInput]) -> Result<Vec<Encoded>, EncodeError> {
        let whole: Vec<View> = batch.iter().map(|prepared| prepared.views.prepared()[0].clone()).collect();
        let features = self.encoder.encode_images(&whole, Outputs::Pooled)?;
        if features.len() != whole.len() {
            return Err(broken(format!("{} vectors for {} images", features.len(), whole.len())));
        }
        let encoded = |embedding| Encoded { embedding, regions: None, model_caption: None };
        Ok(features.into_iter().map(|features| encoded(features.embedding)).collect())
    }
}

fn broken(reason: String) -> EncodeError {
    EncodeError::Backend { stage: "image tower", reason }
}
