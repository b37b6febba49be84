//! The exponential function in a form that the compiler turns into vector instructions.

use super::mul_add;

/// `exp(x)` within 2 units in the last place for `-87 <= x <= 88`; beyond, the value at the bound.
#[inline(always)]
pub(super) fn exp<const FUSED: bool>(x: f32) -> f32 {
    /// Added to a small number, leaves its nearest integer in the low bits.
    const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23
    /// ln 2 in two parts: the first has so few bits that a multiple of it is exact.
    const LN2_HIGH: f32 = 355.0 / 512.0;
    const LN2_LOW: f32 = -2.121_944_4e-4;

    let x = if x > -87.0 { x } else { -87.0 };
    let x = if x < 88.0 { x } else { 88.0 };
    // exp(x) = 2^n exp(r) with |r| <= ln(2) / 2
    let shifted = mul_add::<FUSED>(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = mul_add::<FUSED>(n, -LN2_HIGH, x);
    let r = mul_add::<FUSED>(n, -LN2_LOW, r);
    // Taylor's series; the first term left out, r^8 / 8!, is below 6e-9.
    let mut p = 1.0 / 5040.0;
    for coefficient in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = mul_add::<FUSED>(p, r, coefficient);
    }
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()));
    p * power
}
