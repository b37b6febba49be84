//! What a query for something that is not there scores in this library.
//!
//! The cosine of null query `j` (a phrase of the bank, or a picture of the library for queries by picture) with picture
//! `i` is read as
//!
//! ```text
//! cosine(j, i) = hub(i) + level(j) + noise(j, i)
//! ```
//!
//! `hub(i)`, how near picture `i` lies to any text, shows in its cosine with the mean null query, of which a share is taken
//! away from every score by moving the query: `(q - share * mean) . x`, in the spirit of querybank normalisation (Bogolin
//! et al., CVPR 2022). (Queries by picture stay where they are: there, the picture itself must come first.) `level(j)` and the noise are a random-effects model: a query's own level
//! and deviation are measured on a sample of the library and drawn towards the bank's by as much as the sample is small.
//! The bank also bounds the level, so that a library in which most pictures show what is asked for does not take that
//! for the normal state of things.

use std::f32::consts::{FRAC_PI_2, LN_2};

use glimpse_encoder::dot;
use rayon::prelude::*;

use super::Modality;
use super::robust::{Bulk, quantile};
use super::vectors::Vectors;

/// Null queries from which a library's own statistics are trusted at all.
const FEW: usize = 8;
/// Sample pictures that the bank's deviation counts for, beside the query's own.
const PRIOR_WEIGHT: f32 = 16.0;
/// How far the level and the deviation of a text of its own are believed.
const OWN: (f32, f32) = (0.25, 0.0);
/// Bounds of a query's deviation, in bank deviations.
const SD_RANGE: (f32, f32) = (0.8, 1.25);
/// Share of the mean null query that is taken away. Half of it costs next to nothing where there are no hubs (whose mean
/// null query is chance, or signal) and mends most of the harm where there are.
const HUB_SHARE: f32 = 0.5;
/// Deviations between queries above which a level is put down to matches.
const LEVEL_REACH: f32 = 2.0;
/// Cosine from which a picture counts as the null query itself.
const SAME: f32 = 0.995;
/// The share of null queries whose best picture lies lower than the ceiling. The others may be in the library.
const CEILING_SHARE: f64 = 0.6;

/// Statistics of null queries over a library.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Null {
    /// What queries are moved by: a share of the mean null query of text; zero for pictures.
    pub centre: Vec<f32>,
    /// Typical level of a query.
    level: f32,
    /// Deviation of levels.
    between: f32,
    /// Deviation of the noise.
    within: f32,
    /// How far a query's own level and deviation are believed.
    own: (f32, f32),
    /// Deviations above its level at which the best picture lies for a query of what is not there.
    pub ceiling: f32,
}

/// Level and deviation of one query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fit {
    pub level: f32,
    pub sd: f32,
}

impl Null {
    /// Statistics of `queries` over `sample`, which stands for a library of `size` pictures.
    pub fn of(queries: &Vectors, sample: &Vectors, size: usize, modality: Modality) -> Self {
        let own = match modality {
            Modality::Text => OWN,
            Modality::Picture => (1.0, 1.0),
        };
        Self::believing(own, queries, sample, size, modality)
    }

    /// As [`Null::of`] for things in pictures, of which a library shows most only now and then, as of what texts name:
    /// their own level and deviation say little.
    pub fn of_things(queries: &Vectors, sample: &Vectors, size: usize) -> Self {
        Self::believing(OWN, queries, sample, size, Modality::Picture)
    }

    fn believing(own: (f32, f32), queries: &Vectors, sample: &Vectors, size: usize, modality: Modality) -> Self {
        if queries.len() < FEW {
            return Self::unknown(own, queries.mean().len(), modality, size);
        }
        let centre = match modality {
            Modality::Text => queries.mean().iter().map(|v| HUB_SHARE * v).collect(),
            Modality::Picture => vec![0.0; queries.mean().len()],
        };
        let mut residuals: Vec<Vec<f32>> = (0..queries.len())
            .into_par_iter()
            .map(|j| residuals(queries.row(j), &centre, sample))
            .filter(|residuals| !residuals.is_empty())
            .collect();
        let mut levels: Vec<f32> = residuals.iter_mut().map(|r| Bulk::of(r).location).collect();
        let levels = Bulk::of(&mut levels);
        let within = Bulk::of(&mut residuals.concat()).spread.max(modality.least_deviation());
        let noise = FRAC_PI_2 * within.powi(2) / sample.len() as f32; // variance of a median
        let between = (levels.spread.powi(2) - noise).max(0.0).sqrt();

        let mut null = Self { centre, level: levels.location, between, within, own, ceiling: 0.0 };
        let top = |r: &mut Vec<f32>| {
            let Fit { level, sd } = null.fit(r);
            (r.iter().copied().fold(f32::MIN, f32::max) - level) / sd
        };
        let mut tops: Vec<f32> = residuals.par_iter_mut().map(top).collect();
        null.ceiling = quantile(&mut tops, CEILING_SHARE) + normal_top(size) - normal_top(sample.len());
        null
    }

    /// What is assumed where the library is too small to say.
    fn unknown(own: (f32, f32), dim: usize, modality: Modality, size: usize) -> Self {
        let (level, within) = modality.usual();
        Self { centre: vec![0.0; dim], level, between: 0.0, within, own, ceiling: normal_top(size) }
    }

    /// Level and deviation of a query over the sample.
    pub fn query(&self, query: &[f32], sample: &Vectors) -> Fit {
        self.fit(&mut residuals(query, &self.centre, sample))
    }

    fn fit(&self, residuals: &mut [f32]) -> Fit {
        let own = Bulk::of(residuals);
        let count = residuals.len().max(1) as f32;
        let noise = FRAC_PI_2 * self.within.powi(2) / count;
        let trust = self.between.powi(2) / (self.between.powi(2) + noise);
        let level = self.level + self.own.0 * trust * (own.location - self.level);
        let variance = (count * own.spread.powi(2) + PRIOR_WEIGHT * self.within.powi(2)) / (count + PRIOR_WEIGHT);
        let sd = variance.sqrt().clamp(SD_RANGE.0 * self.within, SD_RANGE.1 * self.within);
        Fit {
            level: level.min(self.level + LEVEL_REACH * self.between),
            sd: self.within + self.own.1 * (sd - self.within),
        }
    }
}

/// Inner products of the moved query with a sample, the query's own picture left out.
fn residuals(query: &[f32], centre: &[f32], sample: &Vectors) -> Vec<f32> {
    let other = |x: &&[f32]| dot(query, x) < SAME;
    sample.rows().filter(other).map(|x| dot(query, x) - dot(centre, x)).collect()
}

/// Where the largest of `count` normal values lies: the median of its distribution, to first order.
fn normal_top(count: usize) -> f32 {
    let n = count.max(2) as f32 / LN_2;
    let root = (2.0 * n.ln()).sqrt();
    root - ((4.0 * std::f32::consts::PI * n.ln()).ln()) / (2.0 * root)
}
