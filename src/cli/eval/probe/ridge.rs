//! One linear layer, fitted in closed form: ridge regression with weights and an intercept that is
//! not held small, as scikit-learn's `Ridge` with `sample_weight` computes it.

use rayon::prelude::*;

/// Sums over the samples that a layer is fitted to.
pub struct Ridge {
    inputs: usize,
    outputs: usize,
    weight: f64,
    /// Weighted sums of inputs and outputs.
    x: Vec<f64>,
    y: Vec<f64>,
    /// Weighted sums of products: `(inputs, inputs)`, of which the part from the diagonal on is
    /// kept up, and `(inputs, outputs)`.
    xx: Vec<f64>,
    xy: Vec<f64>,
}

/// A linear layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    outputs: usize,
    /// `(inputs, outputs)`, row by row.
    weights: Vec<f64>,
    intercept: Vec<f64>,
}

impl Ridge {
    pub fn new(inputs: usize, outputs: usize) -> Self {
        let zeros = |count: usize| vec![0.0; count];
        let (xx, xy) = (zeros(inputs * inputs), zeros(inputs * outputs));
        Self { inputs, outputs, weight: 0.0, x: zeros(inputs), y: zeros(outputs), xx, xy }
    }

    /// Adds samples: `x` is `(samples, inputs)`, `y` is `(samples, outputs)`; those of weight 0 say
    /// nothing.
    pub fn add(&mut self, x: &[f64], y: &[f64], weights: &[f64]) {
        let (inputs, outputs) = (self.inputs, self.outputs);
        let samples = || {
            let both = x.chunks_exact(inputs).zip(y.chunks_exact(outputs));
            both.zip(weights).filter(|(_, weight)| **weight > 0.0).map(|((x, y), &weight)| (x, y, weight))
        };
        for (x, y, weight) in samples() {
            self.weight += weight;
            axpy(&mut self.x, weight, x);
            axpy(&mut self.y, weight, y);
        }
        let rows = self.xx.par_chunks_exact_mut(inputs).zip(self.xy.par_chunks_exact_mut(outputs)).enumerate();
        rows.for_each(|(i, (xx, xy))| {
            for (x, y, weight) in samples() {
                axpy(&mut xx[i..], weight * x[i], &x[i..]);
                axpy(xy, weight * x[i], y);
            }
        });
    }

    /// The layer that has the least squared error, plus `ridge` times the sum of all sample weights
    /// and of its squared weights. `None` if nothing was added, or `ridge` is too small for what
    /// was.
    pub fn fit(mut self, ridge: f64) -> Option<Linear> {
        if self.weight <= 0.0 {
            return None;
        }
        let (inputs, outputs) = (self.inputs, self.outputs);
        let mean = |sums: &[f64]| sums.iter().map(|sum| sum / self.weight).collect::<Vec<_>>();
        let (mean_x, mean_y) = (mean(&self.x), mean(&self.y));
        for i in 0..inputs {
            axpy(&mut self.xx[i * inputs + i..(i + 1) * inputs], -self.x[i], &mean_x[i..]);
            axpy(&mut self.xy[i * outputs..(i + 1) * outputs], -self.x[i], &mean_y);
            self.xx[i * inputs + i] += ridge * self.weight;
        }
        factorise(&mut self.xx, inputs)?;
        solve(&self.xx, &mut self.xy, outputs);
        let mut intercept = mean_y;
        for (row, x) in self.xy.chunks_exact(outputs).zip(&mean_x) {
            axpy(&mut intercept, -x, row);
        }
        Some(Linear { outputs, weights: self.xy, intercept })
    }

    /// The layer that always says the mean, which is what one without inputs has to say.
    pub fn constant(&self) -> Linear {
        let intercept = self.y.iter().map(|sum| sum / self.weight).collect();
        Linear { outputs: self.outputs, weights: vec![0.0; self.inputs * self.outputs], intercept }
    }
}

impl Linear {
    /// Outputs of samples: `(samples, inputs)` to `(samples, outputs)`.
    pub fn of(&self, x: &[f64]) -> Vec<f64> {
        let inputs = self.weights.len() / self.outputs;
        let of_sample = |x: &[f64]| {
            let mut y = self.intercept.clone();
            x.iter().zip(self.weights.chunks_exact(self.outputs)).for_each(|(&x, row)| axpy(&mut y, x, row));
            y
        };
        x.par_chunks_exact(inputs).flat_map_iter(of_sample).collect()
    }
}

/// `sum += factor * values`
fn axpy(sum: &mut [f64], factor: f64, values: &[f64]) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += factor * value);
}

/// Cholesky: the upper part of a symmetric matrix becomes `U`, with the matrix as `Uᵀ U`. `None` if
/// it is not positive definite.
fn factorise(matrix: &mut [f64], size: usize) -> Option<()> {
    for i in 0..size {
        let (above, below) = matrix.split_at_mut((i + 1) * size);
        let row = &mut above[i * size + i..];
        let pivot = row[0].sqrt();
        if pivot.is_nan() || pivot <= 0.0 {
            return None;
        }
        row.iter_mut().for_each(|value| *value /= pivot);
        let row = &*row;
        below.par_chunks_exact_mut(size).enumerate().for_each(|(place, other)| {
            let offset = place + 1;
            axpy(&mut other[i + offset..], -row[offset], &row[offset..]);
        });
    }
    Some(())
}

/// Solves `Uᵀ U w = b` in place, `(size, outputs)`.
fn solve(upper: &[f64], b: &mut [f64], outputs: usize) {
    let size = b.len() / outputs;
    for i in 0..size {
        let (known, rest) = b.split_at_mut((i + 1) * outputs);
        let row = &mut known[i * outputs..];
        row.iter_mut().for_each(|value| *value /= upper[i * size + i]);
        for (other, j) in rest.chunks_exact_mut(outputs).zip(i + 1..) {
            axpy(other, -upper[i * size + j], row);
        }
    }
    for i in (0..size).rev() {
        let (rest, known) = b.split_at_mut((i + 1) * outputs);
        let row = &mut rest[i * outputs..];
        for (other, j) in known.chunks_exact(outputs).zip(i + 1..) {
            axpy(row, -upper[i * size + j], other);
        }
        row.iter_mut().for_each(|value| *value /= upper[i * size + i]);
    }
}
