//! The files of regions: those read by them are the ones that the store holds, whatever happened
//! since, and to the files.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::path::PathBuf;

use glimpse_nonempty::{Every as _, each, if_any};
use proptest::prelude::*;

use super::damage::tamper;
use super::*;
use crate::IdSet;
use crate::hnsw::Node;
use crate::regions::format::Stored;
use crate::regions::format::tests::halves;
use crate::regions::{RegionId, RegionIndex, RegionShape};
use crate::store::Batch;
use crate::store::keys::{self, GraphId, Table};

/// Images of a library, of three regions each.
pub(super) const IMAGES: u64 = 120;

pub(super) fn fixture() -> Fixture {
    Fixture { options: IndexOptions { regions_from: 60, ..IndexOptions::default() }, ..Fixture::new() }
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

/// A library with files of regions, closed.
pub(super) fn closed() -> Fixture {
    let fixture = fixture();
    let index = fixture.open();
    (0..IMAGES).for_each(|n| _ = add_one(&index, n));
    index.finish().unwrap();
    assert!(has_files(&index));
    assert!(index.regions.get().is_none(), "regions are not read for it");
    fixture
}

/// True if there are files of regions that can be read.
pub(super) fn has_files(index: &Index) -> bool {
    let entry = index.store.region_cells().unwrap();
    entry.is_some_and(|entry| index.open_cells(&entry).is_ok_and(|cells| cells.faults().is_empty()))
}

pub(super) fn folder(fixture: &Fixture) -> PathBuf {
    fixture.home.path().join("gen-0001/region-cells")
}

pub(super) fn files(fixture: &Fixture) -> HashSet<PathBuf> {
    std::fs::read_dir(folder(fixture)).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// The largest file, which has most regions.
pub(super) fn largest(fixture: &Fixture) -> PathBuf {
    files(fixture).into_iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap()
}

/// The regions that are searched are those that the store holds.
pub(super) fn assert_regions_as_stored(index: &Index) {
    let regions = index.regions().unwrap();
    let _writer = index.writer.lock();
    let of = |id: ImageId| {
        let Stored { map, vectors } = index.stored_regions(id).unwrap()?;
        let shapes = (0..map.len()).map(|region| RegionShape::of(&map, region));
        Some((id, shapes.zip(vectors.iter().map(|vector| Some(vector.decode()))).collect::<Vec<_>>()))
    };
    let stored: BTreeMap<_, _> = index.scan.ids().into_iter().filter_map(|id| of(id.image())).collect();
    let count = stored.values().map(Vec::len).sum();
    assert_eq!((regions.len(), regions.images()), (count, stored.len()));
    let contents = regions.contents();
    assert_eq!(contents.keys().collect::<Vec<_>>(), stored.keys().collect::<Vec<_>>());
    for (id, found) in if_any(&contents) {
        for ((shape, vector), (stored_shape, stored)) in each(found.iter().zip(&stored[id])) {
            assert_eq!(shape, stored_shape);
            let cosine: f32 = vector.iter().flatten().zip(stored.iter().flatten()).map(|(a, b)| a * b).sum();
            assert!(cosine > 0.999, "{cosine}");
        }
    }
}

/// Number of vectors of regions that the store has not given up, in parts.
pub(super) fn parts_in_store(index: &Index) -> usize {
    let entries = index.store.entries(Table::Regions).map(|entry| keys::parse_region(&entry.unwrap().0).unwrap());
    entries.filter(|(_, part)| (1..255).contains(part)).count()
}

pub(super) fn assert_sound(index: &Index) {
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
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
        Operation::Finish => index.finish().unwrap(),
        Operation::Reopen => {
            drop(index);
            let index = fixture.open();
            assert!(has_files(&index));
            return index;
        }
    }
    index
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn regions_read_by_their_files_are_the_stored_ones(
        operations in proptest::collection::vec(operations(), 1..60),
    ) {
        let fixture = closed();
        let mut index = fixture.open();
        for operation in operations.iter().chain(&[Operation::Reopen, Operation::Ask, Operation::Finish, Operation::Reopen, Operation::Ask]) {
            index = run(operation, &fixture, index);
        }
        prop_assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
    }
}

#[test]
fn what_happens_while_nobody_asks_is_caught_up_with() {
    let fixture = closed();
    let index = fixture.open();
    index.remove_file(&path(3)).unwrap();
    index.put_regions(ImageId(5), &halves(1, 2, &half(400, 0), &half(400, 1))).unwrap();
    index.mark_missing(&path(6)).unwrap();
    add_one(&index, IMAGES);
    drop(index);
    let index = fixture.open();
    assert!(index.regions.get().is_none(), "opening reads no regions");
    let regions = index.regions().unwrap();
    assert_eq!((regions.len() as u64, regions.in_memory_only()), (3 * IMAGES, 6));
    assert_regions_as_stored(&index);
    assert_eq!(regions.nearest(&half(400, 1), 1, None).unwrap()[0].id, RegionId { image: ImageId(5), region: 1 });
    assert_sound(&index);
    index.finish().unwrap();
    let regions = index.regions().unwrap();
    assert_eq!((regions.len() as u64, regions.in_memory_only()), (3 * IMAGES, 0), "they went over to a file");
    assert_regions_as_stored(&index);
    assert_sound(&index);
}

#[test]
fn changes_that_are_none_of_regions_write_no_regions() {
    let fixture = closed();
    let before = files(&fixture);
    let index = fixture.open();
    (0..IMAGES).for_each(|n| index.mark_missing(&path(n)).unwrap());
    index.finish().unwrap();
    assert_eq!(files(&fixture), before);
    assert_eq!(index.store.region_cells().unwrap().unwrap().revision, index.revision());
    assert_regions_as_stored(&index);
}

#[test]
fn new_images_come_in_segments_of_which_there_are_few() {
    let fixture = closed();
    let index = fixture.open();
    let base = largest(&fixture);
    let mut kept = 0;
    for round in 0..25 {
        (0..5).for_each(|n| _ = add_one(&index, IMAGES + 5 * round + n));
        index.remove_file(&path(round)).unwrap();
        index.finish().unwrap();
        kept += u32::from(base.exists());
        let entry = index.store.region_cells().unwrap().unwrap();
        assert!(entry.segments.len() <= 6, "{entry:?}");
        assert_eq!(files(&fixture).len(), entry.segments.len() + 1, "no other files are left");
    }
    assert!(kept > 8, "the first segment was written again after {kept} rounds");
    assert_regions_as_stored(&index);
    assert_sound(&index);
    drop(index);
    assert_regions_as_stored(&fixture.open());
}

#[test]
fn files_that_cannot_be_written_cost_nothing_else() {
    let fixture = fixture();
    let index = fixture.open();
    (0..IMAGES).for_each(|n| _ = add_one(&index, n));
    std::fs::write(folder(&fixture), b"in the way").unwrap();
    index.finish().unwrap();
    assert!(!has_files(&index));
    let search = index.stats().unwrap().search;
    assert!(search.contains("; regions stay in memory"), "{search}");
    assert_regions_as_stored(&index);
    std::fs::remove_file(folder(&fixture)).unwrap();
    index.finish().unwrap();
    assert!(has_files(&index));
    assert!(!index.stats().unwrap().search.contains("regions stay"));
}

#[test]
fn writing_may_be_ended_early_and_is_done_later() {
    let fixture = fixture();
    let index = fixture.open();
    (0..IMAGES).for_each(|n| _ = add_one(&index, n));
    let mut told = Vec::new();
    let mut to_half = |done, all| {
        told.push((done, all));
        if done > all / 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    index.finish_with(&mut to_half).unwrap();
    assert!(told.last().is_some_and(|&(done, all)| done < all && all == IMAGES as usize), "{told:?}");
    assert!(!has_files(&index));
    assert_regions_as_stored(&index);
    index.finish().unwrap();
    assert!(has_files(&index));
    assert_eq!(files(&fixture).len(), 2, "what was begun is gone");
    // An end of the next segment changes nothing either.
    (0..40).for_each(|n| _ = add_one(&index, IMAGES + n));
    let before = files(&fixture);
    index.finish_with(&mut |_, _| ControlFlow::Break(())).unwrap();
    assert!(files(&fixture).is_superset(&before));
    assert_regions_as_stored(&index);
    assert_sound(&index);
}

#[test]
fn an_older_library_loses_its_graph_of_regions_and_nothing_else() {
    let fixture = fixture();
    let index = fixture.open();
    (0..IMAGES).for_each(|n| _ = add_one(&index, n));
    drop(index);
    std::fs::create_dir(fixture.home.path().join("gen-0001/region-snapshot")).unwrap();
    tamper(&fixture, |_, batch: &mut Batch| {
        batch.put(Table::Meta, &GraphId::REGIONS.meta(), b"an entry".to_vec());
        batch.put(Table::Links, &GraphId::REGIONS.node(Node(7)), b"a node".to_vec());
        batch.put(Table::Relinked, &GraphId::REGIONS.step(9), b"a step".to_vec());
        batch.put(Table::Unlinked, &keys::image(ImageId(3)), Vec::new());
    });
    let index = fixture.open();
    assert_regions_as_stored(&index);
    index.finish().unwrap();
    assert!(has_files(&index));
    let left = |table, start: &[u8]| index.store.range(table, start, &GraphId::REGIONS.end()).count();
    assert_eq!((left(Table::Links, &[1]), left(Table::Relinked, &[1])), (0, 0));
    assert_eq!(index.store.entries(Table::Unlinked).count(), 0);
    assert!(!fixture.home.path().join("gen-0001/region-snapshot").exists());
    assert_regions_as_stored(&index);
    assert_sound(&index);
}

/// Share of the ten nearest of a comparison of all that are found.
fn recall(regions: &RegionIndex) -> f32 {
    let mut hits = 0;
    for n in 0..100 {
        let query = half(10_000 + n, 0);
        let exact: HashSet<RegionId> =
            regions.nearest_exact(&query, 10, None).unwrap().iter().map(|scored| scored.id).collect();
        let found = regions.nearest(&query, 10, None).unwrap();
        hits += found.iter().filter(|scored| exact.contains(&scored.id)).count();
    }
    hits as f32 / 1000.0
}

#[test]
fn what_goes_is_found_no_more_and_what_comes_at_once() {
    let fixture = fixture();
    let index = fixture.open();
    let ids: Vec<ImageId> = (0..500).map(|n| add_one(&index, n)).collect();
    index.finish().unwrap();
    let regions = index.regions().unwrap();
    assert!(regions.search_name().starts_with("cells ("), "{}", regions.search_name());
    (0..60).for_each(|n| index.remove_file(&path(n)).unwrap());
    for n in 100..110 {
        index.put_regions(ids[n as usize], &halves(2, 4, &half(n + 5000, 0), &half(n + 5000, 1))).unwrap();
    }
    let new: Vec<ImageId> = (500..508).map(|n| add_one(&index, n)).collect();
    assert_eq!((regions.len(), regions.in_memory_only()), (3 * (500 - 60 + 8), 3 * 18));
    for n in 0..60 {
        let found = regions.nearest(&half(n, 0), 20, None).unwrap();
        assert!(found.iter().every(|scored| !ids[..60].contains(&scored.id.image)), "a removed image is found");
    }
    let came = new.iter().copied().zip(500..).chain((100..110).map(|n| (ids[n as usize], n + 5000)));
    for (id, n) in each(came) {
        let found = regions.nearest(&half(n, 1), 1, None).unwrap();
        let own = regions.score(&half(n, 1), id).unwrap();
        assert_eq!(found[0].score, own[1].score, "what was new or replaced is found at once");
    }
    assert!(recall(&regions) >= 0.95);
    let some: IdSet = ids.iter().copied().skip(200).step_by(2).collect();
    let allowed = regions.select(Some(&some), 0.0).unwrap();
    assert!(regions.nearest(&half(3, 1), 50, Some(&allowed)).unwrap().iter().every(|s| some.contains(s.id.image)));
}
