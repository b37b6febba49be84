//! What a person sees of an answer: how much of what is there is shown, how much of what is shown is right, and whether
//! a query for what is not there stays empty. Libraries are made up with the geometry of real checkpoints.
//!
//!     cargo bench --bench scores [-- --sizes 300,3000,50000 --texts 15 --seeds 3 --world printed]
//!
//! Every number comes from `Engine::search`, with an encoder that returns prepared vectors. Worlds: `printed` (the
//! geometry of the logits in `benches/worlds/mod.rs`), `near` (look-alikes half as strong as
//! matches), `noisy` (unrelated images deviate more), `common` (one image in twenty to one in five matches), `quiet`
//! (unrelated images deviate less).
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "a bench talks and may stop")]

mod common;
mod worlds;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use glimpse::engine::calibrate::CUT;
use glimpse::indexer::Library;
use glimpse::{Engine, Hit, ImageId, Mode, Query, Settings, Source};

use common::Args;
use common::library::fill_by;
use worlds::{Geometry, World};

/// Scores below are nought by any measure, and would make every calibration error small.
const CONSIDERED: f32 = 0.02;
/// Hits of a query that are looked at.
const MOST: usize = 10_000;

fn main() {
    let args = Args::read();
    let sizes: Vec<usize> =
        args.value("sizes").unwrap_or("300,3000,50000").split(',').map(|size| size.parse().expect("a size")).collect();
    let (texts, seeds) = (args.number("texts", 15), args.number("seeds", 3) as u64);
    let chosen = args.value("world");
    for (name, geometry) in geometries().into_iter().filter(|(name, _)| chosen.is_none_or(|chosen| chosen == *name)) {
        println!("\n## {name}\n\n{}", Tally::HEAD);
        for &size in &sizes {
            let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
            for seed in 1..=seeds {
                ask_all(&Arc::new(World::new(geometry, size, texts, seed)), &mut tallies);
            }
            for (kind, tally) in &tallies {
                println!("{}", tally.row(size, kind));
            }
            let mut all = Tally::default();
            tallies.into_iter().filter(|(kind, _)| *kind != "by image").for_each(|(_, tally)| all.add(tally));
            println!("{}", all.row(size, "all texts"));
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
    ]
}

/// Asks a library for all texts of its world, and for the other images of each scene.
fn ask_all(world: &Arc<World>, tallies: &mut BTreeMap<&'static str, Tally>) {
    let home = tempfile::tempdir().expect("a folder");
    let library = library(home.path(), world);
    for text in &world.texts {
        let shown = |image: usize| text.shown_by.contains(&image);
        tallies.entry(text.kind).or_default().note(
            &library.ask(&Query::text(text.text.as_str())),
            shown,
            text.shown_by.len(),
        );
    }
    for scene in world.scenes.iter().take(10) {
        let query = Query::default().plus(Source::Image(library.ids[scene[0]]), 1.0);
        let others: HashSet<usize> = scene[1..].iter().copied().collect();
        tallies.entry("by image").or_default().note(
            &library.ask(&query),
            |image| others.contains(&image),
            others.len(),
        );
    }
}

struct Asked {
    engine: Engine,
    ids: Vec<ImageId>,
    places: HashMap<ImageId, usize>,
}

fn library(home: &Path, world: &Arc<World>) -> Asked {
    let settings = Settings::at(home);
    let index = Library::at(&settings.library_dir()).open_for(&world_info(world), false).expect("a library");
    let mut ids = Vec::with_capacity(world.images.len());
    fill_by(&index, world.images.len(), |index, number, record, file| {
        ids.push(index.add(record, &world.images[number], file).expect("an image"));
    });
    drop(index);
    let places = ids.iter().copied().enumerate().map(|(place, id)| (id, place)).collect();
    Asked { engine: Engine::with_encoder(settings, Arc::clone(world) as _).expect("an engine"), ids, places }
}

fn world_info(world: &World) -> glimpse::encoder::ModelInfo {
    glimpse::encoder::Encode::info(world).clone()
}

impl Asked {
    /// The best images and their scores.
    fn ask(&self, query: &Query) -> Vec<(usize, f32)> {
        let query = Query { mode: Mode::Semantic, depth: glimpse::engine::Depth::All, limit: MOST, ..query.clone() };
        let place = |hit: Hit| (self.places[&hit.id], hit.score);
        self.engine.search(&query).expect("an answer").hits.into_iter().map(place).collect()
    }
}

/// Outcomes of the queries of one kind.
#[derive(Default)]
struct Tally {
    /// Share of the matches of each query that is shown, for what is there.
    recalls: Vec<f64>,
    /// Best scores of queries for what is there, and for what is not.
    present: Vec<f32>,
    absent: Vec<f32>,
    shown: f64,
    right: f64,
    /// Queries whose first hit is right.
    first: f64,
    /// Images, their scores and the right ones among them, by tenths of the score.
    bins: [(f64, f64, f64); 10],
}

impl Tally {
    const HEAD: &str = "| images | asked for | queries | shown of what is there | right of what is shown | first is right \
                        | nothing shown, though there | shown, though absent | AUROC | ECE |\n|---|---|---|---|---|---|---|---|---|---|";

    fn note(&mut self, hits: &[(usize, f32)], shows: impl Fn(usize) -> bool, matches: usize) {
        let best = hits.first().map_or(0.0, |hit| hit.1);
        let shown: Vec<_> = hits.iter().filter(|hit| hit.1 >= CUT).collect();
        let right = shown.iter().filter(|hit| shows(hit.0)).count() as f64;
        if matches > 0 {
            self.present.push(best);
            self.recalls.push(right / matches as f64);
            self.first += f64::from(u8::from(hits.first().is_some_and(|hit| shows(hit.0))));
            self.shown += shown.len() as f64;
            self.right += right;
        } else {
            self.absent.push(best);
        }
        for (image, score) in hits.iter().filter(|(_, score)| *score >= CONSIDERED) {
            let bin = &mut self.bins[((score * 10.0) as usize).min(9)];
            *bin = (bin.0 + 1.0, bin.1 + f64::from(*score), bin.2 + f64::from(u8::from(shows(*image))));
        }
    }

    fn add(&mut self, other: Self) {
        self.recalls.extend(other.recalls);
        self.present.extend(other.present);
        self.absent.extend(other.absent);
        (self.shown, self.right, self.first) =
            (self.shown + other.shown, self.right + other.right, self.first + other.first);
        for (bin, more) in self.bins.iter_mut().zip(other.bins) {
            *bin = (bin.0 + more.0, bin.1 + more.1, bin.2 + more.2);
        }
    }

    fn row(&self, size: usize, kind: &str) -> String {
        let share = |part: f64, of: f64| if of > 0.0 { format!("{:.2}", part / of) } else { "-".into() };
        let silent = self.present.iter().filter(|&&best| best < CUT).count() as f64;
        let alarms = self.absent.iter().filter(|&&best| best >= CUT).count() as f64;
        format!(
            "| {size} | {kind} | {} | {} | {} | {} | {} | {} | {} | {:.3} |",
            self.present.len() + self.absent.len(),
            share(self.recalls.iter().sum(), self.recalls.len() as f64),
            share(self.right, self.shown),
            share(self.first, self.present.len() as f64),
            share(silent, self.present.len() as f64),
            share(alarms, self.absent.len() as f64),
            self.auroc().map_or_else(|| "-".into(), |auroc| format!("{auroc:.3}")),
            self.error(),
        )
    }

    /// How well the best score tells what is there from what is not.
    fn auroc(&self) -> Option<f64> {
        let beaten = |best: &f32| {
            let half = |other: &f32| {
                if other < best {
                    1.0
                } else if other == best {
                    0.5
                } else {
                    0.0
                }
            };
            self.absent.iter().map(half).sum::<f64>()
        };
        let pairs = (self.present.len() * self.absent.len()) as f64;
        (pairs > 0.0).then(|| self.present.iter().map(beaten).sum::<f64>() / pairs)
    }

    /// Expected calibration error over tenths of the score.
    fn error(&self) -> f64 {
        let all: f64 = self.bins.iter().map(|bin| bin.0).sum();
        self.bins.iter().map(|bin| (bin.1 - bin.2).abs()).sum::<f64>() / all.max(1.0)
    }
}
