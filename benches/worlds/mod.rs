//! Made-up libraries with the geometry of real checkpoints: what the logits printed in the notebooks of SigLIP 2 and
//! SigLIP show (11 photographs and 36 texts of SigLIP 2 So400m/16; 21 and 56 of two SigLIP checkpoints).
//!
//! There, the cosine of a text with an image that does not show it has a median of 0.00 with a deviation of 0.025
//! between texts; within a text the deviation is 0.010 to 0.045; images lie 0.010 to 0.016 nearer to all texts or
//! farther from them. Matches lie 0.12 to 0.33 above that median in English, 0.07 to 0.24 in other languages; look-alikes
//! reach a third to six tenths of that.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use glimpse::encoder::{
    Embedding, Encode, EncodeError, ImageFeatures, ModelInfo, Outputs, Prepared, Projection, Scoring,
};
use image::RgbImage;

use super::common::Noise;

/// The numbers that a world is made from; cosines and shares.
#[derive(Debug, Clone, Copy)]
pub struct Geometry {
    /// Values of a vector.
    pub dim: usize,
    /// Deviation of the level of a text.
    pub level: f32,
    /// Deviation of unrelated images within a text, from and to, evenly in the logarithm.
    pub noise: (f32, f32),
    /// Deviation of what an image scores for all texts.
    pub hub: f32,
    /// Deviation of the mean excess of matches between texts of a kind, and of the matches of a text.
    pub between: f32,
    pub within: f32,
    /// Look-alikes: their share of the library, their excess as a share of that of matches, its deviation.
    pub near: (f32, f32, f32),
    /// Shares of the library that match, from and to, evenly in the logarithm.
    pub prevalence: (f32, f32),
}

impl Geometry {
    /// What the printed logits show.
    pub const PRINTED: Self = Self {
        dim: 512,
        level: 0.025,
        noise: (0.012, 0.03),
        hub: 0.0125,
        between: 0.012,
        within: 0.016,
        near: (0.03, 0.35, 0.015),
        prevalence: (0.001, 0.05),
    };
}

/// A kind of text: its name and the mean excess of its matches.
pub type Kind = (&'static str, f32);

/// Kinds of texts for what is there.
pub const KINDS: [Kind; 4] = [("specific", 0.14), ("plain", 0.115), ("other language", 0.095), ("generic", 0.08)];

/// A text, and which images show it.
#[derive(Debug, Clone)]
pub struct Text {
    pub text: String,
    pub kind: &'static str,
    pub shown_by: HashSet<usize>,
}

/// Images by number, texts by name.
pub struct World {
    pub geometry: Geometry,
    pub images: Vec<Vec<f32>>,
    pub texts: Vec<Text>,
    /// Images of one scene: copies that differ a little.
    pub scenes: Vec<Vec<usize>>,
    vectors: HashMap<String, Vec<f32>>,
    axes: Axes,
    info: ModelInfo,
}

/// Directions that all texts, or all images, share.
struct Axes {
    /// What texts share: images lie a little along it, which makes hubs.
    text: Vec<f32>,
    /// What images share: texts lie a little along it, which makes their level.
    image: Vec<f32>,
}

/// Share of an image's own direction, and of what all images share.
const OWN: f32 = 0.85;
const SHARED: f32 = 0.45;

impl World {
    /// `per_kind` texts of each kind that are shown, and three times as many that are not.
    pub fn new(geometry: Geometry, images: usize, per_kind: usize, seed: u64) -> Self {
        let mut noise = Noise(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let axes = Axes { text: axis(geometry.dim, 0), image: axis(geometry.dim, 1) };
        let mut world = Self {
            geometry,
            images: Vec::new(),
            texts: Vec::new(),
            scenes: Vec::new(),
            vectors: HashMap::new(),
            axes,
            info: info(geometry.dim),
        };
        for _ in 0..images {
            let image = world.image(&mut noise);
            world.images.push(image);
        }
        for (kind, excess) in KINDS {
            for number in 0..per_kind {
                world.add_text(&mut noise, kind, format!("{kind} {number}"), excess, true);
            }
        }
        for number in 0..3 * per_kind {
            let (_, excess) = KINDS[number % KINDS.len()];
            world.add_text(&mut noise, "absent", format!("absent {number}"), excess, false);
        }
        world.add_scenes(&mut noise);
        world.images.iter_mut().for_each(|image| normalise(image));
        world
    }

    /// The vector of a text; one that the world does not know asks for what is not there.
    pub fn text(&self, text: &str) -> Vec<f32> {
        self.vectors.get(text).cloned().unwrap_or_else(|| {
            let mut hasher = DefaultHasher::new();
            text.hash(&mut hasher);
            self.text_vector(&mut Noise(hasher.finish() | 1)).0
        })
    }

    fn image(&self, noise: &mut Noise) -> Vec<f32> {
        let mut image = direction(noise, self.geometry.dim);
        image.iter_mut().for_each(|value| *value *= OWN);
        let hub = self.geometry.hub * noise.normal();
        add(&mut image, &self.axes.image, SHARED);
        add(&mut image, &self.axes.text, hub);
        image
    }

    /// A text, and its own direction with the weight that it has in it.
    fn text_vector(&self, noise: &mut Noise) -> (Vec<f32>, Vec<f32>, f32) {
        let Geometry { dim, level, noise: (least, most), .. } = self.geometry;
        let deviation = least * (most / least).powf(noise.uniform());
        let own = direction(noise, dim);
        let weight = (deviation * (dim as f32).sqrt() / OWN).min(0.98);
        let along_images = level * noise.normal() / SHARED;
        let mut text = own.clone();
        text.iter_mut().for_each(|value| *value *= weight);
        add(&mut text, &self.axes.image, along_images);
        add(&mut text, &self.axes.text, (1.0 - weight * weight - along_images * along_images).max(0.0).sqrt());
        (text, own, weight)
    }

    fn add_text(&mut self, noise: &mut Noise, kind: &'static str, text: String, excess: f32, is_shown: bool) {
        let Geometry { between, within, near: (near_rate, near_share, near_within), prevalence, .. } = self.geometry;
        let (vector, own, weight) = self.text_vector(noise);
        let excess = (excess + between * noise.normal()).max(0.03);
        let share = prevalence.0 * (prevalence.1 / prevalence.0).powf(noise.uniform());
        let size = self.images.len();
        let matches = if is_shown { ((share * size as f32).round() as usize).max(1) } else { 0 };
        let near = (near_rate * size as f32) as usize;
        let mut chosen: Vec<usize> = Vec::new();
        let mut taken = HashSet::new();
        while chosen.len() < (matches + near).min(size) {
            let image = noise.below(size);
            if taken.insert(image) {
                chosen.push(image);
            }
        }
        for (place, &image) in chosen.iter().enumerate() {
            let (mean, deviation) = if place < matches { (excess, within) } else { (near_share * excess, near_within) };
            add(&mut self.images[image], &own, (mean + deviation * noise.normal()) / weight);
        }
        self.vectors.insert(text.clone(), vector);
        self.texts.push(Text { text, kind, shown_by: chosen[..matches.min(chosen.len())].iter().copied().collect() });
    }

    /// Every fiftieth image begins a burst of two to six, whose cosines with each other are about 0.9.
    fn add_scenes(&mut self, noise: &mut Noise) {
        let size = self.images.len();
        let mut first = 0;
        while first + 6 < size {
            let count = 2 + noise.below(5);
            let scene = self.images[first].clone();
            for image in first + 1..first + count {
                if self.texts.iter().any(|text| text.shown_by.contains(&image) || text.shown_by.contains(&first)) {
                    continue; // what texts find stays as it was made
                }
                let own = self.images[image].clone();
                self.images[image] = scene.iter().zip(&own).map(|(a, b)| 0.94 * a + 0.34 * b).collect();
            }
            let burst: Vec<usize> = (first..first + count)
                .filter(|&image| image == first || cosine(&self.images[image], &self.images[first]) > 0.8)
                .collect();
            if burst.len() > 1 {
                self.scenes.push(burst);
            }
            first += 50;
        }
    }
}

/// A random unit vector.
pub fn direction(noise: &mut Noise, dim: usize) -> Vec<f32> {
    let mut vector: Vec<f32> = (0..dim).map(|_| noise.normal()).collect();
    normalise(&mut vector);
    vector
}

fn axis(dim: usize, at: usize) -> Vec<f32> {
    (0..dim).map(|place| if place == at { 1.0 } else { 0.0 }).collect()
}

pub fn add(sum: &mut [f32], vector: &[f32], weight: f32) {
    sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += weight * value);
}

pub fn normalise(vector: &mut [f32]) {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    vector.iter_mut().for_each(|value| *value /= length);
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// What a model of these vectors would say of itself: scale and bias are those of SigLIP 2 So400m/16.
fn info(dim: usize) -> ModelInfo {
    ModelInfo {
        name: "world".into(),
        fingerprint: "world".into(),
        model_type: "siglip".into(),
        dim,
        image_size: Some(256),
        patch_size: 16,
        text_length: 64,
        vocab_size: 256_000,
        scoring: Scoring { scale: 109.9, bias: -15.93 },
        backend: "none".into(),
        max_patches: None,
    }
}

impl Encode for World {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn prepare(&self, _: &RgbImage) -> Result<Prepared, EncodeError> {
        unreachable!("no image is read")
    }

    fn encode_images(&self, _: &[Prepared], _: Outputs) -> Result<Vec<ImageFeatures>, EncodeError> {
        unreachable!("no image is read")
    }

    fn encode_texts(&self, texts: &[&str]) -> Result<Vec<Embedding>, EncodeError> {
        texts.iter().map(|text| Embedding::new(self.text(text))).collect()
    }

    fn token_ids(&self, _: &str) -> Result<Vec<u32>, EncodeError> {
        Ok(vec![0; self.info.text_length])
    }

    fn align(&self, tokens: &[f32], _: Projection) -> Result<Vec<f32>, EncodeError> {
        Ok(tokens.to_vec())
    }
}
