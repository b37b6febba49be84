//! Regions and descriptions for pictures that the index knows already, from runs that did not ask for them.

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

/// A known picture that lacks something.
#[derive(Clone)]
pub(super) struct Lacking {
    pub id: ImageId,
    /// A file that holds it.
    pub file: FileRecord,
    pub regions: bool,
    pub description: bool,
}

/// The same, ready for the encoder.
struct Waiting {
    lacking: Lacking,
    views: Views,
}

/// What became of the file of a picture.
enum Looked {
    Ready(Waiting),
    /// It gives nothing, as this event says.
    Told(FileEvent),
    /// The run is over.
    Over,
}

/// Makes what is wanted and lacking of all pictures under the roots. A file that is no longer what it was is left to the next
/// run, which sees a new picture.
pub(super) fn refill(
    index: &Index,
    encoder: &dyn Encode,
    options: &IngestOptions,
    profile: &DenseProfile,
    cancel: &AtomicBool,
    writer: &mut Writer<'_, '_>,
) -> Result<(), IndexError> {
    let lacking = lacking(index, encoder, options)?;
    let is_over = || cancel.load(Relaxed);
    let decoder = Decoder::new(encoder, options, profile, &is_over);
    let mut failures = 0;
    for batch in lacking.chunks(options.batch.max(1)) {
        if is_over() {
            break;
        }
        let made = make(index, &decoder, &Wanted::of(options, profile), batch, writer)?;
        writer.commit()?;
        failures = if made.done.is_empty() { failures + made.failed.len() } else { 0 };
        if failures >= MOST_FAILURES {
            let reason = format!("{failures} pictures in a row failed; the rest is left as it is");
            return Err(EncodeError::Backend { stage: "encoding known pictures again", reason }.into());
        }
    }
    Ok(())
}

/// What became of a batch of pictures. Those in neither list have a file that cannot be read.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// They have what they lacked.
    pub done: Vec<ImageId>,
    /// The model failed on them.
    pub failed: Vec<ImageId>,
}

/// Makes what a batch of pictures lacks. What goes wrong with a picture is told of as an event.
pub(super) fn make(
    index: &Index,
    decoder: &Decoder<'_>,
    wanted: &Wanted<'_>,
    batch: &[Lacking],
    writer: &mut Writer<'_, '_>,
) -> Result<Made, IndexError> {
    let looked: Vec<_> = batch.par_iter().map(|lacking| look(index, decoder, lacking)).collect();
    let mut waiting = Vec::with_capacity(batch.len());
    for looked in looked {
        match looked? {
            Looked::Ready(picture) => waiting.push(picture),
            Looked::Told(event) => writer.report.event(event),
            Looked::Over => {}
        }
    }
    let mut made = Made::default();
    write(index, decoder.encoder, wanted, waiting, writer, &mut made)?;
    Ok(made)
}

/// One present file of each picture that lacks something.
fn lacking(index: &Index, encoder: &dyn Encode, options: &IngestOptions) -> Result<Vec<Lacking>, IndexError> {
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
                all.push(Lacking { id, file, regions, description });
            }
        }
    }
    Ok(all)
}

fn look(index: &Index, decoder: &Decoder<'_>, lacking: &Lacking) -> Result<Looked, IndexError> {
    let path = &lacking.file.path;
    let known = index.image(lacking.id)?.map(|record| record.content);
    let views = decoder.read(path, lacking.file.bytes).and_then(|file| match Some(file.content) == known {
        true => Ok(decoder.decode(path, file, true)?.views),
        false => Err(Unread::Skipped("it has changed since it was indexed; index its folder again".to_owned())),
    });
    let told = |outcome: Outcome| Ok(Looked::Told(outcome.event(path.clone())));
    match views {
        Ok(views) => Ok(Looked::Ready(Waiting { lacking: lacking.clone(), views })),
        Err(Unread::Skipped(reason)) => told(Outcome::Skipped(reason)),
        Err(Unread::Failed(reason)) => told(Outcome::Failed(reason)),
        Err(Unread::Cancelled) => Ok(Looked::Over),
        Err(Unread::Stuck(files)) => Err(IndexError::Stuck { files, limit: decoder.options.picture_timeout }),
    }
}

/// Encodes a batch; if that fails, each of its pictures, to find the culprit.
fn write(
    index: &Index,
    encoder: &dyn Encode,
    wanted: &Wanted<'_>,
    mut waiting: Vec<Waiting>,
    writer: &mut Writer<'_, '_>,
    made: &mut Made,
) -> Result<(), IndexError> {
    let views: Vec<Views> = waiting.iter().map(|picture| picture.views.clone()).collect();
    let encoded = guarded(|| wanted.of_pictures(encoder, &views));
    match encoded.unwrap_or_else(|panic| Err(broken(panic))) {
        Ok(encoded) => {
            for (picture, encoded) in waiting.into_iter().zip(encoded) {
                match put(index, &picture.lacking, encoded) {
                    Ok(()) => {
                        made.done.push(picture.lacking.id);
                        writer.report.change(FileEvent::Indexed(picture.lacking.file.path));
                    }
                    Err(IndexError::NoSuchImage(_)) => {} // removed meanwhile
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        }
        Err(error) if waiting.len() <= 1 => {
            for picture in waiting {
                let reason = format!("the model failed on it: {error}");
                made.failed.push(picture.lacking.id);
                writer.report.event(FileEvent::Failed { path: picture.lacking.file.path, reason });
            }
            Ok(())
        }
        Err(_) => {
            while let Some(picture) = waiting.pop() {
                write(index, encoder, wanted, vec![picture], writer, made)?;
            }
            Ok(())
        }
    }
}

fn put(index: &Index, lacking: &Lacking, encoded: Encoded) -> Result<(), IndexError> {
    if let Some(regions) = encoded.regions.filter(|_| lacking.regions) {
        index.put_regions(lacking.id, &regions)?;
    }
    match encoded.described.filter(|_| lacking.description) {
        Some(text) => index.set_description(lacking.id, text),
        None => Ok(()),
    }
}
