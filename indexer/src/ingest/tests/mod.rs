#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod away;
mod captions;
mod changes;
mod data;
mod exposure;
mod folders;
#[cfg(target_os = "linux")]
mod model;
mod orientation;
mod pairs;
mod regions;
mod trouble;
mod videos;
mod work;
mod workers;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use glimpse_encoder::testing::FakeEncoder;
use image::{Rgb, RgbImage};
use tempfile::TempDir;

use super::*;
use crate::{ImageId, Library};

/// A folder of images and an index of it.
struct Fixture {
    // Dropped first: it holds files of `dir` open.
    index: Arc<Index>,
    encoder: FakeEncoder,
    dir: TempDir,
    root: PathBuf,
    options: IngestOptions,
}

impl Fixture {
    fn new() -> Self {
        Self::with(FakeEncoder::new(32))
    }

    fn with(encoder: FakeEncoder) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let index = Library::at(&dir.path().join("home")).open_for(encoder_info(&encoder), true).unwrap();
        let root = dir.path().canonicalize().unwrap().join("photos");
        fs::create_dir(&root).unwrap();
        let regions = RegionOptions { registers: Some(Vec::new()), ..RegionOptions::default() };
        let roots = vec![root.clone()];
        let options = IngestOptions { roots, threads: 3, batch: 4, regions, ..IngestOptions::default() };
        Self { index, encoder, dir, root, options }
    }

    /// The same after the program was started anew.
    fn reopened(self) -> Self {
        let Self { index, encoder, dir, root, options } = self;
        drop(index);
        let index = Library::at(&dir.path().join("home")).open().unwrap();
        Self { index, encoder, dir, root, options }
    }

    /// A path below the root.
    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A path beside the root.
    fn outside(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    /// Writes an image that depends on `seed` alone.
    fn image(&self, name: &str, seed: u32) -> PathBuf {
        let path = self.path(name);
        write_image(&path, seed);
        path
    }

    fn try_run(&self) -> (Result<Summary, IndexError>, Vec<FileEvent>) {
        let mut recorder = Recorder::default();
        let result = ingest(&self.index, &self.encoder, &self.options, &AtomicBool::new(false), &mut recorder);
        (result, recorder.events)
    }

    /// A run and its events, which the summary must agree with, in order of their texts.
    fn run(&self) -> (Summary, Vec<FileEvent>) {
        let (result, mut events) = self.try_run();
        let summary = result.unwrap();
        let count = |of: fn(&FileEvent) -> bool| events.iter().filter(|event| of(event)).count();
        assert_eq!(summary.indexed, count(|event| matches!(event, FileEvent::Indexed(_))));
        assert_eq!(summary.unchanged, count(|event| matches!(event, FileEvent::Unchanged(_))));
        assert_eq!(summary.moved, count(|event| matches!(event, FileEvent::Moved { .. })));
        assert_eq!(summary.duplicate, count(|event| matches!(event, FileEvent::Duplicate { .. })));
        assert_eq!(summary.paired, count(|event| matches!(event, FileEvent::Paired { .. })));
        assert_eq!(summary.skipped, count(|event| matches!(event, FileEvent::Skipped { .. })));
        assert_eq!(summary.failed, count(|event| matches!(event, FileEvent::Failed { .. })));
        assert_eq!(summary.missing, count(|event| matches!(event, FileEvent::Missing(_))));
        assert_eq!(summary.pruned, count(|event| matches!(event, FileEvent::Pruned(_))));
        events.sort_by_key(|event| format!("{event:?}"));
        (summary, events)
    }

    /// A run that must encode nothing.
    fn run_without_encoding(&self) -> (Summary, Vec<FileEvent>) {
        let before = self.encoder.images();
        let run = self.run();
        assert_eq!(self.encoder.images(), before, "{:?}", run.1);
        run
    }

    fn id(&self, path: &Path) -> ImageId {
        self.index.file(path).unwrap().unwrap_or_else(|| panic!("{} is not in the index", path.display())).image
    }

    fn caption(&self, path: &Path) -> Option<String> {
        self.index.image(self.id(path)).unwrap().unwrap().caption
    }
}

fn encoder_info(encoder: &FakeEncoder) -> &glimpse_encoder::ModelInfo {
    use glimpse_encoder::Encode;
    encoder.info()
}

#[derive(Default)]
struct Recorder {
    events: Vec<FileEvent>,
    found: Vec<(usize, bool)>,
    notes: Vec<String>,
}

impl Observer for Recorder {
    fn found(&mut self, files: usize, complete: bool) {
        self.found.push((files, complete));
    }

    fn event(&mut self, event: &FileEvent) {
        self.events.push(event.clone());
    }

    fn note(&mut self, text: &str) {
        self.notes.push(text.to_owned());
    }
}

fn colour(seed: u32) -> Rgb<u8> {
    let mixed = (seed + 1).wrapping_mul(0x9E37_79B1);
    Rgb([(mixed >> 24) as u8, (mixed >> 16) as u8, (mixed >> 8) as u8])
}

fn write_image(path: &Path, seed: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    RgbImage::from_pixel(9, 7, colour(seed)).save(path).unwrap();
}

/// Gives a file another time, as an editor would.
fn touch(path: &Path, seconds_ago: u64) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(seconds_ago)).unwrap();
}

fn indexed(path: &Path) -> FileEvent {
    FileEvent::Indexed(path.to_path_buf())
}

fn unchanged(path: &Path) -> FileEvent {
    FileEvent::Unchanged(path.to_path_buf())
}

fn moved(from: &Path, to: &Path) -> FileEvent {
    FileEvent::Moved { from: from.to_path_buf(), to: to.to_path_buf() }
}

fn missing(path: &Path) -> FileEvent {
    FileEvent::Missing(path.to_path_buf())
}
