//! A store that is written anew has what it had, whatever happens meanwhile, and takes less room.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use glimpse_nonempty::each;

use super::power::{BLOCK, changed_blocks, log};
use super::region_files::*;
use super::rot::copy_all;
use super::*;
use crate::fault::{fail_at, meanwhile};
use crate::store::Store;
use crate::store::keys::Table;

type Entries = BTreeMap<(&'static str, Vec<u8>), Vec<u8>>;

/// All that the store holds.
fn entries(index: &Index) -> Entries {
    let of = |table: Table| {
        let entries = index.store.entries(table).map(Result::unwrap);
        entries.map(move |(key, value)| ((table.name(), key.to_vec()), value.to_vec()))
    };
    Table::ALL.into_iter().flat_map(of).collect()
}

fn store_dir(home: &Path) -> PathBuf {
    home.join("gen-0001/sled")
}

fn log_bytes(fixture: &Fixture) -> u64 {
    Store::log_bytes(&store_dir(fixture.home.path()))
}

/// The same library at another place.
fn copied(fixture: &Fixture) -> Fixture {
    let copy = Fixture { home: tempfile::tempdir().unwrap(), options: fixture.options.clone() };
    copy_all(fixture.home.path(), copy.home.path());
    copy
}

fn remove_notes(home: &Path) {
    for entry in std::fs::read_dir(store_dir(home)).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("snap.") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
}

/// Opens the library, which has these entries and is sound, and can be written.
fn assert_holds(fixture: &Fixture, expected: &Entries, what: &str) {
    let index = fixture.library().open().unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(entries(&index) == *expected, "{what}");
    assert!(!store_dir(fixture.home.path()).join("new").exists(), "{what}");
    assert_sound(&index);
    add_one(&index, 9999);
    index.commit().unwrap();
    assert_sound(&index);
}

#[test]
fn a_store_that_holds_much_less_than_before_is_written_anew_by_the_next_run() {
    const KEPT: u64 = 30;
    let fixture = fixture();
    let index = fixture.open();
    let ids: Vec<ImageId> = (0..20 * KEPT).map(|n| add_one(&index, n)).collect();
    index.finish().unwrap();
    // Whether it was written anew by now depends on how soon sled wrote; then it grows by far more
    // than half.
    for turn in 0..4 {
        for &id in &ids {
            index.set_model_caption(id, format!("{turn} ").repeat(400)).unwrap();
        }
    }
    index.commit().unwrap();
    let before = log_bytes(&fixture);
    (KEPT..20 * KEPT).for_each(|n| index.remove_file(&path(n)).unwrap());
    index.finish().unwrap();
    let after = log_bytes(&fixture);
    assert!(after * 4 < before, "{before} bytes, {after} afterwards");
    assert_eq!(index.len() as u64, KEPT);
    assert_regions_as_stored(&index);
    assert_sound(&index);
    add_one(&index, 5000);
    index.finish().unwrap();
    let last = log_bytes(&fixture);
    assert!((after..after + after / 2).contains(&last), "it is not written anew each time: {after}, {last}");
    let held = entries(&index);
    drop(index);
    assert_holds(&fixture, &held, "opened again");
}

#[test]
fn what_changes_meanwhile_is_in_the_new_store_too() {
    let fixture = closed();
    let index = fixture.open();
    let (other, turns, is_nested) = (Arc::clone(&index), Cell::new(0), Cell::new(false));
    let work = move || {
        // A commit says that nobody waits, too.
        if is_nested.replace(true) {
            return;
        }
        let n = turns.replace(turns.get() + 1);
        add_one(&other, 1000 + n);
        if n % 3 == 0 {
            other.remove_file(&path(n / 3)).unwrap();
            let id = other.file(&path(119 - n / 3)).unwrap().map(|file| file.image);
            id.into_iter().for_each(|id| other.set_rating(id, Some(3)).unwrap());
        }
        if n == 50 {
            other.commit().unwrap();
        }
        is_nested.set(false);
    };
    assert!(meanwhile(work, || index.store.pack(&mut || true)).unwrap());
    let added = (0..).take_while(|n| index.file(&path(1000 + n)).unwrap().is_some()).count() as u64;
    assert!(added > 50, "{added}");
    each(0..added.div_ceil(3).min(IMAGES)).for_each(|n| assert!(index.file(&path(n)).unwrap().is_none(), "{n}"));
    assert_regions_as_stored(&index);
    assert_sound(&index);
    index.finish().unwrap();
    assert_regions_as_stored(&index);
    let held = entries(&index);
    drop(index);
    assert_holds(&fixture, &held, "opened again");
}

#[test]
fn wherever_it_fails_the_store_is_as_it_was_and_goes_on() {
    let original = closed();
    let mut failures = 0;
    for point in each(0..) {
        let fixture = copied(&original);
        let index = fixture.open();
        let before = entries(&index);
        let (failed, done) = fail_at(point, || index.store.pack(&mut || true));
        failures += usize::from(failed);
        assert_eq!(done.is_err(), failed, "{done:?}");
        assert!(entries(&index) == before, "point {point}");
        // What a process that is killed here leaves.
        assert_holds(&copied(&fixture), &before, "killed");
        add_one(&index, 777);
        index.commit().unwrap();
        let after = entries(&index);
        drop(index);
        assert_holds(&fixture, &after, "opened again");
        if !failed {
            break;
        }
    }
    assert!(failures > 20, "{failures}");
}

#[test]
fn a_process_that_is_killed_while_it_copies_loses_nothing() {
    let fixture = closed();
    let index = fixture.open();
    let before = entries(&index);
    let states = Arc::new(Mutex::new(Vec::new()));
    let (taken, home) = (Arc::clone(&states), fixture.home.path().to_path_buf());
    let options = fixture.options.clone();
    let work = move || {
        let copy = Fixture { home: tempfile::tempdir().unwrap(), options: options.clone() };
        copy_all(&home, copy.home.path());
        taken.lock().unwrap().push(copy);
    };
    assert!(meanwhile(work, || index.store.pack(&mut || true)).unwrap());
    let mut states = std::mem::take(&mut *states.lock().unwrap());
    assert!(states.len() > 20, "{}", states.len());
    // All is copied and synced, and the log is next to be replaced: sled's notes are gone already.
    let last = copied(&states[states.len() - 1]);
    remove_notes(last.home.path());
    states.push(last);
    for (place, state) in
        each(states.iter().enumerate().filter(|(place, _)| place % 5 == 0 || place + 5 > states.len()))
    {
        assert!(store_dir(state.home.path()).join("new/db").exists());
        assert_holds(state, &before, &format!("state {place}"));
    }
    // The log was replaced, and what was in its folder is still there.
    let replaced = copied(&fixture);
    std::fs::create_dir_all(store_dir(replaced.home.path()).join("new/blobs")).unwrap();
    assert_holds(&replaced, &before, "replaced");
}

#[test]
fn whatever_a_power_cut_leaves_of_writes_to_the_new_log_opens_with_what_was_committed() {
    let fixture = closed();
    let index = fixture.open();
    assert!(index.store.pack(&mut || true).unwrap());
    let before = copied(&fixture);
    (500..560).for_each(|n| _ = add_one(&index, n));
    index.commit().unwrap();
    let after = copied(&fixture);
    drop(index);
    let [old, new] = [&before, &after].map(|copy| std::fs::read(log(copy.home.path())).unwrap());
    let blocks = changed_blocks(&old, &new);
    let mut cuts = 0;
    for (kept, torn) in each((0..blocks.len()).flat_map(|kept| [(kept, 0), (kept, 1100)])) {
        let mut bytes = old.clone();
        bytes.resize(new.len().max(old.len()), 0);
        for (turn, &at) in blocks[..=kept].iter().enumerate() {
            let end = new.len().min(at + if turn < kept { BLOCK } else { torn });
            bytes[at..end].copy_from_slice(&new[at..end]);
        }
        let cut = copied(&before);
        std::fs::write(log(cut.home.path()), bytes).unwrap();
        let index = cut.library().open().unwrap_or_else(|error| panic!("{kept} blocks: {error}"));
        (0..IMAGES).for_each(|n| assert!(index.file(&path(n)).unwrap().is_some(), "image {n}, {kept} blocks"));
        assert_regions_as_stored(&index);
        assert_sound(&index);
        cuts += 1;
    }
    assert!(cuts >= 8, "{cuts}");
}

#[test]
fn a_copy_that_misses_a_change_or_cannot_be_made_is_given_up() {
    let fixture = closed();
    let index = fixture.open();
    let before = entries(&index);
    let mut asked = 0;
    let mut goes_on = || {
        asked += 1;
        asked < 9
    };
    assert!(!index.store.pack(&mut goes_on).unwrap() && asked == 9, "nobody wants it any more");
    assert!(entries(&index) == before);
    let (other, turns) = (Arc::clone(&index), Cell::new(0));
    let work = move || {
        turns.set(turns.get() + 1);
        if turns.get() == 5 {
            other.store.lose_copy();
        }
    };
    let error = meanwhile(work, || index.store.pack(&mut || true)).unwrap_err();
    assert!(error.to_string().contains("a change could not be written to it"), "{error}");
    assert!(entries(&index) == before);

    let (copy, log) = (store_dir(fixture.home.path()).join("new"), log_bytes(&fixture));
    assert!(!copy.exists());
    std::fs::write(&copy, b"a file").unwrap();
    let captions = |count: u64| {
        for n in each(0..IMAGES) {
            let id = index.file(&path(n)).unwrap().unwrap().image;
            (0..count).for_each(|turn| index.set_model_caption(id, format!("{turn} ").repeat(250)).unwrap());
            index.set_model_caption(id, "short".to_owned()).unwrap();
        }
    };
    captions(20);
    index.finish().unwrap();
    assert!(log_bytes(&fixture) > log.max(1 << 20));
    let search = index.stats().unwrap().search;
    assert!(search.contains("the store keeps room that it does not need"), "{search}");
    std::fs::remove_file(&copy).unwrap();
    index.finish().unwrap();
    assert!(log_bytes(&fixture) < 1 << 20);
    let search = index.stats().unwrap().search;
    assert!(!search.contains("the store keeps room"), "{search}");
    assert_sound(&index);
}
