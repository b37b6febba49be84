#![allow(clippy::unwrap_used, clippy::expect_used)]

use glimpse_nonempty::{Every as _, each};

use super::*;
use crate::vectors::exact::tests::clustered;

/// Small enough to build in a moment.
const PARAMS: HnswParams = HnswParams { m: 12, ef_construction: 100, ef_search: 24 };

fn scan_of(vectors: &[Vec<f32>]) -> Arc<ExactScan> {
    let scan = Arc::new(ExactScan::new(vectors[0].len()));
    (0..).zip(vectors).for_each(|(i, v)| scan.add(VectorId(i), v).unwrap());
    scan
}

fn walk(graph: &HnswRs, query: &[f32], k: usize, ef: usize) -> Vec<VectorId> {
    graph.search_graph(query, k, ef, None).unwrap().iter().map(|scored| scored.id).collect()
}

fn recall(graph: &HnswRs, queries: &[Vec<f32>], ef: usize) -> f64 {
    let hits = queries.iter().map(|query| {
        let exact = graph.vectors.search(query, 10, None).unwrap();
        let found = walk(graph, query, 10, ef);
        exact.iter().filter(|scored| found.contains(&scored.id)).count()
    });
    hits.sum::<usize>() as f64 / (10 * queries.len()) as f64
}

#[test]
fn finds_what_the_scan_finds() {
    let vectors = clustered(4000, 64, 11);
    let graph = HnswRs::build(scan_of(&vectors[..3900]), PARAMS).unwrap();
    let recall = recall(&graph, &vectors[3900..], 96);
    eprintln!("recall@10 at ef 96, seed 11: {recall:.3}, {:?}", graph.stats());
    assert!(recall >= 0.95, "{recall}");
    // What the trait returns has the scores of the scan, whichever way the planner took.
    let (query, scan) = (&vectors[3950], graph.vectors());
    let found = graph.search(query, 5, None).unwrap();
    let exact = scan.search(query, 4000, None).unwrap();
    each(&found).for_each(|scored| assert!(exact.contains(scored)));
}

#[test]
fn every_image_is_found_by_its_own_vector() {
    // Many equal vectors are what a graph is worst at: their lists are full of each other.
    let mut vectors = clustered(1500, 32, 12);
    let twin = vectors[3].clone();
    vectors.extend(std::iter::repeat_n(twin, 200));
    let graph = HnswRs::build(scan_of(&vectors), PARAMS).unwrap();
    for (i, vector) in each((0..).zip(&vectors)) {
        let best = walk(&graph, vector, vectors.len(), PROBE_EF);
        assert!(best.contains(&VectorId(i)), "image {i}, {:?}", graph.stats());
    }
}

#[test]
fn removed_and_changed_images_leave_dead_nodes() {
    let vectors = clustered(1200, 32, 13);
    let graph = HnswRs::build(scan_of(&vectors[..1000]), PARAMS).unwrap();
    for i in 0..100 {
        assert!(graph.remove(VectorId(i)));
        assert!(!graph.remove(VectorId(i)));
    }
    for i in 100..200 {
        graph.add(VectorId(i), &vectors[1000 + i as usize]).unwrap();
    }
    assert_eq!((graph.len(), graph.stats().nodes, graph.stats().dead), (900, 1100, 200));
    for i in 0..100 {
        assert!(!walk(&graph, &vectors[i as usize], 20, 64).contains(&VectorId(i)), "{i} was removed");
        let moved = VectorId(100 + i);
        assert_eq!(walk(&graph, &vectors[1100 + i as usize], 1, 64), [moved], "{moved} has a new vector");
    }
}

#[test]
fn filters_hold_on_either_way() {
    let vectors = clustered(3000, 32, 14);
    let graph = HnswRs::build(scan_of(&vectors), HnswParams { ef_search: 8, ..PARAMS }).unwrap();
    for step in [2, 3, 50, 1000] {
        let allowed: VectorSet = (0..3000).step_by(step).map(VectorId).collect();
        let found = graph.search(&vectors[7], 10, Some(&allowed)).unwrap();
        assert_eq!(found.len(), allowed.len().min(10));
        assert!(found.iter().every(|scored| allowed.contains(scored.id)));
    }
    assert_eq!(graph.search(&vectors[7], 5, Some(&VectorSet::default())).unwrap(), []);
    assert_eq!(graph.search(&vectors[7], usize::MAX, None).unwrap().len(), 3000);
    assert!(matches!(graph.search(&[1.0], 5, None), Err(IndexError::WrongDimension { .. })));
    assert!(graph.search(&[f32::NAN; 32], 5, None).is_err());
    assert!(graph.add(VectorId(1), &[f32::NAN; 32]).is_err());
}

#[test]
fn an_empty_graph_grows() {
    let vectors = clustered(50, 16, 15);
    let graph = HnswRs::build(Arc::new(ExactScan::new(16)), PARAMS).unwrap();
    assert_eq!(graph.search(&vectors[0], 3, None).unwrap(), []);
    (0..).zip(&vectors).for_each(|(i, v)| graph.add(VectorId(i), v).unwrap());
    for (i, vector) in each((0..).zip(&vectors)) {
        assert_eq!(walk(&graph, vector, 1, 8), [VectorId(i)]);
    }
}

#[test]
fn adding_and_searching_at_once() {
    let vectors = clustered(2000, 16, 16);
    let graph = HnswRs::build(scan_of(&vectors[..500]), PARAMS).unwrap();
    std::thread::scope(|scope| {
        for part in 0..3 {
            let (graph, vectors) = (&graph, &vectors);
            scope.spawn(move || {
                (500 + part..2000).step_by(3).for_each(|i| graph.add(VectorId(i as u64), &vectors[i]).unwrap());
            });
            scope.spawn(move || (0..500).for_each(|i| assert_eq!(walk(graph, &vectors[i], 1, 32).len(), 1)));
        }
    });
    assert_eq!((graph.len(), graph.stats().nodes), (2000, 2000));
}

#[test]
fn parameters_stay_within_what_the_library_bears() {
    let wild = HnswParams { m: 100_000, ef_construction: 0, ef_search: 0 };
    assert_eq!(wild.bounded(), HnswParams { m: 128, ef_construction: 8, ef_search: 8 });
    assert_eq!(HnswParams::default().bounded(), HnswParams::default());
    let vectors = clustered(100, 8, 19);
    let graph = HnswRs::build(scan_of(&vectors), wild).unwrap();
    assert_eq!(walk(&graph, &vectors[9], 1, 1), [VectorId(9)]);
}
