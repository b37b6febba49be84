//! Is what was asked for there, and which images show it? A two-group model of one query over a
//! library.
//!
//! The excess `e` of an image over unrelated ones has the density
//!
//! ```text
//! (1 - share) * ((1 - rate) * null(e) + rate * near(e)) + share * matched(e)
//! ```
//!
//! where `null` is measured ([`NullDensity`]), `matched` is normal about the query's own mean
//! excess, and `near`, the near misses, is normal about a part of that mean. What is not known of a
//! query (its mean, how near its near misses come, how many there are, what share of the library
//! matches) is summed over on a grid, weighted by prior and likelihood: an empirical Bayes form of
//! the local false discovery rate (Efron 2004, "Large-scale simultaneous hypothesis testing"), with
//! the share estimated as in Saerens, Latinne and Decaestecker 2002, "Adjusting the outputs of a
//! classifier to new a priori probabilities".
//!
//! The model is never quite right, and the images of one burst are hardly more than one
//! observation. So the likelihood is that of overdispersed counts by interval, negative binomial
//! instead of Poisson; Miller and Dunson 2019, "Robust Bayesian inference via coarsening", say why
//! a likelihood must not be taken at its word in large samples.
//!
//! Two answers come of it: the Bayes factor of "there are matches" against "there are none", over
//! the whole library, and for each excess the probability of a match if there are some.

use super::density::{BINS, NullDensity, STEP, bin_of, middle, normal};
use super::prior::MatchPrior;

/// Means of matches that are tried, from and to multiples of the prior's, evenly in the logarithm.
const MEANS: usize = 13;
const MEAN_RANGE: (f64, f64) = (0.36, 1.0 / 0.36);
/// Places of near misses, as multiples of the prior's.
const NEAR_PLACES: [f64; 3] = [0.6, 1.0, 1.45];
/// Rates of near misses, as multiples of the prior's, and the weight of each.
const NEAR_RATES: [(f64, f64); 4] = [(0.1, 0.2), (0.33, 0.25), (1.0, 0.35), (3.3, 0.2)];
/// Deviation of near misses beside that of matches.
const NEAR_WIDTH: f64 = 0.75;
/// Shares of matches that are tried, evenly in the logarithm from half an image to this share of
/// the library.
const SHARES: usize = 12;
const MOST: f64 = 0.5;
/// The same where most images match.
const ALL: f64 = 0.98;
/// Bins that the likelihood takes together: 0.4 standard deviations, less than any group is wide.
const BLOCK: usize = 4;
/// Size of the negative binomial: the expected number of images of a block is taken to be right to
/// within `1 / sqrt(DISPERSION)` of itself. 4 to 8 do equally well in `cargo bench --bench scores`;
/// at 25 and more libraries of 50,000 images decide by what is a little wrong in the model.
const DISPERSION: f64 = 6.0;
/// Grid points below this weight do not count for the posterior.
const NEGLIGIBLE: f64 = 1e-4;

/// How many images have which excess: all that lie high, and a sample of the others.
#[derive(Debug, Clone)]
pub(crate) struct Counts {
    /// By bin.
    images: Vec<f64>,
    /// Images of the library.
    size: f64,
    /// From this bin on every image of the library is counted, below it only those of the sample.
    complete_from: usize,
}

/// How likely the counts of one query are, by one likelihood.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    /// Log likelihood with matches, up to a constant of the library.
    pub log_present: f64,
    /// The same without any.
    pub log_absent: f64,
    /// The same with matches by hypothesis and share, its weight included.
    by_share: Vec<f64>,
}

impl Evidence {
    /// Natural logarithm of the likelihood of the library with matches over that without any.
    pub fn log_bayes_factor(&self) -> f64 {
        self.log_present - self.log_absent
    }
}

/// What the model says of the images of one query, if there are matches.
#[derive(Debug, Clone)]
pub(crate) struct Posterior {
    /// Probability of a match by bin; never falling.
    pub matched: Vec<f64>,
    /// Share of the library that matches.
    pub share: f64,
}

impl Counts {
    /// `sample` stands for a library of `size` images; `top` are the best of the whole library, all
    /// that lie above the lowest of them. Both are standardised. Without `top` the sample is taken
    /// for the library.
    pub fn of(sample: impl Iterator<Item = f32>, top: &[f32], size: usize) -> Self {
        let lowest = top.iter().copied().fold(f32::INFINITY, f32::min);
        // The bin of the lowest is only partly known.
        let complete_from = if top.is_empty() { BINS } else { (bin_of(lowest) + 1).next_multiple_of(BLOCK).min(BINS) };
        let mut images = vec![0.0; BINS];
        let of_sample = sample.map(bin_of).filter(|&bin| bin < complete_from);
        let of_top = top.iter().map(|&z| bin_of(z)).filter(|&bin| bin >= complete_from);
        of_sample.chain(of_top).for_each(|bin| images[bin] += 1.0);
        let counted: f64 = images.iter().sum();
        let size = if top.is_empty() { counted } else { counted.max(size as f64) };
        Self { images, size, complete_from }
    }

    /// Images that were counted one by one.
    pub fn counted(&self) -> f64 {
        self.images.iter().sum()
    }
}

/// How far the densities of the model are believed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Likelihood {
    /// To within a part of themselves ([`DISPERSION`]): counts are negative binomial. A large
    /// library would else decide by what is a little wrong in the model, and a burst of one scene
    /// would count as many images.
    Robust,
    /// Wholly: counts are Poisson.
    Exact,
}

/// The counts as the likelihood takes them: in blocks of [`BLOCK`] bins.
struct Observed {
    /// Images by block.
    images: Vec<f64>,
    /// The first block of which every image of the library was counted.
    complete_from: usize,
    /// Images of the sample, in the blocks below.
    sampled: f64,
    /// Images of the library.
    size: f64,
}

impl Observed {
    fn of(counts: &Counts) -> Self {
        let images = blocks(&counts.images);
        let complete_from = counts.complete_from.div_ceil(BLOCK);
        let sampled = images[..complete_from].iter().sum();
        Self { images, complete_from, sampled, size: counts.size }
    }

    /// Log likelihood, up to a constant, of blocks of these masses.
    fn log_likelihood(&self, likelihood: Likelihood, mass: impl Fn(usize) -> f64) -> f64 {
        let complete = self.complete_from..self.images.len();
        let above: f64 = complete.clone().map(&mass).sum();
        let below = (1.0 - above).max(1e-9);
        let expected = |block: usize| match block < self.complete_from {
            true => self.sampled * mass(block) / below,
            false => self.size * mass(block),
        };
        let of_block = |block: usize| likelihood.of_block(self.images[block], expected(block));
        let sampled: f64 = (0..self.complete_from).map(of_block).sum();
        sampled + complete.map(of_block).sum::<f64>()
    }
}

impl Likelihood {
    /// The part of a block with so many images in which so many are expected.
    fn of_block(self, images: f64, expected: f64) -> f64 {
        let counted = if images > 0.0 { images * expected.ln() } else { 0.0 };
        counted
            - match self {
                Self::Robust => (images + DISPERSION) * (expected / DISPERSION).ln_1p(),
                Self::Exact => expected,
            }
    }
}

/// Sums over every [`BLOCK`] bins.
fn blocks(values: &[f64]) -> Vec<f64> {
    values.chunks(BLOCK).map(|chunk| chunk.iter().sum()).collect()
}

/// The masses of a density by block.
fn masses(density: &[f64]) -> Vec<f64> {
    blocks(density).into_iter().map(|sum| sum * STEP).collect()
}

/// Densities of one hypothesis about a query, per standard deviation, by bin.
struct Hypothesis {
    log_weight: f64,
    unmatched: Vec<f64>,
    /// Place in the list of densities of matches.
    mean: usize,
}

/// The model of one query: all that could be, and what was counted. Asked by either likelihood.
pub(crate) struct Mixture {
    observed: Observed,
    /// Densities of matches by their mean, and their masses by block.
    matched: Vec<(Vec<f64>, Vec<f64>)>,
    /// What can be said of other images, and its masses by block.
    hypotheses: Vec<(Hypothesis, Vec<f64>)>,
    shares: [f64; SHARES],
}

impl Mixture {
    /// The model of a query with these counts. `sd` is the deviation of unrelated images, in
    /// cosine; `most_match` asks whether most images of the library match, instead of up to half of
    /// them.
    pub fn of(counts: &Counts, null: &NullDensity, sd: f32, prior: &MatchPrior, most_match: bool) -> Self {
        let (matched, hypotheses) = hypotheses(null, f64::from(sd), prior);
        let with_masses = |density: Vec<f64>| {
            let masses = masses(&density);
            (density, masses)
        };
        let with_unmatched = |hypothesis: Hypothesis| {
            let masses = masses(&hypothesis.unmatched);
            (hypothesis, masses)
        };
        Self {
            observed: Observed::of(counts),
            matched: matched.into_iter().map(with_masses).collect(),
            hypotheses: hypotheses.into_iter().map(with_unmatched).collect(),
            shares: if most_match { shares(MOST, ALL) } else { shares((0.5 / counts.size).min(MOST / 2.0), MOST) },
        }
    }

    /// How likely the counts are with matches and without any.
    pub fn evidence(&self, likelihood: Likelihood) -> Evidence {
        let absent = self
            .hypotheses
            .iter()
            .map(|(h, unmatched)| h.log_weight + self.observed.log_likelihood(likelihood, |block| unmatched[block]));
        let absent = log_sum(&absent.collect::<Vec<f64>>());
        let mut by_share = Vec::with_capacity(self.hypotheses.len() * SHARES);
        for (h, unmatched) in &self.hypotheses {
            let (_, matched) = &self.matched[h.mean];
            for share in self.shares {
                let mass = |block: usize| (1.0 - share) * unmatched[block] + share * matched[block];
                let log = self.observed.log_likelihood(likelihood, mass);
                by_share.push(h.log_weight - (SHARES as f64).ln() + log);
            }
        }
        Evidence { log_present: log_sum(&by_share), log_absent: absent, by_share }
    }

    /// What it says of each image, by the evidence of one likelihood.
    pub fn posterior(&self, evidence: &Evidence) -> Posterior {
        let mut posterior = vec![0.0; BINS];
        let mut mean_share = 0.0;
        for (place, log) in evidence.by_share.iter().enumerate() {
            let weight = (log - evidence.log_present).exp();
            if weight < NEGLIGIBLE {
                continue;
            }
            let ((h, _), share) = (&self.hypotheses[place / SHARES], self.shares[place % SHARES]);
            let (matched, _) = &self.matched[h.mean];
            mean_share += weight * share;
            for (bin, sum) in posterior.iter_mut().enumerate() {
                let hit = share * matched[bin];
                *sum += weight * hit / (hit + (1.0 - share) * h.unmatched[bin]);
            }
        }
        let mut highest = 0.0f64;
        for value in &mut posterior {
            highest = highest.max(*value).min(1.0);
            *value = highest;
        }
        Posterior { matched: posterior, share: mean_share }
    }
}

/// Densities of matches by their mean, and every combination of that mean with what is not known of
/// near misses.
fn hypotheses(null: &NullDensity, sd: f64, prior: &MatchPrior) -> (Vec<Vec<f64>>, Vec<Hypothesis>) {
    let (within, between) = (f64::from(prior.within), f64::from(prior.between));
    let step = (MEAN_RANGE.1 / MEAN_RANGE.0).ln() / (MEANS - 1) as f64;
    let multiples: Vec<f64> = (0..MEANS).map(|i| MEAN_RANGE.0 * (step * i as f64).exp()).collect();
    let weights: Vec<f64> = multiples.iter().map(|multiple| normal(multiple.ln(), 0.0, between)).collect();
    let total: f64 = weights.iter().sum();
    let mut matched = Vec::with_capacity(MEANS);
    let mut hypotheses = Vec::with_capacity(MEANS * NEAR_PLACES.len() * NEAR_RATES.len());
    for (mean, (multiple, weight)) in multiples.iter().zip(weights).enumerate() {
        let excess = multiple * f64::from(prior.excess) / sd;
        matched.push(group(null, excess, (1.0 + (within / sd).powi(2)).sqrt()));
        for place in NEAR_PLACES {
            let width = (1.0 + (NEAR_WIDTH * within / sd).powi(2)).sqrt();
            let near = group(null, (place * f64::from(prior.near_miss)).min(0.9) * excess, width);
            for (rate, rate_weight) in NEAR_RATES {
                let rate = (rate * f64::from(prior.near_miss_rate)).min(0.5);
                let unmatched = (0..BINS).map(|bin| (1.0 - rate) * null.at(bin) + rate * near[bin]).collect();
                let log_weight = (weight / total * rate_weight / NEAR_PLACES.len() as f64).max(1e-300).ln();
                hypotheses.push(Hypothesis { log_weight, unmatched, mean });
            }
        }
    }
    (matched, hypotheses)
}

/// A normal group above the null. Below the query's level it keeps the ratio to the null that it
/// has there: a low cosine never speaks for a match, however wide the group is. It sums to one as
/// the null does, else large libraries would favour whatever has more mass.
fn group(null: &NullDensity, mean: f64, width: f64) -> Vec<f64> {
    let level = bin_of(0.0);
    let ratio = normal(middle(level), mean, width) / null.at(level);
    let value = |bin: usize| if bin < level { ratio * null.at(bin) } else { normal(middle(bin), mean, width) };
    let mut density: Vec<f64> = (0..BINS).map(|bin| value(bin).max(1e-40)).collect();
    let mass: f64 = density.iter().sum::<f64>() * STEP;
    density.iter_mut().for_each(|value| *value /= mass);
    density
}

fn shares(least: f64, most: f64) -> [f64; SHARES] {
    let step = (most / least).ln() / (SHARES - 1) as f64;
    std::array::from_fn(|i| least * (step * i as f64).exp())
}

/// `ln(sum(exp(x)))`.
fn log_sum(logs: &[f64]) -> f64 {
    let highest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    highest + logs.iter().map(|log| (log - highest).exp()).sum::<f64>().ln()
}
