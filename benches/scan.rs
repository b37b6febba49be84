//! The exact scan: queries a second and bytes of vectors read a second, for every kernel of this
//! machine.
//!
//!     cargo bench --bench scan [-- --dim 768 --counts 10000,100000 --rounds 7]
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "a bench talks and may stop")]

mod common;

use glimpse::indexer::VectorId;
use glimpse::indexer::vectors::{ExactScan, Kernel, VectorIndex};

use common::{Args, clustered, pool, take_turns};

fn main() {
    let args = Args::read();
    let dim = args.number("dim", 768);
    let counts = args.value("counts").unwrap_or("10000,100000");
    println!("| vectors x {dim} | kernel | threads | queries/s | GB/s |\n|---|---|---|---|---|");
    for count in counts.split(',').map(|count| count.parse().expect("a number")) {
        table(count, dim, args.number("rounds", 7));
    }
}

fn table(count: usize, dim: usize, rounds: usize) {
    const QUERIES: usize = 20;
    let vectors = clustered(count + QUERIES, dim, 1);
    let queries: Vec<&[f32]> = vectors.rows().skip(count).collect();
    let scans: Vec<ExactScan> =
        Kernel::available().into_iter().map(|kernel| ExactScan::with_kernel(dim, kernel)).collect();
    for scan in &scans {
        (0..).zip(vectors.rows().take(count)).for_each(|(id, row)| scan.add(VectorId(id), row).unwrap());
    }
    let pools = [pool(1), pool(0)];
    let all = pools.iter().flat_map(|pool| scans.iter().map(move |scan| (pool, scan)));
    let all: Vec<_> = all.collect();
    let parts = all.iter().map(|&(pool, scan)| {
        let search = || queries.iter().for_each(|query| assert_eq!(scan.search(query, 10, None).unwrap().len(), 10));
        Box::new(move || pool.install(search)) as Box<dyn FnMut()>
    });
    for (time, (pool, scan)) in take_turns(rounds, &mut parts.collect::<Vec<_>>()).into_iter().zip(all) {
        let rate = QUERIES as f64 / time.as_secs_f64();
        let bytes = rate * (count * dim) as f64 / 1e9;
        println!("| {count} | {} | {} | {rate:.0} | {bytes:.1} |", scan.kernel().name(), pool.current_num_threads());
    }
}
