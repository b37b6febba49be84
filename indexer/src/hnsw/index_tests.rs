#![allow(clippy::unwrap_used, clippy::expect_used)]

use glimpse_nonempty::{Every as _, each};

use super::*;
use crate::vectors::exact::tests::clustered;

const PARAMS: HnswParams = HnswParams { m: 12, ef_construction: 80, ef_search: 24 };

fn scan_of(vectors: &[Vec<f32>]) -> Arc<ExactScan> {
    let scan = Arc::new(ExactScan::new(vectors[0].len()));
    (0..).zip(vectors).for_each(|(i, v)| scan.add(VectorId(i), v).unwrap());
    scan
}

#[test]
fn finds_what_the_scan_finds() {
    let vectors = clustered(4000, 64, 11);
    let graph = Hnsw::build(scan_of(&vectors[..3900]), PARAMS);
    graph.validate().unwrap();
    let hits = vectors[3900..].iter().map(|query| {
        let exact = graph.vectors().search(query, 10, None).unwrap();
        let found = graph.search_graph(query, 10, 64, None).unwrap();
        // Scores are those of the scan, to the last bit.
        exact.iter().filter(|scored| found.contains(scored)).count()
    });
    let hits: usize = hits.sum();
    eprintln!("{hits} of 1,000 at ef 64, {:?}", graph.stats());
    assert!(hits >= 990, "{hits}");
}

#[test]
fn many_queries_at_once_are_as_many_by_one() {
    let vectors = clustered(3000, 32, 12);
    let graph = Hnsw::build(scan_of(&vectors), PARAMS);
    let queries: Vec<&[f32]> = vectors[..50].iter().map(Vec::as_slice).collect();
    let together = graph.search_many(&queries, 7, None).unwrap();
    let alone: Vec<_> = queries.iter().map(|query| graph.search(query, 7, None).unwrap()).collect();
    assert_eq!(together, alone);
}

#[test]
fn filters_hold_on_either_way() {
    let vectors = clustered(3000, 32, 14);
    let graph = Hnsw::build(scan_of(&vectors), HnswParams { ef_search: 8, ..PARAMS });
    for step in [2, 3, 50, 1000] {
        let allowed: VectorSet = (0..3000).step_by(step).map(VectorId).collect();
        let found = graph.search(&vectors[7], 10, Some(&allowed)).unwrap();
        assert_eq!(found.len(), allowed.len().min(10));
        assert!(found.iter().every(|scored| allowed.contains(scored.id)));
        let walked = graph.search_graph(&vectors[7], 10, 256, Some(&allowed)).unwrap();
        let exact = graph.vectors().search(&vectors[7], 10, Some(&allowed)).unwrap();
        assert!(step > 3 || walked == exact, "half of all pass a wide walk");
    }
    assert_eq!(graph.search(&vectors[7], 5, Some(&VectorSet::default())).unwrap(), []);
    assert_eq!(graph.search(&vectors[7], usize::MAX, None).unwrap().len(), 3000);
    assert!(matches!(graph.search(&[1.0], 5, None), Err(IndexError::WrongDimension { .. })));
    assert!(graph.search(&[f32::NAN; 32], 5, None).is_err());
    assert!(graph.add(VectorId(1), &[f32::NAN; 32]).is_err());
}

#[test]
fn images_come_change_and_go() {
    let vectors = clustered(1400, 32, 13);
    let graph = Hnsw::build(Arc::new(ExactScan::new(32)), PARAMS);
    assert_eq!(graph.search(&vectors[0], 3, None).unwrap(), []);
    for (i, vector) in (0..).zip(&vectors[..1000]) {
        graph.add(VectorId(i), vector).unwrap();
    }
    for i in 0..200 {
        assert!(graph.remove(VectorId(i)));
        assert!(!graph.remove(VectorId(i)));
        graph.add(VectorId(200 + i), &vectors[1000 + i as usize]).unwrap();
        graph.add(VectorId(5000 + i), &vectors[1200 + i as usize]).unwrap();
    }
    graph.validate().unwrap();
    assert_eq!((graph.len(), graph.stats().nodes), (1000, 1000));
    assert_eq!(graph.vectors().read().len(), 1000, "slots are used again");
    for i in 0..200 {
        let found = graph.search_graph(&vectors[i as usize], 20, 64, None).unwrap();
        assert!(found.iter().every(|hit| hit.id != VectorId(i)));
        assert_eq!(graph.search_graph(&vectors[1000 + i as usize], 1, 64, None).unwrap()[0].id, VectorId(200 + i));
    }
}

#[test]
fn adding_removing_and_searching_at_once() {
    let vectors = clustered(2000, 16, 16);
    let graph = Hnsw::build(scan_of(&vectors[..500]), PARAMS);
    std::thread::scope(|scope| {
        for part in 0..3 {
            let (graph, vectors) = (&graph, &vectors);
            scope.spawn(move || {
                for i in (500 + part..2000).step_by(3) {
                    graph.add(VectorId(i as u64), &vectors[i]).unwrap();
                    if i % 5 == 0 {
                        assert!(graph.remove(VectorId(i as u64)));
                    }
                }
            });
            scope.spawn(move || {
                (0..500).for_each(|i| assert_eq!(graph.search_graph(&vectors[i], 1, 32, None).unwrap().len(), 1))
            });
        }
    });
    graph.validate().unwrap();
    assert_eq!(graph.len(), 2000 - 300);
}

#[test]
fn a_graph_is_its_records() {
    let vectors = clustered(1500, 24, 17);
    let graph = Hnsw::build(scan_of(&vectors), PARAMS);
    for i in (0..300).step_by(3) {
        graph.remove(VectorId(i));
    }
    let records = graph.records(Node(0), u32::MAX).unwrap();
    let (again, dead) = Hnsw::restore(Arc::clone(graph.vectors()), PARAMS, &records).unwrap();
    assert!(dead.is_empty() && again.unlinked().is_empty());
    again.validate().unwrap();
    assert_eq!(again.records(Node(0), u32::MAX).unwrap(), records);
    assert_eq!(again.len(), graph.len());
    for query in each(&vectors[..100]) {
        assert_eq!(
            again.search_graph(query, 10, 64, None).unwrap()[0],
            graph.search_graph(query, 10, 64, None).unwrap()[0]
        );
    }
    // Changes go on as if nothing had happened.
    again.remove(VectorId(1));
    again.add(VectorId(9999), &vectors[1]).unwrap();
    again.validate().unwrap();

    let restore = |records: &[_]| Hnsw::restore(Arc::clone(graph.vectors()), PARAMS, records);
    assert!(restore(&records[1..]).is_err(), "a node is missing");
    for spoil in [0, 1, 2] {
        let mut records = records.clone();
        match spoil {
            0 => records[7].1.owner = VectorId(1400),
            1 => records[7].1.links[0] = Node(40_000),
            _ => records[7].1.links = vec![Node(5); 25],
        }
        assert!(restore(&records).is_err());
    }
}

#[test]
fn vectors_without_nodes_and_nodes_without_vectors_are_known() {
    let vectors = clustered(1200, 24, 18);
    let graph = Hnsw::build(scan_of(&vectors[..1000]), PARAMS);
    let records = graph.records(Node(0), u32::MAX).unwrap();
    // Behind the graph's back some vectors go and others come.
    (0..1000).step_by(5).for_each(|i| assert!(graph.vectors().remove(VectorId(i))));
    let (again, dead) = Hnsw::restore(Arc::clone(graph.vectors()), PARAMS, &records).unwrap();
    assert_eq!(dead, (0..1000).step_by(5).map(Node).collect::<Vec<_>>());
    again.unlink_nodes(&dead);
    (1000..1200).for_each(|i| again.vectors().add(VectorId(i as u64), &vectors[i]).unwrap());
    again.validate().unwrap();
    let mut unlinked = again.unlinked();
    unlinked.sort_unstable();
    assert_eq!(unlinked, (1000..1200).map(VectorId).collect::<Vec<_>>());
    // Work that is ended early is kept.
    let mut told = Vec::new();
    again.link_all(
        &mut |done, of| {
            told.push((done, of));
            if done < 40 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        },
        || Some(()),
    );
    again.validate().unwrap();
    let done = told.last().unwrap().0;
    assert!(told[0] == (0, 200) && (40..200).contains(&done), "{told:?}");
    assert_eq!(again.unlinked().len(), 200 - done);
    again.link_all(&mut |_, _| ControlFlow::Continue(()), || Some(()));
    again.validate().unwrap();
    assert!(again.unlinked().is_empty() && again.stats().nodes == 1000);
    let finds = |i: u64| again.search_graph(&vectors[i as usize], 1, 64, None).unwrap()[0].id == VectorId(i);
    assert!((1000..1200).filter(|&i| finds(i)).count() >= 198);
}

#[test]
fn parameters_stay_within_bounds() {
    let wild = HnswParams { m: 100_000, ef_construction: 0, ef_search: 0 };
    assert_eq!(wild.bounded(), HnswParams { m: 128, ef_construction: 8, ef_search: 8 });
    assert_eq!(HnswParams::default().bounded(), HnswParams::default());
    let vectors = clustered(100, 8, 19);
    for params in [wild, HnswParams { m: 0, ..wild }] {
        let graph = Hnsw::build(scan_of(&vectors), params);
        graph.validate().unwrap();
        assert_eq!(graph.search_graph(&vectors[9], 1, 8, None).unwrap()[0].id, VectorId(9));
    }
}
