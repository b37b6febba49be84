//! GELU by the tanh approximation (arXiv 1606.08415, section 2), in place.

use candle_core::{CpuStorage, InplaceOp1, Layout, Result};
use rayon::prelude::*;

use super::exp::exp;
use super::{mul_add, multiversion};

/// Replaces every value of a fresh, contiguous tensor by its GELU.
pub(in crate::candle) struct GeluOp;

impl InplaceOp1 for GeluOp {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        const TASK: usize = 1 << 14;
        let (CpuStorage::F32(values), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
            candle_core::bail!("gelu changes contiguous f32 tensors");
        };
        values[start..end].par_chunks_mut(TASK).for_each(gelu);
        Ok(())
    }
}

multiversion! {
    /// GELU of every value, in place.
    fn gelu(values: &mut [f32]) = gelu_body
}

/// `x/2 (1 + tanh z)` is `x / (1 + exp(-2z))`, where `z = sqrt(2/pi) (x + 0.044715 x^3)`.
#[inline(always)]
pub(super) fn gelu_body<const FUSED: bool>(values: &mut [f32]) {
    const SCALE: f32 = -1.595_769; // -2 sqrt(2/pi)
    const CUBIC: f32 = SCALE * 0.044_715;
    for v in values {
        let x = *v;
        let minus_2z = x * mul_add::<FUSED>(CUBIC * x, x, SCALE);
        *v = x / (1.0 + exp::<FUSED>(minus_2z));
    }
}
