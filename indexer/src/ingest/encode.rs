//! The one thread that talks to the encoder, in batches.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use glimpse_encoder::dense::{DenseFeatures, DenseProfile, Regions, Views};
use glimpse_encoder::{DenseGrid, Embedding, Encode, EncodeError, Outputs, PixelInput};
use rayon::prelude::*;

use super::IngestOptions;
use super::contents::Contents;
use super::decode_stage::{Fresh, NewImage};
use super::pipeline::{Message, Outcome, Shared, guarded};

/// A batch that is not full goes on its way after this long.
const PATIENCE: Duration = Duration::from_millis(100);
/// An encoder that fails this often in a row fails always.
pub(super) const MOST_FAILURES: usize = 8;

/// What is asked of the model for each image beside its vector.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub profile: &'a DenseProfile,
    pub regions: bool,
    /// The language of descriptions, if any are wanted.
    pub captions: Option<&'a str>,
}

/// What the model says of an image.
#[derive(Debug)]
pub(super) struct Encoded {
    pub embedding: Embedding,
    pub regions: Option<Regions>,
    pub described: Option<String>,
}

pub(super) fn encode(
    encoder: &dyn Encode,
    options: &IngestOptions,
    shared: &Shared<'_>,
    profile: &DenseProfile,
    contents: &Contents,
    fresh: &Receiver<Fresh>,
    write: &Sender<Message>,
) {
    let wanted = Wanted::of(options, profile);
    let mut stage = Stage { encoder, wanted, shared, contents, write, failures: 0 };
    while let Ok(first) = fresh.recv() {
        let deadline = Instant::now() + PATIENCE;
        let mut full = vec![first];
        while full.len() < options.batch.max(1)
            && let Ok(next) = fresh.recv_deadline(deadline)
        {
            full.push(next);
        }
        let (images, views): (Vec<_>, Vec<_>) = full.into_iter().map(|it| (it.image, it.views)).unzip();
        if shared.is_over() || !stage.batch(images, &views) {
            return;
        }
    }
}

struct Stage<'a> {
    encoder: &'a dyn Encode,
    wanted: Wanted<'a>,
    shared: &'a Shared<'a>,
    contents: &'a Contents,
    write: &'a Sender<Message>,
    /// Images in a row that failed on their own.
    failures: usize,
}

impl Stage<'_> {
    /// Encodes a batch; if that fails, each of its images, to find the culprit. `false` if there is no going on.
    fn batch(&mut self, images: Vec<NewImage>, views: &[Views]) -> bool {
        match self.encoded(views) {
            Ok(encoded) => {
                self.failures = 0;
                let mut encoded = images.into_iter().zip(encoded);
                encoded.all(|both| self.write.send(Message::Encoded(Box::new(both))).is_ok())
            }
            Err(error) if views.len() == 1 => images.into_iter().all(|image| self.failed(image, &error)),
            Err(_) => {
                let mut single = images.into_iter().zip(views.chunks(1));
                single.all(|(image, views)| !self.shared.is_over() && self.batch(vec![image], views))
            }
        }
    }

    fn encoded(&self, views: &[Views]) -> Result<Vec<Encoded>, EncodeError> {
        let start = Instant::now();
        let encoded = guarded(|| self.wanted.of_images(self.encoder, views));
        self.shared.encoding.fetch_add(start.elapsed().as_nanos() as u64, Relaxed);
        encoded.unwrap_or_else(|panic| Err(broken(panic)))
    }

    fn failed(&mut self, image: NewImage, error: &EncodeError) -> bool {
        self.failures += 1;
        if self.failures >= MOST_FAILURES {
            let reason =
                format!("{MOST_FAILURES} images in a row failed, at last {}: {error}", image.file.path.display());
            let fatal = EncodeError::Backend { stage: "encoding images", reason };
            let _ = self.write.send(Message::Fatal(fatal.into()));
            return false;
        }
        let outcome = Outcome::Failed(format!("the model failed on it: {error}"));
        let waited = self.contents.end_claim(&image.file.content).into_iter().map(|file| file.path);
        let mut paths = std::iter::once(image.file.path).chain(waited);
        paths.all(|path| self.write.send(Message::Rejected { path, outcome: outcome.clone() }).is_ok())
    }
}

impl<'a> Wanted<'a> {
    pub fn of(options: &'a IngestOptions, profile: &'a DenseProfile) -> Self {
        Self { profile, regions: options.regions.make, captions: options.captions.as_deref() }
    }

    /// All that is wanted of a batch, in order.
    pub fn of_images(&self, encoder: &dyn Encode, views: &[Views]) -> Result<Vec<Encoded>, EncodeError> {
        if !self.regions && self.captions.is_none() {
            return vectors(encoder, views);
        }
        let features = self.profile.encode(encoder, views)?;
        if features.len() != views.len() {
            return Err(broken(format!("{} grids for {} images", features.len(), views.len())));
        }
        let grids: Vec<_> = features.iter().map(|features| &features.grid).collect();
        let mut regions = if self.regions { self.profile.segment(encoder, &grids)? } else { Vec::new() }.into_iter();
        let whole: Vec<_> = features.iter().map(DenseFeatures::whole).collect();
        let mut described = self.describe(encoder, &whole)?.into_iter();
        let encoded = |embedding| Encoded { embedding, regions: regions.next(), described: described.next().flatten() };
        Ok(features.iter().map(|features| features.embedding.clone()).map(encoded).collect())
    }

    /// The likeliest caption of each image, if captions are wanted and the model can write them.
    fn describe(&self, encoder: &dyn Encode, grids: &[&DenseGrid]) -> Result<Vec<Option<String>>, EncodeError> {
        let Some(language) = self.captions else { return Ok(Vec::new()) };
        let Some(decoder) = encoder.decoder()? else { return Ok(Vec::new()) };
        let caption = |grid: &&DenseGrid| Ok(decoder.caption(grid, language, 1)?.pop().map(|said| said.value));
        grids.par_iter().map(caption).collect()
    }
}

/// Vectors alone, of whole images.
fn vectors(encoder: &dyn Encode, views: &[Views]) -> Result<Vec<Encoded>, EncodeError> {
    let whole: Vec<PixelInput> = views.iter().map(|views| views.prepared()[0].clone()).collect();
    let features = encoder.encode_images(&whole, Outputs::Pooled)?;
    if features.len() != whole.len() {
        return Err(broken(format!("{} vectors for {} images", features.len(), whole.len())));
    }
    let encoded = |embedding| Encoded { embedding, regions: None, described: None };
    Ok(features.into_iter().map(|features| encoded(features.embedding)).collect())
}

pub(super) fn broken(reason: String) -> EncodeError {
    EncodeError::Backend { stage: "image tower", reason }
}
