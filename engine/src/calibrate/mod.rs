//! Scores that mean something: from cosines to the probability that an image shows what was asked.
//!
//! A cosine means nothing by itself: its size differs between models, languages and wordings, and
//! some image is always the nearest. So the cosines of a query with the library are read as a
//! mixture of unrelated images, near misses and matches ([`mixture`]). The first are measured by
//! queries for what is not there ([`null`], [`bank`]); how far above them matches lie is known
//! beforehand from the model ([`prior`]), and what this query and library add to that follows by
//! Bayes' rule. Two decisions come of it: is there anything at all, and which images show it. Up to
//! those the score grows with an inner product, so a calibrated ranking is one nearest-neighbour
//! search with a moved query ([`Scale::direction`]).

pub(crate) mod bank;
mod constants;
mod density;
mod file;
mod fit;
mod labelled;
mod mixture;
pub(crate) mod null;
mod prior;
mod robust;
mod scale;
pub(crate) mod vectors;

use std::collections::HashMap;
use std::sync::Arc;

use glimpse_encoder::{Embedding, Encode, dot};
use glimpse_indexer::{Filter, ImageId, Index, ReasonCode, Refusal};
use parking_lot::Mutex;
use rayon::prelude::*;

use bank::Banks;
pub use constants::{CUT, SOME_WORDS_SCORE, STRONG, WORDS_SCORE};
pub(crate) use file::Calibrations;
pub use file::{CALIBRATION_FILE, Calibrated, StoredCalibration};
pub use labelled::LabelledText;
use null::{Centred, Fit, Null, Scores};
pub use prior::{Calibration, MatchPrior};
pub(crate) use robust::quantile;
pub(crate) use scale::{Scale, moved};
use vectors::{Vectors, add};

use crate::EngineError;

/// Images that stand for the whole library.
const SAMPLE: usize = 4096;
/// Images that serve as null queries for queries by image.
const NULL_IMAGES: usize = 256;
/// Images of a library larger than the sample that are looked at one by one for each query, from
/// the best.
const TOP: usize = 512;
/// Cosine from which an image counts as the one that was asked by.
const SAME: f32 = 0.995;
/// Shapes of queries whose null statistics are kept.
const SHAPES: usize = 64;

/// What a part of a query is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Modality {
    Text,
    Image,
}

impl Modality {
    /// Level and deviation of unrelated cosines, as SigLIP models have them, for libraries too
    /// small to measure them.
    pub(crate) fn usual(self) -> Fit {
        match self {
            Self::Text => Fit { level: 0.0, deviation: 0.02 },
            Self::Image => Fit { level: 0.5, deviation: 0.12 },
        }
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
    nulls: Mutex<HashMap<Shape, Arc<Centred>>>,
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
    /// If the parts cancel each other, or the encoder or the index fails.
    pub fn scale(
        &self,
        index: &Index,
        parts: &[Part],
        encoder: Option<&dyn Encode>,
        calibration: &Calibration,
    ) -> Result<Scale, EngineError> {
        let (query, _) = combine(parts.iter().map(|part| (part.vector.as_slice(), part.weight))).ok_or_else(|| {
            Refusal::new(ReasonCode::PartsCancel, "the terms cancel each other: nothing is left to look for")
        })?;
        let background = self.background(index, query.len());
        let known = self.null(index, &background, parts, encoder, calibration)?;
        let fitted = known.null.query(&background.scores(index, &query, &known.centre)?);
        let scale = Scale::new(query, Arc::clone(&known.centre), fitted);
        Ok(match parts {
            [Part { modality: Modality::Image, .. }] => scale.finding_itself(),
            _ => scale,
        })
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
        let ids = sampled(index.select(&Filter::default()).iter(), SAMPLE);
        ids.into_iter().filter_map(|id| index.vector(id)).for_each(|vector| sample.push(&vector));
        let background = Arc::new(Background { revision, size, sample, nulls: Mutex::default() });
        *held = Some(Arc::clone(&background));
        background
    }

    /// Null statistics for queries of this shape: null queries are mixed as the query's own parts
    /// are.
    fn null(
        &self,
        index: &Index,
        background: &Background,
        parts: &[Part],
        encoder: Option<&dyn Encode>,
        calibration: &Calibration,
    ) -> Result<Arc<Centred>, EngineError> {
        let shape = shape(parts);
        if let Some(known) = background.nulls.lock().get(&shape) {
            return Ok(Arc::clone(known));
        }
        let images = Arc::new(background.sample.thinned(NULL_IMAGES));
        let bank = |part: &Part| match (part.modality, encoder) {
            (Modality::Text, Some(encoder)) => self.banks.of_queries(encoder),
            _ => Ok(Arc::clone(&images)),
        };
        let banks: Vec<_> = parts.iter().map(bank).collect::<Result<_, _>>()?;
        let (queries, gain) = mix(&banks, parts);
        let is_text = parts.iter().all(|part| part.modality == Modality::Text);
        let (modality, hubs) = if is_text { (Modality::Text, calibration.hub_share) } else { (Modality::Image, 0.0) };
        let centre: Arc<[f32]> = queries.mean().iter().map(|value| hubs * value).collect();
        let scores: Result<Vec<Scores>, EngineError> =
            (0..queries.len()).into_par_iter().map(|j| background.scores(index, queries.row(j), &centre)).collect();
        let prior = calibration.text.towards(&calibration.image, share_of_images(parts)).scaled(gain);
        let known = Arc::new(Centred { null: Null::of(&scores?, modality.usual(), prior, is_text), centre });
        let mut nulls = background.nulls.lock();
        if nulls.len() >= SHAPES {
            nulls.clear();
        }
        nulls.insert(shape, Arc::clone(&known));
        Ok(known)
    }
}

/// True if a sample of `size` images no longer stands for a library: more than a sixty-fourth of
/// them have changed, each change being one revision of the index.
pub(crate) fn is_out_of_date(taken: u64, now: u64, size: usize) -> bool {
    now.abs_diff(taken) > size as u64 / 64
}

/// Up to `count` images, by number: those whose numbers hash lowest. So the sample follows from the
/// images alone, whenever it is taken, and one image more or less changes it by one.
pub(crate) fn sampled(ids: impl Iterator<Item = ImageId>, count: usize) -> Vec<ImageId> {
    let mut hashed: Vec<(u64, ImageId)> = ids.map(|id| (mixed(id.0), id)).collect();
    if hashed.len() > count {
        hashed.select_nth_unstable(count);
        hashed.truncate(count);
    }
    let mut ids: Vec<ImageId> = hashed.into_iter().map(|(_, id)| id).collect();
    ids.sort_unstable();
    ids
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): a bijection in which every bit depends
/// on every other.
fn mixed(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl Background {
    /// The scores of a unit query, moved by `centre`, over the library; what is all but the query
    /// itself is left out.
    fn scores(&self, index: &Index, query: &[f32], centre: &[f32]) -> Result<Scores, EngineError> {
        let others = self.sample.rows().filter(|image| dot(query, image) < SAME);
        let sample = others.map(|image| dot(query, image) - dot(centre, image)).collect();
        let mut top = Vec::new();
        if self.size > self.sample.len() {
            let (direction, length) = moved(query, centre);
            let nearest = index.nearest(&direction, TOP, None)?.into_iter().map(|scored| scored.score);
            top.extend(nearest.filter(|&cosine| cosine < SAME).map(|cosine| cosine * length));
        }
        Ok(Scores { sample, top, size: self.size })
    }
}

/// Modalities and weights of a query's parts.
fn shape(parts: &[Part]) -> Shape {
    let total: f32 = parts.iter().map(|part| part.weight.abs()).sum();
    parts.iter().map(|part| (part.modality, (part.weight / total * 1000.0).round() as i32)).collect()
}

/// Share of images in the weight of a query.
fn share_of_images(parts: &[Part]) -> f32 {
    let weight =
        |of: &dyn Fn(&Part) -> bool| parts.iter().filter(|part| of(part)).map(|part| part.weight.abs()).sum::<f32>();
    weight(&|part| part.modality == Modality::Image) / weight(&|_| true)
}

/// The normalised weighted sum, and its length before; `None` if nothing is left of it.
fn combine<'a>(parts: impl Iterator<Item = (&'a [f32], f32)>) -> Option<(Vec<f32>, f32)> {
    let mut sum = Vec::new();
    let mut total = 0.0;
    for (vector, weight) in parts {
        sum.resize(vector.len(), 0.0);
        add(&mut sum, vector, weight);
        total += weight.abs();
    }
    let left = dot(&sum, &sum).sqrt();
    let unit = (left > 1e-3 * total).then(|| Embedding::new(sum).ok()).flatten();
    unit.map(|unit| (unit.into_vec(), left))
}

/// Null queries of the query's shape: part `k` of null query `j` is another row of its bank for
/// every `k`. Beside them how far what matches all wanted parts stands out, as a multiple of what
/// matches one part by itself.
fn mix(banks: &[Arc<Vectors>], parts: &[Part]) -> (Vectors, f32) {
    const STRIDE: usize = 37;
    let count = banks.iter().map(|bank| bank.len()).max().unwrap_or(0);
    let mut queries = Vectors::new(parts[0].vector.dim());
    let wanted: f32 = parts.iter().map(|part| part.weight.max(0.0)).sum();
    let mut lengths = Vec::with_capacity(count);
    if banks.iter().all(|bank| bank.len() > 0) {
        for j in 0..count {
            let rows = banks.iter().enumerate().map(|(k, bank)| bank.row((j + k * STRIDE) % bank.len()));
            if let Some((query, length)) = combine(rows.zip(parts).map(|(row, part)| (row, part.weight))) {
                queries.push(&query);
                lengths.push(length);
            }
        }
    }
    let usual = lengths.iter().sum::<f32>() / lengths.len().max(1) as f32;
    // Of a query that only asks against something, what is left over stands out as one part does.
    let gain = if wanted > 0.0 && usual > 0.0 { wanted / usual } else { 1.0 };
    (queries, gain)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
