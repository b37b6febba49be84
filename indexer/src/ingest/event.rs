//! What a run tells while it goes on, and what it comes to.

use std::path::PathBuf;
use std::time::Duration;

use crate::Reason;

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
        /// As a code, and worded for people.
        reason: Reason,
    },
    /// Could not be read (permissions, I/O).
    Failed {
        /// The file.
        path: PathBuf,
        /// As a code, and worded for people.
        reason: Reason,
    },
    /// Was indexed and is no longer there.
    Missing(PathBuf),
    /// Was forgotten because of `prune`.
    Pruned(PathBuf),
}

/// Receives what happens, on the thread that calls [`super::ingest`]. Events are sent after the
/// commit that makes them durable.
pub trait Observer {
    /// The walk found `files` candidates so far; `complete` when it is done.
    fn found(&mut self, files: usize, complete: bool);
    /// Something happened to a file.
    fn event(&mut self, event: &FileEvent);
    /// All files are done, and `done` of `all` vectors have their place in the graph; from 0 again,
    /// then images whose regions have theirs in files.
    fn linked(&mut self, done: usize, all: usize) {
        let _ = (done, all);
    }
    /// Something that concerns no file, worded for people: a worker that went away.
    fn note(&mut self, text: &str) {
        let _ = text;
    }
    /// The regions of `done` of `all` images that came since the last time are tagged, where tags
    /// of regions are kept.
    fn tagged(&mut self, done: usize, all: usize) {
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
