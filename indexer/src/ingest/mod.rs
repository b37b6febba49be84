//! From folders to an index: find, decode, encode, write, in bounded stages that overlap.
//!
//! | folder | |
//! |---|---|
//! | [`find`] | the work of a run: files below the roots, and images of the index that lack something |
//! | [`decode`] | files to pixels; what is known by its size and times ends here |
//! | [`metadata`] | facts in files and beside them |
//! | [`encode`] | pixels to vectors, regions and captions |
//! | [`write`] | files become records (`write/stage.rs`), and what is gone is marked or forgotten |
//! | [`pipeline`] | the stages side by side, and what goes between them |
//! | [`drives`] | questions to drives that hang, or are away |

mod decode;
mod drives;
mod encode;
mod event;
mod find;
mod metadata;
mod options;
mod pace;
mod pipeline;
mod write;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use glimpse_encoder::{Checked, Encode};

use self::decode::decoder::Decoder;
pub use self::decode::hook::ImageHook;
pub use self::decode::image_decoder::ImageDecoder;
use self::drives::calls::Drives;
pub use self::drives::devices::Devices;
use self::encode::regions::resolve_profile;
pub use self::encode::regions::{RegionChoice, RegionOptions};
pub use self::encode::workers::{Worker, WorkerFault, WorkerInfo, Workers, answer, answer_texts};
pub use self::event::{FileEvent, Observer, Summary};
use self::find::rebuild::{self, Progress};
pub(crate) use self::find::relevance::{is_left_alone, reach_of_change};
use self::find::roots::{self, Roots};
pub use self::find::scope::{Reach, Scope};
pub use self::find::settling::Settling;
use self::find::source;
use self::find::walk::Found;
pub(crate) use self::metadata::{Beside, SidecarNames};
pub use self::options::IngestOptions;
pub use self::pace::Pace;
use self::pipeline::claims::ContentClaims;
use self::pipeline::shared::Shared;
use self::pipeline::stages::Stages;
pub use self::write::losses::{Losses, losses};
use self::write::reconcile::reconcile;
use self::write::report::Report;
use self::write::stage::Writer;
use crate::{Index, IndexError};

/// Brings `index` up to date with the roots. Stops soon after `cancel` is set, with everything done
/// so far kept.
///
/// # Errors
/// If the index or the encoder fails, [`IndexError::OtherRegions`], or a root is neither there nor
/// known; a bad image is an event, not an error.
pub fn ingest(
    index: &Index,
    encoder: &dyn Encode,
    options: &IngestOptions,
    cancel: &AtomicBool,
    observer: &mut dyn Observer,
) -> Result<Summary, IndexError> {
    let start = Instant::now();
    let encoder: &dyn Encode = &Checked(encoder);
    let drives = Drives::new(index.manifest().roots, cancel);
    let Roots { present, gone } = Roots::resolve(&options.roots, Some(index), &drives)?;
    let pairs = if options.dry_run {
        options.pairs.unwrap_or(index.manifest().pairs)
    } else {
        index.choose_pairs(options.pairs)?
    };
    let threads = options.pace.threads(options.threads);
    let options = IngestOptions { roots: present, pairs: Some(pairs), threads, ..options.clone() };
    if options.dry_run {
        return rehearse(index, &options, &gone, (&drives, cancel), observer);
    }
    let is_whole = options.scope.is_none();
    let is_folder = |root: &&PathBuf| drives.ask(root, Path::is_dir).unwrap_or(false);
    for folder in options.roots.iter().filter(|_| is_whole).filter(is_folder) {
        index.add_root(folder.clone())?;
    }
    options.workers.check(encoder.info())?.iter().for_each(|note| observer.note(note));
    let profile = resolve_profile(index, encoder, &options.regions, options.captions.is_some())?;
    let (claims, shared) = (ContentClaims::default(), Shared::new(cancel));
    let is_over = || shared.is_over();
    let decoder = Decoder::new(encoder, &options, &profile, &is_over);
    let stages = Stages { index, decoder: &decoder, claims: &claims, shared: &shared, drives: &drives };
    let mut writer = Writer::new(index, &claims, &drives, Report::new(observer));
    let walked = stages.run(&mut writer, |outlet| source::files(&options, outlet))?;
    if walked.complete {
        while let Some(files) = writer.take_left_alone() {
            stages.run(&mut writer, |outlet| {
                source::on_their_own(files, outlet);
                Ok(())
            })?;
        }
        reconcile(index, &options, &walked, &gone, cancel, &mut writer)?;
        writer.mark_gone()?;
        if is_whole {
            roots::drop_empty(index, &drives)?;
            go_on_with_rebuild(&stages, &mut writer)?;
        }
        look_through_old_stills(&stages, &mut writer)?;
        let videos = index.incomplete_videos();
        if !videos.is_empty() {
            stages.run(&mut writer, |outlet| source::videos(index, &videos, outlet))?;
        }
        if is_whole && (options.regions.refill || options.captions.is_some()) {
            stages.run(&mut writer, |outlet| source::incomplete(index, encoder, &options, outlet))?;
        }
        index.finish_with(&mut |done, all| {
            writer.report.linked(done, all);
            if cancel.load(Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        index.faults().iter().for_each(|fault| writer.report.note(fault));
    }
    let [encoding, decoding] =
        [&shared.encoding, &decoder.decoding].map(|time| Duration::from_nanos(time.load(Relaxed)));
    let elapsed = start.elapsed();
    let share = |time: Duration| (time.as_secs_f32() / elapsed.as_secs_f32().max(f32::MIN_POSITIVE)).min(1.0);
    Ok(Summary {
        cancelled: cancel.load(Relaxed),
        elapsed,
        encoder_busy: share(encoding),
        decoders_busy: share(decoding / options.threads.max(1) as u32),
        ..writer.report.summary
    })
}

/// Programs of before kept one frame of a GIF or WebP that moves: each is looked through once.
fn look_through_old_stills(stages: &Stages<'_>, writer: &mut Writer<'_, '_>) -> Result<(), IndexError> {
    let (index, mut left) = (stages.index, stages.index.may_move());
    if !left.is_empty() {
        stages.run(writer, |outlet| source::videos(index, &left, outlet))?;
    }
    left.retain(|id| !writer.looked_through.contains(id) && matches!(index.image(*id), Ok(Some(_))));
    index.note_may_move(left)
}

/// New regions for all images that a rebuild has not come to, if there is one.
fn go_on_with_rebuild(stages: &Stages<'_>, writer: &mut Writer<'_, '_>) -> Result<(), IndexError> {
    let Some(progress) = Progress::of(stages.index).map(Arc::new) else { return Ok(()) };
    writer.rebuild = Some(Arc::clone(&progress));
    let done = stages.run(writer, |outlet| rebuild::images(stages.index, &progress, outlet));
    writer.rebuild = None;
    done?;
    progress.finish(stages.index)
}

/// A walk and what would follow from it for files that are not found.
fn rehearse(
    index: &Index,
    options: &IngestOptions,
    gone: &[PathBuf],
    (drives, cancel): (&Drives<'_>, &AtomicBool),
    observer: &mut dyn Observer,
) -> Result<Summary, IndexError> {
    let start = Instant::now();
    let claims = ContentClaims::default();
    let mut writer = Writer::new(index, &claims, drives, Report::new(observer));
    let failed = |found| {
        if let Found::Failed(path, reason) = found {
            writer.report.event(FileEvent::Failed { path, reason });
        }
        !cancel.load(Relaxed)
    };
    let walked = source::walk(options, false, || cancel.load(Relaxed), failed)?;
    if walked.complete {
        reconcile(index, options, &walked, gone, cancel, &mut writer)?;
    }
    let cancelled = cancel.load(Relaxed);
    Ok(Summary { cancelled, elapsed: start.elapsed(), ..writer.report.summary })
}

#[cfg(test)]
mod tests;
