//! Regions of a library: what they take, and how soon questions about them are answered, without
//! the text tower.
//!
//!     cargo bench --bench regions [-- --images 10000 --dim 768 --queries 60 --home FOLDER]
//!
//! A library in `--home` is used again. Vectors are made up. All share a mean; a image has a manner
//! of its own and shows three to six of some hundred things, each on neighbouring leaves; a leaf is
//! the sum of mean, thing, manner and noise, and a merge the sum of its leaves. Two leaves of
//! nothing in common have a cosine of 0.24, of one image 0.38, of one thing 0.62, of both 0.76.
//! Every second text lies near a thing (cosine 0.5 with it, 0.3 with its leaves), the others ask
//! for what no image shows; each is asked once, so that nothing is answered from a cache.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "a bench talks and may stop")]

mod common;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use glimpse::encoder::dense::{RegionMap, Regions};
use glimpse::encoder::testing::PrecomputedEncoder;
use glimpse::encoder::{Embedding, Encode, Scoring};
use glimpse::engine::FindQuery;
use glimpse::indexer::regions::{RegionIndex, ScoredRegion};
use glimpse::indexer::{ContentHash, IndexOptions, Library};
use glimpse::{Engine, Settings};

use common::library::fill_by;
use common::{Args, Noise, quantiles, resident};

/// Leaves of an image; with their merges 31 regions, beside one vector for the whole.
const LEAVES: usize = 16;
/// What images show.
const THINGS: usize = 400;
/// Patches of a side.
const SIDE: usize = 16;
/// Regions that the engine asks for.
const MANY: usize = 2048;

fn main() {
    let args = Args::read();
    let (images, queries) = (args.number("images", 10_000), args.number("queries", 60));
    let world = Arc::new(World::new(args.number("dim", 768)));
    let folder = tempfile::tempdir().expect("a folder");
    let home = args.value("home").map_or_else(|| folder.path().to_path_buf(), PathBuf::from);
    let settings = Settings { home, model: None, device: None, max_patches: None };
    let library = settings.library_dir();
    if !library.exists() {
        make(&library, images, &world);
    }
    link(&library);
    open(&library);
    println!(
        "\n| regions asked for | by | ef | median ms | 95 % ms | of the true 10 | absent things |\n|---|---|---|---|---|---|---|"
    );
    for ef in [64, 128, 256, 512, 1024] {
        search(&library, &world, queries, ef);
    }
    find(settings, &world, queries);
}

/// Makes the library, without a graph.
fn make(library: &Path, images: usize, world: &Arc<World>) {
    let index = Library::at(library).open_for(world.encoder().info(), false).expect("a library");
    let mut noise = Noise(7);
    let start = Instant::now();
    fill_by(&index, images, |index, _, record, file| {
        let regions = world.image(&mut noise);
        let whole = regions.vectors.last().unwrap().as_slice();
        index.add_with_regions(record, whole, &regions, file).expect("a image");
    });
    println!("{images} images added in {:.1} s", start.elapsed().as_secs_f64());
}

/// Builds the graph of regions, unless there is one.
fn link(library: &Path) {
    let index = Library::at(library).open().expect("a library");
    let (start, disk) = (Instant::now(), index.stats().unwrap().disk_bytes);
    index.finish().expect("words and graph");
    let per_image = |bytes: u64| bytes as f64 / index.len() as f64 / 1e3;
    println!(
        "{:.1} KB a image on disk; words and graph in {:.1} s, {:.1} KB more",
        per_image(disk),
        start.elapsed().as_secs_f64(),
        per_image(index.stats().unwrap().disk_bytes.saturating_sub(disk)),
    );
}

/// Opens the library and asks for regions for the first time, by sled alone and by the snapshot.
fn open(library: &Path) {
    let snapshot = library.join("gen-0001/region-snapshot");
    let aside = snapshot.with_extension("aside");
    let is_there = std::fs::rename(&snapshot, &aside).is_ok();
    println!("by sled alone:");
    open_once(library);
    if is_there {
        std::fs::rename(&aside, &snapshot).expect("the snapshot");
        println!("by the snapshot:");
        (0..3).for_each(|_| open_once(library));
    }
}

fn open_once(library: &Path) {
    let start = Instant::now();
    let index = Library::at(library).open().expect("a library");
    let (opened, memory) = (start.elapsed(), resident());
    let start = Instant::now();
    let regions = index.regions().expect("regions");
    let per_image = |bytes: usize| bytes as f64 / regions.images() as f64 / 1e3;
    println!(
        "{} region vectors of {} images: opened in {:.2} s without regions, which are read in {:.2} s; {}\n\
         a image's regions take {:.1} KB in memory ({:.1} KB more resident), the whole library {:.1} KB on disk",
        regions.len(),
        regions.images(),
        opened.as_secs_f64(),
        start.elapsed().as_secs_f64(),
        regions.search_name(),
        per_image(regions.memory()),
        per_image(resident().saturating_sub(memory)),
        per_image(index.stats().unwrap().disk_bytes as usize),
    );
}

/// How fast and how well nearest regions are found with a graph of a given width of search. Graph
/// and scan take turns.
fn search(library: &Path, world: &World, queries: usize, ef: usize) {
    let mut options = IndexOptions::default();
    options.region_graph.ef_search = ef;
    let index = Library::with_options(library, options).open().expect("a library");
    let regions = index.regions().expect("regions");
    for count in [10, MANY] {
        let (mut walks, mut scans, mut hits) = (Vec::new(), Vec::new(), [0usize; 2]);
        for number in 0..2 * queries as u64 {
            let text = world.text(number);
            let start = Instant::now();
            let found = regions.nearest(&text, count, None).unwrap();
            walks.push(start.elapsed());
            let start = Instant::now();
            let exact = regions.nearest_exact(&text, count, None).unwrap();
            scans.push(start.elapsed());
            hits[number as usize % 2] += shared(&found, &exact[..10]);
        }
        let [there, absent] = hits.map(|hits| hits as f64 / queries as f64 / 10.0);
        let (median, slow) = quantiles(walks);
        println!("| {count} | graph | {ef} | {median:.2} | {slow:.2} | {there:.4} | {absent:.4} |");
        let (median, slow) = quantiles(scans);
        println!("| {count} | scan | | {median:.2} | {slow:.2} | 1 | 1 |");
    }
    filtered(&regions, world, queries, ef);
}

/// As [`search`], among every second image.
fn filtered(regions: &RegionIndex, world: &World, queries: usize, ef: usize) {
    let half = regions.sample(regions.len()).into_iter().map(|id| id.image).filter(|image| image.0 % 2 == 0).collect();
    let among = regions.select(Some(&half), 0.0);
    let (mut walks, mut hits) = (Vec::new(), [0usize; 2]);
    for number in 0..queries as u64 {
        let text = world.text(number);
        let start = Instant::now();
        let found = regions.nearest(&text, 10, among.as_ref()).unwrap();
        walks.push(start.elapsed());
        hits[number as usize % 2] += shared(&found, &regions.nearest_exact(&text, 10, among.as_ref()).unwrap());
    }
    let [there, absent] = hits.map(|hits| hits as f64 / queries as f64 / 5.0);
    let (median, slow) = quantiles(walks);
    println!("| 10 of every second image | graph | {ef} | {median:.2} | {slow:.2} | {there:.4} | {absent:.4} |");
}

fn shared(found: &[ScoredRegion], exact: &[ScoredRegion]) -> usize {
    let found: HashSet<_> = found.iter().map(|scored| scored.id).collect();
    exact.iter().filter(|scored| found.contains(&scored.id)).count()
}

/// Whole questions, from vector to images with boxes.
fn find(settings: Settings, world: &Arc<World>, queries: usize) {
    let engine = Engine::with_encoder(settings, Arc::new(world.encoder())).expect("an engine");
    let mut number = 1_000_000;
    let mut ask = |form: &str| {
        number += 1;
        let query = FindQuery::text(&form.replace("{}", &number.to_string())).unwrap();
        let start = Instant::now();
        let images = engine.find(&query).unwrap().images.len();
        (start.elapsed(), images)
    };
    let (first, _) = ask("{}");
    println!("\nfirst question after opening: {:.2} s (regions read, scores calibrated)\n", first.as_secs_f64());
    println!("| question | median ms | 95 % ms |\n|---|---|---|");
    for (name, form) in
        [("one thing", "{}"), ("two things", "{} and b{}"), ("one thing and not another", "{} and no b{}")]
    {
        (0..3).for_each(|_| _ = ask(form));
        let (times, images): (Vec<Duration>, Vec<usize>) = (0..queries).map(|_| ask(form)).unzip();
        let (median, slow) = quantiles(times);
        println!("| {name} | {median:.2} | {slow:.2} |");
        assert!(images.iter().any(|&images| images > 0) || form != "{}", "nothing was found at all");
    }
}

/// A model whose texts are made up.
struct World {
    dim: usize,
    mean: Vec<f32>,
    things: Vec<Vec<f32>>,
}

impl World {
    fn new(dim: usize) -> Self {
        let mut noise = Noise(11);
        let mean = direction(dim, &mut noise);
        let things = (0..THINGS).map(|_| direction(dim, &mut noise)).collect();
        Self { dim, mean, things }
    }

    /// A model of its texts.
    fn encoder(self: &Arc<Self>) -> PrecomputedEncoder {
        let world = Arc::clone(self);
        let scoring = Scoring { scale: 100.0, bias: -10.0 };
        PrecomputedEncoder::new("made up for a bench", self.dim, scoring, move |text| world.text(number(text)))
    }

    /// Even texts are near a thing, odd ones ask for what is not there.
    fn text(&self, number: u64) -> Vec<f32> {
        let mut noise = Noise(number ^ 0x5bd1);
        let thing = &self.things[noise.below(THINGS)];
        let share = if number.is_multiple_of(2) { 0.6 } else { 0.0 };
        sum(&[(share, thing), (1.0, &direction(self.dim, &mut noise))])
    }

    /// The regions of an image: sixteen square leaves in four rows, merged two by two.
    fn image(&self, noise: &mut Noise) -> Regions {
        let dim = self.dim;
        let manner = direction(dim, noise);
        let mut left = 0;
        let mut thing = &self.things[0];
        let mut parts: Vec<(u32, Vec<f32>)> = Vec::with_capacity(2 * LEAVES - 1);
        for leaf in 0..LEAVES {
            if left == 0 {
                (left, thing) = (3 + noise.below(3), &self.things[noise.below(THINGS)]);
            }
            left -= 1;
            let own = direction(dim, noise);
            parts.push((1 << leaf, sum(&[(0.8, &self.mean), (1.0, thing), (0.6, &manner), (0.8, &own)])));
        }
        for first in (0..2 * LEAVES - 2).step_by(2) {
            let [(a, left), (b, right)] = [&parts[first], &parts[first + 1]];
            parts.push((a | b, sum(&[(1.0, left), (1.0, right)])));
        }
        let labels = (0..SIDE * SIDE).map(|cell| (cell / SIDE / 4 * 4 + cell % SIDE / 4) as u8).collect();
        let (members, vectors): (Vec<u32>, Vec<_>) =
            parts.into_iter().map(|(leaves, vector)| (leaves, Embedding::new(vector).unwrap())).unzip();
        Regions { map: RegionMap::new(SIDE, SIDE, labels, members).unwrap(), vectors }
    }
}

fn sum(parts: &[(f32, &Vec<f32>)]) -> Vec<f32> {
    (0..parts[0].1.len()).map(|i| parts.iter().map(|(share, part)| share * part[i]).sum()).collect()
}

/// The number that a text stands for.
fn number(text: &str) -> u64 {
    ContentHash::of(text.as_bytes()).0.iter().fold(0, |n, &byte| n * 31 + u64::from(byte))
}

fn direction(dim: usize, noise: &mut Noise) -> Vec<f32> {
    let values: Vec<f32> = (0..dim).map(|_| noise.gauss()).collect();
    Embedding::new(values).unwrap().into_vec()
}
