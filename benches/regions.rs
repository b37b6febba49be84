//! Regions of a library: what they take, and how soon questions about them are answered, without
//! the text tower.
//!
//!     cargo bench --bench regions [-- --images 10000 --dim 768 --queries 60 --home FOLDER]
//!
//! `--asks 1000` is how many questions are asked one after the other. A library in `--home` is used
//! again, and gets the images that it lacks, so that a long run may be stopped. With `--add` one
//! image in a hundred is added at the end. `--memory 1000` lets what is known of images take so
//! many MB.
//!
//! Vectors are made up. All share a mean; an image has a manner of its own and shows three to six
//! of some hundred things, each on neighbouring leaves; a leaf is the sum of mean, thing, manner
//! and noise, and a merge the sum of its leaves. Two leaves of nothing in common have a cosine of
//! 0.24, of one image 0.38, of one thing 0.62, of both 0.76. Every second text lies near a thing
//! (cosine 0.5 with it, 0.3 with its leaves), the others ask for what no image shows; each is asked
//! once, so that nothing is answered from a cache.
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
use glimpse::indexer::{ContentHash, IdSet, ImageId, Index, IndexOptions, Library};
use glimpse::{Engine, Settings};
use rayon::prelude::*;

use common::library::fill_by;
use common::{Args, Noise, quantiles};

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
    let settings = Settings { home, model: None, device: None, max_patches: None, adapter: None };
    let library = settings.library_dir();
    let memory = args.value("memory").map(|_| (args.number("memory", 0) as u64) << 20);
    let options = IndexOptions { memory, ..IndexOptions::default() };
    make(&library, images, &world);
    finish(&library);
    open(&library, &options);
    search(&library, &world, queries);
    let engine = || engine(settings.clone(), options.clone(), &world);
    cold(&library, engine);
    find(&engine(), queries, args.number("asks", 1000));
    if args.has("add") {
        add(&library, images, &world);
    }
}

/// Adds the images that the library lacks.
fn make(library: &Path, images: usize, world: &Arc<World>) {
    let index = Library::at(library).open_for(world.encoder().info(), false).expect("a library");
    let start = Instant::now();
    let lacking = images.saturating_sub(index.len());
    if lacking > 0 {
        // A seed of their own, if others are there.
        fill(&index, index.revision() + 7, lacking, world);
        println!("{lacking} images added in {:.1} s", start.elapsed().as_secs_f64());
    }
}

fn fill(index: &Index, seed: u64, images: usize, world: &World) {
    let mut noise = Noise(seed);
    fill_by(index, images, |index, number, mut record, mut file| {
        let name = format!("{seed}/{number}");
        (record.content, file.path) = (ContentHash::of(name.as_bytes()), PathBuf::from(format!("/images/{name}.jpg")));
        let regions = world.image(&mut noise);
        let whole = regions.vectors.last().unwrap().as_slice();
        index.add_with_regions(record, whole, &regions, file).expect("an image");
    });
}

/// Writes words, graph, snapshot and files of regions, unless they are there.
fn finish(library: &Path) {
    let index = Library::at(library).open().expect("a library");
    let (start, disk) = (Instant::now(), index.stats().unwrap().disk_bytes);
    index.finish().expect("words, graph and files");
    let per_image = |bytes: u64| bytes as f64 / index.len() as f64 / 1e3;
    println!(
        "{:.1} KB an image on disk; words, graph and files in {:.1} s, {:.1} KB more; files of regions {:.1} KB",
        per_image(disk),
        start.elapsed().as_secs_f64(),
        per_image(index.stats().unwrap().disk_bytes.saturating_sub(disk)),
        per_image(files(library).iter().map(|path| path.metadata().unwrap().len()).sum()),
    );
}

/// The files of regions.
fn files(library: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(library.join("gen-0001/region-cells")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Opens the library, and asks for regions for the first time.
fn open(library: &Path, options: &IndexOptions) {
    for _ in 0..3 {
        let start = Instant::now();
        let index = Library::with_options(library, options.clone()).open().expect("a library");
        let opened = start.elapsed();
        let start = Instant::now();
        let regions = index.regions().expect("regions");
        println!(
            "{} regions of {} images: opened in {:.2} s without regions, which take {:.3} s; {}\n\
             {}, {:.1} MB of which for regions",
            regions.len(),
            regions.images(),
            opened.as_secs_f64(),
            start.elapsed().as_secs_f64(),
            regions.search_name(),
            memory(),
            regions.memory() as f64 / 1e6,
        );
    }
}

/// What of this process is in memory, and whose it is.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) / 1e3
    };
    format!("{:.0} MB of its own in memory, {:.0} MB mapped", of("RssAnon:"), of("RssFile:"))
}

/// How fast and how well nearest regions are found. Cells and comparison of all take turns.
fn search(library: &Path, world: &World, queries: usize) {
    let index = Library::at(library).open().expect("a library");
    let regions = index.regions().expect("regions");
    let images: Vec<ImageId> =
        regions.sample(regions.len()).chunk_by(|a, b| a.image == b.image).map(|of| of[0].image).collect();
    let texts: Vec<Vec<f32>> = (0..2 * queries as u64).map(|number| world.text(number)).collect();
    let exact = exact(&regions, &images, &texts);
    // Time to compare all is that of a disk, where rows do not fit in memory.
    let is_small = regions.len() <= 4_000_000;
    println!(
        "\n| regions asked for | median ms | 95 % ms | all compared, ms | true 10 | true regions | true images | \
         absent things: true 10 | true images |\n|---|---|---|---|---|---|---|---|---|"
    );
    for ((name, nth), exact) in ["", " of every second image", " of every tenth image"].iter().zip(NTH).zip(&exact) {
        let some: IdSet = images.iter().filter(|image| image.0.is_multiple_of(nth)).copied().collect();
        let among = regions.select(Some(&some), 0.0);
        for count in [10, MANY] {
            let (mut times, mut scans, mut hits) = (Vec::new(), Vec::new(), [[0.0; 3]; 2]);
            for (number, (text, exact)) in texts.iter().zip(exact).enumerate() {
                let start = Instant::now();
                let found = regions.nearest(text, count, among.as_ref()).unwrap();
                times.push(start.elapsed());
                if is_small {
                    let start = Instant::now();
                    let all = regions.nearest_exact(text, count, among.as_ref()).unwrap();
                    scans.push(start.elapsed());
                    assert_eq!(all[0].id, exact[0].id);
                }
                let (exact, hits) = (&exact[..count], &mut hits[number % 2]);
                hits[0] += shared(&found, &exact[..10], |scored| scored.id);
                hits[1] += shared(&found, exact, |scored| scored.id);
                hits[2] += shared(&found, exact, |scored| scored.id.image);
            }
            let [there, absent] = hits.map(|hits| hits.map(|hits| hits / queries as f64));
            let (median, slow) = quantiles(times);
            let scan = if is_small { format!("{:.0}", quantiles(scans).0) } else { String::new() };
            println!(
                "| {count}{name} | {median:.2} | {slow:.2} | {scan} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} |",
                there[0], there[1], there[2], absent[0], absent[2]
            );
        }
    }
}

/// Of every image, of every second, of every tenth.
const NTH: [u64; 3] = [1, 2, 10];

/// The nearest regions of the images of each of [`NTH`], for each text: by comparing all, in one
/// pass over the rows, which may be more than memory holds.
fn exact(regions: &RegionIndex, images: &[ImageId], texts: &[Vec<f32>]) -> [Vec<Vec<ScoredRegion>>; 3] {
    let queries: Vec<_> = texts.iter().map(|text| regions.prepare(text).unwrap()).collect();
    let empty = || vec![Nearest::default(); NTH.len() * texts.len()];
    let add = |mut all: Vec<Nearest>, image: &ImageId| {
        for (of_text, query) in all.chunks_mut(NTH.len()).zip(&queries) {
            let scored = query.score(*image);
            let counting = of_text.iter_mut().zip(NTH).filter(|(_, nth)| image.0.is_multiple_of(*nth));
            counting.for_each(|(nearest, _)| nearest.add(&scored));
        }
        all
    };
    let join = |mut some: Vec<Nearest>, others: Vec<Nearest>| {
        some.iter_mut().zip(others).for_each(|(some, others)| some.add(&others.found));
        some
    };
    let mut all = images.par_iter().fold(empty, add).reduce(empty, join);
    all.iter_mut().for_each(Nearest::cut);
    std::array::from_fn(|nth| all.iter().skip(nth).step_by(NTH.len()).map(|nearest| nearest.found.clone()).collect())
}

/// The nearest [`MANY`] regions so far, and some more.
#[derive(Clone, Default)]
struct Nearest {
    found: Vec<ScoredRegion>,
    least: Option<f32>,
}

impl Nearest {
    fn add(&mut self, scored: &[ScoredRegion]) {
        self.found.extend(scored.iter().filter(|scored| self.least.is_none_or(|least| scored.score >= least)));
        if self.found.len() >= 4 * MANY {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.found.sort_unstable_by(|a, b| {
            let by_id = a.id.image.cmp(&b.id.image).then(a.id.region.cmp(&b.id.region));
            b.score.total_cmp(&a.score).then(by_id)
        });
        self.found.truncate(MANY);
        self.least = self.found.get(MANY - 1).map(|scored| scored.score);
    }
}

/// Share of what comparing all finds that is found.
fn shared<T: std::hash::Hash + Eq>(found: &[ScoredRegion], exact: &[ScoredRegion], of: fn(&ScoredRegion) -> T) -> f64 {
    let [found, exact] = [found, exact].map(|scored| scored.iter().map(of).collect::<HashSet<T>>());
    exact.intersection(&found).count() as f64 / exact.len() as f64
}

fn engine(settings: Settings, options: IndexOptions, world: &Arc<World>) -> Engine {
    Engine::open_with(settings, options).expect("an engine").encoding_with(Arc::new(world.encoder()))
}

/// Questions for other things than the one before, when nothing else of the files is in memory.
fn cold(library: &Path, engine: impl Fn() -> Engine) {
    let mut times = Vec::new();
    for number in 0..10 {
        let engine = engine();
        // What stays in memory is what this one needs, with which scores are calibrated.
        drop_pages(library);
        engine.find(&FindQuery::text(&format!("warm {number}")).unwrap()).unwrap();
        drop_pages(library);
        let query = FindQuery::text(&format!("cold {number}")).unwrap();
        let start = Instant::now();
        engine.find(&query).unwrap();
        times.push(start.elapsed());
    }
    let (median, slow) = quantiles(times);
    println!("\na question with the pages of the files dropped: {median:.0} ms, 95 %: {slow:.0} ms");
}

/// Lets the system forget the files of regions, as far as no process maps their pages.
fn drop_pages(library: &Path) {
    for path in files(library) {
        let of = format!("if={}", path.display());
        let done = std::process::Command::new("dd").args([&of, "iflag=nocache", "count=0", "status=none"]).status();
        assert!(done.is_ok_and(|status| status.success()), "dd");
    }
}

/// Whole questions, from vector to images with boxes.
fn find(engine: &Engine, queries: usize, asks: usize) {
    let mut number = 1_000_000;
    let mut ask = |form: &str| {
        number += 1;
        let query = FindQuery::text(&form.replace("{}", &number.to_string())).unwrap();
        let start = Instant::now();
        let images = engine.find(&query).unwrap().images.len();
        (start.elapsed(), images)
    };
    let (first, _) = ask("{}");
    println!("\nfirst question after opening: {:.2} s (regions opened, scores calibrated)\n", first.as_secs_f64());
    println!("| question | median ms | 95 % ms |\n|---|---|---|");
    for (name, form, queries) in [
        ("one thing", "{}", asks),
        ("two things", "{} and b{}", queries),
        ("one thing and not another", "{} and no b{}", queries),
    ] {
        (0..3).for_each(|_| _ = ask(form));
        let (times, images): (Vec<Duration>, Vec<usize>) = (0..queries).map(|_| ask(form)).unzip();
        let (median, slow) = quantiles(times);
        println!("| {name} | {median:.2} | {slow:.2} |");
        assert!(images.iter().any(|&images| images > 0) || form != "{}", "nothing was found at all");
    }
    println!("\nafter these questions: {}", memory());
}

/// One image in a hundred comes.
fn add(library: &Path, images: usize, world: &World) {
    let index = Library::at(library).open().expect("a library");
    let seed = index.revision();
    let start = Instant::now();
    fill(&index, seed, images / 100, world);
    let added = start.elapsed();
    index.finish().expect("words, graph and files");
    let all = start.elapsed();
    println!(
        "\n{} images added in {:.1} s, of which {:.1} s at the end; {} files of regions",
        images / 100,
        all.as_secs_f64(),
        (all - added).as_secs_f64(),
        files(library).len()
    );
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
    ContentHash::of(text.as_bytes()).0.iter().fold(0u64, |n, &byte| n.wrapping_mul(31).wrapping_add(u64::from(byte)))
}

fn direction(dim: usize, noise: &mut Noise) -> Vec<f32> {
    let values: Vec<f32> = (0..dim).map(|_| noise.gauss()).collect();
    Embedding::new(values).unwrap().into_vec()
}
