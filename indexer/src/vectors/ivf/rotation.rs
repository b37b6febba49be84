//! A random rotation without a matrix: signs are flipped at random and a fast Walsh-Hadamard
//! transform is applied, in turn to the first and to the last components, as many as the largest
//! power of two that fits. Each step keeps lengths and angles, so all of them do.

use super::Random;

const ROUNDS: usize = 4;

/// A rotation of vectors of one width.
#[derive(Debug)]
pub struct Rotation {
    dim: usize,
    /// 1 or -1 for each component, round by round.
    signs: Vec<f32>,
}

impl Rotation {
    pub fn new(dim: usize, seed: u64) -> Self {
        let mut random = Random(seed);
        let signs = (0..ROUNDS * dim).map(|_| if random.next() >> 63 == 0 { 1.0 } else { -1.0 });
        Self { dim, signs: signs.collect() }
    }

    /// Turns a vector of `dim` components.
    pub fn apply(&self, values: &mut [f32]) {
        let power = 1 << self.dim.ilog2();
        let scale = (power as f32).sqrt().recip();
        for (round, signs) in self.signs.chunks_exact(self.dim).enumerate() {
            values.iter_mut().zip(signs).for_each(|(value, sign)| *value *= sign);
            let start = if round % 2 == 0 { 0 } else { self.dim - power };
            let part = &mut values[start..start + power];
            transform(part);
            part.iter_mut().for_each(|value| *value *= scale);
        }
    }
}

impl Rotation {
    /// Turns a vector back.
    pub fn undo(&self, values: &mut [f32]) {
        let power = 1 << self.dim.ilog2();
        let scale = (power as f32).sqrt().recip();
        for (round, signs) in self.signs.chunks_exact(self.dim).enumerate().rev() {
            let start = if round % 2 == 0 { 0 } else { self.dim - power };
            let part = &mut values[start..start + power];
            transform(part);
            part.iter_mut().for_each(|value| *value *= scale);
            values.iter_mut().zip(signs).for_each(|(value, sign)| *value *= sign);
        }
    }
}

/// Fast Walsh-Hadamard transform, which makes vectors longer by the root of their width.
fn transform(values: &mut [f32]) {
    let mut half = values.len() / 2;
    while half > 0 {
        for pair in values.chunks_exact_mut(2 * half) {
            let (left, right) = pair.split_at_mut(half);
            for (a, b) in left.iter_mut().zip(right) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half /= 2;
    }
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::Every as _;
    use proptest::prelude::*;

    use super::*;

    fn dot(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(x, y)| x * y).sum()
    }

    proptest! {
        #[test]
        fn lengths_and_angles_stay(seed: u64, (a, b) in (1usize..900).prop_flat_map(|dim| {
            let vector = || prop::collection::vec(-1f32..1.0, dim);
            (vector(), vector())
        })) {
            let rotation = Rotation::new(a.len(), seed);
            let (mut x, mut y) = (a.clone(), b.clone());
            rotation.apply(&mut x);
            rotation.apply(&mut y);
            prop_assert!((dot(&x, &x) - dot(&a, &a)).abs() < 1e-3 * (1.0 + dot(&a, &a)));
            prop_assert!((dot(&x, &y) - dot(&a, &b)).abs() < 1e-3 * (1.0 + a.len() as f32));
            rotation.undo(&mut x);
            prop_assert!(x.iter().zip(&a).every(|(back, value)| (back - value).abs() < 1e-4));
        }
    }

    #[test]
    fn what_stood_in_one_component_is_spread_over_all() {
        for dim in [64, 768, 1152] {
            let mut values = vec![0.0; dim];
            values[dim / 3] = 1.0;
            Rotation::new(dim, 3).apply(&mut values);
            let largest = values.iter().fold(0f32, |most, value| most.max(value.abs()));
            assert!(largest < 7.0 / (dim as f32).sqrt(), "{largest} of {dim}");
        }
    }
}
