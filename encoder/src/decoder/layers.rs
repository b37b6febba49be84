//! Linear layers and layer norm on rows of f32.

use rayon::prelude::*;

use crate::weights::Checkpoint;
use crate::{EncodeError, dot};

/// `x * weight^T + bias`.
pub(super) struct Linear {
    weight: Vec<f32>, // (outputs, inputs)
    bias: Vec<f32>,   // (outputs)
    inputs: usize,
}

/// Products from which more than one thread pays.
const PARALLEL: usize = 1 << 21;

impl Linear {
    pub fn load(checkpoint: &Checkpoint, name: &str) -> Result<Self, EncodeError> {
        let weight = checkpoint.get(&format!("{name}.weight"))?;
        let bias = checkpoint.get(&format!("{name}.bias"))?.to_vec();
        Ok(Self { inputs: weight.shape()[1], weight: weight.to_vec(), bias })
    }

    /// One without a bias.
    pub fn load_plain(checkpoint: &Checkpoint, name: &str) -> Result<Self, EncodeError> {
        let weight = checkpoint.get(&format!("{name}.weight"))?;
        let (outputs, inputs) = (weight.shape()[0], weight.shape()[1]);
        Ok(Self { inputs, weight: weight.to_vec(), bias: vec![0.0; outputs] })
    }

    /// Rows of inputs to rows of outputs.
    pub fn forward(&self, x: &[f32]) -> Vec<f32> {
        let outputs = self.bias.len();
        let mut y = vec![0f32; x.len() / self.inputs * outputs];
        let row = |(y, x): (&mut [f32], &[f32])| {
            for ((y, weight), bias) in y.iter_mut().zip(self.weight.chunks_exact(self.inputs)).zip(&self.bias) {
                *y = dot(x, weight) + bias;
            }
        };
        if y.len() * self.inputs < PARALLEL {
            y.chunks_exact_mut(outputs).zip(x.chunks_exact(self.inputs)).for_each(row);
        } else {
            y.par_chunks_exact_mut(outputs).zip(x.par_chunks_exact(self.inputs)).for_each(row);
        }
        y
    }
}

/// `(x - mean) / sqrt(variance + eps) * weight + bias` over each row, in two passes.
pub(super) struct LayerNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    eps: f32,
}

impl LayerNorm {
    pub fn load(checkpoint: &Checkpoint, name: &str, eps: f32) -> Result<Self, EncodeError> {
        let values = |part: &str| checkpoint.get(&format!("{name}.{part}")).map(|stored| stored.to_vec());
        Ok(Self { weight: values("weight")?, bias: values("bias")?, eps })
    }

    pub fn forward(&self, x: &[f32]) -> Vec<f32> {
        let width = self.weight.len();
        let mut y = Vec::with_capacity(x.len());
        for row in x.chunks_exact(width) {
            let mean = row.iter().sum::<f32>() / width as f32;
            let variance = row.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / width as f32;
            let scale = 1.0 / (variance + self.eps).sqrt();
            y.extend(row.iter().zip(&self.weight).zip(&self.bias).map(|((v, w), b)| (v - mean) * scale * w + b));
        }
        y
    }
}

/// GELU by the tanh approximation, in place.
pub(super) fn gelu(x: &mut [f32]) {
    const ROOT: f32 = 0.797_884_6; // sqrt(2 / pi)
    for v in x {
        *v = 0.5 * *v * (1.0 + (ROOT * (*v + 0.044_715 * v.powi(3))).tanh());
    }
}

/// Scores to probabilities, in place.
pub(super) fn softmax(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    scores.iter_mut().for_each(|s| *s = (*s - most).exp());
    let sum: f32 = scores.iter().sum();
    scores.iter_mut().for_each(|s| *s /= sum);
}
