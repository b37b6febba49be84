//! A query from words to hits, through the engine, by stage, on a library of made-up images.
//!
//!     cargo bench --bench query [-- --count 20000 --queries 50 --model DIR]
//!
//! Vectors are random round a mean, captions are random words; no image is read. Every query is a
//! new text, so that nothing is answered from a cache.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "a bench talks and may stop")]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use glimpse::encoder::{Encode, LoadOptions, SiglipEncoder};
use glimpse::indexer::Library;
use glimpse::{Engine, Mode, Query, Settings};

use common::library::{fill, pick};
use common::{Args, Noise, quantiles};

fn main() {
    let args = Args::read();
    let dir =
        args.value("model").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo"), PathBuf::from);
    let encoder: Arc<dyn Encode> = Arc::new(SiglipEncoder::load(&dir, &LoadOptions::default()).expect("a checkpoint"));
    let home = tempfile::tempdir().expect("a folder");
    let settings =
        Settings { home: home.path().to_path_buf(), model: None, device: None, max_patches: None, adapter: None };
    let count = args.number("count", 20_000);

    let start = Instant::now();
    let index = Library::at(&settings.library_dir()).open_for(encoder.info(), false).expect("a library");
    fill(&index, count, encoder.info().dim);
    index.finish().expect("words and graph");
    println!("{count} images of {} values filled in {:.1} s\n", encoder.info().dim, start.elapsed().as_secs_f64());
    drop(index);
    let start = Instant::now();
    let index = Library::at(&settings.library_dir()).open().expect("a library");
    println!("opened in {:.0} ms: {}\n", start.elapsed().as_secs_f64() * 1e3, index.stats().unwrap().search);

    let queries = args.number("queries", 50);
    println!("| stage | median ms | 95 % ms |\n|---|---|---|");
    let vector = encoder.encode_texts(&["warm up"]).unwrap()[0].clone();
    row("text to vector", queries, |text| drop(encoder.encode_texts(&[text]).unwrap()));
    row("nearest 100 vectors", queries, |_| drop(index.nearest(vector.as_slice(), 100, None).unwrap()));
    row("cosine of all vectors", queries, |_| drop(index.score_all(vector.as_slice()).unwrap()));
    row("best 100 by words", queries, |text| drop(index.words(text, 100, None).unwrap()));
    drop(index);

    let engine = Engine::with_encoder(settings, encoder).expect("an engine");
    for (mode, name) in [(Mode::Words, "words"), (Mode::Semantic, "meaning"), (Mode::Hybrid, "both")] {
        row(&format!("engine: first page by {name}"), queries, |text| {
            drop(engine.search(&Query { mode, ..Query::text(text) }).unwrap());
        });
    }
}

/// Runs `work` with texts that were never seen before; the first runs are not counted.
fn row(stage: &str, queries: usize, mut work: impl FnMut(&str)) {
    let mut noise = Noise(stage.len() as u64);
    let mut run = || {
        let text = format!("{} {} {}", pick(&mut noise), pick(&mut noise), noise.next() % 1_000_000);
        common::time(|| work(&text))
    };
    for _ in 0..3 {
        run();
    }
    let (median, slow) = quantiles((0..queries).map(|_| run()).collect());
    println!("| {stage} | {median:.2} | {slow:.2} |");
}
