//! What happens to a graph after it was built: changes, churn, filters, single queries, and opening
//! it again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use glimpse::ImageId;
use glimpse::encoder::ModelInfo;
use glimpse::encoder::Scoring;
use glimpse::encoder::image_file::Format;
use glimpse::indexer::hnsw::{Hnsw, HnswParams};
use glimpse::indexer::vectors::{ExactScan, VectorIndex, VectorStorage};
use glimpse::indexer::{ContentHash, FileRecord, FileRole, ImageRecord, IndexOptions, Library, VectorId, VectorSet};

use super::common::{Matrix, Noise};
use super::{K, recall};

/// Rates of change, recall after a churn of 30 %, filters, latencies.
pub fn tables(base: &Matrix, queries: &Matrix, params: HnswParams) {
    churn(base, queries, params);
    let graph = Hnsw::build(scan_of(base, 0..base.len()), params);
    filters(&graph, queries);
    latencies(&graph, queries);
}

fn scan_of(base: &Matrix, rows: std::ops::Range<usize>) -> Arc<ExactScan> {
    let scan = Arc::new(ExactScan::stored_as(VectorStorage::default(), base.dim));
    rows.for_each(|row| scan.add(VectorId(row as u64), base.row(row)).unwrap());
    scan
}

/// 30 % of the vectors go, as many others come, one after the other; then the same by one build.
fn churn(base: &Matrix, queries: &Matrix, params: HnswParams) {
    let changes = base.len() * 3 / 13;
    let first = base.len() - changes;
    let graph = Hnsw::build(scan_of(base, 0..first), params);
    let start = Instant::now();
    (0..changes).for_each(|row| assert!(graph.remove(VectorId(row as u64))));
    let removed = start.elapsed();
    let start = Instant::now();
    (first..base.len()).for_each(|row| graph.add(VectorId(row as u64), base.row(row)).unwrap());
    let added = start.elapsed();
    graph.validate().expect("a sound graph");
    let fresh = Hnsw::build(scan_of(base, changes..base.len()), params);
    let rate = |time: Duration| changes as f64 / time.as_secs_f64();
    println!("\n{changes} removed ({:.0}/s), {changes} added ({:.0}/s), one thread\n", rate(removed), rate(added));
    println!("| ef | recall@10 after the churn | of a fresh build |\n|---|---|---|");
    let truth: Vec<Vec<u64>> =
        queries.rows().map(|query| ids(&fresh.vectors().search(query, K, None).unwrap())).collect();
    for ef in [16, 32, 64, 128] {
        let of = |graph: &Hnsw| {
            let found: Vec<_> = queries.rows().map(|query| graph.search_graph(query, K, ef, None).unwrap()).collect();
            recall(&found, &truth)
        };
        println!("| {ef} | {:.4} | {:.4} |", of(&graph), of(&fresh));
    }
}

/// What the planner makes of filters: recall against the exact scan, and rate on one thread.
fn filters(graph: &Hnsw, queries: &Matrix) {
    println!("\n| share that passes | recall@10 | queries/s, 1 thread | scan alone |\n|---|---|---|---|");
    let mut noise = Noise(9);
    for share in [0.5, 0.1, 0.01, 0.001] {
        let pass = |_: &u64| noise.below(1_000_000) < (share * 1e6) as usize;
        let allowed: VectorSet = (0..graph.len() as u64).filter(pass).map(VectorId).collect();
        let start = Instant::now();
        let truth: Vec<_> =
            queries.rows().map(|query| graph.vectors().search(query, K, Some(&allowed)).unwrap()).collect();
        let scan = queries.len() as f64 / start.elapsed().as_secs_f64();
        let start = Instant::now();
        let found: Vec<_> = queries.rows().map(|query| graph.search(query, K, Some(&allowed)).unwrap()).collect();
        let rate = queries.len() as f64 / start.elapsed().as_secs_f64();
        let truth: Vec<Vec<u64>> = truth.iter().map(|hits| ids(hits)).collect();
        println!("| {} % | {:.4} | {rate:.0} | {scan:.0} |", share * 100.0, recall(&found, &truth));
    }
}

fn latencies(graph: &Hnsw, queries: &Matrix) {
    let mut times: Vec<Duration> = Vec::new();
    for query in queries.rows() {
        let start = Instant::now();
        graph.search(query, K, None).unwrap();
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let at = |share: f64| times[((times.len() as f64 * share) as usize).min(times.len() - 1)].as_secs_f64() * 1e6;
    println!(
        "\none query, ef {}: p50 {:.0} us, p95 {:.0} us, p99 {:.0} us",
        graph.params().ef_search,
        at(0.5),
        at(0.95),
        at(0.99)
    );
}

fn ids(hits: &[glimpse::indexer::vectors::ScoredVector]) -> Vec<u64> {
    hits.iter().map(|hit| hit.id.0).collect()
}

/// Fills a library as indexing does, and opens it again.
pub fn open(base: &Matrix, params: HnswParams) {
    let home = tempfile::tempdir().unwrap();
    let options = IndexOptions { graph_from: 1000, graph: params, ..IndexOptions::default() };
    let library = Library::with_options(home.path(), options);
    let index = library.open_for(&model(base.dim), false).unwrap();
    let start = Instant::now();
    for (n, row) in (0u64..).zip(base.rows()) {
        index.add(image(n), row, file(n)).unwrap();
        if n % 10_000 == 9_999 {
            index.commit().unwrap();
        }
    }
    println!("{} images added in {:.1} s", base.len(), start.elapsed().as_secs_f64());
    let start = Instant::now();
    index.finish().unwrap();
    println!("finished (words, graph) in {:.1} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    for n in 0..1000u64 {
        let n = n + base.len() as u64;
        index.add(image(n), base.row((n % 997) as usize), file(n)).unwrap();
    }
    println!("1000 more at {:.0}/s, graph included", 1000.0 / start.elapsed().as_secs_f64());
    index.commit().unwrap();
    println!("{:?}", index.stats().unwrap());
    let start = Instant::now();
    drop(index);
    println!("closed in {:.2} s", start.elapsed().as_secs_f64());
    let opened = |how: &str| {
        let start = Instant::now();
        let index = library.open().unwrap();
        println!("opened {how} in {:.2} s: {}", start.elapsed().as_secs_f64(), index.stats().unwrap().search);
        index
    };
    for _ in 0..3 {
        opened("by the snapshot and 1000 steps since");
    }
    std::fs::remove_dir_all(home.path().join("gen-0001/snapshot")).unwrap();
    let index = opened("by sled alone");
    let start = Instant::now();
    index.finish().unwrap();
    println!("snapshot written in {:.1} s", start.elapsed().as_secs_f64());
    drop(index);
    (0..3).for_each(|_| drop(opened("by the snapshot")));
}

fn model(dim: usize) -> ModelInfo {
    ModelInfo {
        name: "bench".to_owned(),
        fingerprint: "bench".to_owned(),
        image_fingerprint: None,
        adapter: None,
        model_type: "siglip".to_owned(),
        dim,
        image_size: Some(224),
        max_patches: None,
        patch_size: 16,
        text_length: 64,
        vocab_size: 100,
        scoring: Scoring { scale: 10.0, bias: -10.0 },
        backend: "none".to_owned(),
    }
}

fn image(n: u64) -> ImageRecord {
    ImageRecord::bare(ContentHash::of(&n.to_le_bytes()), (640, 480), Format::Jpeg, 1000)
}

fn file(n: u64) -> FileRecord {
    let path = PathBuf::from(format!("/photos/{}/{n}.jpg", n / 1000));
    FileRecord {
        path,
        image: ImageId(0),
        role: FileRole::Primary,
        bytes: 1000,
        modified: 1,
        changed: 0,
        sidecar_modified: 0,
        missing: false,
    }
}
