//! From folders to an index: find, decode, encode, write, in bounded stages that overlap.
//!
//! ```text
//! find     roots, walk (scope, rules, names, pairs), source, rebuild    which files, which images of the index
//! decode   decode_stage: read, contents, holders, decode, metadata      files to pixels and facts
//! encode   encode, regions                                              pixels to vectors, regions, captions
//! write    write, report                                                files become records
//! after    reconcile, losses                                            what is gone, what a new index lacks
//!
//! between  pipeline, item, shared, budget, pace, hook                   the stages, and what goes between them
//! drives   devices, drives, disk, detached, guard                       what hangs, or is away
//! watched  concern, settling                                            changes while files are written
//! ```
//!
//! A file becomes a record in `write`.

mod budget;
mod concern;
mod contents;
mod decode;
mod decode_stage;
mod detached;
mod devices;
mod disk;
mod drives;
mod encode;
mod frames;
mod guard;
mod holders;
mod hook;
mod item;
mod losses;
mod metadata;
mod moving;
mod names;
mod pace;
mod pairs;
mod pipeline;
mod read;
mod rebuild;
mod reconcile;
mod regions;
mod report;
mod roots;
mod rules;
mod scope;
mod settling;
mod shared;
mod source;
mod walk;
mod write;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use glimpse_encoder::image_file::Limits;
use glimpse_encoder::{Checked, Encode};

pub(crate) use self::concern::{is_left_alone, reach_of_change};
use self::contents::Contents;
use self::decode::Decoder;
pub use self::decode::ImageDecoder;
pub use self::devices::Devices;
use self::drives::Drives;
pub use self::hook::ImageHook;
pub use self::losses::{Losses, losses};
pub(crate) use self::metadata::{Beside, SidecarNames};
pub use self::pace::Pace;
use self::pipeline::Stages;
use self::rebuild::Progress;
use self::reconcile::reconcile;
pub use self::regions::{RegionChoice, RegionOptions};
use self::report::Report;
use self::roots::Roots;
pub use self::scope::{Reach, Scope};
pub use self::settling::Settling;
use self::shared::Shared;
use self::walk::Found;
use self::write::Writer;
use crate::{Index, IndexError};

/// What to index and how.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// Folders and single files. One that is gone, but known to the index, has vanished with all
    /// that was below it.
    pub roots: Vec<PathBuf>,
    /// The part of the roots to look at; all of them if absent. What lies outside stays as it is.
    pub scope: Option<Scope>,
    /// Leaves files that are being written for a later run.
    pub settling: Option<Settling>,
    /// Forget files that are no longer there, instead of marking them as missing.
    pub prune: bool,
    /// Forget, and give up an older generation, also where it looks as if a drive were away.
    pub force: bool,
    /// Only tell what of the index is no longer there; change and encode nothing. A file that was
    /// moved counts as gone, since nothing is read.
    pub dry_run: bool,
    /// Read every file, also those that look unchanged.
    pub rehash: bool,
    /// Also walk hidden files and folders.
    pub hidden: bool,
    /// Follow links that lead out of the roots. What others may write into would choose what is
    /// read.
    pub follow_links: bool,
    /// Whether files of one shot are one image (raw and JPEG, a live photo and its video, an edited
    /// image and its original); as the library did so far if absent, and it does unless told
    /// otherwise. Recorded with the library.
    pub pairs: Option<bool>,
    /// Images per encoder call.
    pub batch: usize,
    /// Threads that read and decode.
    pub threads: usize,
    /// How much of the machine the run takes.
    pub pace: Pace,
    /// Bounds on a single image.
    pub limits: Limits,
    /// What becomes of regions.
    pub regions: RegionOptions,
    /// The language in which the model's decoder writes captions of images that have none of it
    /// yet, known ones too; it writes none if absent.
    pub captions: Option<String>,
    /// Sees every image that is decoded, before it is encoded.
    pub on_image: ImageHook,
    /// Tells folders of one drive from those of another.
    pub devices: Devices,
    /// How long reading or decoding one image may take. One that takes longer has failed, and is
    /// left to itself: a run that has left many behind ends with [`IndexError::Stuck`].
    pub image_timeout: Duration,
    /// Decodes images.
    pub decoder: ImageDecoder,
}

/// A hundred megapixels take a few seconds, ten times as long where all cores are busy.
const IMAGE_TIMEOUT: Duration = Duration::from_secs(120);

impl Default for IngestOptions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            roots: Vec::new(),
            scope: None,
            settling: None,
            prune: false,
            force: false,
            dry_run: false,
            rehash: false,
            hidden: false,
            follow_links: false,
            pairs: None,
            batch: 8,
            threads,
            pace: Pace::default(),
            limits: Limits::default(),
            regions: RegionOptions::default(),
            captions: None,
            on_image: ImageHook::default(),
            devices: Devices::default(),
            image_timeout: IMAGE_TIMEOUT,
            decoder: ImageDecoder::default(),
        }
    }
}

impl IngestOptions {
    /// [`IngestOptions::pairs`], which is known by the time of the walk.
    fn pairs(&self) -> bool {
        self.pairs.unwrap_or(true)
    }
}

/// What happened to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileEvent {
    /// Encoded and stored.
    Indexed(PathBuf),
    /// Known by size and times, and not read; or read, and the same.
    Unchanged(PathBuf),
    /// Known by content under another path that is gone; nothing was encoded.
    Moved {
        /// Where it was.
        from: PathBuf,
        /// Where it is.
        to: PathBuf,
    },
    /// Same bytes as another present file; shares its vectors.
    Duplicate {
        /// The new file.
        path: PathBuf,
        /// A file with the same bytes.
        of: PathBuf,
    },
    /// Belongs to the image of another file in its folder; its content was not read.
    Paired {
        /// The file.
        path: PathBuf,
        /// The file that holds the image.
        with: PathBuf,
    },
    /// Not an image that can be indexed, and why.
    Skipped {
        /// The file.
        path: PathBuf,
        /// The reason, worded for people.
        reason: String,
    },
    /// Could not be read (permissions, I/O).
    Failed {
        /// The file.
        path: PathBuf,
        /// The reason, worded for people.
        reason: String,
    },
    /// Was indexed and is no longer there.
    Missing(PathBuf),
    /// Was forgotten because of `prune`.
    Pruned(PathBuf),
}

/// Receives what happens, on the thread that calls [`ingest`]. Events are sent after the commit
/// that makes them durable.
pub trait Observer {
    /// The walk found `files` candidates so far; `complete` when it is done.
    fn found(&mut self, files: usize, complete: bool);
    /// Something happened to a file.
    fn event(&mut self, event: &FileEvent);
    /// All files are done, and `done` of `all` vectors have their place in a graph; again from 0
    /// for another graph.
    fn linked(&mut self, done: usize, all: usize) {
        let _ = (done, all);
    }
}

/// Sums of a run.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Summary {
    /// Images encoded and stored.
    pub indexed: usize,
    /// Files known by size and times, or read and found the same.
    pub unchanged: usize,
    /// Files known by content under a path that is gone.
    pub moved: usize,
    /// Files with the bytes of another one.
    pub duplicate: usize,
    /// Files that now belong to the image of another file.
    pub paired: usize,
    /// Files that are no images that can be indexed.
    pub skipped: usize,
    /// Files that could not be read.
    pub failed: usize,
    /// Files that are gone.
    pub missing: usize,
    /// Files that were forgotten.
    pub pruned: usize,
    /// True if the run was stopped before its end.
    pub cancelled: bool,
    /// True if a new generation was built that lacks what the old one has, so that the old one goes
    /// on serving.
    pub kept_old: bool,
    /// Wall time.
    pub elapsed: Duration,
    /// Share of the wall time in which the encoder was busy, 0 to 1.
    pub encoder_busy: f32,
    /// Share of the wall time in which a reading thread decoded and resized, on average over these
    /// threads, 0 to 1.
    pub decoders_busy: f32,
}

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
    let profile = regions::resolve_profile(index, encoder, &options.regions, options.captions.is_some())?;
    let (contents, shared) = (Contents::default(), Shared::new(cancel));
    let is_over = || shared.is_over();
    let decoder = Decoder::new(encoder, &options, &profile, &is_over);
    let stages = Stages { index, decoder: &decoder, contents: &contents, shared: &shared, drives: &drives };
    let mut writer = Writer::new(index, &contents, &drives, Report::new(observer));
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
    let contents = Contents::default();
    let mut writer = Writer::new(index, &contents, drives, Report::new(observer));
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
