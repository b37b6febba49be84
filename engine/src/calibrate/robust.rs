//! Location and spread of values whose upper tail may be foreign.
//!
//! Cosines of a query with a library are two populations: unrelated images, and (on top) the ones
//! that are asked for. Only the first is wanted here, so everything is read from the median
//! downwards, where the second does not reach.

/// The bulk of a sample: where it is normal, these are its mean and standard deviation.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Bulk {
    pub location: f32,
    pub spread: f32,
}

/// Share of a normal population more than one standard deviation below its mean.
const ONE_BELOW: f64 = 0.158_655;

impl Bulk {
    /// Zero for no values. Reorders `values`.
    pub fn of(values: &mut [f32]) -> Self {
        let location = quantile(values, 0.5);
        Self { location, spread: location - quantile(values, ONE_BELOW) }
    }
}

/// The value below which a share of `values` lies, between neighbours in proportion; 0 for no
/// values. Reorders `values`.
pub(crate) fn quantile(values: &mut [f32], share: f64) -> f32 {
    if values.is_empty() {
        return 0.0;
    }
    let place = share.clamp(0.0, 1.0) * (values.len() - 1) as f64;
    let (below, &mut low, above) = values.select_nth_unstable_by(place as usize, f32::total_cmp);
    debug_assert_eq!(below.len(), place as usize);
    let high = above.iter().copied().min_by(f32::total_cmp).unwrap_or(low);
    low + (high - low) * place.fract() as f32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantiles_lie_between_neighbours() {
        let mut values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantile(&mut values, 0.0), 1.0);
        assert_eq!(quantile(&mut values, 0.5), 2.5);
        assert_eq!(quantile(&mut values, 1.0), 4.0);
        assert_eq!(quantile(&mut [], 0.5), 0.0);
    }

    #[test]
    fn matches_above_hardly_move_the_bulk() {
        let noise = (1..1000).map(|i| {
            let share = i as f32 / 1000.0;
            (share / (1.0 - share)).ln() / 1.702 // the logistic distribution, close to normal with deviation 1
        });
        let clean = Bulk::of(&mut noise.clone().collect::<Vec<_>>());
        let mixed = Bulk::of(&mut noise.chain(std::iter::repeat_n(9.0, 150)).collect::<Vec<_>>());
        assert!(clean.location.abs() < 0.01 && (clean.spread - 1.0).abs() < 0.03, "{clean:?}");
        assert!((mixed.location - clean.location) < 0.25 && (mixed.spread / clean.spread) < 1.2, "{mixed:?}");
    }

    proptest! {
        #[test]
        fn a_bulk_follows_shift_and_scale(mut values in prop::collection::vec(-1f32..1.0, 1..60), by in 0.5f32..4.0) {
            let bulk = Bulk::of(&mut values);
            let moved = Bulk::of(&mut values.iter().map(|v| v * by + 3.0).collect::<Vec<_>>());
            prop_assert!((moved.location - (bulk.location * by + 3.0)).abs() < 1e-4);
            prop_assert!((moved.spread - bulk.spread * by).abs() < 1e-4);
        }
    }
}
