//! How well texts find the images that they belong to.

use std::cmp::Ordering;
use std::collections::HashSet;

use glimpse_encoder::dot;
use rayon::prelude::*;

use crate::calibrate::vectors::Vectors;

/// The `count` rows with the largest inner product, in that order.
pub(super) fn nearest(images: &Vectors, query: &[f32], count: usize) -> Vec<usize> {
    let mut scored: Vec<(f32, usize)> = images.rows().enumerate().map(|(i, row)| (dot(query, row), i)).collect();
    let falling = |a: &(f32, usize), b: &(f32, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if count < scored.len() {
        scored.select_nth_unstable_by(count, falling);
        scored.truncate(count);
    }
    scored.sort_unstable_by(falling);
    scored.into_iter().map(|(_, i)| i).collect()
}

/// The share of the ten images nearest to vectors that stays when these are moved, on average; 0 of
/// no vectors.
pub(super) fn kept<V: AsRef<[f32]>>(images: &Vectors, before: &Vectors, after: impl Fn(usize) -> V + Sync) -> f64 {
    let ten = 10.min(images.len());
    let shares = (0..before.len()).into_par_iter().map(|row| {
        let before: HashSet<usize> = nearest(images, before.row(row), ten).into_iter().collect();
        nearest(images, after(row).as_ref(), ten).iter().filter(|image| before.contains(image)).count()
    });
    shares.sum::<usize>() as f64 / (ten * before.len()).max(1) as f64
}

/// Average precision of a query: the mean, over the images that it is to find, of the share of such
/// images up to there. `left_out` take no part.
pub(super) fn average_precision(
    images: &Vectors,
    query: &[f32],
    wanted: &HashSet<usize>,
    left_out: &HashSet<usize>,
) -> f64 {
    let scores: Vec<f32> = images.rows().map(|row| dot(query, row)).collect();
    let mut places: Vec<usize> = (0..scores.len()).filter(|place| !left_out.contains(place)).collect();
    places.sort_unstable_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    let (mut found, mut sum) = (0, 0.0);
    for (rank, place) in places.iter().enumerate() {
        if wanted.contains(place) {
            found += 1;
            sum += f64::from(found) / (rank + 1) as f64;
        }
    }
    sum / wanted.len().max(1) as f64
}

/// Average precision of texts without and with what was learnt, on what it was not learnt from.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Gain {
    /// Texts that were measured.
    pub texts: usize,
    /// Mean average precision without.
    pub before: f64,
    /// The same with it.
    pub after: f64,
    /// The difference is above this in 19 of 20 samples of the texts (bootstrap).
    pub at_least: f64,
}

impl Gain {
    /// Of pairs without and with.
    pub(super) fn of(pairs: &[(f64, f64)]) -> Self {
        const SAMPLES: usize = 2000;
        let count = pairs.len().max(1);
        // The sum of nothing is -0.
        let mean = |values: &mut dyn Iterator<Item = f64>| (0.0 + values.sum::<f64>()) / count as f64;
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut draw = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as usize % count
        };
        let difference = |place: usize| pairs.get(place).map_or(0.0, |(before, after)| after - before);
        let mut means: Vec<f64> =
            (0..SAMPLES).map(|_| (0..count).map(|_| difference(draw())).sum::<f64>() / count as f64).collect();
        means.sort_unstable_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
        Self {
            texts: pairs.len(),
            before: mean(&mut pairs.iter().map(|(before, _)| *before)),
            after: mean(&mut pairs.iter().map(|(_, after)| *after)),
            at_least: means[SAMPLES / 20],
        }
    }

    /// True if it is no accident.
    pub fn is_certain(&self) -> bool {
        self.texts >= 8 && self.at_least > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images() -> Vectors {
        let mut images = Vectors::new(2);
        [[1.0, 0.0], [0.8, 0.6], [0.6, 0.8], [0.0, 1.0]].iter().for_each(|row| images.push(row));
        images
    }

    #[test]
    fn average_precision_is_that_of_the_textbook() {
        let of = |wanted: &[usize], left_out: &[usize]| {
            let set = |places: &[usize]| places.iter().copied().collect();
            average_precision(&images(), &[1.0, 0.0], &set(wanted), &set(left_out))
        };
        assert!((of(&[0], &[]) - 1.0).abs() < 1e-12);
        assert!((of(&[1, 3], &[]) - (0.5 + 0.5) / 2.0).abs() < 1e-12);
        assert!((of(&[1, 3], &[0]) - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
        assert_eq!(nearest(&images(), &[0.0, 1.0], 2), [3, 2]);
    }

    #[test]
    fn an_accident_is_no_gain() {
        let steady: Vec<(f64, f64)> = (0..40).map(|i| (0.2, 0.25 + f64::from(i % 3) / 100.0)).collect();
        let gain = Gain::of(&steady);
        assert!(gain.is_certain() && gain.at_least < gain.after - gain.before && (gain.before - 0.2).abs() < 1e-12);
        let mixed: Vec<(f64, f64)> = (0..40).map(|i| (0.3, if i % 2 == 0 { 0.5 } else { 0.09 })).collect();
        assert!(!Gain::of(&mixed).is_certain());
        assert!(!Gain::of(&steady[..4]).is_certain() && !Gain::of(&[]).is_certain());
    }
}
