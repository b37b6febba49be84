//! What a query for something that is not there scores in this library.
//!
//! The cosine of null query `j` (a phrase of the bank, or an image of the library for queries by
//! image) with image `i` is read as
//!
//! ```text
//! cosine(j, i) = hub(i) + level(j) + deviation(j) * z(j, i)
//! ```
//!
//! `hub(i)`, how near image `i` lies to any text, shows in its cosine with the mean null query, a
//! share of which is taken away from every score by moving the query: `(q - share * mean) . x`, in
//! the spirit of querybank normalisation (Bogolin et al., CVPR 2022). Queries by image stay where
//! they are: there, the image itself must come first. `level` and `deviation` are random effects:
//! those of a query are measured on the library and drawn towards the bank's by as much as the
//! library is small. What is left, `z`, has one density for all queries, pooled over the bank.

use std::f32::consts::FRAC_PI_2;
use std::sync::Arc;

use rayon::prelude::*;

use super::density::NullDensity;
use super::mixture::{Counts, Likelihood, Mixture};
use super::prior::MatchPrior;
use super::robust::{Bulk, quantile};

/// Null queries from which a library's own statistics are trusted at all.
const FEW: usize = 8;
/// Images that the bank's deviation counts for, beside the query's own.
const PRIOR_WEIGHT: f32 = 16.0;
/// Bounds of a query's deviation, in bank deviations.
const DEVIATIONS: (f32, f32) = (0.4, 2.5);
/// A level may come of matches, of which most of the library consists, from so many deviations
/// between queries above the bank's, and from this part of the usual excess of matches.
const SATURATED: (f32, f32) = (2.5, 0.6);
/// Prior odds of that.
const SATURATED_ODDS: f64 = 0.02;
/// What that reading has to be better by for each image, in nats: no density of the model is closer
/// to the truth.
const SATURATED_MISFIT: f64 = 0.004;
/// Deviation of the logarithm of an excess that is read off the median.
const KNOWN: f32 = 0.05;
/// Null queries may be answered by chance this often; more than that, and every query has to show
/// as much more.
const ANSWERED: f64 = 0.85;

/// The scores of one query over a library: those of a sample, and the best of the whole.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scores {
    /// Cosines with the moved query, over the sample.
    pub sample: Vec<f32>,
    /// The best of the whole library, all above the lowest of them; empty if the sample is the
    /// library.
    pub top: Vec<f32>,
    /// Images of the library.
    pub size: usize,
}

/// Statistics of null queries over a library.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Null {
    /// Typical level of a query.
    level: f32,
    /// Deviation of levels.
    between: f32,
    /// Typical deviation of a query.
    within: f32,
    density: NullDensity,
    /// Log Bayes factor that null queries reach by chance; a query is believed from there on.
    chance: f64,
    prior: MatchPrior,
}

/// Null statistics for one kind of query, and what such queries are moved by before they are
/// scored.
#[derive(Debug)]
pub(crate) struct Centred {
    pub null: Null,
    /// A share of the mean null query of text; zero for queries by image.
    pub centre: Arc<[f32]>,
}

/// Level and deviation of one query over unrelated images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fit {
    pub level: f32,
    pub deviation: f32,
}

/// Scores of one query: what its cosines mean.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    pub fit: Fit,
    /// Probability that what was asked for is in the library.
    pub presence: f32,
    /// Probability of a match, if there is one, by bin of standardised cosine.
    pub matched: Vec<f32>,
    /// Share of the library that matches, if there is a match.
    pub share: f32,
}

impl Null {
    /// Statistics of null queries by their scores. `usual` are level and deviation where there are
    /// too few. Only if null queries are `absent`, asking for what is not there, do they tell how
    /// unrelated images lie far out and what is answered by chance: images of the library have
    /// matches of their own.
    pub fn of(queries: &[Scores], usual: Fit, prior: MatchPrior, absent: bool) -> Self {
        let known: Vec<&Scores> = queries.iter().filter(|scores| !scores.sample.is_empty()).collect();
        let mut null = Self {
            level: usual.level,
            between: 0.0,
            within: usual.deviation,
            density: NullDensity::of(std::iter::empty()),
            chance: 0.0,
            prior,
        };
        if known.len() < FEW {
            return null;
        }
        let mut bulks: Vec<Bulk> = known.par_iter().map(|scores| Bulk::of(&mut scores.sample.clone())).collect();
        null.measure(&mut bulks, known[0].sample.len(), usual);
        null.prior = prior.beside(null.within);
        let fits: Vec<Fit> =
            bulks.iter().zip(&known).map(|(bulk, scores)| null.fit_of(*bulk, scores.sample.len())).collect();
        let standardised = known.iter().zip(&fits);
        let standardised = standardised.flat_map(|(scores, fit)| scores.sample.iter().map(|&score| fit.z_of(score)));
        null.density = if absent { NullDensity::of(standardised) } else { NullDensity::of_bulk(standardised) };
        if !absent {
            return null;
        }
        let factors = known
            .par_iter()
            .zip(&fits)
            .map(|(scores, fit)| null.mixture(scores, *fit).evidence(Likelihood::Robust).log_bayes_factor() as f32);
        null.chance = f64::from(quantile(&mut factors.collect::<Vec<_>>(), ANSWERED)).max(0.0);
        null
    }

    fn measure(&mut self, bulks: &mut [Bulk], sample: usize, usual: Fit) {
        let levels = Bulk::of(&mut bulks.iter().map(|bulk| bulk.location).collect::<Vec<_>>());
        let spread = quantile(&mut bulks.iter().map(|bulk| bulk.spread).collect::<Vec<_>>(), 0.5);
        // Few images tell no deviation, and no library is so uniform that a very small one would
        // tell anything.
        let believed = sample as f32 / (sample as f32 + PRIOR_WEIGHT);
        self.within = (believed * spread + (1.0 - believed) * usual.deviation).max(usual.deviation / 8.0);
        let noise = FRAC_PI_2 * self.within.powi(2) / sample as f32; // variance of a median
        self.level = levels.location;
        self.between = (levels.spread.powi(2) - noise).max(0.0).sqrt();
    }

    /// What a query's scores mean.
    pub fn query(&self, scores: &Scores) -> Fitted {
        let bulk = Bulk::of(&mut scores.sample.clone());
        let own = self.fit_of(bulk, scores.sample.len());
        let usual = self.mixture(scores, own);
        let (fit, mixture) = self.saturated(scores, own, &usual).unwrap_or((own, usual));
        let evidence = mixture.evidence(Likelihood::Robust);
        let posterior = mixture.posterior(&evidence);
        let prior_log_odds = f64::from(self.prior.presence_log_odds());
        let log_odds = evidence.log_bayes_factor() - self.chance + prior_log_odds;
        Fitted {
            fit,
            presence: (1.0 / (1.0 + (-log_odds).exp())) as f32,
            matched: posterior.matched.iter().map(|&value| value as f32).collect(),
            share: posterior.share as f32,
        }
    }

    /// The other reading of a level far above the bank's: most images show what is asked for, and
    /// those that do not lie where the bank says.
    fn saturated(&self, scores: &Scores, own: Fit, usual: &Mixture) -> Option<(Fit, Mixture)> {
        let above = own.level - self.level;
        let surprise = above / self.between.max(self.within / 4.0);
        if surprise < SATURATED.0 || above < SATURATED.1 * self.prior.excess {
            return None;
        }
        // What is alike, as matches are, may deviate less than what is not.
        let fit = Fit { level: self.level, deviation: self.within.min(own.deviation) };
        let counts = scores.counts(fit);
        // What lies round the median is the matches themselves.
        let within = (own.deviation.powi(2) - fit.deviation.powi(2)).max((0.1 * self.prior.within).powi(2)).sqrt();
        let prior = MatchPrior { excess: above, within, between: KNOWN, ..self.prior };
        let other = Mixture::of(&counts, &self.density, fit.deviation, &prior, true);
        let odds_of_excess = -0.5 * f64::from((above / self.prior.excess).ln() / self.prior.between).powi(2);
        // Both likelihoods are of standardised cosines; brought to one unit before they are
        // compared.
        let unit = counts.counted() * f64::from(own.deviation / fit.deviation).ln();
        let usual = usual.evidence(Likelihood::Exact);
        let usual = usual.log_present.max(usual.log_absent) - 0.5 * f64::from(surprise).powi(2);
        let misfit = SATURATED_MISFIT * counts.counted();
        let saturated =
            other.evidence(Likelihood::Exact).log_present + unit + SATURATED_ODDS.ln() + odds_of_excess - misfit;
        (saturated > usual).then_some((fit, other))
    }

    fn mixture(&self, scores: &Scores, fit: Fit) -> Mixture {
        Mixture::of(&scores.counts(fit), &self.density, fit.deviation, &self.prior, false)
    }

    /// A query's level and deviation, drawn towards the bank's. What is not known of the level adds
    /// to the deviation.
    fn fit_of(&self, own: Bulk, count: usize) -> Fit {
        let count = count.max(1) as f32;
        let noise = FRAC_PI_2 * self.within.powi(2) / count;
        let known = self.between.powi(2) / (self.between.powi(2) + noise).max(f32::MIN_POSITIVE);
        // The median of a handful of images may be that of matches.
        let trust = self.prior.own_level * known * count / (count + PRIOR_WEIGHT);
        let variance = (count * own.spread.powi(2) + PRIOR_WEIGHT * self.within.powi(2)) / (count + PRIOR_WEIGHT);
        let deviation = variance.sqrt().clamp(DEVIATIONS.0 * self.within, DEVIATIONS.1 * self.within);
        let deviation = self.within + self.prior.own_deviation * (deviation - self.within);
        let unknown = (1.0 - trust) * self.between;
        Fit { level: self.level + trust * (own.location - self.level), deviation: deviation.hypot(unknown) }
    }
}

impl Fit {
    /// Standard deviations above unrelated images.
    pub fn z_of(&self, score: f32) -> f32 {
        (score - self.level) / self.deviation
    }
}

impl Scores {
    fn counts(&self, fit: Fit) -> Counts {
        let top: Vec<f32> = self.top.iter().map(|&score| fit.z_of(score)).collect();
        Counts::of(self.sample.iter().map(|&score| fit.z_of(score)), &top, self.size)
    }
}
