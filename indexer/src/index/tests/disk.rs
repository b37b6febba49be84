//! What the disk and other processes do to an index.

use glimpse_nonempty::each;

use super::*;
use crate::IndexError;
use crate::library::copy::Place;
use crate::store::keys::Table;

#[test]
fn words_catch_up_with_the_store_when_an_index_is_opened() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let id = add(&index, 1, "/p/lighthouse.jpg");
    index.finish().unwrap();
    assert_eq!(words(&index, "lighthouse"), [id]);
    // Dropped without a commit: sled writes its buffers, the word index stays behind.
    let second = add(&index, 2, "/p/windmill.jpg");
    index.mark_missing(std::path::Path::new("/p/lighthouse.jpg")).unwrap();
    drop(index);
    let index = fixture.open();
    assert_eq!(words(&index, "windmill"), [second]);
    assert!(words(&index, "lighthouse").is_empty());
}

#[test]
fn words_ahead_of_the_store_are_made_anew() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let id = add(&index, 1, "/p/lighthouse.jpg");
    index.finish().unwrap();
    drop(index);
    let copy = tempfile::tempdir().unwrap();
    let sled = fixture.home.path().join("gen-0001/sled");
    copy_dir(&sled, &copy.path().join("sled"));
    let index = fixture.open();
    add(&index, 2, "/p/windmill.jpg");
    index.finish().unwrap();
    drop(index);
    std::fs::remove_dir_all(&sled).unwrap();
    copy_dir(&copy.path().join("sled"), &sled);
    let index = fixture.open();
    assert_eq!(words(&index, "lighthouse"), [id]);
    assert!(words(&index, "windmill").is_empty());
    assert!(index.verify(false).unwrap().problems.is_empty());
}

#[test]
fn a_second_opener_is_told_that_the_library_is_in_use() {
    let fixture = Fixture::new();
    let library = fixture.library();
    let index = library.open_for(&model("a"), false).unwrap();
    let error = fixture.library().open().unwrap_err();
    let me = std::process::id();
    assert!(matches!(error, IndexError::InUse { holder: Some(holder), .. } if holder == me), "{error}");
    assert!(error.to_string().contains(&format!("(process {me})")), "{error}");
    assert!(Arc::ptr_eq(&library.open().unwrap(), &index), "one library shares its open indexes");
    drop(index);
    fixture.library().open().unwrap();
}

#[test]
fn a_folder_of_rubbish_is_an_error_not_a_panic() {
    let fixture = Fixture::new();
    drop(fixture.open());
    let log = fixture.home.path().join("gen-0001/sled/db");
    let mut bytes = std::fs::read(&log).unwrap();
    bytes.iter_mut().for_each(|byte| *byte = byte.wrapping_mul(31).wrapping_add(7));
    std::fs::write(&log, bytes).unwrap();
    assert!(fixture.library().open().is_err());
    std::fs::write(fixture.home.path().join("gen-0001/sled/conf"), b"rubbish").unwrap();
    assert!(fixture.library().open().is_err());
}

/// A disk that refuses to grow: the limit on file sizes stands in for a full one. The child process
/// fills its index until a commit fails and prints what was acknowledged before; all of that must
/// be there afterwards.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    const HOME: &str = "GLIMPSE_TEST_FULL_DISK";
    if let Some(home) = std::env::var_os(HOME) {
        let index = Library::at(std::path::Path::new(&home)).open_for(&model("a"), false).unwrap();
        for n in 0..u16::MAX {
            let record =
                ImageRecord { content: ContentHash::of(&n.to_le_bytes()), caption: Some("x".repeat(1000)), ..image(0) };
            let added = index.add(record, &vector(n as u8), file(format!("/p/{n}.jpg")));
            if added.is_err() || (n % 10 == 9 && index.commit().is_err()) {
                return;
            }
            if n % 10 == 9 {
                eprintln!("acknowledged {}", n + 1);
            }
        }
        panic!("the limit was never reached");
    }
    let home = tempfile::tempdir().unwrap();
    let test = "index::tests::disk::a_full_disk_loses_nothing_that_was_acknowledged";
    let script = format!("trap '' XFSZ; ulimit -f 3000; exec \"$0\" --exact {test} --nocapture");
    let child = std::process::Command::new("bash")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env(HOME, home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stderr);
    let acknowledged = said.lines().filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<u16>().ok()).max();
    let acknowledged = acknowledged.unwrap_or_else(|| panic!("nothing was written: {said}"));
    let index = Library::at(home.path()).open().unwrap();
    assert!(index.len() >= usize::from(acknowledged), "{} of {acknowledged}", index.len());
    for n in each(0..acknowledged) {
        assert!(index.by_content(&ContentHash::of(&n.to_le_bytes())).unwrap().is_some(), "{n} of {acknowledged}");
    }
    let problems = index.verify(false).unwrap().problems;
    assert!(problems.is_empty(), "{problems:?}");
}

fn words(index: &Index, text: &str) -> Vec<ImageId> {
    index.words(text, 9, None).unwrap().into_iter().map(|hit| hit.id).collect()
}

pub(super) fn copy_dir(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_copy_of_a_library_answers_and_refuses_changes() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let id = add(&index, 1, "/p/lighthouse.jpg");
    index.finish().unwrap();
    drop(index);
    let library = fixture.library();
    let copy = library.open_copy("so it is").unwrap();
    let folder = copy.dir().to_path_buf();
    assert!(!folder.starts_with(fixture.home.path()) && folder.exists());
    assert_eq!((found(&copy, 1, 1), words(&copy, "lighthouse")), (vec![id], vec![id]));
    assert!(Arc::ptr_eq(&library.open_copy("again").unwrap(), &copy));
    let error = copy.add(image(2), &vector(2), file("/p/2.jpg")).unwrap_err();
    assert!(matches!(error, IndexError::ReadOnly { .. }) && error.to_string().contains("so it is"), "{error}");
    assert!(matches!(copy.verify(true), Err(IndexError::ReadOnly { .. })));
    assert_eq!(copy.verify(false).unwrap().problems, Vec::<String>::new());
    drop(copy);
    assert!(!folder.exists(), "it goes with its last reader");
}

/// A drive of a few megabytes, as root can make one.
#[cfg(target_os = "linux")]
struct Drive(tempfile::TempDir);

#[cfg(target_os = "linux")]
impl Drive {
    /// `None` if this user may mount nothing, which is told.
    fn of(size: &str) -> Option<Self> {
        let drive = Self(tempfile::tempdir().unwrap());
        let mounted = drive.run("mount", &["-t", "tmpfs", "-o", &format!("size={size}"), "none"]);
        if !mounted {
            eprintln!("SKIPPED: this user may mount nothing");
        }
        mounted.then_some(drive)
    }

    fn run(&self, program: &str, args: &[&str]) -> bool {
        let done = std::process::Command::new(program).args(args).arg(self.0.path()).output();
        done.is_ok_and(|done| done.status.success())
    }

    fn filler(&self) -> std::path::PathBuf {
        self.0.path().join("filler")
    }

    /// Leaves no byte free.
    fn fill(&self) {
        let mut file = std::fs::File::options().create(true).append(true).open(self.filler()).unwrap();
        for bytes in [&[0; 4096][..], &[0]] {
            while std::io::Write::write_all(&mut file, bytes).is_ok() {}
        }
    }
}

#[cfg(target_os = "linux")]
impl Drop for Drive {
    fn drop(&mut self) {
        self.run("umount", &["-l"]);
    }
}

/// Full, or mounted for reading.
#[cfg(target_os = "linux")]
#[test]
fn a_library_on_a_full_or_read_only_drive_can_be_searched() {
    let Some(drive) = Drive::of("24m") else { return };
    let home = drive.0.path().join("home");
    let index = Library::at(&home).open_for(&model("a"), false).unwrap();
    let id = add(&index, 1, "/p/lighthouse.jpg");
    index.finish().unwrap();
    drop(index);
    let is_searched = |what: &str| {
        let library = Library::at(&home);
        let index = library.open().unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!((found(&index, 1, 1), words(&index, "lighthouse")), (vec![id], vec![id]), "{what}");
        assert!(library.obstacle().is_some(), "{what}");
    };
    drive.fill();
    is_searched("full");
    std::fs::remove_file(home.join("library.json")).unwrap();
    drive.fill();
    is_searched("full, without a catalogue");
    std::fs::remove_file(drive.filler()).unwrap();
    assert!(drive.run("mount", &["-o", "remount,ro"]));
    assert!(!home.join("library.json").exists());
    assert_eq!(Library::at(&home).serving_model().unwrap(), Some(model("a")));
    is_searched("read-only, without a catalogue");
    Library::at(&home).release_reserve().unwrap();
}

/// Folders for copies: one on the same full drive, one that has room for the store alone, memory.
#[cfg(target_os = "linux")]
#[test]
fn where_there_is_little_room_only_the_store_is_copied() {
    let (Some(full), Some(small)) = (Drive::of("1m"), Drive::of("16m")) else { return };
    full.fill();
    let fixture = Fixture::new();
    let index = fixture.open();
    let id = add(&index, 1, "/p/lighthouse.jpg");
    index.finish().unwrap();
    drop(index);
    let derived = fixture.home.path().join("gen-0001/snapshot");
    std::fs::create_dir_all(&derived).unwrap();
    std::fs::write(derived.join("large"), vec![1; 20 << 20]).unwrap();
    let [full, small] = [&full, &small].map(|drive| Place::Folder(drive.0.path().to_path_buf()));
    let opened = |places: &[Place]| fixture.library().open_copy_in("so it is", places);

    let copy = opened(&[full.clone(), small.clone()]).unwrap();
    assert!(matches!(&small, Place::Folder(folder) if copy.dir().starts_with(folder)));
    assert_eq!((found(&copy, 1, 1), words(&copy, "lighthouse")), (vec![id], vec![id]));
    drop(copy);
    let memory = Place::Memory(Path::new("/dev/shm").to_path_buf());
    let copy = opened(&[full.clone(), memory]).unwrap();
    assert!(copy.dir().starts_with("/dev/shm"));
    assert_eq!((found(&copy, 1, 1), words(&copy, "lighthouse")), (vec![id], vec![id]));
    drop(copy);
    let error = opened(&[full]).unwrap_err().to_string();
    assert!(error.contains("TMPDIR") && error.contains("space") && error.contains("MB free"), "{error}");
}

/// The reserve is what they need that is not there any more when the drive is full.
#[cfg(target_os = "linux")]
#[test]
fn images_are_forgotten_and_damage_is_mended_on_a_drive_without_a_free_byte() {
    const IMAGES: u8 = 200;
    let Some(drive) = Drive::of("64m") else { return };
    let home = drive.0.path().join("home");
    let path = |n: u8| format!("/p/{n}.jpg");
    let library = Library::at(&home);
    let index = library.open_for(&model("a"), false).unwrap();
    (0..IMAGES).for_each(|n| _ = add(&index, n, &path(n)));
    index.finish().unwrap();
    let before = library.reserve_bytes();
    library.promote(&index).unwrap();
    assert!(before == 0 && library.reserve_bytes() > 1 << 20, "a run that succeeds makes it");
    let of_reserve = std::fs::metadata(home.join("reserve")).unwrap();
    let blocks = std::os::unix::fs::MetadataExt::blocks(&of_reserve);
    assert!(blocks * 512 >= of_reserve.len(), "it takes its room");
    library.release_reserve().unwrap();
    assert!(library.reserve_bytes() > 0, "there is room without it");
    drop((library, index));

    drive.fill();
    let error = Library::at(&home).open_for(&model("a"), false).unwrap_err().to_string();
    assert!(error.contains("space"), "{error}");
    let library = Library::at(&home);
    library.release_reserve().unwrap();
    assert_eq!(library.reserve_bytes(), 0);
    let index = library.open_for(&model("a"), false).unwrap();
    for n in 0..IMAGES / 2 {
        index.remove_file(Path::new(&path(n))).unwrap();
        index.commit().unwrap();
    }
    index.finish().unwrap();
    drive.fill();
    library.promote(&index).unwrap();
    assert_eq!(library.reserve_bytes(), 0, "there is no room for another");
    assert_eq!(index.len(), usize::from(IMAGES / 2));
    drop((library, index));

    // Damage is mended with it too.
    std::fs::remove_file(drive.filler()).unwrap();
    let library = Library::at(&home);
    library.promote(&library.open().unwrap()).unwrap();
    assert!(library.reserve_bytes() > 1 << 20, "there is room again");
    drop(library);
    damage::tamper_at(&home, |store, batch| {
        let key = crate::store::keys::image(ImageId(u64::from(IMAGES) - 1));
        batch.put(Table::Vectors, &key, damage::flipped(store, Table::Vectors, &key));
    });
    drive.fill();
    let report = Library::at(&home).verify(true).unwrap();
    assert!(report.forgotten == 1 && report.problems.len() == report.repaired.len(), "{report:?}");
    std::fs::remove_file(drive.filler()).unwrap();
    assert_eq!(Library::at(&home).verify(false).unwrap().problems, Vec::<String>::new());
}
