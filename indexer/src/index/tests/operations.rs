//! Random sequences of operations against a model that is two maps.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use glimpse_nonempty::each;
use proptest::prelude::*;

use super::*;
use crate::{IdSet, IndexError};

#[derive(Debug, Clone)]
enum Operation {
    Add { content: u8, path: u8 },
    PutFile { content: u8, path: u8, modified: i64 },
    MarkMissing { path: u8 },
    RemoveFile { path: u8 },
    SetWords { content: u8, caption: Option<u8> },
    Commit,
    Finish,
    Reopen,
}

fn operations() -> impl Strategy<Value = Operation> {
    let (content, path) = (0u8..6, 0u8..6);
    prop_oneof![
        6 => (content.clone(), path.clone()).prop_map(|(content, path)| Operation::Add { content, path }),
        4 => (content.clone(), path.clone(), 0i64..2)
            .prop_map(|(content, path, modified)| Operation::PutFile { content, path, modified }),
        3 => path.clone().prop_map(|path| Operation::MarkMissing { path }),
        3 => path.prop_map(|path| Operation::RemoveFile { path }),
        2 => (content, proptest::option::of(0u8..3))
            .prop_map(|(content, caption)| Operation::SetWords { content, caption }),
        1 => Just(Operation::Commit),
        1 => Just(Operation::Finish),
        1 => Just(Operation::Reopen),
    ]
}

/// The plain model: what an index is, without how.
#[derive(Default)]
struct Model {
    /// Number and caption by content.
    images: BTreeMap<u8, (ImageId, Option<String>)>,
    /// Content, modification time and absence by path.
    files: BTreeMap<u8, (u8, i64, bool)>,
    used: BTreeSet<ImageId>,
}

impl Model {
    fn put(&mut self, path: u8, file: (u8, i64, bool)) {
        self.files.insert(path, file);
        self.forget_images_without_files();
    }

    fn forget_images_without_files(&mut self) {
        let held: BTreeSet<u8> = self.files.values().map(|(content, ..)| *content).collect();
        self.images.retain(|content, _| held.contains(content));
    }

    fn findable(&self) -> IdSet {
        let present = self.files.values().filter(|(.., missing)| !missing);
        present.map(|(content, ..)| self.images[content].0).collect()
    }
}

fn path_of(path: u8) -> PathBuf {
    // Two folders, so that moves cross folders.
    PathBuf::from(format!("/photos/{}/{path}.jpg", path % 2))
}

fn caption_of(caption: u8) -> String {
    ["zebra", "giraffe", "okapi"][usize::from(caption)].to_owned()
}

fn run(operation: &Operation, fixture: &Fixture, index: &mut Option<Arc<Index>>, model: &mut Model) {
    let open = index.as_ref().unwrap();
    match *operation {
        Operation::Add { content, path } => {
            let id = open.add(image(content), &vector(content), file(path_of(path))).unwrap();
            if let Some((known, _)) = model.images.get(&content) {
                assert_eq!(id, *known);
            } else {
                assert!(model.used.insert(id), "{id} was used before");
                model.images.insert(content, (id, None));
            }
            model.put(path, (content, 1, false));
        }
        Operation::PutFile { content, path, modified } => {
            let id = model.images.get(&content).map_or(ImageId(u64::MAX), |(id, _)| *id);
            let put = open.put_file(FileRecord { image: id, modified, ..file(path_of(path)) });
            if model.images.contains_key(&content) {
                put.unwrap();
                model.put(path, (content, modified, false));
            } else {
                assert!(matches!(put, Err(IndexError::NoSuchImage(_))));
            }
        }
        Operation::MarkMissing { path } => {
            open.mark_missing(&path_of(path)).unwrap();
            if let Some((.., missing)) = model.files.get_mut(&path) {
                *missing = true;
            }
        }
        Operation::RemoveFile { path } => {
            open.remove_file(&path_of(path)).unwrap();
            model.files.remove(&path);
            model.forget_images_without_files();
        }
        Operation::SetWords { content, caption } => {
            if let Some((id, words)) = model.images.get_mut(&content) {
                *words = caption.map(caption_of);
                open.set_words(*id, words.clone(), Vec::new()).unwrap();
            }
        }
        Operation::Commit => open.commit().unwrap(),
        Operation::Finish => open.finish().unwrap(),
        Operation::Reopen => {
            *index = None;
            *index = Some(fixture.open());
        }
    }
}

fn check(index: &Index, model: &Model) {
    let findable = model.findable();
    assert_eq!(index.select(&Default::default()), findable);
    assert_eq!(index.len(), findable.len());
    let scored: IdSet = index.score_all(&vector(0)).unwrap().into_iter().map(|scored| scored.id).collect();
    assert_eq!(scored, findable);
    for content in 0..6 {
        let known = model.images.get(&content);
        assert_eq!(index.by_content(&image(content).content).unwrap(), known.map(|(id, _)| *id));
        let Some((id, caption)) = known else { continue };
        assert_eq!(index.image(*id).unwrap().unwrap().caption, *caption);
        assert!(index.vector(*id).is_some());
        let mut files: Vec<_> = model.files.iter().filter(|(_, file)| file.0 == content).collect();
        files.sort_by_key(|(path, (.., missing))| (*missing, path_of(**path)));
        let stored = index.files_of(*id).unwrap();
        assert_eq!(stored.len(), files.len());
        for (stored, (path, (_, modified, missing))) in each(stored.iter().zip(files)) {
            assert_eq!((&stored.path, stored.modified, stored.missing), (&path_of(*path), *modified, *missing));
        }
        if findable.contains(*id) {
            assert_eq!(found(index, content, 1), [*id]);
        }
    }
    for path in 0..6 {
        let stored = index.file(&path_of(path)).unwrap().map(|file| (file.image, file.modified, file.missing));
        let expected =
            model.files.get(&path).map(|(content, modified, gone)| (model.images[content].0, *modified, *gone));
        assert_eq!(stored, expected);
    }
    assert_eq!(index.files_under(std::path::Path::new("/photos")).unwrap().len(), model.files.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn an_index_is_what_was_done_to_it(operations in proptest::collection::vec(operations(), 1..40)) {
        let fixture = Fixture::new();
        let mut index = Some(fixture.open());
        let mut model = Model::default();
        let mut revision = 0;
        for operation in each(&operations) {
            run(operation, &fixture, &mut index, &mut model);
            let open = index.as_ref().unwrap();
            prop_assert!(open.revision() >= revision);
            revision = open.revision();
            check(open, &model);
        }
        index.as_ref().unwrap().finish().unwrap();
        let report = index.as_ref().unwrap().verify(false).unwrap();
        prop_assert_eq!(report.problems, Vec::<String>::new());
        drop(index);
        check(&fixture.open(), &model);
    }
}
