//! Files and folders of a store that are not there: nothing is removed over it, and one mending and
//! one index run make the library whole.

use std::fs;
use std::path::PathBuf;

use glimpse_nonempty::each;

use super::rot::{IMAGES, copy_all, library, lost, sled};
use super::*;
use crate::IndexError;

type Loss = fn(&Path);

/// What becomes of the folder of the store, by name.
const LOSSES: [(&str, Loss); 5] = [
    ("no log", |sled| fs::remove_file(sled.join("db")).unwrap()),
    ("an empty log", |sled| drop(fs::File::create(sled.join("db")).unwrap())),
    ("neither log nor settings", |sled| {
        fs::remove_file(sled.join("db")).unwrap();
        fs::remove_file(sled.join("conf")).unwrap();
    }),
    ("an empty folder", |sled| {
        fs::remove_dir_all(sled).unwrap();
        fs::create_dir(sled).unwrap();
    }),
    ("no folder", |sled| fs::remove_dir_all(sled).unwrap()),
];

/// Every file below a folder but those of the store, with its bytes.
fn others(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        match entry.is_dir() {
            true if entry.ends_with("sled") => {}
            true => found.extend(others(&entry)),
            false => found.push((entry.file_name().unwrap().into(), fs::read(&entry).unwrap())),
        }
    }
    // A lock of the word index, which opening takes.
    found.retain(|(name, bytes)| !bytes.is_empty() || !name.to_string_lossy().ends_with(".lock"));
    found.sort();
    found
}

#[test]
fn a_store_without_a_log_is_set_aside_and_begun_anew() {
    let whole = library();
    for (what, lose) in LOSSES {
        let fixture = Fixture::new();
        copy_all(whole.home.path(), fixture.home.path());
        lose(&sled(&fixture));
        let (generation, retired) =
            (fixture.home.path().join("gen-0001"), fixture.home.path().join("gen-0001.retired"));
        let before = others(&generation);

        // Whoever needs the library is told what is not there and what to do, and nothing is
        // touched.
        let refusals = [
            fixture.library().verify(false).map(drop),
            fixture.library().open().map(drop),
            fixture.library().open_for(&model("a"), true).map(drop),
        ];
        for refused in each(refusals) {
            let error = refused.unwrap_err();
            assert!(matches!(error, IndexError::Absent { .. }), "{what}: {error}");
            let text = error.to_string();
            assert!(text.contains("sled") && text.contains("run `glimpse verify --repair`"), "{what}: {text}");
        }
        assert_eq!(others(&generation), before, "{what}");

        let report = fixture.library().verify(true).unwrap();
        let (problem, mended) = (&report.problems[0], &report.repaired[0]);
        assert!(problem.contains("is not there") || problem.contains("is empty"), "{what}: {problem}");
        assert!(mended.contains(&format!("all {IMAGES} images")) && mended.contains("gen-0001.retired"), "{mended}");
        assert_eq!(report.forgotten, usize::from(IMAGES), "{what}");
        assert_eq!(others(&retired), before, "{what}: what was left is kept");
        // All are lost, and come back with the next run.
        assert_eq!(lost(&fixture, what), usize::from(IMAGES), "{what}");
        assert_eq!(fixture.open().manifest().model, model("a"), "{what}");
        assert!(retired.exists(), "{what}: no run has succeeded since");
        let library = fixture.library();
        library.promote(&library.open_for(&model("a"), false).unwrap()).unwrap();
        assert!(!retired.exists() && !generation.exists(), "{what}");
        assert_eq!(fixture.library().verify(false).unwrap().problems, Vec::<String>::new(), "{what}");
    }
}

#[test]
fn settings_and_notes_that_are_not_there_cost_nothing() {
    let whole = library();
    for names in [&["conf"][..], &["snap."], &["conf", "snap."], &["blobs"]] {
        let fixture = Fixture::new();
        copy_all(whole.home.path(), fixture.home.path());
        for entry in fs::read_dir(sled(&fixture)).unwrap().map(|entry| entry.unwrap()) {
            let name = entry.file_name().into_string().unwrap();
            match names.iter().any(|gone| name.starts_with(gone)) {
                true if entry.path().is_dir() => fs::remove_dir_all(entry.path()).unwrap(),
                true => fs::remove_file(entry.path()).unwrap(),
                false => {}
            }
        }
        assert_eq!(fixture.open().len(), usize::from(IMAGES), "{names:?}");
        assert_eq!(lost(&fixture, &format!("{names:?}")), 0);
    }
}

/// It serves nobody yet, so it is set aside, and the next run begins it anew.
#[test]
fn what_is_being_built_and_has_no_log_does_not_stand_in_the_way() {
    let fixture = Fixture::new();
    let library = fixture.library();
    let old = library.open_for(&model("a"), false).unwrap();
    add(&old, 1, "/p/1.jpg");
    old.finish().unwrap();
    library.open_for(&model("b"), true).unwrap().finish().unwrap();
    drop((old, library));
    fs::remove_file(fixture.home.path().join("gen-0002/sled/db")).unwrap();
    let error = fixture.library().open_for(&model("b"), true).unwrap_err().to_string();
    assert!(error.contains("run `glimpse verify --repair`"), "{error}");
    let problems = fixture.library().verify(false).unwrap().problems;
    assert!(problems.len() == 1 && problems[0].contains("gen-0002"), "{problems:?}");
    let report = fixture.library().verify(true).unwrap();
    assert!(report.repaired.len() == 1 && report.repaired[0].contains("--model b"), "{report:?}");
    assert!(fixture.home.path().join("gen-0002.retired").exists());
    assert_eq!(fixture.library().verify(false).unwrap().problems, Vec::<String>::new());
    assert!(fixture.library().open_for(&model("b"), true).unwrap().is_empty());
    assert_eq!(fixture.library().open().unwrap().len(), 1);
}

/// Nothing says any more which model it was: an index run begins anew, beside what is left.
#[test]
fn without_log_and_catalogue_an_index_run_begins_anew() {
    for catalogue in [None, Some("{\"format\": 1, \"serv")] {
        let fixture = library();
        fs::remove_file(sled(&fixture).join("db")).unwrap();
        let path = fixture.home.path().join("library.json");
        match catalogue {
            None => fs::remove_file(&path).unwrap(),
            Some(json) => fs::write(&path, json).unwrap(),
        }
        let error = fixture.library().verify(true).unwrap_err();
        assert!(matches!(error, IndexError::NoIndex { .. }), "{error}");
        assert!(fixture.open().is_empty(), "{catalogue:?}");
        assert!(fixture.home.path().join("gen-0001.retired/words").exists(), "{catalogue:?}");
        assert_eq!(fixture.library().verify(false).unwrap().problems, Vec::<String>::new());
    }
}
