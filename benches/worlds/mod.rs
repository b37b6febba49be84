//! Made-up libraries with the geometry of real checkpoints: what the logits printed in the
//! notebooks of SigLIP 2 and SigLIP show (11 photographs and 36 texts of SigLIP 2 So400m/16; 21 and
//! 56 of two SigLIP checkpoints).
//!
//! There, the cosine of a text with an image that does not show it has a median of 0.00 with a
//! deviation of 0.025 between texts; within a text the deviation is 0.010 to 0.045; images lie
//! 0.010 to 0.016 nearer to all texts or farther from them. Matches lie 0.12 to 0.33 above that
//! median in English, 0.07 to 0.24 in other languages; look-alikes reach a third to six tenths of
//! that.

mod regions;
pub mod tally;

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use glimpse::encoder::Scoring;
use glimpse::encoder::testing::PrecomputedEncoder;

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
    /// Deviation of the mean excess of matches between texts of a kind, and of the matches of a
    /// text.
    pub between: f32,
    pub within: f32,
    /// Look-alikes: their share of the library, their excess as a share of that of matches, its
    /// deviation.
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
/// The parts of texts for two things; one of them is shown by other images than the two together,
/// too.
const PART: Kind = ("part of two", 0.115);
/// Images that show two things, for each that shows one of them only.
const BOTH: f32 = 0.3;

/// A text, and which images show it.
#[derive(Debug, Clone)]
pub struct Text {
    pub text: String,
    pub kind: &'static str,
    pub shown_by: HashSet<usize>,
    /// Its own direction, and the weight that it has in the text's vector.
    own: Vec<f32>,
    weight: f32,
}

/// What an image holds of a text: how much of the text's own direction was added to it.
#[derive(Debug, Clone, Copy)]
struct Holding {
    text: usize,
    amount: f32,
}

/// Images by number, texts by name.
pub struct World {
    /// Unit vectors.
    pub images: Vec<Vec<f32>>,
    /// What is asked.
    pub texts: Vec<Text>,
    /// Images of one scene: copies that differ a little.
    pub scenes: Vec<Vec<usize>>,
    geometry: Geometry,
    vectors: HashMap<String, Vec<f32>>,
    /// By image.
    holdings: Vec<Vec<Holding>>,
    axes: Axes,
    /// Random weights: all texts lie close together, and so do all images.
    is_meaningless: bool,
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

/// Share of its own direction in a text or an image of random weights.
const MEANINGLESS: f32 = 0.15;

impl World {
    /// `per_kind` texts of each kind that are shown, three times as many that are not, and as many
    /// for two things: both shown together by some image, or by none.
    pub fn new(geometry: Geometry, images: usize, per_kind: usize, seed: u64) -> Self {
        let mut noise = Noise(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut world = Self::of_images(geometry, images, &mut noise, false);
        for (kind, excess) in KINDS {
            for number in 0..per_kind {
                world.add_text(&mut noise, kind, format!("{kind} {number}"), excess, true);
            }
        }
        for number in 0..3 * per_kind {
            let (_, excess) = KINDS[number % KINDS.len()];
            world.add_text(&mut noise, "absent", format!("absent {number}"), excess, false);
        }
        for number in 0..per_kind {
            world.add_two(&mut noise, number, true);
            world.add_two(&mut noise, number, false);
        }
        world.add_scenes(&mut noise);
        world.normalise();
        world
    }

    /// What a model of random weights makes of images and texts: nothing shows anything.
    pub fn meaningless(images: usize, texts: usize, seed: u64) -> Self {
        let mut noise = Noise(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut world = Self::of_images(Geometry::PRINTED, images, &mut noise, true);
        for number in 0..texts {
            world.add_text(&mut noise, "absent", format!("absent {number}"), 0.0, false);
        }
        world.normalise();
        world
    }

    fn of_images(geometry: Geometry, images: usize, noise: &mut Noise, is_meaningless: bool) -> Self {
        let axes = Axes { text: axis(geometry.dim, 0), image: axis(geometry.dim, 1) };
        let mut world = Self {
            geometry,
            images: Vec::new(),
            texts: Vec::new(),
            scenes: Vec::new(),
            vectors: HashMap::new(),
            holdings: vec![Vec::new(); images],
            axes,
            is_meaningless,
        };
        world.images = (0..images).map(|_| world.image(noise)).collect();
        world
    }

    /// Makes unit vectors of all images.
    fn normalise(&mut self) {
        for (image, held) in self.images.iter_mut().zip(&mut self.holdings) {
            let length = length(image);
            image.iter_mut().for_each(|value| *value /= length);
            held.iter_mut().for_each(|holding| holding.amount /= length);
        }
    }

    /// A model of its texts; scale and bias are those of SigLIP 2 So400m/16.
    pub fn encoder(self: &Arc<Self>) -> PrecomputedEncoder {
        let world = Arc::clone(self);
        let scoring = Scoring { scale: 109.9, bias: -15.93 };
        PrecomputedEncoder::new("world", self.geometry.dim, scoring, move |text| world.text(text))
    }

    /// The vector of a text; one that the world does not know asks for what is not there.
    fn text(&self, text: &str) -> Vec<f32> {
        self.vectors.get(text).cloned().unwrap_or_else(|| {
            let mut hasher = DefaultHasher::new();
            text.hash(&mut hasher);
            let mut noise = Noise(hasher.finish() | 1);
            let own = direction(&mut noise, self.geometry.dim);
            self.text_vector(&mut noise, &own).0
        })
    }

    fn image(&self, noise: &mut Noise) -> Vec<f32> {
        let mut image = direction(noise, self.geometry.dim);
        if self.is_meaningless {
            image.iter_mut().for_each(|value| *value *= MEANINGLESS);
            add(&mut image, &self.axes.image, 1.0);
            return image;
        }
        image.iter_mut().for_each(|value| *value *= OWN);
        let hub = self.geometry.hub * noise.normal();
        add(&mut image, &self.axes.image, SHARED);
        add(&mut image, &self.axes.text, hub);
        image
    }

    /// The vector of a text whose own direction is given, and the weight of that in it.
    fn text_vector(&self, noise: &mut Noise, own: &[f32]) -> (Vec<f32>, f32) {
        let Geometry { dim, level, noise: (least, most), .. } = self.geometry;
        let mut text = own.to_vec();
        if self.is_meaningless {
            text.iter_mut().for_each(|value| *value *= MEANINGLESS);
            add(&mut text, &self.axes.text, 1.0);
            return (text, MEANINGLESS);
        }
        let deviation = least * (most / least).powf(noise.uniform());
        let weight = (deviation * (dim as f32).sqrt() / OWN).min(0.98);
        let along_images = level * noise.normal() / SHARED;
        text.iter_mut().for_each(|value| *value *= weight);
        add(&mut text, &self.axes.image, along_images);
        add(&mut text, &self.axes.text, (1.0 - weight * weight - along_images * along_images).max(0.0).sqrt());
        (text, weight)
    }

    fn add_text(&mut self, noise: &mut Noise, kind: &'static str, text: String, excess: f32, is_shown: bool) {
        let Geometry { near: (near_rate, ..), prevalence, .. } = self.geometry;
        let share = prevalence.0 * (prevalence.1 / prevalence.0).powf(noise.uniform());
        let size = self.images.len();
        let matches = if is_shown { ((share * size as f32).round() as usize).max(1) } else { 0 };
        let near = if self.is_meaningless { 0 } else { (near_rate * size as f32) as usize };
        let chosen = some_of(noise, size, matches + near);
        let (matches, near) = chosen.split_at(matches.min(chosen.len()));
        let own = direction(noise, self.geometry.dim);
        self.put_text(noise, Text { kind, own, ..Text::named(text) }, excess, matches, near);
    }

    /// A text whose matches and near misses are given.
    fn put_text(&mut self, noise: &mut Noise, mut text: Text, excess: f32, matches: &[usize], near: &[usize]) {
        let Geometry { between, within, near: (_, near_share, near_within), .. } = self.geometry;
        let (vector, weight) = self.text_vector(noise, &text.own);
        let excess = (excess + between * noise.normal()).max(0.03);
        for (images, mean, deviation) in [(matches, excess, within), (near, near_share * excess, near_within)] {
            for &image in images {
                let amount = (mean + deviation * noise.normal()) / weight;
                add(&mut self.images[image], &text.own, amount);
                self.holdings[image].push(Holding { text: self.texts.len(), amount });
            }
        }
        self.vectors.insert(text.text.clone(), vector);
        text.weight = weight;
        text.shown_by = matches.iter().copied().collect();
        self.texts.push(text);
    }

    /// Two things, and the text for both: what shows one of them is half as near to it. They are
    /// shown together, or not.
    fn add_two(&mut self, noise: &mut Noise, number: usize, is_shown: bool) {
        let size = self.images.len();
        let (least, most) = self.geometry.prevalence;
        let each = (least * (most / least).powf(noise.uniform()) * size as f32).round().max(2.0) as usize;
        let both = if is_shown { (BOTH * each as f32).ceil() as usize } else { 0 };
        let near = (self.geometry.near.0 * size as f32) as usize;
        let chosen = some_of(noise, size, 2 * (each + near) + both);
        let (shared, alone) = chosen.split_at(both.min(chosen.len()));
        let (first, second) = alone.split_at(alone.len() / 2);
        let kind = if is_shown { "two things" } else { "absent two" };
        let mut both_own = vec![0.0; self.geometry.dim];
        let mut names = Vec::new();
        for (place, alone) in [first, second].into_iter().enumerate() {
            let (near, alone) = alone.split_at(near.min(alone.len()));
            let own = direction(noise, self.geometry.dim);
            add(&mut both_own, &own, 1.0);
            let name = format!("{} {number} {}", kind, ["first", "second"][place]);
            let text = Text { kind: PART.0, own, ..Text::named(name.clone()) };
            self.put_text(noise, text, PART.1, &[alone, shared].concat(), near);
            names.push(name);
        }
        normalise(&mut both_own);
        let (vector, weight) = self.text_vector(noise, &both_own);
        let text = names.join(" and ");
        self.vectors.insert(text.clone(), vector);
        let shown_by = shared.iter().copied().collect();
        self.texts.push(Text { kind, own: both_own, weight, shown_by, ..Text::named(text) });
    }

    /// Every fiftieth image begins a burst of two to six, whose cosines with each other are about
    /// 0.9.
    fn add_scenes(&mut self, noise: &mut Noise) {
        let size = self.images.len();
        let mut first = 0;
        while first + 6 < size {
            let count = 2 + noise.below(5);
            let scene = self.images[first].clone();
            for image in first + 1..first + count {
                if !self.holdings[image].is_empty() || !self.holdings[first].is_empty() {
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

impl Text {
    fn named(text: String) -> Self {
        Self { text, kind: "", shown_by: HashSet::new(), own: Vec::new(), weight: 0.0 }
    }
}

/// Different numbers below `size`, `count` of them or all.
fn some_of(noise: &mut Noise, size: usize, count: usize) -> Vec<usize> {
    let mut chosen = Vec::new();
    let mut taken = HashSet::new();
    while chosen.len() < count.min(size) {
        let number = noise.below(size);
        if taken.insert(number) {
            chosen.push(number);
        }
    }
    chosen
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

fn length(vector: &[f32]) -> f32 {
    vector.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE)
}

pub fn normalise(vector: &mut [f32]) {
    let length = length(vector);
    vector.iter_mut().for_each(|value| *value /= length);
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}
