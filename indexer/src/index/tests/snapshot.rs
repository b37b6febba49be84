//! The snapshot: an index that was opened by it is the one that sled holds, whatever happened
//! since, and to the file.

use std::path::PathBuf;

use glimpse_nonempty::Every as _;
use proptest::prelude::*;

use super::damage::{flipped, tamper};
use super::disk::copy_dir;
use super::sealed::{Resealed, refuses_changed_bytes};
use super::*;
use crate::hnsw::HnswParams;
use crate::index::loaded::Loaded;
use crate::index::snapshot::open;
use crate::snapshot::SnapshotManifest;
use crate::store::Store;
use crate::store::keys::{self, GraphId, Table};
use crate::store::links::{GraphEntry, SnapshotEntry};
use crate::vectors::{ExactScan, VectorStorage};

/// Settings with which a few images have a graph, and so a snapshot.
fn tiny() -> Fixture {
    let graph = HnswParams { m: 4, ef_construction: 16, ef_search: 16 };
    Fixture { options: IndexOptions { graph_from: 4, graph, ..IndexOptions::default() }, ..Fixture::new() }
}

/// An index of some images with a snapshot, closed.
fn closed(images: u8) -> Fixture {
    let fixture = tiny();
    let index = fixture.open();
    (0..images).for_each(|n| _ = add(&index, n, &format!("/p/{}/{n}.jpg", n % 3)));
    index.finish().unwrap();
    assert!(index.snapshot.is_valid());
    fixture
}

fn folder(fixture: &Fixture) -> PathBuf {
    fixture.home.path().join("gen-0001/snapshot")
}

fn only_file(fixture: &Fixture) -> PathBuf {
    sealed::only_file(&folder(fixture))
}

pub(super) fn forget_snapshot(fixture: &Fixture) {
    std::fs::remove_dir_all(folder(fixture)).unwrap();
}

fn store_of(fixture: &Fixture) -> Store {
    Store::open(&fixture.home.path().join("gen-0001/sled")).unwrap()
}

/// What is in memory is what opening without a snapshot would have put there.
pub(super) fn assert_as_stored(index: &Index) {
    let stored = index.store.read_graph(GraphId::IMAGES).unwrap();
    let nodes = stored.map(|stored| stored.nodes).unwrap_or_default();
    let scan = ExactScan::stored_as(index.manifest().vectors, index.scan.dim());
    let loaded = Loaded::read(&index.store, &scan, &nodes).unwrap();
    assert!(index.memory.read().is_like(&loaded.memory), "facts");
    assert_eq!((index.revision(), index.writer.lock().next_id), (loaded.revision, loaded.next_id));
    assert_eq!(index.damaged.load(std::sync::atomic::Ordering::Acquire), loaded.damaged);
    let ids = |scan: &ExactScan| {
        let mut ids = scan.ids();
        ids.sort_unstable();
        ids
    };
    assert_eq!(ids(&index.scan), ids(&scan));
    assert!(ids(&scan).into_iter().every(|id| index.scan.get(id) == scan.get(id)), "vectors");
    if let Some(graph) = index.graph.get() {
        graph.validate().unwrap();
        assert_eq!(graph.records(crate::hnsw::Node(0), u32::MAX).unwrap_or_default(), nodes);
    }
}

fn steps_noted(store: &Store) -> usize {
    store.entries(Table::Relinked).count()
}

#[derive(Debug, Clone)]
enum Operation {
    Add { content: u8, path: u8 },
    Move { content: u8, path: u8 },
    Remove { path: u8 },
    MarkMissing { path: u8 },
    SetWords { content: u8 },
    Commit,
    Finish,
    Reopen,
}

fn operations() -> impl Strategy<Value = Operation> {
    let (content, path) = (0u8..40, 0u8..40);
    prop_oneof![
        8 => (content.clone(), path.clone()).prop_map(|(content, path)| Operation::Add { content, path }),
        2 => (content.clone(), path.clone()).prop_map(|(content, path)| Operation::Move { content, path }),
        4 => path.clone().prop_map(|path| Operation::Remove { path }),
        2 => path.prop_map(|path| Operation::MarkMissing { path }),
        2 => content.prop_map(|content| Operation::SetWords { content }),
        1 => Just(Operation::Commit),
        1 => Just(Operation::Finish),
        2 => Just(Operation::Reopen),
    ]
}

fn path_of(path: u8) -> PathBuf {
    format!("/p/{}/{path}.jpg", path % 3).into()
}

fn run(operation: &Operation, fixture: &Fixture, index: Arc<Index>) -> Arc<Index> {
    match *operation {
        Operation::Add { content, path } => {
            let camera = (content % 2 == 0).then(|| format!("camera {}", content % 5));
            let lens = (content % 3 == 0).then(|| format!("lens {}", content % 2));
            let exposure = Exposure { lens, ..Exposure::default() };
            let keywords = (0..content % 3).map(|n| format!("keyword {}", n * (content % 7))).collect();
            let record = ImageRecord { camera, taken: Some(content.into()), exposure, keywords, ..image(content) };
            index.add(record, &vector(content), file(path_of(path))).unwrap();
        }
        Operation::Move { content, path } => {
            if let Some(image) = index.by_content(&image(content).content).unwrap() {
                index.put_file(FileRecord { image, ..file(path_of(path)) }).unwrap();
            }
        }
        Operation::Remove { path } => index.remove_file(&path_of(path)).unwrap(),
        Operation::MarkMissing { path } => index.mark_missing(&path_of(path)).unwrap(),
        Operation::SetWords { content } => {
            if let Some(id) = index.by_content(&image(content).content).unwrap() {
                index.set_words(id, Some("okapi".to_owned()), Vec::new()).unwrap();
            }
        }
        Operation::Commit => index.commit().unwrap(),
        Operation::Finish => index.finish().unwrap(),
        Operation::Reopen => {
            let counted = index.snapshot.is_valid();
            let index = reopened(fixture, index);
            assert_eq!(index.snapshot.is_valid(), counted, "what counted is read, and nothing else is");
            assert_as_stored(&index);
            return index;
        }
    }
    index
}

fn reopened(fixture: &Fixture, index: Arc<Index>) -> Arc<Index> {
    drop(index);
    fixture.open()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn an_index_opened_by_its_snapshot_is_the_stored_one(
        operations in proptest::collection::vec(operations(), 1..120),
        storage in proptest::sample::select(&VectorStorage::ALL[..]),
    ) {
        let mut fixture = tiny();
        fixture.options.vectors = Some(storage);
        let mut index = fixture.open();
        for operation in (0..30).map(|n| Operation::Add { content: n, path: n }).chain([Operation::Finish]) {
            index = run(&operation, &fixture, index);
        }
        prop_assert!(index.snapshot.is_valid());
        for operation in operations.iter().chain([&Operation::Reopen]) {
            index = run(operation, &fixture, index);
        }
        prop_assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
    }
}

#[test]
fn whatever_is_wrong_with_the_file_sled_is_read() {
    let fixture = closed(60);
    let store = store_of(&fixture);
    let read = || {
        open(&store, &folder(&fixture), &Arc::new(ExactScan::stored_as(VectorStorage::default(), DIM)), None)
            .map(|opened| opened.is_some())
    };
    refuses_changed_bytes(&only_file(&fixture), read);
    drop(store);
    let index = fixture.open();
    assert!(!index.snapshot.is_valid());
    assert_as_stored(&index);
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
    index.finish().unwrap();
    assert!(index.snapshot.is_valid(), "a new one is written");
    assert!(reopened(&fixture, index).snapshot.is_valid());
}

/// Files that pass every checksum, and say what cannot be.
#[test]
fn what_a_file_says_is_looked_through() {
    let fixture = tiny();
    let index = fixture.open();
    for n in 0..60 {
        let moment = crate::Moment { video: None, start: 0, end: 1, duration: 2, complete: n % 2 == 0 };
        let moment = (n % 5 == 0).then_some(moment);
        let tagged = ImageRecord { keywords: vec![format!("tag {}", n % 5)], moment, ..image(n) };
        index.add(tagged, &vector(n), file(format!("/p/{}/{n}.jpg", n % 3))).unwrap();
    }
    index.finish().unwrap();
    drop(index);
    let store = store_of(&fixture);
    let read = || {
        open(&store, &folder(&fixture), &Arc::new(ExactScan::stored_as(VectorStorage::default(), DIM)), None)
            .map(|opened| opened.is_some())
    };
    // Owners, lists, parents, names, images, files, tags, moments; two planes of scales and rows.
    let parts = Resealed::of(&store, folder(&fixture), GraphId::IMAGES, 12);
    parts.refuses_odd_sections(8, 400, read);
    for key in ["format", "revision", "dim", "slots", "nodes", "root", "owned"] {
        for value in [0u64, 1, 99, u32::MAX.into(), 1 << 40] {
            let mut facts = parts.facts.clone();
            if facts[key] != value {
                facts[key] = value.into();
                parts.seal(&facts, &parts.sections);
                assert!(read().is_err(), "{key} {value}");
            }
        }
    }
}

#[test]
fn vectors_beyond_the_memory_are_mapped() {
    let fixture = tiny();
    let index = fixture.open();
    graph::add_many(&index, 0..600);
    index.finish().unwrap();
    let (all, planes) = (index.stats().unwrap(), 512 * (DIM.next_multiple_of(64)));
    assert_eq!(all.mapped_bytes, 0);
    let nearest = |index: &Index| [5, 300, 599].map(|n| index.nearest(&graph::vector_of(n), 20, None).unwrap());
    let expected = nearest(&index);
    drop(index);
    let written = std::fs::read(only_file(&fixture)).unwrap();
    let file = written.len() as u64;
    // All that is whole of one plane, and of both.
    for (memory, mapped) in [(file, 0), (file - 40_000, planes), (0, 2 * planes)] {
        let options = IndexOptions { memory: Some(memory), ..fixture.options.clone() };
        let index = Library::with_options(fixture.home.path(), options).open().unwrap();
        let stats = index.stats().unwrap();
        assert_eq!(stats.mapped_bytes, mapped, "{memory} of {file} bytes");
        assert_eq!(nearest(&index), expected);
        assert_as_stored(&index);
    }
    // What changes does so in memory, and not in the file.
    let options = IndexOptions { memory: Some(0), ..fixture.options.clone() };
    let library = Library::with_options(fixture.home.path(), options);
    let index = library.open().unwrap();
    (0..40).for_each(|n| index.remove_file(&PathBuf::from(format!("/p/{n}.jpg"))).unwrap());
    graph::add_many(&index, 600..640);
    assert_eq!(std::fs::read(only_file(&fixture)).unwrap(), written);
    assert_as_stored(&index);
    let expected = nearest(&index);
    index.finish().unwrap();
    assert_as_stored(&index);
    drop(index);
    let index = library.open().unwrap();
    assert!(index.snapshot.is_valid() && index.stats().unwrap().mapped_bytes == 2 * planes);
    assert_eq!(nearest(&index), expected);
    assert_as_stored(&index);
}

#[test]
fn a_snapshot_of_another_time_does_not_count() {
    let fixture = closed(20);
    let old = only_file(&fixture);
    let old_bytes = std::fs::read(&old).unwrap();
    let index = fixture.open();
    (20..40).for_each(|n| _ = add(&index, n, &format!("/p/{n}.jpg")));
    index.finish().unwrap();
    drop(index);
    let new = only_file(&fixture);
    assert_ne!(old, new, "the old one is gone");
    std::fs::write(&old, &old_bytes).unwrap();
    let index = fixture.open();
    assert!(index.snapshot.is_valid());
    assert_as_stored(&index);
    assert_eq!(only_file(&fixture), new, "files that do not count are swept out");
    drop(index);
    std::fs::write(&new, &old_bytes).unwrap();
    let index = fixture.open();
    assert!(!index.snapshot.is_valid());
    assert_eq!(index.len(), 40);
    assert_as_stored(&index);
}

/// The new file is there, and sled has not heard of it.
#[test]
fn a_process_that_is_killed_while_it_writes_leaves_the_old_one() {
    let fixture = closed(40);
    let old = only_file(&fixture);
    let index = fixture.open();
    (40..44).for_each(|n| _ = add(&index, n, &format!("/p/{n}.jpg")));
    index.remove_file(&path_of(5)).unwrap();
    drop(index);
    let copies = tempfile::tempdir().unwrap();
    let sled = fixture.home.path().join("gen-0001/sled");
    copy_dir(&sled, &copies.path().join("sled"));
    std::fs::copy(&old, copies.path().join("old")).unwrap();
    let index = fixture.open();
    index.finish().unwrap();
    drop(index);
    assert_ne!(only_file(&fixture), old);
    std::fs::remove_dir_all(&sled).unwrap();
    copy_dir(&copies.path().join("sled"), &sled);
    std::fs::copy(copies.path().join("old"), &old).unwrap();
    std::fs::write(folder(&fixture).join(".tmp-half"), b"half-written").unwrap();
    let index = fixture.open();
    assert!(index.snapshot.is_valid());
    assert_eq!((index.len(), steps_noted(&index.store)), (43, 5));
    assert_as_stored(&index);
    assert_eq!(only_file(&fixture), old);
}

#[test]
fn steps_that_nobody_noted_cost_the_snapshot() {
    let fixture = closed(20);
    let index = fixture.open();
    add(&index, 20, "/p/20.jpg");
    assert_eq!(steps_noted(&index.store), 1);
    // As a program does that knows of no snapshots.
    index.snapshot.clear();
    index.remove_file(&path_of(3)).unwrap();
    drop(index);
    let index = fixture.open();
    assert!(!index.snapshot.is_valid());
    assert_as_stored(&index);
    add(&index, 21, "/p/21.jpg");
    index.finish().unwrap();
    assert!(index.snapshot.is_valid());
    assert_eq!(steps_noted(&index.store), 0);
    let index = reopened(&fixture, index);
    assert!(index.snapshot.is_valid());
    assert_as_stored(&index);
}

#[test]
fn steps_are_noted_up_to_a_bound() {
    let fixture = closed(20);
    let index = fixture.open();
    let mut most = 0;
    for n in 0..3000 {
        index.set_words(ImageId(n % 20), Some(format!("okapi {n}")), Vec::new()).unwrap();
        if n % 100 == 0 {
            most = most.max(steps_noted(&index.store));
        }
    }
    assert!((900..1100).contains(&most), "{most}");
    assert!(!index.snapshot.is_valid(), "it was given up");
    drop(index);
    let index = fixture.open();
    assert!(!index.snapshot.is_valid());
    assert_as_stored(&index);
    index.finish().unwrap();
    assert_eq!(steps_noted(&index.store), 0);
    let index = reopened(&fixture, index);
    assert!(index.snapshot.is_valid());
    assert_as_stored(&index);
}

#[test]
fn a_recent_snapshot_is_not_written_again() {
    let fixture = closed(200);
    let file = only_file(&fixture);
    let index = fixture.open();
    index.set_words(ImageId(7), Some("okapi".to_owned()), Vec::new()).unwrap();
    index.finish().unwrap();
    assert_eq!(only_file(&fixture), file, "one change in 200 images");
    (0..20).for_each(|n| index.remove_file(&path_of(n)).unwrap());
    index.finish().unwrap();
    assert_ne!(only_file(&fixture), file);
}

#[test]
fn a_snapshot_that_cannot_be_written_costs_nothing_else() {
    let fixture = tiny();
    let index = fixture.open();
    (0..20).for_each(|n| _ = add(&index, n, &format!("/p/{n}.jpg")));
    std::fs::write(folder(&fixture), b"in the way").unwrap();
    index.finish().unwrap();
    assert!(!index.snapshot.is_valid());
    let search = index.stats().unwrap().search;
    assert!(search.starts_with("hnsw") && search.contains("; no snapshot could be written"), "{search}");
    drop(index);
    let index = fixture.open();
    assert_as_stored(&index);
    std::fs::remove_file(folder(&fixture)).unwrap();
    index.finish().unwrap();
    assert!(index.snapshot.is_valid());
    assert!(!index.stats().unwrap().search.contains("snapshot"));
}

#[test]
fn damage_that_a_snapshot_hides_is_named_by_verify() {
    let fixture = closed(60);
    let damaged = ImageId(7);
    tamper(&fixture, |store, batch| {
        let key = keys::image(damaged);
        batch.put(Table::Vectors, &key, flipped(store, Table::Vectors, &key));
    });
    let index = fixture.open();
    assert!(index.snapshot.is_valid());
    assert_eq!(found(&index, 7, 1), [damaged], "the snapshot has it");
    let problems = index.verify(false).unwrap().problems;
    assert_eq!(problems, [format!("the vector of image {damaged} is damaged (its checksum does not match)")]);
    index.verify(true).unwrap();
    assert!(!index.snapshot.is_valid());
    assert_eq!(index.len(), 59);
    assert_as_stored(&index);
    let index = reopened(&fixture, index);
    assert_as_stored(&index);
    index.finish().unwrap();
    let index = reopened(&fixture, index);
    assert!(index.snapshot.is_valid());
    assert_as_stored(&index);
}

#[test]
fn damage_that_opening_notices_is_in_no_snapshot() {
    let fixture = closed(60);
    let index = fixture.open();
    index.set_words(ImageId(9), Some("okapi".to_owned()), Vec::new()).unwrap();
    drop(index);
    tamper(&fixture, |store, batch| {
        let key = keys::image(ImageId(9));
        batch.put(Table::Images, &key, flipped(store, Table::Images, &key));
    });
    let kept = (only_file(&fixture), std::fs::read(only_file(&fixture)).unwrap());
    let index = fixture.open();
    assert!(!index.snapshot.is_valid(), "it changed since, and cannot be read");
    assert_eq!((index.len(), index.stats().unwrap().damaged), (59, 1));
    add(&index, 99, "/p/99.jpg");
    index.finish().unwrap();
    assert!(!index.snapshot.is_valid(), "it would say that all is well");
    drop(index);
    // Opening took the node of the image away, which no step says.
    std::fs::write(kept.0, kept.1).unwrap();
    let index = fixture.open();
    assert!(!index.snapshot.is_valid());
    assert_eq!(index.stats().unwrap().damaged, 1);
}

#[test]
fn a_seal_that_cannot_be_one_is_no_snapshot() {
    let fixture = closed(20);
    for json in [r#"{"bytes":18446744073709551615,"blake3":"../sled/db"}"#, r#"{"bytes":0,"blake3":""}"#] {
        let manifest: SnapshotManifest = serde_json::from_str(json).unwrap();
        tamper(&fixture, |store, batch| {
            let GraphEntry { params, .. } = store.graph_entry(GraphId::IMAGES).unwrap().unwrap();
            let snapshot = Some(SnapshotEntry { revision: 20, nodes: 20, manifest });
            store.put_graph_entry(batch, GraphId::IMAGES, &GraphEntry { params, partial: false, snapshot }).unwrap();
        });
        let index = fixture.open();
        assert!(!index.snapshot.is_valid());
        assert_as_stored(&index);
    }
}
