//! What the disk and other processes do to an index.

use super::*;
use crate::IndexError;

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

/// A disk that refuses to grow: the limit on file sizes stands in for a full one. The child process fills its index until
/// a commit fails and prints what was acknowledged before; all of that must be there afterwards.
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
    for n in 0..acknowledged {
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

/// A drive of a few megabytes, full or mounted for reading, as root can make one.
#[cfg(target_os = "linux")]
#[test]
fn a_library_on_a_full_or_read_only_drive_can_be_searched() {
    let drive = tempfile::tempdir().unwrap();
    let run = |program: &str, args: &[&str]| {
        let done = std::process::Command::new(program).args(args).arg(drive.path()).output();
        done.is_ok_and(|done| done.status.success())
    };
    if !run("mount", &["-t", "tmpfs", "-o", "size=24m", "none"]) {
        eprintln!("SKIPPED: this user may mount nothing");
        return;
    }
    let home = drive.path().join("home");
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
    let filler = drive.path().join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while std::io::Write::write_all(&mut file, &[0; 4096]).is_ok() {}
    is_searched("full");
    drop(file);
    std::fs::remove_file(&filler).unwrap();
    assert!(run("mount", &["-o", "remount,ro"]));
    is_searched("read-only");
    assert!(run("umount", &["-l"]));
}
