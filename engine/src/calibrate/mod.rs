//! Scores that mean something: from cosines to the probability that a picture shows what was asked.
//!
//! A cosine means nothing by itself: its size differs between models, languages and wordings, and some picture is always
//! the nearest. So a query is compared with what it, and queries like it that ask for what is not there, score in this very
//! library ([`null`]): first as standard deviations `z` above unrelated pictures, then through one logistic curve
//! ([`constants`]) whose middle lies above the best picture that a query for something absent finds. Everything up to
//! that curve is linear in the picture's vector, so a calibrated ranking is one nearest-neighbour search with a moved
//! query ([`Scale::direction`]).

pub(crate) mod bank;
mod constants;
pub(crate) mod null;
mod robust;
pub(crate) mod vectors;

use std::collections::HashMap;
use std::sync::Arc;

use glimpse_encoder::{Embedding, Encode, dot};
use glimpse_indexer::{Filter, ImageId, Index};
use parking_lot::Mutex;

use bank::Banks;
pub use constants::{CUT, Curve, ITSELF, PICTURE, SOME_WORDS_SCORE, STRONG, TEXT, WORDS_SCORE};
use null::{Fit, Null};
use vectors::{Vectors, add};

use crate::EngineError;

/// Pictures that stand for the whole library.
const SAMPLE: usize = 4096;
/// Pictures that serve as null queries for queries by picture.
const NULL_PICTURES: usize = 256;
/// Shapes of queries whose null statistics are kept.
const SHAPES: usize = 64;

/// What a part of a query is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Modality {
    Text,
    Picture,
}

impl Modality {
    /// Level and deviation of unrelated cosines, as SigLIP models have them, for libraries too small to measure them.
    fn usual(self) -> (f32, f32) {
        match self {
            Self::Text => (0.02, 0.03),
            Self::Picture => (0.5, 0.12),
        }
    }

    /// No library is so uniform that a smaller deviation would tell anything.
    fn least_deviation(self) -> f32 {
        self.usual().1 / 8.0
    }
}

/// A part of a query: its unit vector and weight.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub modality: Modality,
    pub weight: f32,
    pub vector: Embedding,
}

/// Calibrates queries over one generation of a library.
pub(crate) struct Calibrator {
    banks: Arc<Banks>,
    background: Mutex<Option<Arc<Background>>>,
}

/// A sample of a library, and the null statistics over it by shape of query.
struct Background {
    /// Of the index when the sample was taken.
    revision: u64,
    size: usize,
    sample: Vectors,
    nulls: Mutex<HashMap<Shape, Arc<Null>>>,
}

/// Modalities and weights (in thousandths of their sum) of a query's parts.
type Shape = Vec<(Modality, i32)>;

impl Calibrator {
    /// Compares texts with those of `banks`.
    pub fn new(banks: Arc<Banks>) -> Self {
        Self { banks, background: Mutex::new(None) }
    }

    /// The scale of a query over a library. `encoder` is needed if a part is text.
    ///
    /// # Errors
    /// If the parts cancel each other, or the encoder fails.
    pub fn scale(&self, index: &Index, parts: &[Part], encoder: Option<&dyn Encode>) -> Result<Scale, EngineError> {
        let query = combine(parts.iter().map(|part| (part.vector.as_slice(), part.weight))).ok_or_else(|| {
            EngineError::BadRequest("the terms cancel each other: nothing is left to look for".into())
        })?;
        let background = self.background(index, query.len());
        let null = self.null(&background, parts, encoder)?;
        let total: f32 = parts.iter().map(|part| part.weight.abs()).sum();
        let pictures = parts.iter().filter(|part| part.modality == Modality::Picture);
        let share = pictures.map(|part| part.weight.abs()).sum::<f32>() / total;
        let curve = TEXT.towards(&PICTURE, share);
        let mut scale = Scale::over(null, &background.sample, query, curve);
        if let [Part { modality: Modality::Picture, .. }] = parts {
            scale.bar = scale.bar.min(ITSELF * scale.z_of(scale.product(&scale.query)));
        }
        Ok(scale)
    }

    /// The sample of the library, taken again when it is out of date.
    fn background(&self, index: &Index, dim: usize) -> Arc<Background> {
        let mut held = self.background.lock();
        // Before the images are listed: those that come meanwhile count as changes.
        let (revision, size) = (index.revision(), index.len());
        if let Some(background) = held.as_ref()
            && !is_out_of_date(background.revision, revision, background.size)
        {
            return Arc::clone(background);
        }
        let mut sample = Vectors::new(dim);
        let ids = sampled(index.select(&Filter::default()).iter());
        ids.into_iter().filter_map(|id| index.vector(id)).for_each(|vector| sample.push(&vector));
        let background = Arc::new(Background { revision, size, sample, nulls: Mutex::default() });
        *held = Some(Arc::clone(&background));
        background
    }

    /// Null statistics for queries of this shape: null queries are mixed as the query's own parts are.
    fn null(
        &self,
        background: &Background,
        parts: &[Part],
        encoder: Option<&dyn Encode>,
    ) -> Result<Arc<Null>, EngineError> {
        let total: f32 = parts.iter().map(|part| part.weight.abs()).sum();
        let shape: Shape =
            parts.iter().map(|part| (part.modality, (part.weight / total * 1000.0).round() as i32)).collect();
        if let Some(null) = background.nulls.lock().get(&shape) {
            return Ok(Arc::clone(null));
        }
        let pictures = Arc::new(background.sample.thinned(NULL_PICTURES));
        let bank = |part: &Part| match (part.modality, encoder) {
            (Modality::Text, Some(encoder)) => self.banks.of(encoder),
            _ => Ok(Arc::clone(&pictures)),
        };
        let banks: Vec<_> = parts.iter().map(bank).collect::<Result<_, _>>()?;
        let queries = mix(&banks, parts);
        let is_text = parts.iter().all(|part| part.modality == Modality::Text);
        let modality = if is_text { Modality::Text } else { Modality::Picture };
        let null = Arc::new(Null::of(&queries, &background.sample, background.size, modality));
        let mut nulls = background.nulls.lock();
        if nulls.len() >= SHAPES {
            nulls.clear();
        }
        nulls.insert(shape, Arc::clone(&null));
        Ok(null)
    }
}

/// True if a sample of `size` images no longer stands for a library: more than a sixty-fourth of them have changed, each
/// change being one revision of the index.
pub(crate) fn is_out_of_date(taken: u64, now: u64, size: usize) -> bool {
    now.abs_diff(taken) > size as u64 / 64
}

/// Up to [`SAMPLE`] images, by number: those whose numbers hash lowest. So the sample follows from the images alone,
/// whenever it is taken, and one image more or less changes it by one.
fn sampled(ids: impl Iterator<Item = ImageId>) -> Vec<ImageId> {
    let mut hashed: Vec<(u64, ImageId)> = ids.map(|id| (mixed(id.0), id)).collect();
    if hashed.len() > SAMPLE {
        hashed.select_nth_unstable(SAMPLE);
        hashed.truncate(SAMPLE);
    }
    let mut ids: Vec<ImageId> = hashed.into_iter().map(|(_, id)| id).collect();
    ids.sort_unstable();
    ids
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): a bijection in which every bit depends on every other.
fn mixed(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The normalised weighted sum; `None` if nothing is left of it.
fn combine<'a>(parts: impl Iterator<Item = (&'a [f32], f32)>) -> Option<Vec<f32>> {
    let mut sum = Vec::new();
    let mut total = 0.0;
    for (vector, weight) in parts {
        sum.resize(vector.len(), 0.0);
        add(&mut sum, vector, weight);
        total += weight.abs();
    }
    let left = dot(&sum, &sum).sqrt();
    (left > 1e-3 * total).then(|| Embedding::new(sum).ok()).flatten().map(Embedding::into_vec)
}

/// Null queries of the query's shape: part `k` of null query `j` is another row of its bank for every `k`.
fn mix(banks: &[Arc<Vectors>], parts: &[Part]) -> Vectors {
    const STRIDE: usize = 37;
    let count = banks.iter().map(|bank| bank.len()).max().unwrap_or(0);
    let mut queries = Vectors::new(parts[0].vector.dim());
    if banks.iter().any(|bank| bank.len() == 0) {
        return queries;
    }
    for j in 0..count {
        let rows = banks.iter().enumerate().map(|(k, bank)| bank.row((j + k * STRIDE) % bank.len()));
        if let Some(query) = combine(rows.zip(parts).map(|(row, part)| (row, part.weight))) {
            queries.push(&query);
        }
    }
    queries
}

/// Turns the cosines of one query into scores.
#[derive(Debug, Clone)]
pub(crate) struct Scale {
    query: Vec<f32>,
    null: Arc<Null>,
    fit: Fit,
    bar: f32,
    slope: f32,
}

impl Scale {
    /// The scale of a unit query over what `sample` stands for.
    pub(crate) fn over(null: Arc<Null>, sample: &Vectors, query: Vec<f32>, curve: Curve) -> Self {
        let fit = null.query(&query, sample);
        Self { bar: curve.bar(null.ceiling), slope: curve.slope, null, fit, query }
    }

    /// What it takes in memory, without what scales of one shape share.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(self.query.as_slice())
    }

    /// The log odds of the score, from the inner product with the moved query.
    pub(crate) fn logit_of(&self, product: f32) -> f32 {
        self.slope * (self.z_of(product) - self.bar)
    }

    /// The query, a unit vector.
    pub fn query(&self) -> &[f32] {
        &self.query
    }

    /// Deviations at which the score is one half.
    pub fn bar(&self) -> f32 {
        self.bar
    }

    /// A unit vector whose nearest pictures are the best by score, and what to multiply their cosine with it by to get
    /// what [`Scale::score_of`] takes.
    pub fn direction(&self) -> (Vec<f32>, f32) {
        let mut direction = self.query.clone();
        add(&mut direction, &self.null.centre, -1.0);
        let length = dot(&direction, &direction).sqrt();
        if length < 1e-6 {
            return (self.query.clone(), 0.0); // the query is the mean null query: every picture is as far from it
        }
        direction.iter_mut().for_each(|v| *v /= length);
        (direction, length)
    }

    /// Standard deviations above unrelated pictures, from the inner product with the moved query.
    pub fn z_of(&self, product: f32) -> f32 {
        (product - self.fit.level) / self.fit.sd
    }

    /// The score, from the inner product with the moved query.
    pub fn score_of(&self, product: f32) -> f32 {
        1.0 / (1.0 + (-self.logit_of(product)).exp())
    }

    /// The inner product of a picture with the moved query.
    pub fn product(&self, picture: &[f32]) -> f32 {
        dot(&self.query, picture) - dot(&self.null.centre, picture)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
