//! Changed bits on the disk: what `verify --repair` brings back, and what it costs.

use glimpse_nonempty::{each, if_any};

use super::*;

pub(super) const IMAGES: u8 = 200;

/// A library that was written in several sessions, closed; every session but the last is in sled's
/// notes of its pages.
pub(super) fn library() -> Fixture {
    let fixture = Fixture::new();
    for session in 0..4 {
        let index = fixture.open();
        (session * 50..session * 50 + 50).for_each(|n| _ = add(&index, n, &path(n)));
        index.finish().unwrap();
    }
    drop(fixture.open());
    fixture
}

fn path(n: u8) -> String {
    format!("/p/{}/{n}.jpg", n % 7)
}

pub(super) fn sled(fixture: &Fixture) -> std::path::PathBuf {
    fixture.home.path().join("gen-0001/sled")
}

/// A copy of a library with one bit of a file of its store changed.
fn with_a_bit_changed(library: &Fixture, file: &str, at: usize, bit: usize) -> Fixture {
    let copy = Fixture::new();
    copy_all(library.home.path(), copy.home.path());
    let path = sled(&copy).join(file);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[at] ^= 1 << bit;
    std::fs::write(path, bytes).unwrap();
    copy
}

pub(super) fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_all(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// Mends a library; how many images it lost. Those that are left are found, and indexing brings
/// back the others.
pub(super) fn lost(fixture: &Fixture, what: &str) -> usize {
    let report = fixture.library().verify(true).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(report.problems.len(), report.repaired.len(), "{what}: {report:?}");
    let after = fixture.library().verify(false).unwrap();
    assert_eq!(after.problems, Vec::<String>::new(), "{what}");
    let index = fixture.open();
    let left: Vec<u8> = (0..IMAGES).filter(|&n| index.file(Path::new(&path(n))).unwrap().is_some()).collect();
    assert_eq!(index.len(), left.len(), "{what}");
    for &n in if_any(&left) {
        assert_eq!(index.image(found(&index, n, 1)[0]).unwrap().unwrap().content, ContentHash::of(&[n]), "{what}");
    }
    (0..IMAGES).for_each(|n| _ = add(&index, n, &path(n)));
    assert_eq!(index.len(), usize::from(IMAGES), "{what}");
    usize::from(IMAGES) - left.len()
}

#[test]
fn a_changed_bit_in_what_sled_derives_costs_nothing() {
    let library = library();
    for entry in each(std::fs::read_dir(sled(&library)).unwrap()) {
        let entry = entry.unwrap();
        let (name, length) = (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len() as usize);
        if name == "db" || !entry.file_type().unwrap().is_file() {
            continue;
        }
        for step in 0..8 {
            let at = length * step / 8;
            let copy = with_a_bit_changed(&library, &name, at, step);
            assert_eq!(lost(&copy, &format!("{name} at {at}")), 0);
        }
    }
}

#[test]
fn a_changed_bit_in_the_log_costs_a_leaf_at_most() {
    let library = library();
    let length = std::fs::metadata(sled(&library).join("db")).unwrap().len() as usize;
    let mut sum = 0;
    for step in 0..60 {
        let at = length * step / 60 + step * 37;
        let copy = with_a_bit_changed(&library, "db", at, step % 8);
        let lost = lost(&copy, &format!("db at {at}"));
        // A leaf holds seventeen entries, and one that is older by some changes may stand in for
        // it.
        assert!(lost <= 34, "{lost} lost by the bit at {at}");
        sum += lost;
    }
    assert!(sum < 60 * 10, "{sum}");
}

/// Without the manifest, `library.json` says which model made the vectors.
#[test]
fn a_damaged_manifest_is_written_anew() {
    let library = library();
    damage::tamper(&library, |store, batch| {
        let key = crate::store::keys::meta::MANIFEST;
        let value = damage::flipped(store, crate::store::keys::Table::Meta, key);
        batch.put(crate::store::keys::Table::Meta, key, value);
    });
    assert!(matches!(library.library().open(), Err(crate::IndexError::Lost { .. })));
    assert_eq!(lost(&library, "manifest"), 0);
    assert_eq!(library.open().manifest().model, model("a"));
}

#[test]
fn a_store_that_somebody_reads_is_left_alone() {
    let library = library();
    let reader = library.library();
    let index = reader.open().unwrap();
    std::fs::write(sled(&library).join("conf"), b"rubbish").unwrap();
    let error = library.library().verify(true).unwrap_err();
    assert!(matches!(error, crate::IndexError::InUse { .. }), "{error}");
    assert_eq!(index.len(), usize::from(IMAGES));
}
