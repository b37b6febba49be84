//! The graph beside the scan: build time, bytes a vector, and recall@10 beside queries a second by
//! `ef`.
//!
//!     cargo bench --bench hnsw [-- --count 100000 --dim 768 --queries 1000 --m 16 --ef-construction 128]
//!     cargo bench --bench hnsw -- --life             also rates of change, churn, filters and latencies
//!     cargo bench --bench hnsw -- --open             time to open a library of `--count` images
//!     cargo bench --bench hnsw -- --write DIR        writes base.npy and queries.npy instead
//!     cargo bench --bench hnsw -- --serve            answers a driver, see peers/search.py
//!
//! `--engine hnsw_rs` measures the other implementation, `--vectors int8` (or `f32`) another way of
//! keeping vectors, `--data uniform` vectors without clusters, `--data library:HOME` the regions of
//! a library's images, and `--data FILE.npy` vectors of your own, of which the last ones are the
//! queries.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "a bench talks and may stop")]

mod common;
mod hnsw_life;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use glimpse::indexer::Library;
use glimpse::indexer::VectorId;
use glimpse::indexer::hnsw::{GraphStats, Hnsw, HnswParams};
use glimpse::indexer::vectors::{ExactScan, HnswRs, ScoredVector, VectorIndex, VectorStorage};
use rayon::prelude::*;
use serde_json::json;

use common::{Args, Matrix, Noise, answer_lines, clustered, pool, resident, take_turns, uniform};

const K: usize = 10;

fn main() {
    let args = Args::read();
    let (count, dim, queries) = (args.number("count", 100_000), args.number("dim", 768), args.number("queries", 1000));
    let all = match args.value("data").unwrap_or("clustered") {
        "clustered" => clustered(count + queries, dim, 5),
        "uniform" => uniform(count + queries, dim, 5),
        data => match data.strip_prefix("library:") {
            Some(home) => regions_of(Path::new(home)),
            None => Matrix::read_npy(Path::new(data)).expect("vectors"),
        },
    };
    let at = all.len() - queries;
    let (base, queries) = split(all, at);
    if let Some(dir) = args.value("write") {
        base.write_npy(&Path::new(dir).join("base.npy")).expect("base.npy");
        queries.write_npy(&Path::new(dir).join("queries.npy")).expect("queries.npy");
        return;
    }
    let default = HnswParams::default();
    let params = HnswParams {
        m: args.number("m", default.m),
        ef_construction: args.number("ef-construction", default.ef_construction),
        ..default
    };
    if args.has("open") {
        return hnsw_life::open(&base, params);
    }
    let storage = args.value("vectors").map(|name| VectorStorage::named(name).expect("int8, int16 or f32"));
    let bench =
        Bench::build(&base, queries, params, args.value("engine").unwrap_or("own"), storage.unwrap_or_default());
    if args.has("serve") {
        return bench.serve();
    }
    bench.tables(&base, args.number("rounds", 3));
    if args.has("life") {
        hnsw_life::tables(&base, &bench.queries, params);
    }
}

/// The vectors of all regions of a library, shuffled.
fn regions_of(home: &Path) -> Matrix {
    let index = Library::at(home).open().expect("a library");
    let regions = index.regions().expect("regions");
    let mut ids = regions.sample(usize::MAX);
    let mut noise = Noise(7);
    (1..ids.len()).rev().for_each(|i| ids.swap(i, noise.below(i + 1)));
    let dim = index.manifest().model.dim;
    Matrix { dim, values: ids.into_iter().filter_map(|id| regions.vector(id)).flatten().collect() }
}

fn split(mut all: Matrix, at: usize) -> (Matrix, Matrix) {
    let queries = all.values.split_off(at * all.dim);
    let dim = all.dim;
    (all, Matrix { dim, values: queries })
}

enum Graph {
    Own(Hnsw),
    HnswRs(HnswRs),
}

impl Graph {
    fn search_graph(&self, query: &[f32], ef: usize) -> Vec<ScoredVector> {
        match self {
            Self::Own(graph) => graph.search_graph(query, K, ef, None),
            Self::HnswRs(graph) => graph.search_graph(query, K, ef, None),
        }
        .unwrap()
    }

    fn stats(&self) -> (GraphStats, usize) {
        match self {
            Self::Own(graph) => (graph.stats(), graph.memory()),
            Self::HnswRs(graph) => (graph.stats(), graph.memory()),
        }
    }
}

struct Bench {
    scan: Arc<ExactScan>,
    graph: Graph,
    queries: Matrix,
    facts: serde_json::Value,
}

impl Bench {
    fn build(base: &Matrix, queries: Matrix, params: HnswParams, engine: &str, storage: VectorStorage) -> Self {
        let scan = Arc::new(ExactScan::stored_as(storage, base.dim));
        let start = Instant::now();
        (0..).zip(base.rows()).for_each(|(id, row)| scan.add(VectorId(id), row).unwrap());
        let fill = start.elapsed();
        let before = resident();
        let start = Instant::now();
        let graph = match engine {
            "own" => Graph::Own(Hnsw::build(Arc::clone(&scan), params)),
            "hnsw_rs" => Graph::HnswRs(HnswRs::build(Arc::clone(&scan), params).expect("a graph")),
            other => panic!("--engine {other}: own or hnsw_rs"),
        };
        let build = start.elapsed();
        let per = |bytes: usize| bytes / base.len();
        let (stats, memory) = graph.stats();
        let facts = json!({
            "vectors": base.len(), "dim": base.dim, "m": params.m, "ef_construction": params.ef_construction,
            "threads": rayon::current_num_threads(), "fill_s": fill.as_secs_f64(), "build_s": build.as_secs_f64(),
            "scan_bytes": per(scan.memory()), "graph_bytes_measured": per(resident().saturating_sub(before)),
            "graph_bytes_stated": per(memory - scan.memory()),
            "links_per_node": stats.links_per_node, "unreachable": stats.unreachable,
        });
        Self { scan, graph, queries, facts }
    }

    /// All queries, on the threads of the current pool; `ef` 0 is the scan, which takes turns with
    /// itself.
    fn search(&self, ef: usize) -> Vec<Vec<ScoredVector>> {
        if ef == 0 {
            return self.queries.rows().map(|query| self.scan.search(query, K, None).unwrap()).collect();
        }
        self.queries.values.par_chunks_exact(self.queries.dim).map(|query| self.graph.search_graph(query, ef)).collect()
    }

    /// Each line `ef threads` is answered with the time of all queries and what they found.
    fn serve(&self) {
        println!("{}", self.facts);
        let pools = [pool(1), pool(0)];
        answer_lines(|words| {
            let (ef, threads): (usize, usize) = (words[0].parse().unwrap(), words[1].parse().unwrap());
            let start = Instant::now();
            let found = pools[usize::from(threads != 1)].install(|| self.search(ef));
            let seconds = start.elapsed().as_secs_f64();
            let ids: Vec<Vec<u64>> = found.iter().map(|hits| hits.iter().map(|hit| hit.id.0).collect()).collect();
            json!({ "seconds": seconds, "ids": ids })
        });
    }

    fn tables(&self, base: &Matrix, rounds: usize) {
        println!("{:#}\n", self.facts);
        println!("| search | recall@10 | queries/s, 1 thread | queries/s, all threads |\n|---|---|---|---|");
        let truth = truth(base, &self.queries);
        let pools = [pool(1), pool(0)];
        for ef in [0, 16, 32, 64, 128, 256] {
            let recall = recall(&self.search(ef), &truth);
            let parts =
                pools.iter().map(|pool| Box::new(|| drop(pool.install(|| self.search(ef)))) as Box<dyn FnMut()>);
            let times = take_turns(rounds, &mut parts.collect::<Vec<_>>());
            let rates: Vec<String> =
                times.iter().map(|time| format!("{:.0}", truth.len() as f64 / time.as_secs_f64())).collect();
            let name = if ef == 0 { "exact scan".to_owned() } else { format!("graph, ef {ef}") };
            println!("| {name} | {recall:.4} | {} |", rates.join(" | "));
        }
    }
}

/// The true ten nearest by f32.
fn truth(base: &Matrix, queries: &Matrix) -> Vec<Vec<u64>> {
    let nearest = |query: &[f32]| {
        let mut all: Vec<(f32, u64)> = base.rows().map(|row| -glimpse::encoder::dot(query, row)).zip(0..).collect();
        all.select_nth_unstable_by(K, |a, b| a.0.total_cmp(&b.0));
        all[..K].iter().map(|&(_, id)| id).collect()
    };
    queries.values.par_chunks_exact(queries.dim).map(nearest).collect()
}

/// Share of the true ones among those found.
fn recall(found: &[Vec<ScoredVector>], truth: &[Vec<u64>]) -> f64 {
    let hits =
        found.iter().zip(truth).map(|(found, truth)| found.iter().filter(|hit| truth.contains(&hit.id.0)).count());
    hits.sum::<usize>() as f64 / truth.iter().map(Vec::len).sum::<usize>().max(1) as f64
}
