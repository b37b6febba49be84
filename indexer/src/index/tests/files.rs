//! Images and the files that hold them.

use std::path::{Path, PathBuf};

use glimpse_nonempty::Every as _;

use super::*;
use crate::IndexError;

#[test]
fn an_image_comes_back_as_it_was_stored() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let record = ImageRecord {
        taken: Some(1_700_000_000),
        camera: Some("Fujifilm X100".to_owned()),
        place: Some(crate::Place { latitude: 46.5, longitude: 7.9 }),
        caption: Some("Ein Berg".to_owned()),
        keywords: vec!["山".to_owned(), "mountain".to_owned()],
        ..image(1)
    };
    let id = index.add(record.clone(), &vector(1), file("/a/one.jpg")).unwrap();
    let stored = ImageRecord { id, ..record.clone() };
    assert_eq!(index.image(id).unwrap(), Some(stored.clone()));
    assert_eq!(index.by_content(&record.content).unwrap(), Some(id));
    assert_eq!(index.files_of(id).unwrap(), [FileRecord { image: id, ..file("/a/one.jpg") }]);
    assert_eq!(index.taken(id), record.taken);
    let cosine = glimpse_encoder::dot(&index.vector(id).unwrap(), &vector(1));
    assert!(cosine > 0.999, "{cosine}");

    index.commit().unwrap();
    let revision = index.revision();
    drop(index);
    let index = fixture.open();
    assert_eq!(index.image(id).unwrap(), Some(stored));
    assert_eq!(index.revision(), revision);
    assert_eq!(found(&index, 1, 3), [id]);
}

#[test]
fn equal_bytes_share_an_image() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let id = add(&index, 1, "/a/one.jpg");
    assert_eq!(add(&index, 1, "/b/copy.jpg"), id);
    assert_eq!(index.len(), 1);
    assert_eq!(index.stats().unwrap().files, 2);
    index.remove_file(Path::new("/a/one.jpg")).unwrap();
    assert_eq!(found(&index, 1, 3), [id]);
    index.remove_file(Path::new("/b/copy.jpg")).unwrap();
    assert_eq!((index.image(id).unwrap(), index.len(), index.vector(id)), (None, 0, None));
    assert_eq!(index.by_content(&image(1).content).unwrap(), None);
    assert_ne!(add(&index, 1, "/a/one.jpg"), id, "numbers are never used again");
}

#[test]
fn numbers_are_not_used_again_after_a_restart() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let id = add(&index, 1, "/a/one.jpg");
    index.remove_file(Path::new("/a/one.jpg")).unwrap();
    index.commit().unwrap();
    drop(index);
    assert!(add(&fixture.open(), 2, "/a/two.jpg") > id);
}

#[test]
fn other_content_under_the_same_path_replaces() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let old = add(&index, 1, "/a/one.jpg");
    let new = add(&index, 2, "/a/one.jpg");
    assert_eq!(index.image(old).unwrap(), None);
    assert_eq!(index.file(Path::new("/a/one.jpg")).unwrap().unwrap().image, new);
    assert_eq!(index.select(&Default::default()).iter().collect::<Vec<_>>(), [new]);
}

#[test]
fn a_missing_file_is_not_found_and_may_come_back() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let id = add(&index, 1, "/a/one.jpg");
    add(&index, 2, "/a/two.jpg");
    index.mark_missing(Path::new("/a/one.jpg")).unwrap();
    assert!(!found(&index, 1, 9).contains(&id));
    assert!(index.score_all(&vector(1)).unwrap().iter().every(|scored| scored.id != id));
    assert!(index.vector(id).is_some(), "kept for its return");
    assert_eq!(index.stats().unwrap().missing, 1);
    let revision = index.revision();
    index.mark_missing(Path::new("/a/one.jpg")).unwrap();
    assert_eq!(index.revision(), revision, "nothing changed");
    index.put_file(FileRecord { image: id, ..file("/moved/one.jpg") }).unwrap();
    assert_eq!(found(&index, 1, 1), [id]);
    let paths: Vec<_> = index.files_of(id).unwrap().into_iter().map(|file| file.path).collect();
    assert_eq!(paths, [Path::new("/moved/one.jpg"), Path::new("/a/one.jpg")], "present ones first");
}

fn companion(image: ImageId, path: &str) -> FileRecord {
    FileRecord { image, role: FileRole::Raw, ..file(path) }
}

#[test]
fn companions_are_listed_and_found_and_show_nothing() {
    let mut fixture = Fixture::new();
    fixture.options.graph_from = 2;
    let index = fixture.open();
    let (id, other) = (add(&index, 1, "/a/one.jpg"), add(&index, 2, "/a/two.jpg"));
    let raw = companion(id, "/a/one.dng");
    index.put_file(raw.clone()).unwrap();
    index.finish().unwrap();
    assert_eq!(index.files_of(id).unwrap(), [FileRecord { image: id, ..file("/a/one.jpg") }]);
    assert_eq!(index.companions_of(id).unwrap(), std::slice::from_ref(&raw));
    assert_eq!((index.stats().unwrap().files, index.len()), (3, 2));
    let named = |index: &Index| index.words("dng", 5, None).unwrap().into_iter().map(|hit| hit.id).collect::<Vec<_>>();
    assert_eq!(named(&index), [id]);
    let by_folder = index.images_by_folder();
    assert_eq!(by_folder.iter().map(|(_, images)| images.len()).collect::<Vec<_>>(), [2], "each image once");
    // Alone it shows nothing, and the image waits for its file.
    index.mark_missing(Path::new("/a/one.jpg")).unwrap();
    index.finish().unwrap();
    let mut index = Some(index);
    for _ in 0..2 {
        drop(index.take());
        let index = &*index.insert(fixture.open());
        assert_eq!(index.select(&Default::default()).iter().collect::<Vec<_>>(), [other]);
        let there = crate::Filter { folders: vec!["/a".into()], ..Default::default() };
        assert_eq!(index.select(&there).iter().collect::<Vec<_>>(), [other]);
        assert_eq!((named(index), index.has_present_file(id)), (vec![], false));
        assert_eq!(index.companions_of(id).unwrap(), std::slice::from_ref(&raw));
        assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
    }
}

#[test]
fn companions_go_with_the_last_file_that_holds_their_image() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let id = add(&index, 1, "/a/one.jpg");
    add(&index, 1, "/b/one.jpg");
    index.put_file(companion(id, "/a/one.dng")).unwrap();
    index.remove_file(Path::new("/a/one.jpg")).unwrap();
    assert_eq!(index.companions_of(id).unwrap().len(), 1);
    // The file that held it holds another image now.
    add(&index, 2, "/b/one.jpg");
    assert_eq!((index.image(id).unwrap(), index.file(Path::new("/a/one.dng")).unwrap()), (None, None));
    assert_eq!((index.stats().unwrap().files, index.len()), (1, 1));
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
}

#[test]
fn a_file_that_becomes_a_companion_gives_its_image_up() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let (jpeg, raw) = (add(&index, 1, "/a/one.jpg"), add(&index, 2, "/a/one.dng"));
    index.put_file(companion(raw, "/a/none.dng")).unwrap();
    index.put_file(companion(jpeg, "/a/one.dng")).unwrap();
    assert_eq!((index.image(raw).unwrap(), index.vector(raw), index.len()), (None, None, 1));
    assert_eq!(index.file(Path::new("/a/none.dng")).unwrap(), None);
    // Nobody is a companion of itself.
    let put = index.put_file(companion(jpeg, "/a/one.jpg"));
    assert!(matches!(put, Err(IndexError::NoSuchImage(id)) if id == jpeg), "{put:?}");
    // And back: the same file holds an image again.
    let again = add(&index, 2, "/a/one.dng");
    assert_eq!((index.companions_of(jpeg).unwrap(), index.len()), (vec![], 2));
    assert_eq!(index.files_of(again).unwrap()[0].role, FileRole::Primary);
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
}

#[test]
fn what_is_not_there_is_said_or_ignored() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let nobody = ImageId(7);
    let put = index.put_file(FileRecord { image: nobody, ..file("/a.jpg") });
    assert!(matches!(put, Err(IndexError::NoSuchImage(id)) if id == nobody));
    assert!(matches!(index.set_words(nobody, None, vec![]), Err(IndexError::NoSuchImage(id)) if id == nobody));
    index.mark_missing(Path::new("/nowhere.jpg")).unwrap();
    index.remove_file(Path::new("/nowhere.jpg")).unwrap();
    assert_eq!((index.revision(), index.image(nobody).unwrap(), index.vector(nobody)), (0, None, None));
}

#[test]
fn vectors_that_do_not_fit_are_refused() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let add = |vector: &[f32]| index.add(image(1), vector, file("/a.jpg"));
    assert!(
        matches!(add(&[1.0; DIM + 1]), Err(IndexError::WrongDimension { expected: DIM, found }) if found == DIM + 1)
    );
    assert!(matches!(add(&[0.0; DIM]), Err(IndexError::Encode(_))));
    assert!(matches!(add(&[f32::NAN; DIM]), Err(IndexError::Encode(_))));
    assert!(matches!(index.nearest(&[1.0], 3, None), Err(IndexError::WrongDimension { .. })));
    assert_eq!(index.revision(), 0);
}

#[cfg(unix)]
#[test]
fn paths_of_any_bytes_and_any_length() {
    use std::os::unix::ffi::OsStrExt;
    let fixture = Fixture::new();
    let index = fixture.open();
    let odd = Path::new(std::ffi::OsStr::from_bytes(b"/a/\xff\xfe\n/\xe4.jpg"));
    let long = PathBuf::from(format!("/{}/x.jpg", "very-long-name/".repeat(250)));
    let first = index.add(image(1), &vector(1), file(odd)).unwrap();
    let second = index.add(image(2), &vector(2), file(&long)).unwrap();
    index.commit().unwrap();
    drop(index);
    let index = fixture.open();
    assert_eq!(index.file(odd).unwrap().unwrap().path, odd);
    assert_eq!(index.files_of(first).unwrap()[0].path, odd);
    assert_eq!(index.files_of(second).unwrap()[0].path, long);
    assert_eq!(index.files_under(Path::new("/a")).unwrap().len(), 1);
}

#[test]
fn files_are_listed_by_folder() {
    let fixture = Fixture::new();
    let index = fixture.open();
    for (n, path) in ["/a/1.jpg", "/a/b/2.jpg", "/a/b/c/3.jpg", "/ab/4.jpg", "/a.jpg"].iter().enumerate() {
        add(&index, n as u8, path);
    }
    let under = |folder: &str| {
        let mut paths: Vec<_> = index.files_under(Path::new(folder)).unwrap().into_iter().map(|f| f.path).collect();
        paths.sort();
        paths.iter().map(|path| path.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(under("/a"), ["/a/1.jpg", "/a/b/2.jpg", "/a/b/c/3.jpg"]);
    assert_eq!(under("/a/b"), ["/a/b/2.jpg", "/a/b/c/3.jpg"]);
    assert_eq!(under("/a/b/c/3.jpg"), ["/a/b/c/3.jpg"]);
    assert_eq!(under("/").len(), 5);
    assert!(under("/nowhere").is_empty());
    let hashes: Vec<_> =
        index.files_under(Path::new("/")).unwrap().iter().map(|f| crate::store::keys::PathHash::of(&f.path)).collect();
    assert!(hashes.is_sorted());
}

#[test]
fn long_words_are_cut_to_fit() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let id = add(&index, 1, "/a/one.jpg");
    index.set_words(id, Some("語".repeat(5000)), vec!["word".to_owned(); 5000]).unwrap();
    let record = index.image(id).unwrap().unwrap();
    assert_eq!(record.caption.unwrap().len(), 1023, "cut between characters");
    assert_eq!(record.keywords.len(), 128);
}

#[test]
fn roots_are_kept_once() {
    let fixture = Fixture::new();
    let index = fixture.open();
    for root in ["/photos", "/more", "/photos"] {
        index.add_root(root.into()).unwrap();
    }
    index.commit().unwrap();
    drop(index);
    assert_eq!(fixture.open().manifest().roots, [Path::new("/photos"), Path::new("/more")]);
}

/// Words of folders begin at the root, so they are others under another one.
#[test]
fn folder_words_follow_the_roots() {
    let fixture = Fixture::new();
    let index = fixture.open();
    let id = add(&index, 1, "/holidays/greece/1.jpg");
    let other = add(&index, 2, "/holidays/greece/beach/2.jpg");
    let found = |word: &str| {
        index.finish().unwrap();
        let mut ids: Vec<_> = index.words(word, 9, None).unwrap().into_iter().map(|hit| hit.id).collect();
        ids.sort();
        ids
    };
    index.add_root("/holidays/greece/beach".into()).unwrap();
    assert_eq!((found("holidays"), found("beach")), (vec![id], vec![other]));
    index.add_root("/holidays/greece".into()).unwrap();
    assert_eq!((found("holidays"), found("greece")), (vec![], vec![id]), "the nearest root counts");
    let revision = index.revision();
    index.add_root("/elsewhere".into()).unwrap();
    assert_eq!(index.revision(), revision, "nothing is fed for a root without files");
    index.remove_root(Path::new("/holidays/greece/beach")).unwrap();
    assert_eq!(found("greece"), [id, other]);
    assert!(index.verify(false).unwrap().problems.is_empty());
}
