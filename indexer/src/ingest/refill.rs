//! Regions and descriptions for images that the index knows already, from runs that did not ask for them.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use glimpse_encoder::dense::{DenseProfile, Views};
use glimpse_encoder::{Encode, EncodeError};
use rayon::prelude::*;

use super::decode::Decoder;
use super::encode::{Encoded, MOST_FAILURES, Wanted, broken};
use super::pipeline::{Outcome, guarded};
use super::read::Unread;
use super::write::Writer;
use super::{FileEvent, IngestOptions};
use crate::{FileRecord, ImageId, Index, IndexError};

/// A known image that lacks something.
#[derive(Clone)]
pub(super) struct Incomplete {
    pub id: ImageId,
    /// A file that holds it.
    pub file: FileRecord,
    pub regions: bool,
    pub description: bool,
}

/// The same, ready for the encoder.
struct Waiting {
    incomplete: Incomplete,
    views: Views,
}

/// What became of the file of an image.
enum Redecoded {
    Ready(Waiting),
    /// It gives nothing, as this event says.
    Told(FileEvent),
    /// The run is over.
    Over,
}

/// Makes what is wanted and lacking of all images under the roots. A file that is no longer what it was is left to the next
/// run, which sees a new image.
pub(super) fn refill(
    index: &Index,
    encoder: &dyn Encode,
    options: &IngestOptions,
    profile: &DenseProfile,
    cancel: &AtomicBool,
    writer: &mut Writer<'_, '_>,
) -> Result<(), IndexError> {
    let incomplete = incomplete(index, encoder, options)?;
    let is_over = || cancel.load(Relaxed);
    let decoder = Decoder::new(encoder, options, profile, &is_over);
    let mut failures = 0;
    for batch in incomplete.chunks(options.batch.max(1)) {
        if is_over() {
            break;
        }
        let made = make(index, &decoder, &Wanted::of(options, profile), batch, writer)?;
        writer.commit()?;
        failures = if made.done.is_empty() { failures + made.failed.len() } else { 0 };
        if failures >= MOST_FAILURES {
            let reason = format!("{failures} images in a row failed; the rest is left as it is");
            return Err(EncodeError::Backend { stage: "encoding known images again", reason }.into());
        }
    }
    Ok(())
}

/// What became of a batch of images. Those in neither list have a file that cannot be read.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// They have what they lacked.
    pub done: Vec<ImageId>,
    /// The model failed on them.
    pub failed: Vec<ImageId>,
}

/// Makes what a batch of images lacks. What goes wrong with an image is told of as an event.
pub(super) fn make(
    index: &Index,
    decoder: &Decoder<'_>,
    wanted: &Wanted<'_>,
    batch: &[Incomplete],
    writer: &mut Writer<'_, '_>,
) -> Result<Made, IndexError> {
    let decoded: Vec<_> = batch.par_iter().map(|incomplete| decode(index, decoder, incomplete)).collect();
    let mut waiting = Vec::with_capacity(batch.len());
    for decoded in decoded {
        match decoded? {
            Redecoded::Ready(image) => waiting.push(image),
            Redecoded::Told(event) => writer.report.event(event),
            Redecoded::Over => {}
        }
    }
    let mut made = Made::default();
    write(index, decoder.encoder, wanted, waiting, writer, &mut made)?;
    Ok(made)
}

/// One present file of each image that lacks something.
fn incomplete(index: &Index, encoder: &dyn Encode, options: &IngestOptions) -> Result<Vec<Incomplete>, IndexError> {
    let can_describe = options.captions.is_some() && encoder.decoder()?.is_some();
    let (mut seen, mut all) = (HashSet::new(), Vec::new());
    for root in &options.roots {
        for file in index.files_under(root)? {
            let id = file.image;
            if file.missing || !seen.insert(id) {
                continue;
            }
            let regions = options.regions.refill && !index.has_regions(id)?;
            let description = can_describe && index.image(id)?.is_some_and(|record| record.described.is_none());
            if regions || description {
                all.push(Incomplete { id, file, regions, description });
            }
        }
    }
    Ok(all)
}

fn decode(index: &Index, decoder: &Decoder<'_>, incomplete: &Incomplete) -> Result<Redecoded, IndexError> {
    let path = &incomplete.file.path;
    let known = index.image(incomplete.id)?.map(|record| record.content);
    let views = decoder.read(path, incomplete.file.bytes).and_then(|file| match Some(file.content) == known {
        true => Ok(decoder.decode(path, file, true)?.views),
        false => Err(Unread::Skipped("it has changed since it was indexed; index its folder again".to_owned())),
    });
    let told = |outcome: Outcome| Ok(Redecoded::Told(outcome.event(path.clone())));
    match views {
        Ok(views) => Ok(Redecoded::Ready(Waiting { incomplete: incomplete.clone(), views })),
        Err(Unread::Skipped(reason)) => told(Outcome::Skipped(reason)),
        Err(Unread::Failed(reason)) => told(Outcome::Failed(reason)),
        Err(Unread::Cancelled) => Ok(Redecoded::Over),
        Err(Unread::Stuck(files)) => Err(IndexError::Stuck { files, limit: decoder.options.image_timeout }),
    }
}

/// Encodes a batch; if that fails, each of its images, to find the culprit.
fn write(
    index: &Index,
    encoder: &dyn Encode,
    wanted: &Wanted<'_>,
    mut waiting: Vec<Waiting>,
    writer: &mut Writer<'_, '_>,
    made: &mut Made,
) -> Result<(), IndexError> {
    let views: Vec<Views> = waiting.iter().map(|image| image.views.clone()).collect();
    let encoded = guarded(|| wanted.of_images(encoder, &views));
    match encoded.unwrap_or_else(|panic| Err(broken(panic))) {
        Ok(encoded) => {
            for (image, encoded) in waiting.into_iter().zip(encoded) {
                match put(index, &image.incomplete, encoded) {
                    Ok(()) => {
                        made.done.push(image.incomplete.id);
                        writer.report.change(FileEvent::Indexed(image.incomplete.file.path));
                    }
                    Err(IndexError::NoSuchImage(_)) => {} // removed meanwhile
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        }
        Err(error) if waiting.len() <= 1 => {
            for image in waiting {
                let reason = format!("the model failed on it: {error}");
                made.failed.push(image.incomplete.id);
                writer.report.event(FileEvent::Failed { path: image.incomplete.file.path, reason });
            }
            Ok(())
        }
        Err(_) => {
            while let Some(image) = waiting.pop() {
                write(index, encoder, wanted, vec![image], writer, made)?;
            }
            Ok(())
        }
    }
}

fn put(index: &Index, incomplete: &Incomplete, encoded: Encoded) -> Result<(), IndexError> {
    if let Some(regions) = encoded.regions.filter(|_| incomplete.regions) {
        index.put_regions(incomplete.id, &regions)?;
    }
    match encoded.described.filter(|_| incomplete.description) {
        Some(text) => index.set_description(incomplete.id, text),
        None => Ok(()),
    }
}
