//! A question about regions, from text to photos with boxes, without the text tower; and what regions take.
//!
//!     cargo bench --bench regions [-- --photos 10000 --dim 768 --queries 60]
//!
//! Vectors are made up: leaves lie round random centres, merges are their means, as in real pictures. Texts are directions
//! between a centre and noise, each asked once, so that nothing is answered from a cache.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "a bench talks and may stop")]

mod common;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use glimpse::encoder::dense::{RegionMap, Regions};
use glimpse::encoder::{
    Embedding, Encode, EncodeError, ImageFeatures, ModelInfo, Outputs, Prepared, Projection, Scoring,
};
use glimpse::engine::FindQuery;
use glimpse::indexer::{ContentHash, FileRecord, ImageRecord, Index, Library};
use glimpse::{Engine, Format, ImageId, Settings};
use image::RgbImage;

use common::{Args, Noise};

/// Leaves of a photo; with their merges 31 regions, and one vector for the whole.
const LEAVES: usize = 16;
/// What leaves show.
const CENTRES: usize = 400;
/// Patches of a side.
const SIDE: usize = 16;

fn main() {
    let args = Args::read();
    let (photos, dim) = (args.number("photos", 10_000), args.number("dim", 768));
    let world = Arc::new(World::new(dim));
    let home = tempfile::tempdir().expect("a folder");
    let settings = Settings { home: home.path().to_path_buf(), model: None, device: None };

    let index = Library::at(&settings.library_dir()).open_for(world.info(), false).expect("a library");
    let before = index.stats().unwrap().disk_bytes;
    let start = Instant::now();
    fill(&index, photos, &world);
    println!("filled in {:.1} s", start.elapsed().as_secs_f64());
    drop(index);
    let index = Library::at(&settings.library_dir()).open().expect("a library");
    let disk = index.stats().unwrap().disk_bytes - before;
    let (start, memory) = (Instant::now(), common::resident());
    let regions = index.regions().expect("regions");
    println!(
        "{} region vectors of {dim} values in {} photos, read in {:.1} s\n\
         {:.1} KB a photo on disk (records, words and whole-picture vector included), {:.1} KB in memory ({:.1} KB more resident)\n",
        regions.len(),
        regions.pictures(),
        start.elapsed().as_secs_f64(),
        disk as f64 / photos as f64 / 1e3,
        regions.memory() as f64 / photos as f64 / 1e3,
        common::resident().saturating_sub(memory) as f64 / photos as f64 / 1e3,
    );

    let queries = args.number("queries", 60);
    println!("| stage | median ms | 95 % ms |\n|---|---|---|");
    let mut number = 0;
    row("2048 nearest regions", queries, || {
        number += 1;
        drop(regions.nearest(&world.text(number), 2048, None).unwrap());
    });
    drop((regions, index));
    let engine = Engine::with_encoder(settings, Arc::clone(&world) as Arc<dyn Encode>).expect("an engine");
    let forms = [("one thing", "{}"), ("two things", "{} and b{}"), ("one thing and not another", "{} and no b{}")];
    for (name, form) in forms {
        let mut photos = 0;
        row(&format!("find: {name}"), queries, || {
            number += 1;
            let query = FindQuery::text(&form.replace("{}", &number.to_string())).unwrap();
            photos += engine.find(&query).unwrap().photos.len();
        });
        assert!(photos > 0 || form != "{}", "nothing was found at all");
    }
}

/// Runs `work`; the first runs, which read and calibrate, are not counted.
fn row(stage: &str, queries: usize, mut work: impl FnMut()) {
    (0..3).for_each(|_| work());
    let mut times: Vec<Duration> = (0..queries).map(|_| common::time(&mut work)).collect();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("| {stage} | {:.2} | {:.2} |", at(0.5), at(0.95));
}

/// A model whose texts are made up.
struct World {
    info: ModelInfo,
    centres: Vec<Vec<f32>>,
}

impl World {
    fn new(dim: usize) -> Self {
        let mut noise = Noise(11);
        let centres = (0..CENTRES).map(|_| direction(dim, &mut noise)).collect();
        let info = ModelInfo {
            name: "made up".into(),
            fingerprint: "made up for a bench".into(),
            model_type: "siglip".into(),
            dim,
            image_size: None,
            patch_size: 16,
            text_length: 64,
            vocab_size: 1,
            scoring: Scoring { scale: 100.0, bias: -10.0 },
            backend: "none".into(),
        };
        Self { info, centres }
    }

    /// Every second text is near a centre, the others ask for what is not there.
    fn text(&self, number: u64) -> Vec<f32> {
        let mut noise = Noise(number ^ 0x5bd1);
        let other = direction(self.info.dim, &mut noise);
        let centre = &self.centres[noise.below(CENTRES)];
        let share = if number.is_multiple_of(2) { 0.6 } else { 0.0 };
        centre.iter().zip(other).map(|(c, o)| share * c + o).collect()
    }
}

impl Encode for World {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn prepare(&self, _: &RgbImage) -> Result<Prepared, EncodeError> {
        unreachable!("no picture is read")
    }

    fn encode_images(&self, _: &[Prepared], _: Outputs) -> Result<Vec<ImageFeatures>, EncodeError> {
        unreachable!("no picture is read")
    }

    fn encode_texts(&self, texts: &[&str]) -> Result<Vec<Embedding>, EncodeError> {
        let number =
            |text: &str| ContentHash::of(text.as_bytes()).0.iter().fold(0, |n, &byte| n * 31 + u64::from(byte));
        texts.iter().map(|text| Embedding::new(self.text(number(text)))).collect()
    }

    fn token_ids(&self, _: &str) -> Result<Vec<u32>, EncodeError> {
        Ok(vec![0; self.info.text_length])
    }

    fn align(&self, tokens: &[f32], _: Projection) -> Result<Vec<f32>, EncodeError> {
        Ok(tokens.to_vec())
    }
}

fn direction(dim: usize, noise: &mut Noise) -> Vec<f32> {
    let values: Vec<f32> = (0..dim).map(|_| noise.gauss()).collect();
    Embedding::new(values).unwrap().into_vec()
}

fn fill(index: &Index, photos: usize, world: &World) {
    let mut noise = Noise(7);
    for i in 0..photos {
        let regions = regions(world, &mut noise);
        let name = format!("IMG_{i:06}.jpg");
        let record = ImageRecord {
            id: ImageId(0),
            content: ContentHash::of(name.as_bytes()),
            width: 4032,
            height: 3024,
            format: Format::Jpeg,
            bytes: 3_000_000,
            taken: Some(1_500_000_000 + i as i64 * 3600),
            camera: None,
            place: None,
            caption: None,
            keywords: Vec::new(),
            described: None,
        };
        let path = PathBuf::from(format!("/pictures/{:03}/{name}", i / 500));
        let file = FileRecord { path, image: ImageId(0), bytes: 1, modified: 1, sidecar_modified: 0, missing: false };
        let whole = regions.vectors.last().unwrap().as_slice().to_vec();
        index.add_with_regions(record, &whole, &regions, file).expect("a photo");
        if i % 1000 == 999 {
            index.commit().expect("a commit");
        }
    }
    index.finish().expect("words");
}

/// Sixteen square leaves, merged one after the other.
fn regions(world: &World, noise: &mut Noise) -> Regions {
    let labels = (0..SIDE * SIDE).map(|cell| (cell / SIDE / 4 * 4 + cell % SIDE / 4) as u8).collect();
    let mut members: Vec<u32> = (0..LEAVES).map(|leaf| 1 << leaf).collect();
    let mut vectors: Vec<Vec<f32>> = (0..LEAVES)
        .map(|_| {
            let centre = &world.centres[noise.below(CENTRES)];
            let own = direction(world.info.dim, noise);
            centre.iter().zip(own).map(|(c, o)| c + o).collect()
        })
        .collect();
    let mut all = vectors[0].clone();
    for leaf in 1..LEAVES {
        members.push((2 << leaf) - 1);
        all.iter_mut().zip(&vectors[leaf]).for_each(|(sum, value)| *sum += value);
        vectors.push(all.clone());
    }
    let vectors = vectors.into_iter().map(|vector| Embedding::new(vector).unwrap()).collect();
    Regions { map: RegionMap::new(SIDE, SIDE, labels, members).unwrap(), vectors }
}
