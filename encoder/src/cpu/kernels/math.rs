//! Functions of vectors: exponential, GELU, softmax sums.

use super::lanes::Lanes;

/// `exp(x)` within 2 units in the last place for `-87 <= x <= 88`; beyond, the value at the bound.
#[inline(always)]
pub fn exp<V: Lanes>(x: V) -> V {
    // The first term left out, r^8 / 8!, is below 6e-9.
    exp_by(x, [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0])
}

/// `exp(x)` within 5e-5 of its value: enough for a result that is rounded to bf16.
#[inline(always)]
pub fn exp_for_bf16<V: Lanes>(x: V) -> V {
    exp_by(x, [1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0])
}

/// With the coefficients of Taylor's series, the highest power first.
#[inline(always)]
fn exp_by<V: Lanes, const N: usize>(x: V, coefficients: [f32; N]) -> V {
    /// ln 2 in two parts: the first has so few bits that a multiple of it is exact.
    const LN2_HIGH: f32 = 355.0 / 512.0;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.max(x.fill(-87.0)).min(x.fill(88.0));
    // exp(x) = 2^n exp(r) with |r| <= ln(2) / 2
    let n = x.mul(x.fill(std::f32::consts::LOG2_E)).round();
    let r = n.mul_add(x.fill(-LN2_HIGH), x);
    let r = n.mul_add(x.fill(-LN2_LOW), r);
    let mut p = x.fill(coefficients[0]);
    for coefficient in &coefficients[1..] {
        p = p.mul_add(r, x.fill(*coefficient));
    }
    p.scale(n)
}

/// GELU by the tanh approximation (arXiv 1606.08415, section 2): `x/2 (1 + tanh z)` is
/// `x / (1 + exp(-2z))`, where `z = sqrt(2/pi) (x + 0.044715 x^3)`.
#[inline(always)]
pub fn gelu_tanh<V: Lanes>(x: V) -> V {
    const SCALE: f32 = -1.595_769; // -2 sqrt(2/pi)
    const CUBIC: f32 = SCALE * 0.044_715;
    let minus_2z = x.mul(x.mul(x).mul_add(x.fill(CUBIC), x.fill(SCALE)));
    x.mul(exp(minus_2z.min(x.fill(80.0))).add(x.fill(1.0)).reciprocal())
}

/// GELU by the error function: `x/2 (1 + erf(x / sqrt 2))`.
#[inline(always)]
pub fn gelu_erf<V: Lanes>(x: V) -> V {
    // Abramowitz and Stegun, 7.1.26: 1 - erf(z) for z >= 0 within 1.5e-7.
    const A: [f32; 5] = [1.061_405_4, -1.453_152_1, 1.421_413_7, -0.284_496_74, 0.254_829_6];
    let zero = x.fill(0.0);
    let magnitude = x.max(zero.sub(x));
    let z = magnitude.mul(x.fill(std::f32::consts::FRAC_1_SQRT_2));
    let t = z.mul_add(x.fill(0.327_591_1), x.fill(1.0)).reciprocal();
    let mut p = x.fill(A[0]);
    for coefficient in &A[1..] {
        p = p.mul_add(t, x.fill(*coefficient));
    }
    let tail = p.mul(t).mul(exp(zero.sub(z.mul(z)))); // 1 - erf(z)
    // For x >= 0 the result is x (1 - tail / 2), for x < 0 it is x tail / 2.
    x.max(zero).sub(magnitude.mul(tail).mul(x.fill(0.5)))
}
