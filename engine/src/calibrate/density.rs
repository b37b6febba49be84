//! The null density: how the cosines of a query with unrelated images are distributed, in standard deviations.

/// Lowest bin edge, in standard deviations.
const LOWEST: f64 = -6.0;
/// Width of a bin, in standard deviations.
pub(crate) const STEP: f64 = 0.1;
/// Bins from [`LOWEST`] up; the first and the last take what lies beyond.
pub(crate) const BINS: usize = 340;
/// Observations that the assumed density counts for, beside those of the null bank.
const ASSUMED_WEIGHT: f64 = 200.0;
/// The assumed density: mostly standard normal, and a little of a wider one, since no real tail is normal.
const WIDE: (f64, f64) = (0.03, 1.5);

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
        // Far out the assumed density underflows; what is left must still be a density to take the logarithm of.
        Self(density.map(|value| value.max(1e-30)).collect())
    }

    /// Density at the middle of a bin, per standard deviation.
    pub fn at(&self, bin: usize) -> f64 {
        self.0[bin]
    }
}

#[cfg(test)]
mod tests {
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
    fn bins_and_middles_agree() {
        (0..BINS).for_each(|bin| assert_eq!(bin_of(middle(bin) as f32), bin));
        assert_eq!((bin_of(-99.0), bin_of(99.0)), (0, BINS - 1));
    }
}
