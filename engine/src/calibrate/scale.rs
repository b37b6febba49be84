//! Turns the cosines of one query into scores.

use std::sync::Arc;

use glimpse_encoder::dot;

use super::constants::{CUT, ITSELF, ITSELF_SLOPE};
use super::density::{STEP, middle};
use super::null::{Fit, Fitted};
use super::vectors::add;

/// A query that knows what its cosines mean in one library.
#[derive(Debug, Clone)]
pub(crate) struct Scale {
    query: Vec<f32>,
    centre: Arc<[f32]>,
    fit: Fit,
    presence: f32,
    /// Share of the library that is expected to match.
    share: f32,
    /// Probability of a match by standardised cosine.
    curve: Arc<[f32]>,
    /// Standard deviations from which an image counts as a copy of what was asked by; above all if
    /// there is none.
    copy: f32,
}

impl Scale {
    /// The scale of a unit query that is moved by `centre`.
    pub(crate) fn new(query: Vec<f32>, centre: Arc<[f32]>, fitted: Fitted) -> Self {
        let Fitted { fit, presence, matched, share } = fitted;
        let curve = matched.into_iter().map(|matched| presence * matched).collect();
        Self { query, centre, fit, presence, share: presence * share, curve, copy: f32::INFINITY }
    }

    /// For a query by one image: a copy of it is always found.
    pub(crate) fn finding_itself(mut self) -> Self {
        self.copy = ITSELF * self.z_of(self.product(&self.query));
        self
    }

    /// The scale of a text in bytes: [`Scale::from_bytes`] gives one that scores alike.
    ///
    /// `level (4) | deviation (4) | share (4) | bins (4) | curve (4 each) | moved query (4 each)`
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let moved = self.query.iter().zip(&*self.centre).map(|(query, centre)| query - centre);
        let facts = [self.fit.level, self.fit.deviation, self.share].map(f32::to_le_bytes);
        let mut bytes = facts.concat();
        bytes.extend((self.curve.len() as u32).to_le_bytes());
        bytes.extend(self.curve.iter().copied().chain(moved).flat_map(f32::to_le_bytes));
        bytes
    }

    /// Reads what [`Scale::to_bytes`] wrote of a query of `dim` values; `None` if it cannot have.
    pub(crate) fn from_bytes(bytes: &[u8], dim: usize) -> Option<Self> {
        let (words, []) = bytes.as_chunks::<4>() else { return None };
        let ([level, deviation, share, bins], values) = words.split_first_chunk::<4>()?;
        let [level, deviation, share] = [level, deviation, share].map(|word| f32::from_le_bytes(*word));
        let values: Vec<f32> = values.iter().map(|word| f32::from_le_bytes(*word)).collect();
        let (curve, query) = values.split_at_checked(u32::from_le_bytes(*bins) as usize)?;
        let is_sound = [level, deviation, share].into_iter().chain(values.iter().copied()).all(f32::is_finite);
        (is_sound && deviation > 0.0 && !curve.is_empty() && query.len() == dim).then(|| Self {
            query: query.to_vec(),
            centre: vec![0.0; dim].into(),
            fit: Fit { level, deviation },
            presence: curve.iter().copied().fold(0.0, f32::max),
            share,
            curve: curve.into(),
            copy: f32::INFINITY,
        })
    }

    /// What it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(self.query.as_slice()) + size_of_val(&*self.curve)
    }

    /// The query, a unit vector.
    pub fn query(&self) -> &[f32] {
        &self.query
    }

    /// Probability that the library holds what was asked for.
    pub fn presence(&self) -> f32 {
        self.presence
    }

    /// Share of the library that is expected to match.
    pub fn share(&self) -> f32 {
        self.share
    }

    /// Standard deviations from which an image counts as found; `None` if none does, however near.
    pub fn bar(&self) -> Option<f32> {
        let curve = self.curve.iter().position(|&score| score >= CUT).map(|bin| middle(bin) as f32);
        [curve, self.copy.is_finite().then_some(self.copy)].into_iter().flatten().min_by(f32::total_cmp)
    }

    /// A unit vector whose nearest images are the best by score, and what to multiply their cosine
    /// with it by to get what [`Scale::score_of`] takes.
    pub fn direction(&self) -> (Vec<f32>, f32) {
        moved(&self.query, &self.centre)
    }

    /// Standard deviations above unrelated images, from the inner product with the moved query.
    pub fn z_of(&self, product: f32) -> f32 {
        self.fit.z_of(product)
    }

    /// The score, from the inner product with the moved query. Never falls as the product grows.
    pub fn score_of(&self, product: f32) -> f32 {
        let z = self.z_of(product);
        let place = ((f64::from(z) - middle(0)) / STEP).clamp(0.0, (self.curve.len() - 1) as f64);
        let (low, part) = (place as usize, place.fract() as f32);
        let high = (low + 1).min(self.curve.len() - 1);
        let score = self.curve[low] + part * (self.curve[high] - self.curve[low]);
        if self.copy.is_infinite() {
            return score;
        }
        score.max(1.0 / (1.0 + (-ITSELF_SLOPE * (z - self.copy)).exp()))
    }

    /// The inner product of an image with the moved query.
    pub fn product(&self, image: &[f32]) -> f32 {
        dot(&self.query, image) - dot(&self.centre, image)
    }
}

/// `query - centre` as a unit vector, and its length.
pub(crate) fn moved(query: &[f32], centre: &[f32]) -> (Vec<f32>, f32) {
    let mut direction = query.to_vec();
    add(&mut direction, centre, -1.0);
    let length = dot(&direction, &direction).sqrt();
    if length < 1e-6 {
        return (query.to_vec(), 0.0); // the query is the mean null query: every image is as far from it
    }
    direction.iter_mut().for_each(|value| *value /= length);
    (direction, length)
}
