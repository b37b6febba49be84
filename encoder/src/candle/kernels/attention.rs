//! Self-attention of a whole batch on the CPU.
//!
//! The work is cut into blocks of queries, each on one thread: scores, softmax and weighted sum of a block follow each
//! other while the scores are still in the cache, and heads are read in place from the packed projections. Memory is one
//! block of scores per thread, whatever the number of tokens.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape as TensorShape};
use rayon::prelude::*;

use super::matrix::{Matrix, MatrixMut, Shape, multiply};
use super::slice;
use super::softmax::softmax;

/// Queries of a block.
const BLOCK: usize = 64;

/// `(B, N, 3W)` packed queries, keys and values to `(B, N, W)`.
pub(in crate::candle) struct AttentionOp<'a> {
    pub heads: usize,
    /// Tokens of each image; those behind are padding, neither read nor written. `None`: all are real.
    pub lengths: Option<&'a [usize]>,
}

impl CustomOp1 for AttentionOp<'_> {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, TensorShape)> {
        let qkv = slice(storage, layout, self.name())?;
        let (b, n, packed) = layout.shape().dims3()?;
        let width = packed / 3;
        let mut out = vec![0f32; b * n * width];
        let images = out.par_chunks_mut(n * width).zip(qkv.par_chunks(n * packed)).enumerate();
        images.for_each(|(i, (out, qkv))| {
            let length = self.lengths.map_or(n, |lengths| lengths[i]);
            let blocks = out[..length * width].par_chunks_mut(BLOCK * width).enumerate();
            blocks.for_each_init(Vec::new, |scores, (block, out)| {
                attend(qkv, block * BLOCK, length, self.heads, scores, out);
            });
        });
        Ok((CpuStorage::F32(out), TensorShape::from((b, n, width))))
    }
}

/// Attention of one block of queries, which starts at token `start`, to the first `length` tokens of its image.
fn attend(qkv: &[f32], start: usize, length: usize, heads: usize, scores: &mut Vec<f32>, out: &mut [f32]) {
    let rows = BLOCK.min(length - start);
    let width = out.len() / rows;
    let head = width / heads;
    scores.resize(rows * length, 0.0);
    for h in 0..heads {
        let tokens = |part: usize, first: usize, count: usize| {
            let start = first * 3 * width + part * width + h * head;
            Matrix::new(&qkv[start..], Shape::rows(count, head, 3 * width))
        };
        let (queries, keys, values) = (tokens(0, start, rows), tokens(1, 0, length), tokens(2, 0, length));

        let mut products = MatrixMut::new(scores, Shape::rows(rows, length, length));
        multiply(&mut products, 1.0 / (head as f32).sqrt(), queries, keys.transposed()); // (rows, length)
        scores.chunks_exact_mut(length).for_each(softmax);
        let mut mixed = MatrixMut::new(&mut out[h * head..], Shape::rows(rows, head, width));
        multiply(&mut mixed, 1.0, Matrix::new(scores, Shape::rows(rows, length, length)), values); // (rows, head)
    }
}
