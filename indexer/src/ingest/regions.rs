//! Regions for pictures that the index knows already: from before it kept regions, or made in another way.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use glimpse_encoder::dense::{DenseProfile, Views};
use glimpse_encoder::{Encode, picture};
use rayon::prelude::*;

use super::read::{Unread, read};
use super::write::Writer;
use super::{FileEvent, IngestOptions};
use crate::{ContentHash, FileRecord, ImageId, Index, IndexError};

/// What becomes of regions in a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionOptions {
    /// New pictures get regions.
    pub make: bool,
    /// Known pictures without regions get them too; their files are read and encoded again.
    pub refill: bool,
    /// How regions are made.
    pub profile: DenseProfile,
}

impl Default for RegionOptions {
    fn default() -> Self {
        Self { make: true, refill: false, profile: DenseProfile::default() }
    }
}

/// A known picture, ready for the encoder.
struct Waiting {
    id: ImageId,
    file: FileRecord,
    views: Views,
}

/// Makes regions of all pictures under the roots that have none. A file that is no longer what it was is left to the next
/// run, which sees a new picture.
pub(super) fn refill(
    index: &Index,
    encoder: &dyn Encode,
    options: &IngestOptions,
    cancel: &AtomicBool,
    writer: &mut Writer<'_, '_>,
) -> Result<(), IndexError> {
    let files = without_regions(index, options)?;
    for batch in files.chunks(options.batch.max(1)) {
        if cancel.load(Relaxed) {
            break;
        }
        let looked: Vec<_> = batch.par_iter().map(|(id, file)| look(*id, file, encoder, options)).collect();
        let mut waiting = Vec::with_capacity(batch.len());
        for outcome in looked {
            match outcome {
                Ok(picture) => waiting.push(picture),
                Err(event) => writer.report.event(event),
            }
        }
        write(index, encoder, &options.regions.profile, waiting, writer)?;
        writer.commit()?;
    }
    Ok(())
}

/// One present file of each picture that has no regions.
fn without_regions(index: &Index, options: &IngestOptions) -> Result<Vec<(ImageId, FileRecord)>, IndexError> {
    let (mut seen, mut files) = (HashSet::new(), Vec::new());
    for root in &options.roots {
        for file in index.files_under(root)? {
            if !file.missing && seen.insert(file.image) && !index.has_regions(file.image)? {
                files.push((file.image, file));
            }
        }
    }
    Ok(files)
}

fn look(id: ImageId, file: &FileRecord, encoder: &dyn Encode, options: &IngestOptions) -> Result<Waiting, FileEvent> {
    let path = || file.path.clone();
    let (bytes, _) = read(&file.path, &options.limits).map_err(|unread| match unread {
        Unread::Skipped(reason) => FileEvent::Skipped { path: path(), reason },
        Unread::Failed(reason) => FileEvent::Failed { path: path(), reason },
    })?;
    let failed = |reason: String| FileEvent::Failed { path: path(), reason };
    let picture = picture::decode(&bytes, &options.limits).map_err(|error| failed(error.to_string()))?;
    let views = options.regions.profile.views(encoder, &picture.pixels).map_err(|error| failed(error.to_string()))?;
    options.on_picture.call(&ContentHash::of(&bytes), &picture.pixels);
    Ok(Waiting { id, file: file.clone(), views })
}

/// Encodes a batch; if that fails, each of its pictures, to find the culprit.
fn write(
    index: &Index,
    encoder: &dyn Encode,
    profile: &DenseProfile,
    mut waiting: Vec<Waiting>,
    writer: &mut Writer<'_, '_>,
) -> Result<(), IndexError> {
    let views: Vec<Views> = waiting.iter().map(|picture| picture.views.clone()).collect();
    match super::encode::with_regions(encoder, profile, &views) {
        Ok(encoded) => {
            for (picture, (_, regions)) in waiting.into_iter().zip(encoded) {
                match index.put_regions(picture.id, &regions) {
                    Ok(()) => writer.report.change(FileEvent::Indexed(picture.file.path)),
                    Err(IndexError::NoSuchImage(_)) => {} // removed meanwhile
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        }
        Err(error) if waiting.len() <= 1 => {
            for picture in waiting {
                let reason = format!("the model failed on it: {error}");
                writer.report.event(FileEvent::Failed { path: picture.file.path, reason });
            }
            Ok(())
        }
        Err(_) => {
            while let Some(picture) = waiting.pop() {
                write(index, encoder, profile, vec![picture], writer)?;
            }
            Ok(())
        }
    }
}
