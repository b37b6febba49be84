//! The snapshot of regions: those read by it are the ones that sled holds, whatever happened since,
//! and to the file.

use std::path::PathBuf;

use glimpse_nonempty::Every as _;
use proptest::prelude::*;

use super::damage::{flipped, tamper};
use super::sealed::{Resealed, refuses_changed_bytes};
use super::*;
use crate::hnsw::{HnswParams, Node};
use crate::regions::format::tests::halves;
use crate::regions::{RegionId, RegionIndex};
use crate::store::APPLIED;
use crate::store::keys::{self, GraphId, Table};

/// Images of a library, of three regions each.
const IMAGES: u64 = 120;

fn fixture() -> Fixture {
    let region_graph = HnswParams { m: 4, ef_construction: 16, ef_search: 16 };
    Fixture { options: IndexOptions { regions_from: 60, region_graph, ..IndexOptions::default() }, ..Fixture::new() }
}

/// What a half of an image shows.
pub(super) fn half(n: u64, side: u64) -> Vec<f32> {
    let (mut left, right) = (vector((n % 200) as u8), vector((n / 200 + 40 * side) as u8));
    left.iter_mut().zip(right).for_each(|(left, right)| *left += 0.3 * right);
    left
}

pub(super) fn path(n: u64) -> PathBuf {
    format!("/p/{n}.jpg").into()
}

pub(super) fn add_one(index: &Index, n: u64) -> ImageId {
    let record = ImageRecord { content: ContentHash::of(&n.to_le_bytes()), ..image(0) };
    let (left, right) = (half(n, 0), half(n, 1));
    index.add_with_regions(record, &left, &halves(2, 4, &left, &right), file(path(n))).unwrap()
}

/// A library with a snapshot of regions, closed.
fn closed() -> Fixture {
    let fixture = fixture();
    let index = fixture.open();
    (0..IMAGES).for_each(|n| _ = add_one(&index, n));
    index.finish().unwrap();
    assert!(index.region_snapshot.is_valid());
    fixture
}

fn folder(fixture: &Fixture) -> PathBuf {
    fixture.home.path().join("gen-0001/region-snapshot")
}

pub(super) fn forget_region_snapshot(fixture: &Fixture) {
    std::fs::remove_dir_all(folder(fixture)).unwrap();
}

fn only_file(fixture: &Fixture) -> PathBuf {
    sealed::only_file(&folder(fixture))
}

/// The regions in memory are those that would be read without a snapshot.
pub(super) fn assert_regions_as_stored(index: &Index) {
    let regions = index.regions().unwrap();
    let _writer = index.writer.lock();
    let stored = index.read_stored_regions(&|| None).unwrap();
    assert_eq!(*regions.all_shapes(), *stored.all_shapes());
    let same = |(&image, shapes): (&ImageId, &std::sync::Arc<[_]>)| {
        let ids = (0..shapes.len() as u8).map(|region| RegionId { image, region });
        ids.into_iter().all(|id| regions.vector(id) == stored.vector(id))
    };
    assert!(stored.all_shapes().iter().every(same), "vectors");
    let nodes = |regions: &RegionIndex| regions.graph().and_then(|graph| graph.records(Node(0), u32::MAX));
    assert_eq!(nodes(&regions), nodes(&stored), "nodes");
    let graph = |regions: &RegionIndex| regions.graph().map(|graph| (graph.params(), sorted(graph.unlinked())));
    assert_eq!(graph(&regions), graph(&stored), "what has no node");
    regions.graph().map_or(Ok(()), |graph| graph.validate()).unwrap();
}

fn sorted<Id: Ord>(mut ids: Vec<Id>) -> Vec<Id> {
    ids.sort_unstable();
    ids
}

#[derive(Debug, Clone)]
enum Operation {
    Add { n: u64 },
    Replace { n: u64 },
    Remove { n: u64 },
    MarkMissing { n: u64 },
    Ask,
    Finish,
    Reopen,
}

fn operations() -> impl Strategy<Value = Operation> {
    let n = 0..IMAGES + 20;
    prop_oneof![
        6 => n.clone().prop_map(|n| Operation::Add { n }),
        3 => n.clone().prop_map(|n| Operation::Replace { n }),
        3 => n.clone().prop_map(|n| Operation::Remove { n }),
        2 => n.prop_map(|n| Operation::MarkMissing { n }),
        1 => Just(Operation::Ask),
        1 => Just(Operation::Finish),
        2 => Just(Operation::Reopen),
    ]
}

fn run(operation: &Operation, fixture: &Fixture, index: Arc<Index>) -> Arc<Index> {
    match *operation {
        Operation::Add { n } => _ = add_one(&index, n),
        Operation::Replace { n } => {
            if let Some(file) = index.file(&path(n)).unwrap() {
                index.put_regions(file.image, &halves(1, 2, &half(n + 300, 0), &half(n + 300, 1))).unwrap();
            }
        }
        Operation::Remove { n } => index.remove_file(&path(n)).unwrap(),
        Operation::MarkMissing { n } => index.mark_missing(&path(n)).unwrap(),
        Operation::Ask => assert_regions_as_stored(&index),
        Operation::Finish => {
            index.finish().unwrap();
            let linked = index.store.unlinked().unwrap().is_empty();
            assert!(!linked || index.region_snapshot.is_valid(), "one is written with the graph");
        }
        Operation::Reopen => {
            let counted = index.region_snapshot.is_valid();
            drop(index);
            let index = fixture.open();
            assert_eq!(index.region_snapshot.is_valid(), counted, "every step was noted");
            return index;
        }
    }
    index
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn regions_read_by_their_snapshot_are_the_stored_ones(
        operations in proptest::collection::vec(operations(), 1..60),
    ) {
        let fixture = closed();
        let mut index = fixture.open();
        for operation in operations.iter().chain(&[Operation::Reopen, Operation::Ask, Operation::Reopen, Operation::Ask]) {
            index = run(operation, &fixture, index);
        }
        prop_assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
    }
}

#[test]
fn what_happens_while_nobody_asks_is_caught_up_with_once() {
    let fixture = closed();
    let index = fixture.open();
    index.remove_file(&path(3)).unwrap();
    index.put_regions(ImageId(5), &halves(1, 2, &half(400, 0), &half(400, 1))).unwrap();
    index.mark_missing(&path(6)).unwrap();
    add_one(&index, IMAGES);
    assert_eq!(index.store.entries(Table::Relinked).count(), 4);
    drop(index);
    for gone in 0..4 {
        let index = fixture.open();
        assert!(index.regions.get().is_none(), "opening reads no regions");
        let regions = index.regions().unwrap();
        assert!(index.region_snapshot.is_valid(), "it was read");
        assert_eq!(regions.len() as u64, 3 * (IMAGES - gone));
        assert_eq!(index.store.unlinked().unwrap().len(), 2, "one was replaced, and one came");
        assert_regions_as_stored(&index);
        assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
        index.remove_file(&path(10 + gone)).unwrap(); // which changes nodes at once
    }
}

#[test]
fn a_snapshot_is_kept_as_long_as_it_serves() {
    let fixture = closed();
    let file = only_file(&fixture);
    let index = fixture.open();
    index.mark_missing(&path(6)).unwrap();
    index.finish().unwrap();
    assert_eq!(only_file(&fixture), file);
    assert!(index.regions.get().is_none(), "nor are regions read for it");
    (0..20).for_each(|n| _ = add_one(&index, IMAGES + n));
    index.finish().unwrap();
    assert_ne!(only_file(&fixture), file, "the graph has learnt of new ones");
    assert!(index.region_snapshot.is_valid() && index.regions.get().is_none());
    drop(index);
    let index = fixture.open();
    assert_regions_as_stored(&index);
    assert!(index.region_snapshot.is_valid());
}

#[test]
fn whatever_is_wrong_with_the_file_sled_is_read() {
    let fixture = closed();
    let index = fixture.open();
    refuses_changed_bytes(&only_file(&fixture), || {
        index.open_region_snapshot(&|| None).map(|regions| regions.is_some())
    });
    assert_regions_as_stored(&index);
    assert!(!index.region_snapshot.is_valid());
    index.finish().unwrap();
    assert!(index.region_snapshot.is_valid(), "a new one is written");
    drop(index);
    let index = fixture.open();
    assert_regions_as_stored(&index);
    assert!(index.region_snapshot.is_valid());
}

/// Files that pass every checksum, and say what cannot be.
#[test]
fn what_a_file_says_is_looked_through() {
    let fixture = closed();
    let index = fixture.open();
    // One plane of scales and rows.
    let parts = Resealed::of(&index.store, folder(&fixture), GraphId::REGIONS, 7);
    parts.refuses_odd_sections(4, 320, || index.open_region_snapshot(&|| None).map(|regions| regions.is_some()));
}

#[test]
fn steps_that_nobody_noted_cost_the_snapshot() {
    let fixture = closed();
    let index = fixture.open();
    index.region_snapshot.clear();
    index.remove_file(&path(3)).unwrap();
    drop(index);
    let index = fixture.open();
    assert!(!index.region_snapshot.is_valid());
    assert_regions_as_stored(&index);
    drop(index);
    let index = fixture.open();
    index.finish().unwrap();
    assert!(index.region_snapshot.is_valid(), "a run that finds none writes one");
    assert!(index.regions.get().is_none(), "and lets go of the regions");
}

#[test]
fn a_snapshot_that_cannot_be_written_costs_nothing_else() {
    let fixture = fixture();
    let index = fixture.open();
    (0..IMAGES).for_each(|n| _ = add_one(&index, n));
    std::fs::write(folder(&fixture), b"in the way").unwrap();
    index.finish().unwrap();
    assert!(!index.region_snapshot.is_valid());
    let search = index.stats().unwrap().search;
    assert!(search.contains("; no snapshot of regions could be written"), "{search}");
    assert!(index.regions().unwrap().search_name().starts_with("hnsw"));
    std::fs::remove_file(folder(&fixture)).unwrap();
    index.finish().unwrap();
    assert!(index.region_snapshot.is_valid());
    assert!(!index.stats().unwrap().search.contains("snapshot"));
}

#[test]
fn damage_that_a_snapshot_hides_is_named_by_verify() {
    let fixture = closed();
    let damaged = ImageId(7);
    tamper(&fixture, |store, batch| {
        let key = keys::region(damaged, 1);
        batch.put(Table::Regions, &key, flipped(store, Table::Regions, &key));
    });
    let index = fixture.open();
    let regions = index.regions().unwrap();
    assert!(index.region_snapshot.is_valid() && regions.shapes(damaged).is_some(), "the snapshot has it");
    let problems = index.verify(false).unwrap().problems;
    assert!(problems.len() == 1 && problems[0].contains("the regions of image 7 are damaged"), "{problems:?}");
    index.verify(true).unwrap();
    assert!(index.regions().unwrap().shapes(damaged).is_none());
    assert_regions_as_stored(&index);
    index.finish().unwrap();
    drop((index, regions));
    let index = fixture.open();
    assert!(index.region_snapshot.is_valid());
    assert!(index.regions().unwrap().shapes(damaged).is_none());
    assert_regions_as_stored(&index);
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
}

/// What an index has to catch up with may be as large as the index: the batches must not be.
#[test]
fn regions_that_went_unseen_leave_the_graph_part_by_part() {
    const MANY: u64 = 700;
    const GONE: u64 = 40;
    let fixture = fixture();
    let index = fixture.open();
    (0..MANY).for_each(|n| _ = add_one(&index, n));
    index.finish().unwrap();
    assert!(index.region_snapshot.is_valid());
    drop(index);
    for with_snapshot in [true, false] {
        let index = fixture.open();
        assert!(index.regions.get().is_none(), "nobody has asked for them");
        let first = if with_snapshot { 0 } else { GONE };
        (first..first + GONE).for_each(|n| index.remove_file(&path(n)).unwrap());
        index.commit().unwrap();
        drop(index);
        if !with_snapshot {
            forget_region_snapshot(&fixture);
        }
        let index = fixture.open();
        APPLIED.take();
        assert!(index.regions().unwrap().graph().is_some(), "the graph was not worth keeping");
        let batches = APPLIED.take();
        let (all, largest) = (batches.iter().sum::<usize>(), batches.iter().copied().max().unwrap_or(0));
        assert!(all > 0 && largest * 3 < all * 2, "with a snapshot: {with_snapshot}; {batches:?}");
        assert_regions_as_stored(&index);
    }
}
