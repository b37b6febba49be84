//! What a person sees of an answer: how much of what is there is shown, how much of what is shown
//! is right, and whether a query for what is not there stays empty. Libraries are made up with the
//! geometry of real checkpoints.
//!
//!     cargo bench --bench scores [-- --sizes 300,3000,50000 --texts 15 --seeds 3 --world printed]
//!
//! Every number comes from `Engine::search` or `Engine::find`, with an encoder that returns
//! prepared vectors. Worlds: `printed` (the geometry of the logits in `benches/worlds/mod.rs`),
//! `near` (look-alikes half as strong as matches), `noisy` (unrelated images deviate more),
//! `common` (one image in twenty to one in five matches), `quiet` (unrelated images deviate less),
//! `regions` (as `printed`, asked through `find`; up to 3,000 images), `random` (random weights:
//! nothing may look sure).
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "a bench talks and may stop")]

mod common;
mod worlds;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use glimpse::encoder::Encode;
use glimpse::engine::{Depth, FindQuery};
use glimpse::indexer::Library;
use glimpse::{Engine, ImageId, Mode, Query, Settings, Source};
use tempfile::TempDir;

use common::Args;
use common::library::fill_by;
use worlds::tally::Tally;
use worlds::{Geometry, Text, World};

/// Hits of a query that are looked at.
const MOST: usize = 10_000;
/// Largest library of regions: its vectors are made in memory.
const MOST_WITH_REGIONS: usize = 3000;

/// Kinds that stand apart: of "a cat and a dog", an image of one of them is a near miss by nature.
const APART: [&str; 3] = ["by image", "two things", "absent two"];

/// How a world's libraries are asked.
#[derive(Debug, Clone, Copy, PartialEq)]
enum By {
    Images,
    Regions,
}

fn main() {
    let args = Args::read();
    let sizes: Vec<usize> =
        args.value("sizes").unwrap_or("300,3000,50000").split(',').map(|size| size.parse().expect("a size")).collect();
    let (texts, seeds) = (args.number("texts", 15), args.number("seeds", 3) as u64);
    let is_chosen = |name: &str| args.value("world").is_none_or(|chosen| chosen.split(',').any(|one| one == name));
    for (name, geometry) in geometries().into_iter().filter(|(name, _)| is_chosen(name)) {
        let by = if name == "regions" { By::Regions } else { By::Images };
        measure(name, &sizes, seeds, by, |size, seed| World::new(geometry, size, texts, seed));
    }
    if is_chosen("random") {
        for (name, by) in [("random", By::Images), ("random, regions", By::Regions)] {
            measure(name, &sizes, seeds, by, |size, seed| World::meaningless(size, 4 * texts, seed));
        }
    }
}

fn geometries() -> Vec<(&'static str, Geometry)> {
    let printed = Geometry::PRINTED;
    let scaled = |by: f32| Geometry {
        level: printed.level * by,
        noise: (printed.noise.0 * by, printed.noise.1 * by),
        hub: printed.hub * by,
        ..printed
    };
    vec![
        ("printed", printed),
        ("near", Geometry { near: (0.03, 0.5, 0.02), ..printed }),
        ("noisy", Geometry { noise: (0.02, 0.035), ..printed }),
        ("common", Geometry { prevalence: (0.05, 0.2), ..printed }),
        ("quiet", scaled(0.6)),
        ("regions", printed),
    ]
}

/// Asks libraries of all sizes and prints a table.
fn measure(name: &str, sizes: &[usize], seeds: u64, by: By, world: impl Fn(usize, u64) -> World) {
    println!("\n## {name}\n\n{}", Tally::HEAD);
    let mut curves = Vec::new();
    for &size in sizes.iter().filter(|&&size| by == By::Images || size <= MOST_WITH_REGIONS) {
        let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
        for seed in 1..=seeds {
            Asked::of(&Arc::new(world(size, seed)), by).ask_all(&mut tallies);
        }
        for (kind, tally) in &tallies {
            println!("{}", tally.row(size, kind));
        }
        let mut all = Tally::default();
        let of_one = tallies.into_iter().filter(|(kind, _)| !APART.contains(kind));
        of_one.for_each(|(_, tally)| all.add(tally));
        println!("{}", all.row(size, "all of one thing"));
        curves.push(format!("{size} images: {}", all.roc()));
    }
    println!("\nPresence ROC (present queries above all but a share of absent ones):\n{}", curves.join("\n"));
}

/// A library of a world.
struct Asked {
    world: Arc<World>,
    by: By,
    engine: Engine,
    ids: Vec<ImageId>,
    places: HashMap<ImageId, usize>,
    _home: TempDir,
}

impl Asked {
    fn of(world: &Arc<World>, by: By) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let settings = Settings::at(home.path());
        let encoder = Arc::new(world.encoder());
        let index = Library::at(&settings.library_dir()).open_for(encoder.info(), false).expect("a library");
        let mut ids = Vec::with_capacity(world.images.len());
        fill_by(&index, world.images.len(), |index, number, record, file| {
            let vector = &world.images[number];
            ids.push(match by {
                By::Images => index.add(record, vector, file).expect("an image"),
                By::Regions => index.add_with_regions(record, vector, &world.regions(number), file).expect("an image"),
            });
        });
        index.finish().expect("words and graph");
        drop(index);
        let places = ids.iter().copied().enumerate().map(|(place, id)| (id, place)).collect();
        let engine = Engine::with_encoder(settings, encoder).expect("an engine");
        Self { world: Arc::clone(world), by, engine, ids, places, _home: home }
    }

    /// Asks for all texts of the world, and for the other images of each scene.
    fn ask_all(&self, tallies: &mut BTreeMap<&'static str, Tally>) {
        for text in &self.world.texts {
            let hits = match self.by {
                By::Images => self.search(&Query::text(text.text.as_str())),
                By::Regions => self.find(text),
            };
            let shown = |image: usize| text.shown_by.contains(&image);
            tallies.entry(text.kind).or_default().note(&hits, shown, text.shown_by.len());
        }
        if self.by == By::Regions {
            return;
        }
        for scene in self.world.scenes.iter().take(10) {
            let query = Query::default().plus(Source::Image(self.ids[scene[0]]), 1.0);
            let others: HashSet<usize> = scene[1..].iter().copied().collect();
            let shown = |image: usize| others.contains(&image);
            tallies.entry("by image").or_default().note(&self.search(&query), shown, others.len());
        }
    }

    /// The best images and their scores.
    fn search(&self, query: &Query) -> Vec<(usize, f32)> {
        let query = Query { mode: Mode::Semantic, depth: Depth::All, limit: MOST, ..query.clone() };
        let hits = self.engine.search(&query).expect("an answer").hits;
        hits.into_iter().map(|hit| (self.places[&hit.id], hit.score)).collect()
    }

    /// The same by regions; of two things each has a box of its own.
    fn find(&self, text: &Text) -> Vec<(usize, f32)> {
        let query = FindQuery::text(&text.text).expect("a query");
        let query = FindQuery { depth: Depth::All, limit: MOST, ..query };
        let photos = self.engine.find(&query).expect("an answer").images;
        photos.into_iter().map(|photo| (self.places[&photo.id], photo.score)).collect()
    }
}
