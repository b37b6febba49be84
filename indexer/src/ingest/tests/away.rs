//! Drives that are away, and what may be forgotten at once.

use std::collections::HashSet;

use parking_lot::Mutex;

use super::*;

/// Drives that are mounted at some folders, whatever the system says.
#[derive(Clone, Default)]
struct Drives(Arc<Mutex<HashSet<PathBuf>>>);

impl Drives {
    fn mount(&self, folder: &Path) {
        self.0.lock().insert(folder.to_path_buf());
    }

    fn unmount(&self, folder: &Path) {
        assert!(self.0.lock().remove(folder));
    }

    fn devices(&self) -> Devices {
        let drives = self.clone();
        Devices::new(move |folder| {
            let mounted = drives.0.lock();
            let drive = folder.ancestors().find(|above| mounted.contains(*above));
            folder.exists().then(|| drive.map_or(0, |drive| drive.as_os_str().len() as u64))
        })
    }
}

fn failed_at(events: &[FileEvent], folder: &Path) -> bool {
    events.iter().any(|event| matches!(event, FileEvent::Failed { path, .. } if path == folder))
}

/// A drive below, at and above a root; its mount point stays as an empty folder, with something in
/// it, or goes.
#[test]
fn what_was_on_a_drive_that_is_away_stays() {
    for (root, mount) in [("lib", "lib/usb"), ("lib/usb", "lib/usb"), ("lib/usb/photos", "lib/usb")] {
        for left in ["nothing", "an empty folder", "a marker", "a file"] {
            for prune in [false, true] {
                let mut fixture = Fixture::new();
                let drives = Drives::default();
                fixture.options.devices = drives.devices();
                fixture.options.roots = vec![fixture.path(root)];
                let on_drive: Vec<_> = (0..3).map(|i| fixture.image(&format!("lib/usb/photos/{i}.png"), i)).collect();
                (10..60).for_each(|i| drop(fixture.image(&format!("lib/{i}.png"), i)));
                drives.mount(&fixture.path(mount));
                fixture.run();
                let all = fixture.index.len();

                let (mounted, elsewhere) = (fixture.path("lib/usb"), fixture.outside("elsewhere"));
                fs::rename(&mounted, &elsewhere).unwrap();
                drives.unmount(&mounted);
                match left {
                    "nothing" => {}
                    "an empty folder" => fs::create_dir(&mounted).unwrap(),
                    "a marker" => drop((fs::create_dir(&mounted), File::create(mounted.join(".nomedia")).unwrap())),
                    _ => drop((fs::create_dir(&mounted), File::create(mounted.join("readme")).unwrap())),
                }
                fixture.options.prune = prune;
                let (summary, events) = fixture.run_without_encoding();
                assert_eq!((summary.pruned, summary.missing), (0, 0), "{root}, {left}: {events:?}");
                assert!(summary.failed > 0, "{root}, {left}: {events:?}");
                assert_eq!(fixture.index.len(), all, "{root}, {left}");

                // The drive is back, under another number of the system's.
                if mounted.exists() {
                    fs::remove_dir_all(&mounted).unwrap();
                }
                fs::rename(&elsewhere, &mounted).unwrap();
                drives.mount(&mounted);
                let (summary, events) = fixture.run_without_encoding();
                assert_eq!((summary.failed, summary.pruned), (0, 0), "{root}, {left}: {events:?}");
                // What is deleted from a mounted drive is gone.
                fs::remove_file(&on_drive[0]).unwrap();
                let (summary, events) = fixture.run_without_encoding();
                assert_eq!(summary.pruned + summary.missing, 1, "{root}, {left}: {events:?}");
            }
        }
    }
}

#[test]
fn a_drive_that_is_away_is_given_up_only_by_force() {
    let mut fixture = Fixture::new();
    let drives = Drives::default();
    fixture.options.devices = drives.devices();
    (0..3).for_each(|i| drop(fixture.image(&format!("usb/{i}.png"), i)));
    fixture.image("stays.png", 9);
    drives.mount(&fixture.path("usb"));
    fixture.run();
    fs::remove_dir_all(fixture.path("usb")).unwrap();
    drives.unmount(&fixture.path("usb"));
    fixture.options.prune = true;
    assert!(failed_at(&fixture.run().1, &fixture.path("usb")));
    fixture.options.force = true;
    assert_eq!(fixture.run().0.pruned, 3);
    assert_eq!(fixture.index.mounts().unwrap().len(), 0, "nothing is left of it");
}

/// A file that was asked for by its own path, in no root.
#[test]
fn a_single_file_on_a_drive_that_is_away_stays() {
    let mut fixture = Fixture::new();
    let drives = Drives::default();
    fixture.options.devices = drives.devices();
    let single = fixture.image("usb/photos/1.png", 1);
    let stays = fixture.image("stays.png", 2);
    drives.mount(&fixture.path("usb"));
    fixture.options.roots = vec![single.clone(), stays];
    fixture.run();
    fs::remove_dir_all(fixture.path("usb")).unwrap();
    drives.unmount(&fixture.path("usb"));
    let (summary, events) = fixture.run_without_encoding();
    assert_eq!((summary.missing, summary.failed), (0, 1), "{events:?}");
    assert!(failed_at(&events, &fixture.path("usb")), "{events:?}");
}

#[test]
fn whole_folders_are_forgotten_only_if_they_are_small() {
    let mut fixture = Fixture::new();
    fixture.options.prune = true;
    (0..3).for_each(|i| drop(fixture.image(&format!("small/{i}.png"), i)));
    (10..17).for_each(|i| drop(fixture.image(&format!("large/{i}.png"), i)));
    (20..40).for_each(|i| drop(fixture.image(&format!("rest/{i}.png"), i)));
    fixture.run();
    // Files of a folder where others are left are no matter of drives.
    (20..35).for_each(|i| fs::remove_file(fixture.path(&format!("rest/{i}.png"))).unwrap());
    assert_eq!(fixture.run().0.pruned, 15);
    (40..60).for_each(|i| drop(fixture.image(&format!("rest/{i}.png"), i)));
    fixture.run();
    fs::remove_dir_all(fixture.path("small")).unwrap();
    assert_eq!(fixture.run().0.pruned, 3, "3 of 35");
    fs::remove_dir_all(fixture.path("large")).unwrap();
    let (summary, events) = fixture.run();
    assert_eq!((summary.pruned, summary.missing), (0, 7), "7 of 32: {events:?}");
    assert!(failed_at(&events, &fixture.path("large")), "{events:?}");
    fixture.options.force = true;
    assert_eq!(fixture.run().0.pruned, 7);
}

#[test]
fn a_rehearsal_tells_and_changes_nothing() {
    let mut fixture = Fixture::new();
    let gone = fixture.image("a.png", 1);
    (2..20).for_each(|i| drop(fixture.image(&format!("{i}.png"), i)));
    fixture.run();
    let new = fixture.image("new.png", 99);
    fs::remove_file(&gone).unwrap();
    (fixture.options.prune, fixture.options.dry_run) = (true, true);
    let revision = fixture.index.revision();
    assert_eq!(fixture.run_without_encoding().1, [FileEvent::Pruned(gone.clone())]);
    assert_eq!(fixture.index.revision(), revision);
    assert!(fixture.index.file(&gone).unwrap().is_some() && fixture.index.file(&new).unwrap().is_none());
    fixture.options.dry_run = false;
    assert_eq!(fixture.run().0.pruned, 1);
}

/// A drive that never answers: the walk is left behind, what was there stays, and the next run
/// finds it.
#[test]
fn a_walk_that_hangs_is_left_behind_when_the_run_is_stopped() {
    let mut fixture = Fixture::new();
    (0..3).for_each(|n| drop(fixture.image(&format!("dead/{n}.png"), n)));
    assert_eq!(fixture.run().0.indexed, 3);
    let (answer, no_answer) = crossbeam_channel::bounded::<()>(0);
    let dead = fixture.path("dead");
    fixture.options.devices = Devices::new(move |folder| {
        if folder == dead {
            no_answer.recv().unwrap_or_default();
        }
        Some(0)
    });
    let cancel = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&cancel);
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        stop.store(true, Relaxed);
    });
    let mut recorder = Recorder::default();
    let summary = ingest(&fixture.index, &fixture.encoder, &fixture.options, &cancel, &mut recorder).unwrap();
    stopper.join().unwrap();
    assert!(summary.cancelled && summary.missing == 0, "{summary:?}");
    drop(answer); // the drive is back
    let (summary, _) = fixture.run();
    assert_eq!((summary.unchanged, summary.missing), (3, 0));
}
