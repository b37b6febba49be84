//! Regions and descriptions for pictures that the index knows already, from runs that did not ask for them.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use glimpse_encoder::dense::{DenseProfile, Views};
use glimpse_encoder::{Encode, picture};
use rayon::prelude::*;

use super::encode::{Encoded, Wanted};
use super::look::least_side;
use super::read::{Unread, read};
use super::write::Writer;
use super::{FileEvent, IngestOptions};
use crate::{ContentHash, FileRecord, ImageId, Index, IndexError};

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
    for batch in lacking.chunks(options.batch.max(1)) {
        if cancel.load(Relaxed) {
            break;
        }
        make(index, encoder, options, &Wanted::of(options, profile), batch, writer)?;
        writer.commit()?;
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
    encoder: &dyn Encode,
    options: &IngestOptions,
    wanted: &Wanted<'_>,
    batch: &[Lacking],
    writer: &mut Writer<'_, '_>,
) -> Result<Made, IndexError> {
    let looked: Vec<_> = batch.par_iter().map(|lacking| look(lacking, encoder, options, wanted.profile)).collect();
    let mut waiting = Vec::with_capacity(batch.len());
    for outcome in looked {
        match outcome {
            Ok(picture) => waiting.push(picture),
            Err(event) => writer.report.event(event),
        }
    }
    let mut made = Made::default();
    write(index, encoder, wanted, waiting, writer, &mut made)?;
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

fn look(
    lacking: &Lacking,
    encoder: &dyn Encode,
    options: &IngestOptions,
    profile: &DenseProfile,
) -> Result<Waiting, FileEvent> {
    let path = || lacking.file.path.clone();
    let (bytes, _) = read(&lacking.file.path, &options.limits).map_err(|unread| match unread {
        Unread::Skipped(reason) => FileEvent::Skipped { path: path(), reason },
        Unread::Failed(reason) => FileEvent::Failed { path: path(), reason },
    })?;
    let failed = |reason: String| FileEvent::Failed { path: path(), reason };
    let least = least_side(encoder, profile.config.detail);
    let picture = picture::decode_reduced(&bytes, &options.limits, least);
    let picture = picture.map_err(|error| failed(error.to_string()))?;
    let views = profile.views(encoder, &picture.pixels).map_err(|error| failed(error.to_string()))?;
    options.on_picture.call(&ContentHash::of(&bytes), &picture);
    Ok(Waiting { lacking: lacking.clone(), views })
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
    match wanted.of_pictures(encoder, &views) {
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
