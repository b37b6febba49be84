//! Several things in one image: the probability of all, from that of each.
//!
//! The probability of one thing holds for any image of the library. Those of two are not
//! independent: whoever asks for "a cat and a dog" knows of images with both, so among the images
//! that show the one, the other is more common than in the library. How much more, the share of
//! them that show both, is not known; it is summed over a grid, weighted by how likely the images
//! are under each share. With the share, the odds of the other thing follow as in Saerens, Latinne
//! and Decaestecker 2002 (a classifier's outputs under other prior probabilities).

/// Shares that are tried, beside that of the library: none of the images that show the one to
/// nearly all.
const SHARES: [f64; 7] = [0.0, 0.02, 0.05, 0.12, 0.25, 0.5, 0.8];
/// Probabilities are held this far from nought and one, so that their odds are numbers.
const LEAST: f64 = 1e-4;

/// How things that are asked for together come together in a library.
#[derive(Debug, Clone)]
pub(super) struct Together {
    /// The things, the rarest first, and their shares of the library.
    things: Vec<(usize, f64)>,
    /// For every thing but the first, the weights of its shares of the images that show all before
    /// it.
    weights: Vec<[f64; SHARES.len()]>,
}

impl Together {
    /// Learns from images that may show the things: `probabilities` of each thing by image.
    /// `shares` are the shares of the library that show each thing.
    pub fn of<'p>(shares: &[f32], probabilities: impl Iterator<Item = &'p [f32]> + Clone) -> Self {
        let held = |share: f32| f64::from(share).clamp(LEAST, 0.5);
        let mut things: Vec<(usize, f64)> = shares.iter().map(|&share| held(share)).enumerate().collect();
        things.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut together = Self { things, weights: Vec::new() };
        for &(thing, share) in together.things.clone().iter().skip(1) {
            let mut logs = [0.0; SHARES.len()];
            for image in probabilities.clone() {
                let before = together.all(image);
                let ratio = likelihood_ratio(image[thing], share);
                for (log, among) in logs.iter_mut().zip(SHARES) {
                    *log += (before * evidence(among, ratio) + (1.0 - before) * evidence(share, ratio)).ln();
                }
            }
            let highest = logs.into_iter().fold(f64::NEG_INFINITY, f64::max);
            let weights = logs.map(|log| (log - highest).exp());
            let sum: f64 = weights.iter().sum();
            together.weights.push(weights.map(|weight| weight / sum));
        }
        together
    }

    /// The probability that an image shows all things, from that of each.
    pub fn score(&self, probabilities: &[f32]) -> f32 {
        self.all(probabilities) as f32
    }

    /// The same of the first things, as far as they are known.
    fn all(&self, probabilities: &[f32]) -> f64 {
        let Some(&(first, _)) = self.things.first() else { return 1.0 };
        let mut all = f64::from(probabilities[first]).clamp(0.0, 1.0);
        for (&(thing, share), weights) in self.things[1..].iter().zip(&self.weights) {
            let ratio = likelihood_ratio(probabilities[thing], share);
            let of_share = |among: f64| {
                let evidence = all * evidence(among, ratio) + (1.0 - all) * evidence(share, ratio);
                all * among * ratio / evidence
            };
            all = weights.iter().zip(SHARES).map(|(weight, among)| weight * of_share(among)).sum();
        }
        all
    }
}

/// How much likelier an image is if it shows a thing than if it does not.
fn likelihood_ratio(probability: f32, share: f64) -> f64 {
    let odds = |value: f64| value / (1.0 - value);
    odds(f64::from(probability).clamp(LEAST * share, 1.0 - LEAST)) / odds(share)
}

/// How likely an image is among those of which `share` show the thing, beside one that does not
/// show it.
fn evidence(share: f64, ratio: f64) -> f64 {
    share * ratio + 1.0 - share
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::if_any;
    use proptest::prelude::*;

    use super::*;

    fn score(shares: &[f32], images: &[Vec<f32>], probabilities: &[f32]) -> f32 {
        Together::of(shares, images.iter().map(Vec::as_slice)).score(probabilities)
    }

    #[test]
    fn one_thing_keeps_its_probability_and_nothing_is_always_there() {
        assert_eq!(score(&[0.1], &[vec![0.7], vec![0.2]], &[0.7]), 0.7);
        assert_eq!(score(&[], &[], &[]), 1.0);
    }

    #[test]
    fn things_that_come_together_help_each_other() {
        let together: Vec<Vec<f32>> = (0..6).map(|_| vec![0.9, 0.6]).collect();
        let apart: Vec<Vec<f32>> = (0..40).map(|_| vec![0.9, 0.001]).collect();
        let shares = [0.02, 0.05];
        let alone = score(&shares, &together, &[0.9, 0.6]);
        assert!(alone > 0.75, "{alone}, the product is 0.54");
        let mixed = score(&shares, &[together.clone(), apart.clone()].concat(), &[0.9, 0.6]);
        assert!(mixed < alone, "{mixed}");
        // Where no other image shows both, a doubtful one is no better than by itself.
        let doubtful = score(&shares, &apart, &[0.9, 0.2]);
        assert!(doubtful < 0.25, "{doubtful}");
    }

    proptest! {
        #[test]
        fn scores_are_probabilities_and_rise_with_each_part(
            shares in prop::collection::vec(0f32..0.6, 1..5),
            raw in prop::collection::vec(prop::collection::vec(0f32..=1.0, 4), 0..30),
            thing in 0usize..4,
        ) {
            let images: Vec<Vec<f32>> = raw.iter().map(|image| image[..shares.len()].to_vec()).collect();
            let together = Together::of(&shares, images.iter().map(Vec::as_slice));
            let thing = thing % shares.len();
            for image in if_any(&images) {
                let score = together.score(image);
                prop_assert!((0.0..=1.0 + 1e-6).contains(&score), "{}", score);
                let mut surer = image.clone();
                surer[thing] = (surer[thing] + 0.1).min(1.0);
                prop_assert!(together.score(&surer) >= score - 1e-6);
            }
        }
    }
}
