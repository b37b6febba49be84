//! Damaged values, and what `verify` says and mends.

use std::path::Path;

use glimpse_nonempty::{each, if_any};

use super::*;
use crate::store::keys::{self, PathHash, Table};
use crate::store::{Batch, Store, records};

/// An index of three images in four files, closed.
fn three_images() -> (Fixture, [ImageId; 3]) {
    let fixture = Fixture::new();
    let index = fixture.open();
    let ids = [1, 2, 3].map(|n| add(&index, n, &format!("/p/{n}.jpg")));
    add(&index, 3, "/p/copy.jpg");
    index.finish().unwrap();
    drop(index);
    (fixture, ids)
}

/// Changes the closed store behind the index's back.
pub(super) fn tamper(fixture: &Fixture, change: impl FnOnce(&Store, &mut Batch)) {
    tamper_at(fixture.home.path(), change);
}

/// As [`tamper`], of the library in a folder.
pub(super) fn tamper_at(home: &Path, change: impl FnOnce(&Store, &mut Batch)) {
    let store = Store::open(&home.join("gen-0001/sled")).unwrap();
    let mut batch = Batch::default();
    change(&store, &mut batch);
    store.apply(&batch).unwrap();
    store.sync().unwrap();
}

/// A stored value with one bit changed.
pub(super) fn flipped(store: &Store, table: Table, key: &[u8]) -> Vec<u8> {
    let mut value = store.get(table, key).unwrap().unwrap().to_vec();
    let middle = value.len() / 2;
    value[middle] ^= 4;
    value
}

/// Verifies, repairs, and verifies that nothing is left; the problems of the first look.
pub(super) fn mend(fixture: &Fixture) -> Vec<String> {
    let index = fixture.open();
    let problems = index.verify(false).unwrap().problems;
    assert_eq!(index.verify(false).unwrap().problems, problems, "looking changes nothing");
    let repair = index.verify(true).unwrap();
    // Words that are wrong because a table was wrong are right as soon as the table is.
    assert!(if_any(&repair.problems).all(|problem| problems.contains(problem)));
    assert_eq!(repair.repaired.is_empty(), problems.is_empty());
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
    drop(index);
    let index = fixture.open();
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
    assert_eq!(index.stats().unwrap().damaged, 0);
    problems
}

#[test]
fn a_sound_index_has_no_problems() {
    let (fixture, _) = three_images();
    assert_eq!(mend(&fixture), Vec::<String>::new());
    assert_eq!(fixture.open().verify(true).unwrap().images, 3);
}

#[test]
fn a_damaged_vector_hides_its_image_until_it_is_indexed_again() {
    let (fixture, [first, second, third]) = three_images();
    tamper(&fixture, |store, batch| {
        let key = keys::image(second);
        batch.put(Table::Vectors, &key, flipped(store, Table::Vectors, &key));
    });
    let index = fixture.open();
    assert_eq!(index.stats().unwrap().damaged, 1);
    assert_eq!(index.select(&Default::default()).iter().collect::<Vec<_>>(), [first, third]);
    assert!(!found(&index, 2, 9).contains(&second));
    drop(index);
    let problems = mend(&fixture);
    assert_eq!(problems, [format!("the vector of image {second} is damaged (its checksum does not match)")]);
    let index = fixture.open();
    assert_eq!(index.file(Path::new("/p/2.jpg")).unwrap(), None, "a new file to the next run");
    let again = add(&index, 2, "/p/2.jpg");
    assert!(again > third);
    assert_eq!(found(&index, 2, 1), [again]);
}

#[test]
fn a_damaged_record_is_named_and_dropped() {
    let (fixture, [first, ..]) = three_images();
    tamper(&fixture, |store, batch| {
        let key = keys::image(first);
        batch.put(Table::Images, &key, flipped(store, Table::Images, &key));
    });
    let error = fixture.open().image(first).unwrap_err().to_string();
    assert!(error.contains("the record of image 0 is damaged") && error.contains("verify --repair"), "{error}");
    let problems = mend(&fixture);
    assert_eq!(problems[1], "the word index has 1 images that are not there");
    assert_eq!(fixture.open().len(), 2);
}

#[test]
fn a_damaged_file_record_is_read_again() {
    let (fixture, [.., third]) = three_images();
    let path = Path::new("/p/copy.jpg");
    tamper(&fixture, |store, batch| {
        let key = PathHash::of(path).0;
        batch.put(Table::Files, &key, flipped(store, Table::Files, &key));
    });
    let index = fixture.open();
    assert_eq!(index.file(path).unwrap(), None);
    assert_eq!(index.files_of(third).unwrap().len(), 1);
    drop(index);
    let problems = mend(&fixture);
    assert!(problems[0].starts_with("the record of the file with path hash"), "{problems:?}");
    assert_eq!(add(&fixture.open(), 3, "/p/copy.jpg"), third);
}

#[test]
fn each_table_is_checked_against_the_others() {
    let content = image(1).content.0;
    let hash = PathHash::of(Path::new("/p/1.jpg"));
    let nobody = ImageId(77);
    type Change = Box<dyn Fn(&Store, &mut Batch)>;
    let cases: Vec<(&str, Change)> = vec![
        ("image 0 has no vector", Box::new(|_, batch| batch.remove(Table::Vectors, &keys::image(ImageId(0))))),
        (
            "there is a vector of image 77, but no image",
            Box::new(move |_, batch| {
                let vector = crate::vectors::Quantised::encode(&vector(9)).unwrap();
                batch.put(Table::Vectors, &keys::image(nobody), records::encode_vector(nobody, &vector));
            }),
        ),
        ("image 0 has no file", Box::new(move |_, batch| batch.remove(Table::Files, &hash.0))),
        (
            "image 0 has companions only, and no file that holds it",
            Box::new(move |store, batch| {
                let known = store.file(hash).unwrap().unwrap();
                let (hash, value) = records::encode_file(&FileRecord { role: FileRole::Raw, ..known });
                batch.put(Table::Files, &hash.0, value);
            }),
        ),
        (
            "/p/nobody.jpg holds image 77, which is not there",
            Box::new(move |_, batch| {
                let (hash, value) = records::encode_file(&FileRecord { image: nobody, ..file("/p/nobody.jpg") });
                batch.put(Table::Files, &hash.0, value);
            }),
        ),
        (
            "image 0 does not list /p/1.jpg, which holds it",
            Box::new(move |_, batch| {
                batch.remove(Table::FilesOfImage, &keys::file_of_image(ImageId(0), hash));
            }),
        ),
        (
            "image 1 lists /p/1.jpg, which does not hold it",
            Box::new(move |_, batch| {
                batch.put(Table::FilesOfImage, &keys::file_of_image(ImageId(1), hash), Vec::new());
            }),
        ),
        ("image 0 is not found by its bytes", Box::new(move |_, batch| batch.remove(Table::Content, &content))),
        (
            "which is not theirs",
            Box::new(move |_, batch| {
                let key = [9; 16];
                batch.put(Table::Content, &key, records::encode_id(Table::Content, &key, ImageId(0)));
            }),
        ),
        (
            "change 1 is damaged",
            Box::new(|store, batch| {
                let key = 1u64.to_be_bytes();
                batch.put(Table::Changes, &key, flipped(store, Table::Changes, &key));
            }),
        ),
        (
            "image 0 has more than one newest change",
            Box::new(|_, batch| {
                let key = 99u64.to_be_bytes();
                batch.put(Table::Changes, &key, records::encode_id(Table::Changes, &key, ImageId(0)));
            }),
        ),
        (
            "the number of the next image is damaged",
            Box::new(|_, batch| {
                let key = keys::meta::NEXT_ID;
                batch.put(Table::Meta, key, records::encode_id(Table::Meta, key, ImageId(1)));
            }),
        ),
        (
            "table images has an entry with a key of 3 bytes",
            Box::new(|_, batch| {
                batch.put(Table::Images, b"odd", vec![1, 2, 3]);
            }),
        ),
    ];
    for (expected, change) in each(cases) {
        let (fixture, _) = three_images();
        tamper(&fixture, |store, batch| change(store, batch));
        let problems = mend(&fixture);
        assert!(problems.iter().any(|problem| problem.contains(expected)), "{expected}: {problems:?}");
    }
}

#[test]
fn words_that_were_lost_come_back_by_themselves() {
    let (fixture, [first, ..]) = three_images();
    let index = fixture.open();
    index.set_words(first, Some("okapi".to_owned()), Vec::new()).unwrap();
    index.finish().unwrap();
    drop(index);
    std::fs::remove_dir_all(fixture.home.path().join("gen-0001/words")).unwrap();
    let index = fixture.open();
    let hits: Vec<_> = index.words("okapi", 5, None).unwrap().into_iter().map(|hit| hit.id).collect();
    assert_eq!(hits, [first]);
}

#[test]
fn a_damaged_manifest_is_an_error() {
    let (fixture, _) = three_images();
    tamper(&fixture, |store, batch| {
        let key = keys::meta::MANIFEST;
        batch.put(Table::Meta, key, flipped(store, Table::Meta, key));
    });
    let error = fixture.library().open().unwrap_err().to_string();
    assert!(error.contains("the manifest is damaged") && error.contains("verify --repair"), "{error}");
}

/// Whatever sled makes of a damaged log, readers are told what to do; or it found the same values
/// elsewhere.
#[test]
fn a_damaged_log_is_an_error_with_a_remedy() {
    let mut refused = 0;
    for sixteenth in 0..16 {
        let (fixture, _) = three_images();
        let log = fixture.home.path().join("gen-0001/sled/db");
        let mut bytes = std::fs::read(&log).unwrap();
        let used = bytes.iter().rposition(|&byte| byte != 0).unwrap();
        let (from, to) = (used * sixteenth / 16, used * (sixteenth + 1) / 16);
        bytes[from..to].iter_mut().for_each(|byte| *byte ^= 0x55);
        std::fs::write(&log, bytes).unwrap();
        let read = fixture.library().open().and_then(|index| index.verify(false));
        if let Err(error) = read {
            refused += 1;
            let error = error.to_string();
            assert!(error.contains("gen-0001") && error.contains("verify --repair"), "{error}");
        }
    }
    assert!(refused > 0);
}

#[test]
fn a_newer_format_is_refused_whatever_else_it_holds() {
    let (fixture, _) = three_images();
    tamper(&fixture, |_, batch| {
        let key = keys::meta::MANIFEST;
        let newer = format!(r#"{{"format": {}, "shards": []}}"#, Index::FORMAT + 1);
        batch.put(Table::Meta, key, records::encode_json(key, &newer));
    });
    let error = fixture.library().open().unwrap_err();
    let formats = (Index::FORMAT + 1, Index::FORMAT);
    assert!(
        matches!(error, crate::IndexError::NewerFormat { found, supported, .. } if (found, supported) == formats),
        "{error}"
    );
    assert!(error.to_string().contains("update glimpse"), "{error}");
}
