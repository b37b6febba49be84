//! The system's watching and ordinary runs together, over real files.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use glimpse_encoder::Encode;
use glimpse_encoder::testing::FakeEncoder;
use glimpse_nonempty::Every as _;
use image::{Rgb, RgbImage};
use tempfile::TempDir;

use super::*;
use crate::ingest::{FileEvent, IngestOptions, Observer, RegionOptions, Summary, ingest};
use crate::{Index, Library};

/// How long a change may take to be noticed before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A library whose only root is watched.
struct Fixture {
    index: Arc<Index>,
    encoder: FakeEncoder,
    folders: WatchedFolders,
    root: PathBuf,
    dir: TempDir,
}

#[derive(Default)]
struct Events(Vec<FileEvent>);

impl Observer for Events {
    fn found(&mut self, _: usize, _: bool) {}

    fn event(&mut self, event: &FileEvent) {
        self.0.push(event.clone());
    }
}

impl Fixture {
    /// The images are there before anything is watched.
    fn with(images: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap().join("photos");
        fs::create_dir(&root).unwrap();
        images.iter().for_each(|name| draw(&root.join(name)));
        let encoder = FakeEncoder::new(32);
        let index = Library::at(&dir.path().join("home")).open_for(encoder.info(), true).unwrap();
        let options = WatchOptions { settle: Duration::from_millis(150), ..WatchOptions::default() };
        let mut fixture = Self { index, encoder, folders: WatchedFolders::new(options), root, dir };
        assert_eq!(fixture.follow(), Vec::<String>::new());
        assert_eq!(fixture.folders.next_task(), Some(Task::Scan));
        fixture.run(None);
        // Those that were written just now are left for a moment.
        fixture.until(|fixture| fixture.names().len() == images.len());
        fixture
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn follow(&mut self) -> Vec<String> {
        let there: Vec<PathBuf> = [self.root.clone()].into_iter().filter(|root| root.is_dir()).collect();
        self.folders.follow(&there)
    }

    fn run(&mut self, scope: Option<Scope>) -> (Summary, Vec<FileEvent>) {
        let options = IngestOptions {
            roots: vec![self.root.clone()],
            scope,
            settling: Some(self.folders.settling()),
            regions: RegionOptions { make: false, ..RegionOptions::default() },
            ..IngestOptions::default()
        };
        let mut events = Events::default();
        let summary = ingest(&self.index, &self.encoder, &options, &AtomicBool::new(false), &mut events).unwrap();
        self.folders.done();
        (summary, events.0)
    }

    /// Does what there is to do until `is_done`; all that happened.
    fn until(&mut self, is_done: impl Fn(&Self) -> bool) -> Vec<FileEvent> {
        let start = Instant::now();
        let mut events = Vec::new();
        while !is_done(self) {
            assert!(start.elapsed() < PATIENCE, "nothing more happens: {events:?}");
            self.follow();
            match self.folders.next_task() {
                Some(Task::Update(scope)) => events.extend(self.run(Some(scope)).1),
                Some(Task::Scan) => panic!("no event was lost"),
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        }
        events
    }

    /// The names of the files that can be found, below the root.
    fn names(&self) -> Vec<String> {
        let files = self.index.files_under(&self.root).unwrap().into_iter().filter(|file| !file.missing);
        let name = |path: PathBuf| path.strip_prefix(&self.root).unwrap().to_string_lossy().into_owned();
        let mut names: Vec<_> = files.map(|file| name(file.path)).collect();
        names.sort();
        names
    }
}

/// An image that depends on its name.
fn draw(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, png(&path.to_string_lossy())).unwrap();
}

fn png(name: &str) -> Vec<u8> {
    let hash = blake3::hash(name.as_bytes());
    let image = RgbImage::from_fn(24, 24, |x, y| Rgb([0, 1, 2].map(|c| hash.as_bytes()[(x / 8 + y / 8 + c) as usize])));
    let mut bytes = Vec::new();
    image.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    bytes
}

#[test]
fn what_comes_goes_and_is_renamed_is_followed() {
    let mut fixture = Fixture::with(&["a.png", "old/b.png", "old/c.png"]);
    assert_eq!(fixture.names(), ["a.png", "old/b.png", "old/c.png"]);
    draw(&fixture.path("new/deep/d.png"));
    fixture.until(|fixture| fixture.names().len() == 4);

    let encoded = fixture.encoder.images();
    fs::rename(fixture.path("old"), fixture.path("kept")).unwrap();
    fs::rename(fixture.path("a.png"), fixture.path("new/a.png")).unwrap();
    let moved = ["kept/b.png", "kept/c.png", "new/a.png", "new/deep/d.png"];
    let events = fixture.until(|fixture| fixture.names() == moved);
    assert_eq!(fixture.encoder.images(), encoded, "a rename costs no encoding: {events:?}");
    assert_eq!(events.iter().filter(|event| matches!(event, FileEvent::Moved { .. })).count(), 3, "{events:?}");

    fs::remove_dir_all(fixture.path("kept")).unwrap();
    let events = fixture.until(|fixture| fixture.names() == ["new/a.png", "new/deep/d.png"]);
    assert!(events.contains(&FileEvent::Missing(fixture.path("kept/b.png"))), "{events:?}");
}

#[test]
fn a_file_is_read_when_it_is_complete() {
    let mut fixture = Fixture::with(&["a.png"]);
    let bytes = png("slow");
    let mut file = fs::File::create(fixture.path("slow.png")).unwrap();
    let mut events = Vec::new();
    for part in bytes.chunks(bytes.len().div_ceil(40)) {
        file.write_all(part).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        if let Some(Task::Update(scope)) = fixture.folders.next_task() {
            events.extend(fixture.run(Some(scope)).1);
        }
    }
    drop(file);
    let is_known = |fixture: &Fixture| fixture.names().len() == 2;
    assert!(events.is_empty() || !is_known(&fixture), "{events:?}");
    events.extend(fixture.until(is_known));
    assert_eq!(events.iter().filter(|event| !matches!(event, FileEvent::Unchanged(_))).count(), 1, "{events:?}");
    assert_eq!(fixture.encoder.images(), 2, "half a file was never encoded");
}

#[test]
fn what_lies_outside_the_changed_folders_is_not_touched() {
    let fixture = &mut Fixture::with(&["a/1.png", "a/sub/2.png", "b/3.png"]);
    // Not told by any event that the run is given.
    for name in ["a/sub/2.png", "b/3.png"] {
        fs::remove_file(fixture.path(name)).unwrap();
    }
    draw(&fixture.path("b/4.png"));
    draw(&fixture.path("a/5.png"));
    let mut scope = Scope::default();
    scope.add(fixture.path("a"), crate::ingest::Reach::Files);
    std::thread::sleep(Duration::from_millis(200)); // they are settled
    let (summary, events) = fixture.run(Some(scope));
    assert_eq!((summary.indexed, summary.unchanged, summary.missing), (1, 1, 0), "{events:?}");
    assert_eq!(fixture.names(), ["a/1.png", "a/5.png", "a/sub/2.png", "b/3.png"]);
    let mut scope = Scope::default();
    scope.add(fixture.path("a"), crate::ingest::Reach::All);
    let (summary, events) = fixture.run(Some(scope));
    assert_eq!((summary.indexed, summary.unchanged, summary.missing), (0, 2, 1), "{events:?}");
    assert_eq!(fixture.index.manifest().roots, std::slice::from_ref(&fixture.root), "a part of a root is no root");
}

#[test]
fn a_root_that_goes_away_forgets_nothing_and_is_followed_when_it_is_back() {
    let mut fixture = Fixture::with(&["a.png", "b/c.png"]);
    let away = fixture.dir.path().join("away");
    fs::rename(&fixture.root, &away).unwrap();
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(600) {
        fixture.follow();
        if let Some(Task::Update(scope)) = fixture.folders.next_task() {
            // The owner runs with the roots that are there, which are none.
            assert!(scope.folders().every(|(folder, _)| folder.starts_with(&fixture.root)));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(fixture.names(), ["a.png", "b/c.png"]);
    draw(&away.join("d.png"));
    fs::rename(&away, &fixture.root).unwrap();
    fixture.until(|fixture| fixture.names().len() == 3);
    draw(&fixture.path("b/e.png"));
    fixture.until(|fixture| fixture.names().len() == 4);
}

#[test]
fn an_ignore_file_holds_as_soon_as_it_is_written() {
    let mut fixture = Fixture::with(&["a.png", "b/c.png"]);
    fs::write(fixture.path(".glimpseignore"), "b\n").unwrap();
    fixture.until(|fixture| fixture.names() == ["a.png"]);
    draw(&fixture.path("b/d.png"));
    draw(&fixture.path("e.png"));
    fixture.until(|fixture| fixture.names() == ["a.png", "e.png"]);
}
