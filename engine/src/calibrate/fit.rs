//! Fits the priors of a model to labelled images: coordinate descent on the log loss of the scores
//! themselves.

use rayon::prelude::*;

use super::constants::CUT;
use super::density::bin_of;
use super::null::{Fit, Null, Scores};
use super::prior::MatchPrior;
use super::vectors::spaced;

/// Null queries and labelled queries that are asked for each candidate, evenly out of all.
const BANK: usize = 64;
const QUERIES: usize = 480;
/// Probabilities are held away from nought and one by this much, so that one sure mistake does not
/// decide alone.
const DOUBT: f64 = 1e-4;
/// Most queries for what is not there that may show something.
const MOST_ANSWERED: f64 = 0.1;

/// A query, and which images of its sample show what it asks for.
#[derive(Debug, Clone)]
pub(crate) struct Labelled {
    pub scores: Scores,
    pub shows: Vec<bool>,
}

/// The scores of null queries and of labelled ones over the same images.
pub(crate) struct Data {
    pub bank: Vec<Scores>,
    pub queries: Vec<Labelled>,
    /// Level and deviation where there are too few images.
    pub usual: Fit,
    /// Null queries ask for what is not there.
    pub absent: bool,
}

impl Data {
    /// The prior under which the scores are best, and its mean log loss a query. `rounds` is how
    /// often every number is tried anew; `step` is called before each candidate.
    pub fn fit(&self, start: MatchPrior, rounds: usize, step: &mut dyn FnMut()) -> (MatchPrior, f64) {
        let few = self.thinned();
        let mut best = MatchPrior { usual_deviation: None, ..start };
        step();
        let mut least = few.loss(&best);
        for _ in 0..rounds {
            for change in CHANGES {
                for candidate in change(&best) {
                    step();
                    let loss = if candidate.is_sound() { few.loss(&candidate) } else { f64::INFINITY };
                    if loss < least {
                        (best, least) = (candidate, loss);
                    }
                }
            }
        }
        (self.quietened(best), least)
    }

    /// Candidates of a fit.
    pub fn steps(rounds: usize) -> usize {
        1 + rounds * 20
    }

    fn thinned(&self) -> Self {
        let bank = spaced(self.bank.len(), BANK).map(|i| self.bank[i].clone()).collect();
        let queries = spaced(self.queries.len(), QUERIES).map(|i| self.queries[i].clone()).collect();
        Self { bank, queries, usual: self.usual, absent: self.absent }
    }

    /// Mean over queries of the log loss of all images, in units of the matches of the query.
    fn loss(&self, prior: &MatchPrior) -> f64 {
        let null = Null::of(&self.bank, self.usual, *prior, self.absent);
        let of_query = |query: &Labelled| {
            let scores = probabilities(&null, &query.scores);
            let matches = query.shows.iter().filter(|shows| **shows).count().max(1) as f64;
            let each = scores.iter().zip(&query.shows).map(|(&score, &shows)| {
                let score = f64::from(score).clamp(DOUBT, 1.0 - DOUBT);
                -if shows { score } else { 1.0 - score }.ln()
            });
            each.sum::<f64>() / matches
        };
        self.queries.par_iter().map(of_query).sum::<f64>() / self.queries.len().max(1) as f64
    }

    /// The prior, with what is asked for less often there, if too many queries for what is not
    /// there show something.
    fn quietened(&self, mut prior: MatchPrior) -> MatchPrior {
        let absent: Vec<&Labelled> = self.queries.iter().filter(|query| !query.shows.contains(&true)).collect();
        loop {
            let null = Null::of(&self.bank, self.usual, prior, self.absent);
            let answers = |query: &&&Labelled| probabilities(&null, &query.scores).iter().any(|&score| score >= CUT);
            let answered = absent.par_iter().filter(answers).count();
            let lower = prior.with_presence_odds(-0.2);
            if answered as f64 <= MOST_ANSWERED * absent.len() as f64 || !lower.is_sound() {
                return prior;
            }
            prior = lower;
        }
    }
}

/// The scores of all images of a query.
fn probabilities(null: &Null, scores: &Scores) -> Vec<f32> {
    let fitted = null.query(scores);
    let score = |&product: &f32| fitted.presence * fitted.matched[bin_of(fitted.fit.z_of(product))];
    scores.sample.iter().map(score).collect()
}

type Change = fn(&MatchPrior) -> Vec<MatchPrior>;

/// What is tried of each number, from where it stands.
const CHANGES: [Change; 8] = [
    |p| [0.6, 0.8, 1.25, 1.6].map(|by| MatchPrior { excess: by * p.excess, within: by * p.within, ..*p }).into(),
    |p| [0.7, 1.4].map(|by| MatchPrior { between: by * p.between, ..*p }).into(),
    |p| [0.7, 1.4].map(|by| MatchPrior { within: by * p.within, ..*p }).into(),
    |p| [-0.1, 0.1].map(|by| MatchPrior { near_miss: p.near_miss + by, ..*p }).into(),
    |p| [0.5, 2.0].map(|by| MatchPrior { near_miss_rate: by * p.near_miss_rate, ..*p }).into(),
    |p| [0.0, 0.3, 0.6].map(|own_level| MatchPrior { own_level, ..*p }).into(),
    |p| [0.0, 0.5].map(|own_deviation| MatchPrior { own_deviation, ..*p }).into(),
    |p| [-0.5, 0.5, 1.5].map(|by| p.with_presence_odds(by)).into(),
];

#[cfg(test)]
mod tests {
    use glimpse_nonempty::Every as _;

    use super::*;

    /// Numbers that look normal, the same on every machine.
    fn noise(count: usize, seed: u64, mean: f32, sd: f32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut uniform = || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            (state >> 40) as f32 / (1u64 << 24) as f32
        };
        (0..count).map(|_| mean + sd * ((0..12).map(|_| uniform()).sum::<f32>() - 6.0)).collect()
    }

    fn data(excess: f32) -> Data {
        let scores = |sample: Vec<f32>| Scores { size: sample.len(), sample, top: Vec::new() };
        let bank = (0..30).map(|j| scores(noise(300, j, 0.0, 0.02))).collect();
        let query = |j: u64| {
            let matches = if j.is_multiple_of(3) { 0 } else { 12 };
            let sample = [noise(300 - matches, 100 + j, 0.0, 0.02), noise(matches, 200 + j, excess, 0.03)].concat();
            Labelled { shows: (0..300).map(|i| i >= 300 - matches).collect(), scores: scores(sample) }
        };
        Data { bank, queries: (0..24).map(query).collect(), usual: Fit { level: 0.0, deviation: 0.02 }, absent: true }
    }

    #[test]
    fn a_model_of_another_scale_is_fitted() {
        let data = data(0.35);
        let start = super::super::Calibration::default().text;
        let mut steps = 0;
        let (fitted, loss) = data.fit(start, 2, &mut || steps += 1);
        assert_eq!(steps, Data::steps(2));
        assert!(loss < data.thinned().loss(&start), "{loss}");
        assert!((0.2..0.5).contains(&fitted.excess), "{fitted:?}");
        let null = Null::of(&data.bank, data.usual, fitted, true);
        let shown =
            |query: &Labelled| probabilities(&null, &query.scores).iter().filter(|&&score| score >= CUT).count();
        let (absent, present): (Vec<_>, Vec<_>) = data.queries.iter().partition(|query| !query.shows.contains(&true));
        assert!(absent.iter().map(|query| shown(query)).sum::<usize>() <= 1);
        assert!(present.iter().every(|query| (11..=13).contains(&shown(query))));
    }
}
