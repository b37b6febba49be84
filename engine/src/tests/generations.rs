//! What a new model's generation may lack of the old one's when it takes its place.

use glimpse_indexer::ingest::Devices;
use parking_lot::Mutex;

use super::*;

/// Events with a reason, whatever they say of the file.
#[derive(Default)]
struct Told(Vec<(PathBuf, String)>);

impl Observer for Told {
    fn found(&mut self, _: usize, _: bool) {}

    fn event(&mut self, event: &FileEvent) {
        if let FileEvent::Skipped { path, reason } | FileEvent::Failed { path, reason } = event {
            self.0.push((path.clone(), reason.to_string()));
        }
    }
}

/// One drive, mounted at a folder or away.
#[derive(Clone, Default)]
struct Drive(Arc<Mutex<Option<PathBuf>>>);

impl Drive {
    fn devices(&self) -> Devices {
        let drive = self.clone();
        Devices::new(move |folder| {
            let is_on_drive = drive.0.lock().as_ref().is_some_and(|mount| folder.starts_with(mount));
            folder.exists().then_some(u64::from(is_on_drive))
        })
    }
}

/// A library of twenty images, one of them in `lib/usb`, which a model of the name indexes.
struct Generations {
    home: tempfile::TempDir,
    _files: tempfile::TempDir,
    lib: PathBuf,
    drive: Drive,
}

impl Generations {
    fn new() -> Self {
        let (home, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let lib = files.path().canonicalize().unwrap().join("lib");
        (0..19).for_each(|i| drop(save(&lib, &format!("{i}.png"), [i * 9, 100, 250 - i * 9])));
        save(&lib, "usb/blue.png", BLUE);
        Self { home, _files: files, lib, drive: Drive::default() }
    }

    fn engine(&self, model: &str) -> Engine {
        let encoder = FakeEncoder::new(DIM).named(model);
        Engine::with_encoder(Settings::at(self.home.path()), Arc::new(encoder)).unwrap()
    }

    fn index(&self, model: &str, force: bool) -> (glimpse_indexer::ingest::Summary, Told) {
        let mut told = Told::default();
        let roots = vec![self.lib.clone()];
        let options = IngestOptions { roots, force, devices: self.drive.devices(), ..IngestOptions::default() };
        let summary = self.engine(model).index(&options, &AtomicBool::new(false), &mut told).unwrap();
        (summary, told)
    }

    /// The model that serves, and of how many images.
    fn serving(&self) -> (String, usize) {
        let (stats, model) = Engine::open(Settings::at(self.home.path())).unwrap().stats().unwrap();
        (model.name, stats.images)
    }
}

/// One image of twenty is far from suspicious but for the drive that was mounted there.
#[test]
fn a_small_drive_that_is_away_keeps_the_old_generation() {
    for left in ["nothing", "an empty folder", "a folder with another image"] {
        let library = Generations::new();
        let usb = library.lib.join("usb");
        *library.drive.0.lock() = Some(usb.clone());
        assert_eq!(library.index("older", false).0.indexed, 20);

        let elsewhere = library.lib.with_file_name("elsewhere");
        std::fs::rename(&usb, &elsewhere).unwrap();
        *library.drive.0.lock() = None;
        match left {
            "nothing" => {}
            "an empty folder" => std::fs::create_dir(&usb).unwrap(),
            _ => drop(save(&usb, "other.png", GREEN)),
        }
        let (summary, told) = library.index("newer", false);
        assert!(summary.kept_old && summary.failed == 1, "{left}: {summary:?}");
        let [(path, reason)] = &told.0[..] else { panic!("{left}: {:?}", told.0) };
        assert!(*path == usb && reason.contains("a drive was mounted here when 1 files"), "{left}: {reason}");
        assert_eq!(library.serving(), ("older".to_owned(), 20), "{left}");

        let _ = std::fs::remove_dir_all(&usb);
        std::fs::rename(&elsewhere, &usb).unwrap();
        *library.drive.0.lock() = Some(usb);
        assert!(!library.index("newer", false).0.kept_old, "{left}");
        assert_eq!(library.serving().0, "newer", "{left}");
    }
}

#[test]
fn a_small_drive_that_is_away_is_given_up_by_force() {
    let library = Generations::new();
    let usb = library.lib.join("usb");
    *library.drive.0.lock() = Some(usb.clone());
    library.index("older", false);
    std::fs::remove_dir_all(&usb).unwrap();
    *library.drive.0.lock() = None;
    assert!(!library.index("newer", true).0.kept_old);
    assert_eq!(library.serving(), ("newer".to_owned(), 19));
}

/// What a run had encoded before it was stopped, and before it noted which folders are mount
/// points, is not given up when the drive is away by the next.
#[test]
fn a_run_that_was_stopped_keeps_what_it_encoded_of_a_drive_that_is_away_by_now() {
    struct StopsAfterUsb<'a>(&'a AtomicBool);
    impl Observer for StopsAfterUsb<'_> {
        fn found(&mut self, _: usize, _: bool) {}
        fn event(&mut self, event: &FileEvent) {
            let is_done = matches!(event, FileEvent::Indexed(path) if path.ends_with("usb/blue.png"));
            self.0.fetch_or(is_done, Ordering::Relaxed);
        }
    }
    let library = Generations::new();
    let usb = library.lib.join("usb");
    *library.drive.0.lock() = Some(usb.clone());
    library.index("older", false);
    let cancel = AtomicBool::new(false);
    let notes_nothing = Devices::new(|_| Some(0));
    let options =
        IngestOptions { roots: vec![library.lib.clone()], devices: notes_nothing, ..IngestOptions::default() };
    let summary = library.engine("newer").index(&options, &cancel, &mut StopsAfterUsb(&cancel)).unwrap();
    assert!(summary.cancelled, "{summary:?}");

    std::fs::remove_dir_all(&usb).unwrap();
    *library.drive.0.lock() = None;
    let (summary, told) = library.index("newer", false);
    assert!(!summary.kept_old && summary.missing == 0, "{summary:?}, {:?}", told.0);
    assert!(told.0.iter().any(|(path, reason)| *path == usb && reason.contains("a drive was mounted here")));
    assert_eq!(library.serving(), ("newer".to_owned(), 20), "the image is known, and its file away");
}

#[test]
fn a_small_folder_that_was_deleted_is_told_and_left_out() {
    let library = Generations::new();
    library.index("older", false);
    std::fs::remove_dir_all(library.lib.join("usb")).unwrap();
    let (summary, told) = library.index("newer", false);
    assert_eq!((summary.kept_old, summary.skipped, summary.failed), (false, 1, 0));
    let [(path, reason)] = &told.0[..] else { panic!("{:?}", told.0) };
    assert!(path.ends_with("usb") && reason.starts_with("1 files were indexed from here before"), "{reason}");
    assert_eq!(library.serving(), ("newer".to_owned(), 19));
}
