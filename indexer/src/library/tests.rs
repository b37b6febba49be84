//! Generations: one serves, one is being built.
#![allow(clippy::unwrap_used)]

use glimpse_nonempty::{each, if_any};

use super::*;
use crate::index::tests::{Fixture, add, found, model};
use crate::vectors::VectorStorage;

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

#[cfg(unix)]
#[test]
fn only_its_owner_may_read_a_new_library() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new();
    let library = Library::at(&fixture.home.path().join("library"));
    let index = library.open_for(&model("a"), false).unwrap();
    add(&index, 1, "/p/1.jpg");
    index.commit().unwrap();
    let mut folders = vec![library.home().to_path_buf()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for path in if_any(std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path())) {
            files += 1;
            match path.is_dir() {
                true => folders.push(path),
                false if ["db", "conf", "lock", "library.json"].iter().any(|name| path.ends_with(name)) => {
                    assert_eq!(mode(&path), 0o600, "{}", path.display());
                }
                false => {} // segments of words, which come and go in a folder that nobody else enters
            }
        }
    }
    assert!(files > 5);
}

/// Programs of before left their generations open to all.
#[cfg(unix)]
#[test]
fn a_library_of_before_is_made_private_when_it_is_opened() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new();
    drop(fixture.open());
    let dir = fixture.home.path().join("gen-0001");
    let paths = [dir.clone(), dir.join("sled"), dir.join("sled/db")];
    let modes = || paths.clone().map(|path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777);
    for (path, mode) in paths.iter().zip([0o755, 0o755, 0o644]) {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }
    assert_eq!(modes(), [0o755, 0o755, 0o644]);
    drop(fixture.library().open().unwrap());
    assert_eq!(modes(), [0o700, 0o700, 0o600]);
}

/// Whoever waits for another process learns for which one.
#[test]
fn who_waits_for_a_library_is_told() {
    let fixture = Fixture::new();
    drop(fixture.open());
    let held = fixture.library().lock().unwrap();
    let waiting = fixture.library();
    let (tell, told) = std::sync::mpsc::channel();
    waiting.on_wait(move |holder| tell.send(holder).unwrap());
    let opening = std::thread::spawn(move || waiting.open().map(drop));
    assert_eq!(told.recv().unwrap(), Some(std::process::id()));
    drop(held);
    opening.join().unwrap().unwrap();
    assert!(told.recv().is_err(), "it is told once, and not to who need not wait");
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
fn a_model_with_the_same_images_takes_the_library() {
    let fixture = Fixture::new();
    let library = fixture.library();
    let seeing = |name: &str, images: &str| ModelInfo { image_fingerprint: Some(images.to_owned()), ..model(name) };
    let [first, lit, other] = [("a", "x"), ("b", "x"), ("c", "y")].map(|(name, images)| seeing(name, images));
    let index = library.open_for(&first, false).unwrap();
    assert!(Arc::ptr_eq(&library.open_for(&lit, false).unwrap(), &index));
    assert!(!library.take_model(&index, &first).unwrap(), "it has it");
    assert!(library.take_model(&index, &lit).unwrap());
    assert_eq!((index.manifest().model, library.serving_model().unwrap()), (lit.clone(), Some(lit)));
    for other in [&other, &model("c")] {
        let refused = |error| matches!(error, IndexError::OtherModel { asked, .. } if asked == "c");
        assert!(library.open_for(other, false).is_err_and(refused));
        assert!(library.take_model(&index, other).is_err_and(refused));
    }
}

#[test]
fn a_change_of_model_that_was_cut_off_is_finished_by_the_next() {
    let fixture = Fixture::new();
    let library = fixture.library();
    let [first, lit] = ["a", "b"].map(|name| ModelInfo { image_fingerprint: Some("x".to_owned()), ..model(name) });
    let index = library.open_for(&first, false).unwrap();
    index.note_model(&lit).unwrap(); // and killed before the catalogue was written
    assert_eq!(library.serving_model().unwrap(), Some(first));
    assert!(!library.take_model(&index, &lit).unwrap(), "the index has it");
    assert_eq!(library.serving_model().unwrap(), Some(lit));
}

#[test]
fn what_a_program_of_before_did_not_know_of_its_model_is_noted() {
    let fixture = Fixture::new();
    let library = fixture.library();
    let index = library.open_for(&model("a"), false).unwrap();
    let moved = ModelInfo { name: "moved".into(), image_fingerprint: Some("x".into()), ..model("a") };
    assert!(!library.take_model(&index, &moved).unwrap(), "it is the same model");
    let noted = ModelInfo { image_fingerprint: Some("x".into()), ..model("a") };
    assert_eq!((index.manifest().model, library.serving_model().unwrap()), (noted.clone(), Some(noted)));
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
    assert_eq!(generations(&fixture), ["gen-0001.retired", "gen-0002"], "kept until another run has succeeded");
    library.promote(&new).unwrap();
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
fn leftovers_of_a_killed_process_are_retired() {
    let fixture = Fixture::new();
    let library = fixture.library();
    drop(library.open_for(&model("a"), false).unwrap());
    drop(library.open_for(&model("b"), true).unwrap());
    // A third model takes the place of the second, as if killed before the folder was removed.
    let third = library.open_for(&model("c"), true).unwrap();
    std::fs::create_dir_all(fixture.home.path().join("gen-0009/sled")).unwrap();
    library.promote(&third).unwrap();
    let retired = ["gen-0001.retired", "gen-0002.retired", "gen-0003", "gen-0009.retired"];
    assert_eq!(generations(&fixture), retired);
    drop((library, third));
    // Looking is no successful run.
    drop(fixture.library().open().unwrap());
    assert_eq!(generations(&fixture), retired);
    let library = fixture.library();
    let third = library.open_for(&model("c"), false).unwrap();
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
    assert_eq!(generations(&fixture), ["gen-0001.retired", "gen-0002"]);
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

    for name in generations(&fixture) {
        std::fs::remove_dir_all(fixture.home.path().join(name)).unwrap();
    }
    std::fs::write(fixture.home.path().join("library.json"), "").unwrap();
    assert!(matches!(fixture.library().mend(), Err(IndexError::NoIndex { .. })));
    assert!(fixture.open().is_empty(), "an index run begins anew");
    assert!(fixture.home.path().join("library.json.damaged").exists());
}

/// Nothing but the folders says that there is an index.
#[test]
fn a_missing_catalogue_is_made_anew_and_no_generation_is_lost() {
    let fixture = Fixture::new();
    let id = add(&fixture.open(), 1, "/p/1.jpg");
    let catalogue = fixture.home.path().join("library.json");
    let written = std::fs::read(&catalogue).unwrap();

    std::fs::remove_file(&catalogue).unwrap();
    assert_eq!(fixture.library().serving_model().unwrap(), Some(model("a")));
    let problem = fixture.library().mend().unwrap().unwrap();
    assert!(problem.contains("library.json is not there"), "{problem}");
    assert_eq!(std::fs::read(&catalogue).unwrap(), written);

    std::fs::remove_file(&catalogue).unwrap();
    assert_eq!(found(&fixture.library().open().unwrap(), 1, 1), [id]);
    assert_eq!(std::fs::read(&catalogue).unwrap(), written);

    std::fs::remove_file(&catalogue).unwrap();
    let index = fixture.open();
    assert_eq!((found(&index, 1, 1), generations(&fixture)), (vec![id], vec!["gen-0001".to_owned()]));
    assert_eq!(std::fs::read(&catalogue).unwrap(), written);
}

#[test]
fn a_generation_that_was_only_begun_does_not_stand_in_the_way_of_a_new_one() {
    let fixture = Fixture::new();
    let store = Store::open(&fixture.home.path().join("gen-0001/sled")).unwrap();
    store.sync().unwrap();
    drop(store);
    let index = fixture.open();
    assert!(index.dir().ends_with("gen-0002"));
    assert_eq!(generations(&fixture), ["gen-0001.retired", "gen-0002"]);
}

#[test]
fn a_store_whose_log_is_gone_is_not_begun_anew() {
    let fixture = Fixture::new();
    drop(fixture.open());
    std::fs::remove_file(fixture.home.path().join("gen-0001/sled/db")).unwrap();
    for result in [fixture.library().open(), fixture.library().open_for(&model("a"), true)] {
        assert!(matches!(result, Err(IndexError::Absent { .. })), "{result:?}");
    }
    assert_eq!(generations(&fixture), ["gen-0001"]);
}

#[test]
fn a_library_that_is_taken_away_while_it_is_open_is_not_begun_anew() {
    let fixture = Fixture::new();
    let library = fixture.library();
    let index = library.open_for(&model("a"), false).unwrap();
    std::fs::rename(fixture.home.path().join("gen-0001"), fixture.home.path().join("away")).unwrap();
    std::fs::remove_file(fixture.home.path().join("library.json")).unwrap();
    let error = library.open_for(&model("a"), true).unwrap_err();
    assert!(matches!(error, IndexError::TakenAway { .. }), "{error}");
    drop(index);
    assert!(library.open_for(&model("a"), true).unwrap().is_empty());
}

/// A folder in the place of a file gives an error that is none of "not found", to any user.
#[test]
fn what_cannot_be_looked_at_is_an_error_and_changes_nothing() {
    let fixture = Fixture::new();
    drop(fixture.open());
    let catalogue = fixture.home.path().join("library.json");
    std::fs::remove_file(&catalogue).unwrap();
    std::fs::create_dir(&catalogue).unwrap();
    let results = [fixture.library().open().map(drop), fixture.library().open_for(&model("a"), true).map(drop)];
    for result in each(results.into_iter().chain([fixture.library().mend().map(drop)])) {
        assert!(matches!(result, Err(IndexError::Io { .. })), "{result:?}");
    }
    assert_eq!(generations(&fixture), ["gen-0001"]);
}

#[cfg(unix)]
#[test]
fn a_folder_that_loops_is_not_an_absent_one() {
    let fixture = Fixture::new();
    drop(fixture.open());
    let dir = fixture.home.path().join("gen-0001");
    std::fs::rename(&dir, fixture.home.path().join("away")).unwrap();
    std::os::unix::fs::symlink(&dir, &dir).unwrap();
    for result in [fixture.library().open(), fixture.library().open_for(&model("a"), true)] {
        assert!(matches!(result, Err(IndexError::Io { .. })), "{result:?}");
    }
}

/// A process was killed after a third model's generation took the place of the first, and before
/// those that it left were retired. Then `library.json` is lost.
#[test]
fn of_three_generations_the_one_that_serves_is_found_and_none_retired() {
    let fixture = Fixture::new();
    let library = fixture.library();
    let first = library.open_for(&model("a"), false).unwrap();
    (1..4).for_each(|n| _ = add(&first, n, &format!("/p/{n}.jpg")));
    // Still read by others, so that they cannot be retired.
    let others = [fixture.library(), fixture.library()];
    let second = others[0].open_for(&model("b"), true).unwrap();
    let third = others[1].open_for(&model("c"), true).unwrap();
    let id = add(&third, 5, "/p/5.jpg");
    others[1].promote(&third).unwrap();
    drop((first, second, third, library, others));
    let all = ["gen-0001", "gen-0002", "gen-0003"];
    for name in all {
        let dir = fixture.home.path().join(name);
        let retired = dir.with_extension("retired");
        if retired.exists() {
            std::fs::rename(retired, dir).unwrap();
        }
    }
    let catalogue = fixture.home.path().join("library.json");
    type Way = fn(&Library);
    let ways: [(&str, Way); 4] = [
        ("open", |library| drop(library.open().unwrap())),
        ("index", |library| drop(library.open_for(&model("c"), false).unwrap())),
        ("mend", |library| drop(library.mend().unwrap())),
        ("rescue", |library| drop(library.rescue().unwrap())),
    ];
    for (name, way) in each(ways) {
        std::fs::remove_file(&catalogue).unwrap();
        assert_eq!(generations(&fixture), all, "{name}");
        assert_eq!(fixture.library().serving_model().unwrap(), Some(model("c")), "{name}");
        way(&fixture.library());
        if name != "rescue" {
            assert_eq!(generations(&fixture), all, "{name}: nothing is retired for want of a file");
        }
        let written = Catalogue::read(fixture.home.path()).unwrap().unwrap();
        assert_eq!(written.serving.unwrap().model, model("c"), "{name}");
        assert!(written.building.is_none(), "{name}: what is older than the one that serves was given up");
    }
    assert_eq!(found(&fixture.library().open().unwrap(), 5, 1), [id]);
}

/// Of programs that did not note which one served.
#[test]
fn of_generations_that_say_nothing_the_largest_serves() {
    let account = |number, images, promoted| Account {
        number,
        images,
        manifest: crate::Manifest { promoted, ..crate::Manifest::new(&model("a"), VectorStorage::default()) },
    };
    let chosen = |accounts: &[(u32, usize, bool)]| {
        let catalogue =
            Catalogue::of(accounts.iter().map(|&(n, images, promoted)| account(n, images, promoted)).collect());
        [catalogue.serving, catalogue.building].map(|generation| generation.map(|generation| generation.number))
    };
    assert_eq!(chosen(&[]), [None, None]);
    assert_eq!(chosen(&[(1, 0, false)]), [Some(1), None]);
    assert_eq!(chosen(&[(1, 9, false), (2, 3, false), (3, 5, false)]), [Some(1), Some(3)]);
    assert_eq!(chosen(&[(1, 9, false), (2, 3, false), (3, 10, false)]), [Some(3), Some(2)]);
    assert_eq!(chosen(&[(1, 9, false), (2, 9, false)]), [Some(1), Some(2)]);
    assert_eq!(chosen(&[(1, 9, true), (2, 90, false)]), [Some(1), Some(2)]);
    assert_eq!(chosen(&[(1, 9, true), (2, 90, false), (3, 1, true), (4, 0, false)]), [Some(3), Some(4)]);
}
