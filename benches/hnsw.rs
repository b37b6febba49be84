//! The graph beside the scan: build time, bytes a vector, and recall@10 beside queries a second by `ef`.
//!
//!     cargo bench --bench hnsw [-- --count 100000 --dim 768 --queries 1000 --m 16 --ef-construction 200]
//!     cargo bench --bench hnsw -- --write DIR        writes base.npy and queries.npy instead
//!     cargo bench --bench hnsw -- --serve            answers a driver, see peers/search.py
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "a bench talks and may stop")]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use glimpse::ImageId;
use glimpse::indexer::vectors::{ExactScan, HnswGraph, HnswParams, Scored, VectorIndex};
use rayon::prelude::*;
use serde_json::json;

use common::{Args, Matrix, answer_lines, clustered, pool, resident, take_turns};

const K: usize = 10;

fn main() {
    let args = Args::read();
    let (count, dim, queries) = (args.number("count", 100_000), args.number("dim", 768), args.number("queries", 1000));
    let (base, queries) = split(clustered(count + queries, dim, 5), count);
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
    let bench = Bench::build(&base, queries, params);
    if args.has("serve") { bench.serve() } else { bench.tables(&base, args.number("rounds", 3)) }
}

fn split(mut all: Matrix, at: usize) -> (Matrix, Matrix) {
    let queries = all.values.split_off(at * all.dim);
    let dim = all.dim;
    (all, Matrix { dim, values: queries })
}

struct Bench {
    graph: HnswGraph,
    queries: Matrix,
    facts: serde_json::Value,
}

impl Bench {
    fn build(base: &Matrix, queries: Matrix, params: HnswParams) -> Self {
        let scan = Arc::new(ExactScan::new(base.dim));
        let start = Instant::now();
        (0..).zip(base.rows()).for_each(|(id, row)| scan.add(ImageId(id), row).unwrap());
        let fill = start.elapsed();
        let before = resident();
        let start = Instant::now();
        let graph = HnswGraph::build(Arc::clone(&scan), params).expect("a graph");
        let build = start.elapsed();
        let per = |bytes: usize| bytes / base.len();
        let stats = graph.stats();
        let facts = json!({
            "vectors": base.len(), "dim": base.dim, "m": params.m, "ef_construction": params.ef_construction,
            "threads": rayon::current_num_threads(), "fill_s": fill.as_secs_f64(), "build_s": build.as_secs_f64(),
            "scan_bytes": per(scan.memory()), "graph_bytes_measured": per(resident().saturating_sub(before)),
            "graph_bytes_stated": per(graph.memory() - scan.memory()),
            "links_per_node": stats.links_per_node, "strays": stats.strays,
        });
        Self { graph, queries, facts }
    }

    /// All queries, on the threads of the current pool; `ef` 0 is the scan, which takes turns with itself.
    fn search(&self, ef: usize) -> Vec<Vec<Scored>> {
        if ef == 0 {
            return self.queries.rows().map(|query| self.graph.vectors().search(query, K, None).unwrap()).collect();
        }
        self.queries
            .values
            .par_chunks_exact(self.queries.dim)
            .map(|query| self.graph.walk(query, K, ef, None).unwrap())
            .collect()
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
            let found = self.search(ef);
            let hits = found
                .iter()
                .zip(&truth)
                .map(|(found, truth)| found.iter().filter(|hit| truth.contains(&hit.id.0)).count());
            let recall = hits.sum::<usize>() as f64 / (truth.len() * K) as f64;
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
