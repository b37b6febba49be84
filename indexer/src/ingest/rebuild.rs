//! New regions for all images of an index, in order of their numbers, so that a run that is stopped can be gone on with.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use glimpse_encoder::dense::DenseProfile;
use glimpse_encoder::{Encode, EncodeError};

use super::decode::Decoder;
use super::encode::{MOST_FAILURES, Wanted};
use super::refill::{Incomplete, make};
use super::write::Writer;
use super::{FileEvent, IngestOptions};
use crate::library::RegionRebuild;
use crate::{ImageId, Index, IndexError};

/// Goes on with a rebuild, if there is one. Images that came since it began have new regions, or none.
pub(super) fn rebuild(
    index: &Index,
    encoder: &dyn Encode,
    options: &IngestOptions,
    profile: &DenseProfile,
    cancel: &AtomicBool,
    writer: &mut Writer<'_, '_>,
) -> Result<(), IndexError> {
    let Some(RegionRebuild { mut next, end }) = index.rebuild_left() else { return Ok(()) };
    let is_over = || cancel.load(Relaxed);
    let decoder = Decoder::new(encoder, options, profile, &is_over);
    let wanted = Wanted { profile, regions: true, captions: None };
    // Images without new regions since the last that got some: whether it is them or the model is not known yet.
    let (mut unmade, mut failures) = (Vec::new(), 0);
    while !is_over() {
        let ids: Vec<ImageId> = (next.0..index.end().0).map(ImageId).take(options.batch.max(1)).collect();
        let Some(last) = ids.last() else {
            drop_regions(index, &mut unmade)?;
            return index.note_rebuild(None);
        };
        next = ImageId(last.0 + 1);
        let mut stale = Vec::with_capacity(ids.len());
        for id in ids {
            if index.image(id).is_ok_and(|record| record.is_some()) && (id < end || !index.has_regions(id)?) {
                stale.push(id);
            }
        }
        let incomplete = readable(index, &stale, writer)?;
        let made = make(index, &decoder, &wanted, &incomplete, writer)?;
        if is_over() {
            return writer.commit(); // not all of them were looked at
        }
        failures = if made.done.is_empty() { failures + made.failed.len() } else { 0 };
        if failures >= MOST_FAILURES {
            let reason = format!("{failures} images in a row failed; their regions are kept until this works again");
            return Err(EncodeError::Backend { stage: "making regions anew", reason }.into());
        }
        let done: HashSet<ImageId> = made.done.into_iter().collect();
        unmade.extend(stale.into_iter().filter(|id| !done.contains(id)));
        if failures == 0 {
            drop_regions(index, &mut unmade)?;
            index.note_rebuild(Some(RegionRebuild { next, end }))?;
        }
        writer.commit()?;
    }
    Ok(())
}

/// Regions that could not be made anew must not be compared with those that were.
fn drop_regions(index: &Index, of: &mut Vec<ImageId>) -> Result<(), IndexError> {
    of.drain(..).try_for_each(|id| index.remove_regions(id))
}

/// A file that is there for each image, as far as there is one.
fn readable(index: &Index, stale: &[ImageId], writer: &mut Writer<'_, '_>) -> Result<Vec<Incomplete>, IndexError> {
    let mut incomplete = Vec::with_capacity(stale.len());
    for &id in stale {
        let files = index.files_of(id)?;
        match files.iter().find(|file| !file.missing && file.path.exists()).or(files.first()) {
            Some(file) if !file.missing => {
                incomplete.push(Incomplete { id, file: file.clone(), regions: true, description: false });
            }
            Some(file) => {
                let reason = "it is missing, so its regions cannot be made anew and are dropped".to_owned();
                writer.report.event(FileEvent::Skipped { path: file.path.clone(), reason });
            }
            None => {}
        }
    }
    Ok(incomplete)
}
