//! The graph of regions: built at the end of a run, left by what goes, and never the reason for a
//! wrong answer.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::ops::Range;

use glimpse_nonempty::{Every as _, each};

use super::damage::tamper;
use super::region_snapshot::forget_region_snapshot;
use super::*;
use crate::hnsw::{HnswParams, Node};
use crate::regions::format::tests::halves;
use crate::regions::{RegionId, RegionIndex};
use crate::store::keys::{GraphId, Table};
use crate::vectors::exact::tests::Noise;
use crate::{IdSet, VectorSet};

/// Images of a library, of three regions each.
const IMAGES: u64 = 500;

/// Settings with which some hundred images already have a graph of regions that is walked.
fn fixture() -> Fixture {
    let region_graph = HnswParams { m: 8, ef_construction: 64, ef_search: 20 };
    Fixture { options: IndexOptions { regions_from: 900, region_graph, ..IndexOptions::default() }, ..Fixture::new() }
}

/// What a half of image `n` shows: one of thirty things, in its own way.
fn half(n: u64, side: u64) -> Vec<f32> {
    let mut own = Noise(2 * n + side);
    let mut thing = Noise(1_000_000 + own.below(30) as u64);
    (0..DIM).map(|_| thing.gauss() + 0.5 * own.gauss()).collect()
}

fn path(n: u64) -> String {
    format!("/p/{n}.jpg")
}

fn add_many(index: &Index, numbers: Range<u64>) -> Vec<ImageId> {
    let add = |n: u64| {
        let record = ImageRecord { content: ContentHash::of(&n.to_le_bytes()), ..image(0) };
        let (left, right) = (half(n, 0), half(n, 1));
        index.add_with_regions(record, &left, &halves(2, 4, &left, &right), file(path(n))).unwrap()
    };
    numbers.map(add).collect()
}

/// A library whose graph of regions was built, closed.
fn with_graph() -> (Fixture, Vec<ImageId>) {
    let fixture = fixture();
    let index = fixture.open();
    let ids = add_many(&index, 0..IMAGES);
    index.finish().unwrap();
    assert!(index.regions.get().is_none(), "what was read to build the graph is let go");
    (fixture, ids)
}

fn is_read(index: &Index) -> bool {
    index.regions.get().is_some()
}

/// The number of nodes, and of regions beside them.
fn sizes(regions: &RegionIndex) -> (usize, usize) {
    let graph = regions.graph().unwrap();
    (graph.nodes(), graph.unlinked().len())
}

/// Share of the ten nearest of the scan that are found, over texts for what is there and for what
/// is not.
fn recall(regions: &RegionIndex, allowed: Option<&VectorSet>) -> f32 {
    let mut hits = 0;
    for n in 0..100 {
        let query = half(10_000 + n, 0);
        let exact: HashSet<RegionId> =
            regions.nearest_exact(&query, 10, allowed).unwrap().iter().map(|scored| scored.id).collect();
        let found = regions.nearest(&query, 10, allowed).unwrap();
        assert!(found.is_sorted_by(|a, b| a.score >= b.score) && found.len() == 10);
        hits += found.iter().filter(|scored| exact.contains(&scored.id)).count();
    }
    hits as f32 / 1000.0
}

fn assert_sound(index: &Index) {
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
}

#[test]
fn regions_are_read_while_the_graph_of_images_is_built() {
    let mut fixture = fixture();
    fixture.options = IndexOptions { graph_from: 100, regions_from: usize::MAX, ..fixture.options };
    let index = fixture.open();
    add_many(&index, 0..IMAGES);
    let mut read = None;
    let finished = index.finish_with(&mut |_, _| {
        if read.is_none() {
            let (tell, told) = std::sync::mpsc::channel();
            let asked = Arc::clone(&index);
            std::thread::spawn(move || tell.send(asked.regions().unwrap().images()));
            read = Some(told.recv_timeout(std::time::Duration::from_secs(20)));
        }
        ControlFlow::Continue(())
    });
    finished.unwrap();
    assert_eq!(read, Some(Ok(IMAGES as usize)));
    assert!(index.verify(false).unwrap().problems.is_empty());
}

#[test]
fn the_graph_finds_what_the_scan_finds() {
    let (fixture, ids) = with_graph();
    let index = fixture.open();
    let regions = index.regions().unwrap();
    assert!(regions.search_name().starts_with("hnsw (M 8, ef 20, 1500 nodes, 0 regions"), "{}", regions.search_name());
    let half_of_all: IdSet = ids.iter().copied().step_by(2).collect();
    let half_of_all = regions.select(Some(&half_of_all), 0.0);
    let all = recall(&regions, None);
    let filtered = recall(&regions, half_of_all.as_ref());

    // Some go, some are replaced, some come.
    for n in 0..60 {
        index.remove_file(Path::new(&path(n))).unwrap();
    }
    for n in 100..110 {
        index.put_regions(ids[n as usize], &halves(2, 4, &half(n + 5000, 0), &half(n + 5000, 1))).unwrap();
    }
    let new = add_many(&index, IMAGES..IMAGES + 8);
    assert_eq!(sizes(&regions), (1500 - 3 * 70, 3 * 18));
    let changed = recall(&regions, None);
    for n in 0..60 {
        let found = regions.nearest(&half(n, 0), 20, None).unwrap();
        assert!(found.iter().every(|scored| !ids[..60].contains(&scored.id.image)), "a removed image is found");
    }
    for (id, n) in each(new.iter().copied().zip(IMAGES..).chain((100..110).map(|n| (ids[n as usize], n + 5000)))) {
        let first = regions.nearest(&half(n, 1), 1, None).unwrap()[0].id;
        assert_eq!(first, RegionId { image: id, region: 1 }, "what was new or replaced is found at once");
    }
    assert_sound(&index);
    drop((index, regions));

    let index = fixture.open();
    assert!(!is_read(&index), "opening reads no regions");
    let regions = index.regions().unwrap();
    assert_eq!(sizes(&regions), (1500 - 3 * 70, 3 * 18));
    let restored = recall(&regions, None);
    assert_sound(&index);
    index.finish().unwrap();
    assert_eq!(sizes(&regions), (1500 - 3 * 52, 0));
    let linked = recall(&regions, None);
    assert_sound(&index);
    eprintln!(
        "recall@10 of all {all}, of half {filtered}, after changes {changed}, read again {restored}, linked {linked}"
    );
    assert!([all, filtered, changed, restored, linked].iter().every(|&recall| recall >= 0.95));
}

#[test]
fn changes_while_nobody_asks_are_caught_up_with() {
    let (fixture, ids) = with_graph();
    let index = fixture.open();
    (0..9).for_each(|n| index.remove_file(Path::new(&path(n))).unwrap());
    let n = 9u64; // one that was replaced, and its likes found by what they show now
    index.put_regions(ids[9], &halves(2, 4, &half(n + 5000, 0), &half(n + 5000, 1))).unwrap();
    index.put_regions(ids[10], &halves(1, 2, &half(77_000, 0), &half(77_000, 1))).unwrap();
    index.remove_file(Path::new(&path(10))).unwrap();
    let new = add_many(&index, IMAGES..IMAGES + 4);
    index.finish().unwrap();
    assert!(!is_read(&index), "too few to link them");
    drop(index);

    let index = fixture.open();
    assert!(!is_read(&index));
    let regions = index.regions().unwrap();
    assert_eq!(sizes(&regions), (1500 - 3 * 11, 3 * 5));
    assert_eq!(index.store.unlinked().unwrap(), new.iter().copied().chain([ids[9]]).collect());
    for n in (0..9).chain([10]) {
        let found = regions.nearest(&half(n, 1), 30, None).unwrap();
        assert!(found.iter().every(|scored| scored.id.image != ids[n as usize]));
    }
    assert_eq!(regions.nearest(&half(5009, 1), 1, None).unwrap()[0].id, RegionId { image: ids[9], region: 1 });
    assert_sound(&index);

    // Many are linked when the run ends, by a process that never asked for regions.
    drop((index, regions));
    let index = fixture.open();
    add_many(&index, IMAGES + 4..IMAGES + 30);
    index.finish().unwrap();
    assert!(!is_read(&index) && index.store.unlinked().unwrap().is_empty());
    let regions = index.regions().unwrap();
    assert_eq!(sizes(&regions), (3 * (500 - 10 + 30), 0));
    assert!(recall(&regions, None) >= 0.95);
    assert_sound(&index);
}

#[test]
fn linking_may_be_ended_early_and_goes_on_later() {
    let fixture = fixture();
    let index = fixture.open();
    add_many(&index, 0..IMAGES);
    index.finish_with(&mut |_, _| ControlFlow::Break(())).unwrap();
    assert!(!index.store.has_graph(GraphId::REGIONS).unwrap());
    let mut told = (0, 0);
    let mut till_half = |done, all| {
        told = (done, all);
        if done > 700 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    index.finish_with(&mut till_half).unwrap();
    assert!(told.0 > 700 && told.0 < 1500 && told.1 == 1500, "{told:?}");
    let regions = index.regions().unwrap();
    let (nodes, _) = sizes(&regions);
    assert_eq!(nodes, told.0);
    assert_eq!(recall(&regions, None), 1.0, "half a graph is not walked");
    assert_sound(&index);
    drop((index, regions));
    let index = fixture.open();
    index.finish().unwrap();
    assert_eq!(sizes(&index.regions().unwrap()), (1500, 0));
    assert_sound(&index);
}

#[test]
fn a_damaged_node_costs_the_graph_and_no_answer() {
    for lost in [true, false] {
        let (fixture, _) = with_graph();
        tamper(&fixture, |_, batch| match lost {
            true => batch.remove(Table::Links, &GraphId::REGIONS.node(Node(77))),
            false => batch.put(Table::Links, &GraphId::REGIONS.node(Node(77)), vec![1; 90]),
        });
        forget_region_snapshot(&fixture);
        let index = fixture.open();
        let report = index.verify(false).unwrap();
        assert!(report.problems.len() == 1 && report.problems[0].contains("damaged"), "{report:?}");
        assert_eq!(index.verify(false).unwrap(), report, "looking changes nothing");
        let regions = index.regions().unwrap();
        assert!(regions.search_name().starts_with("exact scan"), "{}", regions.search_name());
        assert!(regions.search_name().contains("damaged"), "{}", regions.search_name());
        assert_eq!(recall(&regions, None), 1.0);
        drop((index, regions));
        let index = fixture.open();
        match lost {
            true => index.finish().unwrap(), // it is known to be of no use
            false => drop(index.verify(true).unwrap()),
        }
        index.finish().unwrap();
        assert_eq!(sizes(&index.regions().unwrap()), (1500, 0));
        assert_sound(&index);
    }
}

#[test]
fn verify_mends_the_graph_of_regions() {
    let (fixture, ids) = with_graph();
    tamper(&fixture, |_, batch| batch.put(Table::Links, &GraphId::REGIONS.node(Node(7)), vec![1; 90]));
    let index = fixture.open();
    let report = index.verify(true).unwrap();
    assert_eq!(report.repaired, ["made the graph of regions anew"]);
    assert_sound(&index);
    drop(index);
    // An image that is forgotten leaves the graph.
    tamper(&fixture, |_, batch| batch.remove(Table::Vectors, &crate::store::keys::image(ids[3])));
    let index = fixture.open();
    assert_eq!(index.verify(true).unwrap().repaired.len(), 1);
    assert_eq!(sizes(&index.regions().unwrap()), (1497, 0));
    assert_sound(&index);
}

#[test]
fn a_graph_that_lost_most_is_built_anew() {
    let (fixture, _) = with_graph();
    let index = fixture.open();
    (0..100).for_each(|n| index.remove_file(Path::new(&path(n))).unwrap());
    drop(index);
    let index = fixture.open();
    let regions = index.regions().unwrap();
    assert!(regions.search_name().starts_with("exact scan"), "{}", regions.search_name());
    assert_sound(&index);
    index.finish().unwrap();
    assert_eq!(sizes(&regions), (1200, 0));
    assert_sound(&index);
}
