//! Layer norm in two passes.
//!
//! candle computes the variance as `E[x^2] - E[x]^2`, which loses all digits where the mean is far from zero compared
//! with the spread, as in the outlier channels of large vision transformers. Here the mean is subtracted first, and
//! what its own rounding left is subtracted after it.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape};
use rayon::prelude::*;

use super::{mul_add, multiversion, slice, sum_of};

/// `(x, weight, bias)` to the normalised rows of `x`.
pub(in crate::candle) struct LayerNormOp {
    pub eps: f32,
}

impl CustomOp3 for LayerNormOp {
    fn name(&self) -> &'static str {
        "layer norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        const ROWS: usize = 16;
        let x = slice(x, x_layout, self.name())?;
        let weight = slice(weight, weight_layout, self.name())?;
        let bias = slice(bias, bias_layout, self.name())?;
        let width = weight.len();
        let mut out = vec![0f32; x.len()];
        out.par_chunks_mut(ROWS * width).zip(x.par_chunks(ROWS * width)).for_each(|(out, x)| {
            for (out, x) in out.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                layer_norm(x, weight, bias, self.eps, out);
            }
        });
        Ok((CpuStorage::F32(out), x_layout.shape().clone()))
    }
}

multiversion! {
    /// One row; all slices have its width.
    fn layer_norm(x: &[f32], weight: &[f32], bias: &[f32], eps: f32, out: &mut [f32]) = layer_norm_body
}

#[inline(always)]
pub(super) fn layer_norm_body<const FUSED: bool>(x: &[f32], weight: &[f32], bias: &[f32], eps: f32, out: &mut [f32]) {
    let width = x.len() as f32;
    let mean = sum_of(x, |v| v) / width;
    // The distance of the f32 `mean` to the true one: up to some units in its last place, which a small spread magnifies.
    let left = sum_of(x, |v| v - mean) / width;
    let variance = sum_of(x, |v| (v - mean - left) * (v - mean - left)) / width;
    let scale = 1.0 / (variance + eps).sqrt();
    for (((out, x), weight), bias) in out.iter_mut().zip(x).zip(weight).zip(bias) {
        *out = mul_add::<FUSED>((x - mean - left) * scale, *weight, *bias);
    }
}
