//! The graph in an index: built, kept in step, saved, read again.

use std::path::Path;

use glimpse_nonempty::Every as _;

use super::damage::{flipped, tamper};
use super::snapshot::forget_snapshot;
use super::*;
use crate::IdSet;
use crate::SearchedBy;
use crate::hnsw::{HnswParams, Node};
use crate::store::Batch;
use crate::store::keys::{self, GraphId, Table};

const IMAGES: u64 = 4000;

/// Settings with which a few thousand images are already searched by graph.
fn small_graphs() -> Fixture {
    let graph = HnswParams { m: 16, ef_construction: 100, ef_search: 24 };
    Fixture { options: IndexOptions { graph_from: 2000, graph, ..IndexOptions::default() }, ..Fixture::new() }
}

pub(super) fn vector_of(n: u64) -> Vec<f32> {
    let mut state = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    // The first numbers of neighbouring seeds are alike.
    for _ in 0..8 {
        next();
    }
    (0..DIM).map(|_| next()).collect()
}

pub(super) fn add_many(index: &Index, numbers: std::ops::Range<u64>) -> Vec<ImageId> {
    let add = |n: u64| {
        let record = ImageRecord { content: ContentHash::of(&n.to_le_bytes()), ..image(0) };
        index.add(record, &vector_of(n), file(format!("/p/{n}.jpg"))).unwrap()
    };
    numbers.map(add).collect()
}

/// Nearly every image is the first that its own vector finds: a search this narrow may miss some.
fn assert_all_found(index: &Index, ids: &[ImageId]) {
    let finds = |&&id: &&ImageId| {
        let vector = index.vector(id).unwrap();
        index.nearest(&vector, 1, None).unwrap().first().is_some_and(|first| first.id == id)
    };
    let found = ids.iter().filter(finds).count();
    assert!(found * 100 >= ids.len() * 97, "{found} of {}", ids.len());
}

fn search_of(index: &Index) -> String {
    index.stats().unwrap().search
}

#[test]
fn a_graph_follows_its_index() {
    let fixture = small_graphs();
    let index = fixture.open();
    let mut ids = add_many(&index, 0..1000);
    index.finish().unwrap();
    assert!(search_of(&index).starts_with("exact scan"), "too few for a graph");
    assert_eq!(index.stats().unwrap().searched_by, SearchedBy::Scan);
    ids.extend(add_many(&index, 1000..IMAGES));
    index.finish().unwrap();
    assert!(search_of(&index).starts_with("hnsw (M 16, ef 24, 4000 nodes)"), "{}", search_of(&index));
    assert_all_found(&index, &ids);

    // Changes after the build are found, and not found, at once.
    let later = add_many(&index, IMAGES..IMAGES + 20);
    assert_all_found(&index, &later);
    for n in 0..100 {
        index.remove_file(Path::new(&format!("/p/{n}.jpg"))).unwrap();
    }
    index.mark_missing(Path::new("/p/200.jpg")).unwrap();
    let gone: IdSet = ids[..100].iter().copied().chain([ids[200]]).collect();
    for n in (0..100).chain([200]) {
        let hits = index.nearest(&vector_of(n), 10, None).unwrap();
        assert_eq!(hits.len(), 10);
        assert!(hits.iter().every(|hit| !gone.contains(hit.id)));
    }
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
    index.finish().unwrap();
    drop(index);

    let index = fixture.open();
    assert!(search_of(&index).starts_with("hnsw"), "{}", search_of(&index));
    assert_all_found(&index, &ids[201..]);
    // Newer than the snapshot.
    assert_all_found(&index, &later);
    let narrow: IdSet = ids[300..320].iter().copied().collect();
    let hits = index.nearest(&vector_of(300), 50, Some(&narrow)).unwrap();
    assert_eq!((hits.len(), hits[0].id), (20, ids[300]), "a narrow filter loses nothing");
}

#[test]
fn a_damaged_node_is_named_and_the_graph_made_anew() {
    let fixture = small_graphs();
    let index = fixture.open();
    add_many(&index, 0..2000);
    index.finish().unwrap();
    let mut batch = Batch::default();
    batch.put(Table::Links, &GraphId::IMAGES.node(Node(77)), vec![1; 90]);
    index.store.apply(&batch).unwrap();
    assert_eq!(index.verify(false).unwrap().problems.len(), 1, "memory is right, the store is not");
    drop(index);
    forget_snapshot(&fixture);
    let index = fixture.open();
    assert!(search_of(&index).starts_with("exact scan"), "serves all the same");
    assert!(search_of(&index).contains("a node of the graph is damaged"), "{}", search_of(&index));
    // From here on the stored nodes lag behind.
    add_many(&index, 2000..2001);
    drop(index);
    let index = fixture.open();
    assert!(search_of(&index).starts_with("exact scan"));
    index.finish().unwrap();
    assert!(search_of(&index).starts_with("hnsw (M 16, ef 24, 2001 nodes)"), "{}", search_of(&index));
    assert_eq!(index.verify(false).unwrap().problems, Vec::<String>::new());
    drop(index);
    assert!(search_of(&fixture.open()).starts_with("hnsw (M 16, ef 24, 2001 nodes)"));
}

#[test]
fn a_lost_node_is_noticed() {
    let fixture = small_graphs();
    let index = fixture.open();
    add_many(&index, 0..2000);
    index.finish().unwrap();
    let mut batch = Batch::default();
    batch.remove(Table::Links, &GraphId::IMAGES.node(Node(77)));
    index.store.apply(&batch).unwrap();
    drop(index);
    forget_snapshot(&fixture);
    let index = fixture.open();
    assert!(search_of(&index).starts_with("exact scan"), "others are linked with it");
    assert!(search_of(&index).contains("does not belong to image"), "{}", search_of(&index));
    let report = index.verify(true).unwrap();
    assert_eq!((report.problems.len(), report.repaired.len()), (1, 1), "{report:?}");
    assert!(search_of(&index).starts_with("hnsw"));
}

#[test]
fn unreadable_vectors_cost_their_nodes_and_not_the_graph() {
    let fixture = small_graphs();
    let index = fixture.open();
    let ids = add_many(&index, 0..2010);
    index.finish().unwrap();
    drop(index);
    forget_snapshot(&fixture);
    let damage = |ids: &[ImageId]| {
        tamper(&fixture, |store, batch| {
            for &id in ids {
                let key = keys::image(id);
                batch.put(Table::Vectors, &key, flipped(store, Table::Vectors, &key));
            }
        });
    };
    damage(&[ids[0], ids[700], ids[2009]]);
    for _ in 0..2 {
        let index = fixture.open();
        assert!(search_of(&index).starts_with("hnsw (M 16, ef 24, 2007 nodes)"), "{}", search_of(&index));
        let problems = index.verify(false).unwrap().problems;
        assert!(problems.len() == 3 && problems.iter().every(|problem| problem.contains("vector")), "{problems:?}");
        assert_all_found(&index, &ids[1..700]);
    }
    // What they left is used again.
    let index = fixture.open();
    let later = add_many(&index, 2010..2014);
    assert_all_found(&index, &later);
    drop(index);
    let index = fixture.open();
    assert!(search_of(&index).starts_with("hnsw (M 16, ef 24, 2011 nodes)"), "{}", search_of(&index));
    assert_all_found(&index, &later);
    drop(index);
    // Of a graph that lost much, nothing is mended.
    damage(&ids[800..1000]);
    assert!(search_of(&fixture.open()).contains("200 of 2011 nodes have no vector"), "{}", search_of(&fixture.open()));
}

#[test]
fn searches_are_measured_by_a_comparison_of_all() {
    let fixture = small_graphs();
    let index = fixture.open();
    assert_eq!(index.measure_searches(10, 5).unwrap(), [], "an empty library");
    add_many(&index, 0..2500);
    // Without a graph and with one.
    for is_finished in [false, true] {
        if is_finished {
            index.finish().unwrap();
        }
        let measured = index.measure_searches(40, 10).unwrap();
        let ways: Vec<(&str, &str, usize)> = measured.iter().map(|way| (way.of, way.by, way.vectors)).collect();
        assert_eq!(ways, [("images", "scan", 2500), ("images", "hnsw", 2500), ("images", "hnsw_rs", 2500)]);
        assert_eq!(measured[0].recall, 1.0);
        assert!(measured[1].recall > 0.6 && measured[2].recall > 0.6, "{measured:?}");
        let built: Vec<bool> = measured.iter().map(|way| way.build_s.is_some()).collect();
        assert_eq!(built, [false, !is_finished, true]);
        assert!(measured.iter().every(|way| way.median_ms <= way.p95_ms));
    }
    assert_eq!(index.measure_searches(1, 5000).unwrap()[0].recall, 1.0, "more than there are");
    assert_eq!(index.measure_searches(5, 0).unwrap(), []);
}
