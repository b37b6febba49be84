//! A query from words to hits, through the engine, by stage, on a library of made-up pictures.
//!
//!     cargo bench --bench query [-- --count 20000 --queries 50 --model DIR]
//!
//! Vectors are random round a mean, captions are random words; no picture is read. Every query is a new text, so that
//! nothing is answered from a cache.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "a bench talks and may stop")]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use glimpse::encoder::{Encode, LoadOptions, SiglipEncoder};
use glimpse::indexer::{ContentHash, FileRecord, ImageRecord, Index, Library};
use glimpse::{Engine, Format, ImageId, Mode, Query, Settings};

use common::{Args, Noise, clustered};

const WORDS: [&str; 24] = [
    "beach", "sunset", "cat", "dog", "mountain", "snow", "birthday", "cake", "bicycle", "bridge", "river", "forest",
    "market", "tram", "concert", "garden", "rain", "window", "harbour", "boat", "castle", "train", "bread", "night",
];

fn main() {
    let args = Args::read();
    let dir =
        args.value("model").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo"), PathBuf::from);
    let encoder: Arc<dyn Encode> = Arc::new(SiglipEncoder::load(&dir, &LoadOptions::default()).expect("a checkpoint"));
    let home = tempfile::tempdir().expect("a folder");
    let settings = Settings { home: home.path().to_path_buf(), model: None, device: None };
    let count = args.number("count", 20_000);

    let start = Instant::now();
    let index = Library::at(&settings.library_dir()).open_for(encoder.info(), false).expect("a library");
    fill(&index, count, encoder.info().dim);
    println!("{count} pictures of {} values filled in {:.1} s\n", encoder.info().dim, start.elapsed().as_secs_f64());
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
    let mut times: Vec<Duration> = (0..queries).map(|_| run()).collect();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("| {stage} | {:.2} | {:.2} |", at(0.5), at(0.95));
}

fn fill(index: &Index, count: usize, dim: usize) {
    let mut noise = Noise(3);
    for (i, vector) in clustered(count, dim, 4).rows().enumerate() {
        let name = format!("IMG_{i:06}.jpg");
        let content = ContentHash::of(name.as_bytes());
        let record = ImageRecord {
            id: ImageId(0),
            content,
            width: 4032,
            height: 3024,
            format: Format::Jpeg,
            bytes: 3_000_000,
            taken: Some(1_500_000_000 + i as i64 * 3600),
            camera: Some("Bench 3000".to_owned()),
            place: None,
            caption: Some((0..4).map(|_| pick(&mut noise)).collect::<Vec<_>>().join(" ")),
            keywords: vec![pick(&mut noise).to_owned()],
            described: None,
        };
        let path = PathBuf::from(format!("/pictures/{:03}/{name}", i / 500));
        let file = FileRecord { path, image: ImageId(0), bytes: 1, modified: 1, sidecar_modified: 0, missing: false };
        index.add(record, vector, file).expect("a picture");
        if i % 1000 == 999 {
            index.commit().expect("a commit");
        }
    }
    index.finish().expect("words and graph");
}

fn pick(noise: &mut Noise) -> &'static str {
    WORDS[noise.below(WORDS.len())]
}
