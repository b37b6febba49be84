//! Generations: one serves, one is being built.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::index::tests::{Fixture, add, found, model};

fn generations(fixture: &Fixture) -> Vec<String> {
    let entries = std::fs::read_dir(fixture.home.path()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.starts_with("gen-")).collect();
    names.sort();
    names
}

#[test]
fn an_empty_library_says_what_to_do() {
    let fixture = Fixture::new();
    let error = fixture.library().open().unwrap_err();
    assert!(matches!(error, IndexError::NoIndex { .. }));
    assert!(error.to_string().contains("glimpse index"), "{error}");
    assert_eq!(fixture.library().serving_model().unwrap(), None);
    assert_eq!(std::fs::read_dir(fixture.home.path()).unwrap().count(), 0, "looking makes nothing");
}

#[test]
fn the_first_generation_serves_at_once() {
    let fixture = Fixture::new();
    let index = fixture.library().open_for(&model("a"), false).unwrap();
    let id = add(&index, 1, "/p/1.jpg");
    index.commit().unwrap();
    drop(index);
    assert_eq!(fixture.library().serving_model().unwrap(), Some(model("a")));
    assert_eq!(found(&fixture.library().open().unwrap(), 1, 1), [id]);
}

#[test]
fn another_model_is_refused_with_the_remedy() {
    let fixture = Fixture::new();
    drop(fixture.library().open_for(&model("a"), false).unwrap());
    let error = fixture.library().open_for(&model("b"), false).unwrap_err();
    assert!(matches!(error, IndexError::OtherModel { .. }));
    let text = error.to_string();
    assert!(text.contains("--model a") && text.contains("glimpse index --model b"), "{text}");
}

#[test]
fn vectors_are_kept_as_the_library_began() {
    for storage in VectorStorage::ALL {
        let mut fixture = Fixture::new();
        fixture.options.vectors = Some(storage);
        let index = fixture.open();
        let ids: Vec<_> = (0..20).map(|n| add(&index, n, &format!("/p/{n}.jpg"))).collect();
        drop(index);
        for asked in [None, Some(storage)] {
            fixture.options.vectors = asked;
            let index = fixture.open();
            assert_eq!((index.manifest().vectors, index.stats().unwrap().vectors), (storage, storage));
            (0..20).for_each(|n| assert_eq!(found(&index, n, 1), [ids[usize::from(n)]]));
        }
        for asked in VectorStorage::ALL.into_iter().filter(|&asked| asked != storage) {
            fixture.options.vectors = Some(asked);
            assert!(fixture.library().open().is_ok(), "to read, it does not matter");
            let error = fixture.library().open_for(&model("a"), false).unwrap_err().to_string();
            assert!(error.contains(storage.name()) && error.contains("--home"), "{error}");
        }
    }
}

#[test]
fn the_old_generation_serves_until_the_new_one_is_promoted() {
    let fixture = Fixture::new();
    let library = fixture.library();
    let old = library.open_for(&model("a"), false).unwrap();
    add(&old, 1, "/p/1.jpg");
    old.commit().unwrap();
    let new = library.open_for(&model("b"), true).unwrap();
    add(&new, 2, "/p/2.jpg");
    assert!(Arc::ptr_eq(&library.open().unwrap(), &old));
    assert!(Arc::ptr_eq(&library.open_for(&model("b"), true).unwrap(), &new), "goes on where it was");
    assert_eq!(generations(&fixture), ["gen-0001", "gen-0002"]);

    library.promote(&new).unwrap();
    library.promote(&new).unwrap();
    assert!(Arc::ptr_eq(&library.open().unwrap(), &new));
    assert_eq!(old.len(), 1, "who still asks the old one is answered");
    drop(old);
    assert_eq!(generations(&fixture), ["gen-0002"]);
    drop(new);
    assert_eq!(library.open().unwrap().len(), 1);
    assert_eq!(library.serving_model().unwrap(), Some(model("b")));
}

#[test]
fn a_generation_goes_on_after_a_restart() {
    let fixture = Fixture::new();
    drop(fixture.library().open_for(&model("a"), false).unwrap());
    let new = fixture.library().open_for(&model("b"), true).unwrap();
    add(&new, 1, "/p/1.jpg");
    new.commit().unwrap();
    drop(new);
    let library = fixture.library();
    let new = library.open_for(&model("b"), false).unwrap();
    assert_eq!(new.len(), 1);
    assert_eq!(library.serving_model().unwrap(), Some(model("a")));
}

#[test]
fn leftovers_of_a_killed_process_are_removed() {
    let fixture = Fixture::new();
    let library = fixture.library();
    drop(library.open_for(&model("a"), false).unwrap());
    drop(library.open_for(&model("b"), true).unwrap());
    // A third model takes the place of the second, as if killed before the folder was removed.
    let third = library.open_for(&model("c"), true).unwrap();
    std::fs::create_dir_all(fixture.home.path().join("gen-0009/sled")).unwrap();
    library.promote(&third).unwrap();
    assert_eq!(generations(&fixture), ["gen-0003"]);
}

#[test]
fn a_leftover_that_is_still_read_stays() {
    let fixture = Fixture::new();
    let reader = fixture.library();
    let old = reader.open_for(&model("a"), false).unwrap();
    // Another process, as far as the locks are concerned.
    let writer = fixture.library();
    let new = writer.open_for(&model("b"), true).unwrap();
    writer.promote(&new).unwrap();
    assert_eq!(generations(&fixture), ["gen-0001", "gen-0002"]);
    assert!(old.is_empty());
    drop((old, new));
    drop(fixture.library().open().unwrap());
    assert_eq!(generations(&fixture), ["gen-0002"]);
}

#[test]
fn newer_formats_and_rubbish_are_refused() {
    let fixture = Fixture::new();
    drop(fixture.open());
    let path = fixture.home.path().join("library.json");
    std::fs::write(&path, br#"{"format": 2, "what": "ever"}"#).unwrap();
    let error = fixture.library().open().unwrap_err();
    assert!(matches!(error, IndexError::NewerFormat { found: 2, supported: 1, .. }), "{error}");
    std::fs::write(&path, b"{").unwrap();
    let error = fixture.library().open().unwrap_err();
    assert!(error.to_string().contains("library.json is damaged"), "{error}");
}

#[test]
fn a_generation_that_was_taken_away_is_begun_anew() {
    let fixture = Fixture::new();
    drop(fixture.open());
    std::fs::remove_dir_all(fixture.home.path().join("gen-0001")).unwrap();
    assert!(matches!(fixture.library().open(), Err(IndexError::NoIndex { .. })));
    drop(fixture.open());
    assert!(fixture.library().open().unwrap().is_empty());
}

#[test]
fn an_index_of_another_library_is_not_promoted() {
    let (one, two) = (Fixture::new(), Fixture::new());
    let index = one.open();
    assert!(two.library().promote(&index).is_err());
}

#[test]
fn a_damaged_catalogue_is_made_anew_from_the_generations() {
    let fixture = Fixture::new();
    assert_eq!(fixture.library().mend().unwrap(), None, "nothing to mend");
    let library = fixture.library();
    let old = library.open_for(&model("a"), false).unwrap();
    let id = add(&old, 1, "/p/1.jpg");
    old.finish().unwrap();
    library.open_for(&model("b"), true).unwrap().finish().unwrap();
    drop((library, old));
    assert_eq!(fixture.library().mend().unwrap(), None);

    std::fs::write(fixture.home.path().join("library.json"), "{\"format\": 1, \"serv").unwrap();
    let error = fixture.library().open().unwrap_err().to_string();
    assert!(error.contains("library.json is damaged") && error.contains("verify --repair"), "{error}");
    let problem = fixture.library().mend().unwrap().unwrap();
    assert_eq!(problem, error);
    let index = fixture.library().open().unwrap();
    assert_eq!((index.manifest().model, found(&index, 1, 1)), (model("a"), vec![id]));
    drop(index);
    fixture.library().open_for(&model("b"), true).unwrap();
    assert_eq!(generations(&fixture), ["gen-0001", "gen-0002"], "what was being built is gone on with");

    for (_, dir) in fixture.library().generation_dirs() {
        std::fs::remove_dir_all(dir).unwrap();
    }
    std::fs::write(fixture.home.path().join("library.json"), "").unwrap();
    assert!(matches!(fixture.library().mend(), Err(IndexError::NoIndex { .. })));
}
