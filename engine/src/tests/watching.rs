//! A library that is searched while files come, go and are renamed in its folders.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use glimpse_nonempty::if_any;
use parking_lot::Mutex;

use super::*;
use crate::{Pace, Update, WatchControl, WatchObserver, WatchOptions};

/// How long a change may take to be noticed before a test fails.
const PATIENCE: Duration = Duration::from_secs(100);

/// What was told so far; others may read it meanwhile.
type Notes = Arc<Mutex<Vec<String>>>;

#[derive(Default)]
struct Heard {
    events: Vec<FileEvent>,
    updates: Vec<Update>,
    notes: Notes,
    looked_through: Arc<AtomicBool>,
}

impl Observer for Heard {
    fn found(&mut self, _: usize, _: bool) {}

    fn event(&mut self, event: &FileEvent) {
        self.events.push(event.clone());
    }

    fn note(&mut self, text: &str) {
        self.notes.lock().push(text.to_owned());
    }
}

impl WatchObserver for Heard {
    fn updated(&mut self, update: &Update) {
        self.updates.push(update.clone());
        self.looked_through.store(true, Relaxed);
    }
}

/// Watches while `act` runs, which is given the notes and begins after everything was looked
/// through: what changes from then on is heard of, and not found by the look at the start.
fn watching(engine: &Engine, act: impl FnOnce(&Notes)) -> Heard {
    let control = WatchControl::new();
    let options = WatchOptions { settle: Duration::from_millis(200), ..WatchOptions::default() };
    let mut heard = Heard::default();
    let (looked_through, notes) = (Arc::clone(&heard.looked_through), Arc::clone(&heard.notes));
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            engine.watch(&options, &IngestOptions::default(), Some(Pace::Normal), &control, &mut heard);
        });
        let acted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            until(|| looked_through.load(Relaxed));
            act(&notes);
        }));
        control.stop();
        watch.join().unwrap();
        acted.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    heard
}

fn until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < PATIENCE, "nothing happened");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn png(seed: u32) -> Vec<u8> {
    let part = |x: u32, y: u32| seed.wrapping_mul(2_654_435_761).rotate_left(x / 6 + y / 6).to_le_bytes();
    let image = RgbImage::from_fn(24, 24, |x, y| Rgb([part(x, y)[0], part(x, y)[1], part(x, y)[2]]));
    let mut bytes = Vec::new();
    image.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    bytes
}

#[test]
fn files_that_are_copied_while_others_search_are_all_there_and_none_is_half_read() {
    const FILES: u32 = 500;
    let (home, photos) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let encoder = Arc::new(FakeEncoder::new(DIM));
    let engine = Engine::with_encoder(Settings::at(home.path()), Arc::clone(&encoder) as _).unwrap();
    fs::write(photos.path().join("first.png"), png(FILES)).unwrap();
    index(&engine, photos.path());
    let before = encoder.images();
    let mut searches = 0;
    let heard = watching(&engine, |_| {
        std::thread::scope(|scope| {
            let copy = scope.spawn(|| {
                for n in 0..FILES {
                    let folder = photos.path().join(format!("folder {}/deep", n % 7));
                    fs::create_dir_all(&folder).unwrap();
                    let (bytes, mut file) = (png(n), fs::File::create(folder.join(format!("{n}.png"))).unwrap());
                    let half = bytes.len() / 2;
                    file.write_all(&bytes[..half]).unwrap();
                    std::thread::sleep(Duration::from_millis(if n % 50 == 0 { 100 } else { 1 }));
                    file.write_all(&bytes[half..]).unwrap();
                }
            });
            while !copy.is_finished() {
                assert!(!engine.search(&Query { depth: Depth::All, ..Query::text("red") }).unwrap().hits.is_empty());
                searches += 1;
            }
        });
        until(|| engine.count().unwrap() == FILES as usize + 1);
    });
    assert!(searches > 0);
    assert_eq!(encoder.images() - before, FILES as usize, "each image once, whole");
    let bad = |event: &&FileEvent| matches!(event, FileEvent::Failed { .. } | FileEvent::Skipped { .. });
    assert_eq!(heard.events.iter().find(bad), None);
    assert_eq!(*heard.notes.lock(), Vec::<String>::new());
    let left = index(&engine, photos.path());
    assert_eq!((left.unchanged, left.indexed), (FILES as usize + 1, 0), "and nothing is left to do");
}

#[test]
fn renames_cost_no_encoding_and_what_is_removed_is_not_found() {
    let (home, photos) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let photos = photos.path().canonicalize().unwrap();
    let paths = ["a/red.png", "a/green.png", "b/blue.png"].map(|name| photos.join(name));
    paths.iter().zip([RED, GREEN, BLUE]).for_each(|(path, colour)| drop(save(&photos, path.to_str().unwrap(), colour)));
    let encoder = Arc::new(FakeEncoder::new(DIM));
    let engine = Engine::with_encoder(Settings::at(home.path()), Arc::clone(&encoder) as _).unwrap();
    index(&engine, &photos);
    let before = encoder.images();
    let red = engine.image_at(&paths[0]).unwrap().unwrap();
    let heard = watching(&engine, |_| {
        fs::rename(photos.join("a"), photos.join("c")).unwrap();
        until(|| engine.image_at(&photos.join("c/red.png")).unwrap() == Some(red));
        fs::remove_file(&paths[2]).unwrap();
        until(|| engine.count().unwrap() == 2);
        let hits = engine.search(&Query { depth: Depth::All, ..Query::text("blue") }).unwrap().hits;
        assert_eq!(hits.len(), 2, "what is gone is not found");
    });
    assert_eq!(encoder.images(), before);
    let touched: BTreeSet<_> = heard.updates.iter().flat_map(|update| update.folders.clone()).collect();
    assert!(touched.contains(&photos.join("c")) && touched.contains(&photos.join("b")), "{touched:?}");
}

#[test]
fn an_update_makes_way_for_a_run_that_is_asked_for_and_a_root_that_is_away_stays() {
    let (home, photos, other) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = photos.path().canonicalize().unwrap().join("root");
    save(&root, "red.png", RED);
    let engine = Engine::with_encoder(Settings::at(home.path()), Arc::new(FakeEncoder::new(DIM))).unwrap();
    index(&engine, &root);
    let away = photos.path().join("away");
    let heard = watching(&engine, |notes| {
        fs::rename(&root, &away).unwrap();
        save(other.path(), "blue.png", BLUE);
        for n in 0..20 {
            save(other.path(), &format!("{n}.png"), [n * 9, 200, 30]);
            index(&engine, other.path()); // never refused because of an update
        }
        until(|| engine.count().unwrap() == 22);
        until(|| notes.lock().len() == 1);
        save(&away, "green.png", GREEN);
        fs::rename(&away, &root).unwrap();
        until(|| engine.count().unwrap() == 23);
    });
    assert!(
        !if_any(&heard.events).any(|event| matches!(event, FileEvent::Missing(_) | FileEvent::Pruned(_))),
        "{heard:?}"
    );
    let root = root.display();
    let away = format!("{root} is away: nothing of it is forgotten, and it is followed when it is back");
    assert_eq!(*heard.notes.lock(), [away, format!("{root} is back")]);
}

impl std::fmt::Debug for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.events)
    }
}
