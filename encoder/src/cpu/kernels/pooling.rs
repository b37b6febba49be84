//! Attention pooling: one learned query gathers the tokens of an image.
//!
//! The probe is the same for every image, so that it can be multiplied into the key projection
//! once: a head's scores are inner products of its folded probe and the tokens. Values are linear
//! in tokens too, so the tokens are averaged by the weights first, and only the average goes
//! through the value projection. Both projections of all tokens, a fifteenth of a base model's
//! work, shrink to next to nothing.

use std::ops::Range;

use rayon::prelude::*;

use super::buffers::{Rows, SharedRows};
use super::isa::{Isa, Task};
use super::lanes::{LANES, Lanes};
use super::math;
use super::tile::BLOCK;
use crate::cpu::path::Path;

/// Weights of the pooling, in f32.
pub struct Pooling {
    /// What each head's scores are inner products with, (H, W); scaled.
    pub probes: Rows,
    /// Value projection, (W, W) and (W).
    pub values: Rows,
    pub values_bias: Vec<f32>,
    pub heads: usize,
    pub width: usize,
}

impl Pooling {
    /// Gathers the tokens (N, W) of each sequence to a row of `out` (B, W).
    ///
    /// # Panics
    /// If the shapes are others.
    pub fn gather(&self, path: Path, tokens: &Rows, sequences: &[Range<usize>], out: &mut Rows) {
        let out = out.shared();
        assert!(self.width.is_multiple_of(self.heads), "{} heads for a width of {}", self.heads, self.width);
        out.check::<f32>(sequences.len(), self.width);
        (0..sequences.len() * self.heads).into_par_iter().for_each(|task| {
            let (row, head) = (task / self.heads, task % self.heads);
            path.execute(Gather { pooling: self, tokens, sequence: sequences[row].clone(), row, head, out });
        });
    }
}

struct Gather<'a> {
    pooling: &'a Pooling,
    tokens: &'a Rows,
    sequence: Range<usize>,
    row: usize,
    head: usize,
    out: SharedRows<'a>,
}

impl Task for Gather<'_> {
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let proof = isa.vectors();
        let (pooling, depth) = (self.pooling, self.pooling.width / self.pooling.heads);
        let mut weights = Vec::with_capacity(self.sequence.len());
        let probe = pooling.probes.row::<f32>(self.head);
        for token in self.sequence.clone() {
            weights.push(dot::<I::Vector>(proof, probe, self.tokens.row(token)));
        }
        let largest = weights.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        // The largest score and the exponential pass over what is not a number; their sum must not.
        let mut sum: f32 = weights.iter().map(|score| score * 0.0).sum();
        for weight in &mut weights {
            *weight = exp::<I::Vector>(proof, *weight - largest);
            sum += *weight;
        }
        let mut mean = vec![0.0; probe.len()];
        for (token, weight) in self.sequence.clone().zip(&weights) {
            add_scaled::<I::Vector>(proof, &mut mean, weight / sum, self.tokens.row(token));
        }
        for i in self.head * depth..(self.head + 1) * depth {
            let value = dot::<I::Vector>(proof, &mean, pooling.values.row(i)) + pooling.values_bias[i];
            // SAFETY: each head of each row belongs to one task, and `gather` made sure that the
            // output has it.
            unsafe { self.out.at::<f32>(self.row, i / BLOCK * BLOCK).add(i % BLOCK).write(value) };
        }
    }
}

/// [`math::exp`] of one value.
#[inline(always)]
fn exp<V: Lanes>(proof: V::Proof, x: f32) -> f32 {
    math::exp(V::splat(proof, x)).to_array()[0]
}

/// Inner product of rows that are padded to whole vectors.
#[inline(always)]
fn dot<V: Lanes>(proof: V::Proof, a: &[f32], b: &[f32]) -> f32 {
    assert!(a.len() == b.len() && a.len().is_multiple_of(2 * LANES));
    let mut sums = [V::splat(proof, 0.0); 2];
    for at in (0..a.len()).step_by(2 * LANES) {
        for (i, sum) in sums.iter_mut().enumerate() {
            // SAFETY: lengths were compared above.
            unsafe {
                let a = V::load(proof, a.as_ptr().add(at + i * LANES));
                *sum = a.mul_add(V::load(proof, b.as_ptr().add(at + i * LANES)), *sum);
            }
        }
    }
    sums[0].add(sums[1]).sum()
}

#[inline(always)]
fn add_scaled<V: Lanes>(proof: V::Proof, sum: &mut [f32], scale: f32, row: &[f32]) {
    assert!(sum.len() == row.len() && sum.len().is_multiple_of(LANES));
    for at in (0..sum.len()).step_by(LANES) {
        // SAFETY: lengths were compared above.
        unsafe {
            let to = sum.as_mut_ptr().add(at);
            V::load(proof, row.as_ptr().add(at)).mul_add(V::splat(proof, scale), V::load(proof, to)).store(to);
        }
    }
}
