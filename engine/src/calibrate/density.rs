//! The null density: how the cosines of a query with unrelated images are distributed, in standard
//! deviations.

/// Lowest bin edge, in standard deviations.
const LOWEST: f64 = -6.0;
/// Width of a bin, in standard deviations.
pub(crate) const STEP: f64 = 0.1;
/// Bins from [`LOWEST`] up; the first and the last take what lies beyond.
pub(crate) const BINS: usize = 340;
/// Observations that the assumed density counts for, beside those of the null bank.
const ASSUMED_WEIGHT: f64 = 200.0;
/// The assumed density: mostly standard normal, and a little of a wider one, since no real tail is
/// normal.
const WIDE: (f64, f64) = (0.03, 1.5);

/// Standard deviations up to which all observations count as unrelated.
const BULK: f32 = 2.5;
/// Width of the two windows below that whose masses tell how fast the density falls, and bounds of
/// that fall per deviation.
const BULK_WINDOW: f32 = 0.5;
const BULK_FALL: (f64, f64) = (1.0, 3.0);

/// Density of `z` by bin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NullDensity(Vec<f64>);

/// The bin of a standardised cosine.
pub(crate) fn bin_of(z: f32) -> usize {
    ((f64::from(z) - LOWEST) / STEP).clamp(0.0, (BINS - 1) as f64) as usize
}

/// The middle of a bin.
pub(crate) fn middle(bin: usize) -> f64 {
    LOWEST + (bin as f64 + 0.5) * STEP
}

/// Normal density.
pub(crate) fn normal(x: f64, mean: f64, sd: f64) -> f64 {
    (-0.5 * ((x - mean) / sd).powi(2)).exp() / (sd * (2.0 * std::f64::consts::PI).sqrt())
}

impl NullDensity {
    /// The density of standardised cosines of null queries.
    pub fn of(standardised: impl Iterator<Item = f32>) -> Self {
        let mut counts = vec![0.0; BINS];
        standardised.for_each(|z| counts[bin_of(z)] += 1.0);
        let observed: f64 = counts.iter().sum();
        let density = counts.iter().enumerate().map(|(bin, count)| {
            let z = middle(bin);
            let assumed = (1.0 - WIDE.0) * normal(z, 0.0, 1.0) + WIDE.0 * normal(z, 0.0, WIDE.1);
            (count / STEP + ASSUMED_WEIGHT * assumed) / (observed + ASSUMED_WEIGHT)
        });
        // Far out the assumed density underflows; what is left must still be a density to take the
        // logarithm of.
        Self(density.map(|value| value.max(1e-30)).collect())
    }

    /// The same of queries that have matches of their own among what was observed, such as images
    /// of the library: matches lie above [`BULK`], so from there on the density falls as fast as it
    /// does just below ("the central matching" of Efron 2004, with a tail that is heavier than
    /// normal).
    pub fn of_bulk(standardised: impl Iterator<Item = f32>) -> Self {
        let Self(mut density) = Self::of(standardised);
        let mass = |from: f32| (bin_of(from)..bin_of(from + BULK_WINDOW)).map(|bin| density[bin]).sum::<f64>();
        let [before, last] = [BULK - 2.0 * BULK_WINDOW, BULK - BULK_WINDOW].map(|from| mass(from + STEP as f32 / 2.0));
        let fall = ((before / last.max(1e-12)).ln() / f64::from(BULK_WINDOW)).clamp(BULK_FALL.0, BULK_FALL.1);
        let edge = bin_of(BULK);
        let at_edge = last / (f64::from(BULK_WINDOW) / STEP) * (-fall * f64::from(BULK_WINDOW) / 2.0).exp();
        for (steps, value) in density[edge..].iter_mut().enumerate() {
            *value = at_edge * (-fall * steps as f64 * STEP).exp();
        }
        let mass = density.iter().sum::<f64>() * STEP;
        Self(density.into_iter().map(|value| (value / mass).max(1e-30)).collect())
    }

    /// Density at the middle of a bin, per standard deviation.
    pub fn at(&self, bin: usize) -> f64 {
        self.0[bin]
    }
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::Every as _;

    use super::*;

    #[test]
    fn without_observations_it_is_nearly_normal_and_sums_to_one() {
        let density = NullDensity::of(std::iter::empty());
        let sum: f64 = (0..BINS).map(|bin| density.at(bin) * STEP).sum();
        assert!((sum - 1.0).abs() < 1e-3, "{sum}");
        assert!((density.at(bin_of(0.0)) - 0.39).abs() < 0.01);
    }

    #[test]
    fn observations_far_out_make_a_tail() {
        let quiet = NullDensity::of((0..100_000).map(|i| (i % 100) as f32 / 50.0 - 1.0));
        let tailed =
            NullDensity::of((0..100_000).map(|i| if i % 1000 == 0 { 5.05 } else { (i % 100) as f32 / 50.0 - 1.0 }));
        assert!(tailed.at(bin_of(5.05)) > 100.0 * quiet.at(bin_of(5.05)));
    }

    #[test]
    fn matches_of_the_null_queries_do_not_make_a_tail() {
        let spread = (0..100_000u32)
            .map(|i| (0..12).map(move |k| (i.wrapping_mul(2_654_435_761 + 2 * k) >> 8) as f32 / 16_777_216.0));
        let bulk: Vec<f32> = spread.map(|uniform| uniform.sum::<f32>() - 6.0).collect();
        let with_matches = || bulk.iter().copied().chain(std::iter::repeat_n(7.0, 2_000));
        let (all, of_bulk) = (NullDensity::of(with_matches()), NullDensity::of_bulk(with_matches()));
        assert!(all.at(bin_of(7.0)) > 0.1, "{}", all.at(bin_of(7.0)));
        assert!(of_bulk.at(bin_of(7.0)) < 1e-3, "{}", of_bulk.at(bin_of(7.0)));
        let shape = |density: &NullDensity| density.at(bin_of(1.0)) / density.at(bin_of(0.0));
        assert!((shape(&all) / shape(&of_bulk) - 1.0).abs() < 1e-6, "below, it is as observed");
        let above = bin_of(BULK)..BINS;
        assert!(above.clone().zip(above.skip(1)).every(|(a, b)| of_bulk.at(b) <= of_bulk.at(a)));
        let ratio = of_bulk.at(bin_of(2.55)) / of_bulk.at(bin_of(2.45));
        assert!((0.4..1.1).contains(&ratio), "no step at the edge: {ratio}");
    }

    #[test]
    fn bins_and_middles_agree() {
        (0..BINS).for_each(|bin| assert_eq!(bin_of(middle(bin) as f32), bin));
        assert_eq!((bin_of(-99.0), bin_of(99.0)), (0, BINS - 1));
    }
}
