//! NEON: 16 products in two widening multiplications, added up in pairs.
#![allow(unsafe_code, reason = "vector instructions")]

use std::arch::aarch64::*;

use super::portable;

/// Proof that the machine has NEON.
#[derive(Debug, Clone, Copy)]
pub struct Neon(());

impl Neon {
    pub fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }

    #[inline]
    pub fn dot(self, steps: &[i8], row: &[u8]) -> i32 {
        // SAFETY: the token proves NEON.
        unsafe { dot(steps, row) }
    }
}

#[target_feature(enable = "neon")]
fn dot(steps: &[i8], row: &[u8]) -> i32 {
    let (step_chunks, step_rest) = steps.as_chunks::<16>();
    let (row_chunks, row_rest) = row.as_chunks::<16>();
    let mut sums = [vdupq_n_s32(0); 4];
    for (x, y) in step_chunks.iter().zip(row_chunks) {
        // SAFETY: the arrays are 16 bytes long.
        let (x, y) = unsafe { (vld1q_s8(x.as_ptr()), vld1q_u8(y.as_ptr())) };
        let (x_low, x_high) = (vmovl_s8(vget_low_s8(x)), vmovl_high_s8(x));
        let y_low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(y)));
        let y_high = vreinterpretq_s16_u16(vmovl_high_u8(y));
        sums[0] = vmlal_s16(sums[0], vget_low_s16(x_low), vget_low_s16(y_low));
        sums[1] = vmlal_high_s16(sums[1], x_low, y_low);
        sums[2] = vmlal_s16(sums[2], vget_low_s16(x_high), vget_low_s16(y_high));
        sums[3] = vmlal_high_s16(sums[3], x_high, y_high);
    }
    let sum = vaddq_s32(vaddq_s32(sums[0], sums[1]), vaddq_s32(sums[2], sums[3]));
    vaddvq_s32(sum) + portable::dot(step_rest, row_rest)
}
