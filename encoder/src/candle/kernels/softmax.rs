//! Softmax of one row, in place.

use super::exp::exp;
use super::{LANES, multiversion, sum_of};

multiversion! {
    /// Replaces `row` by `exp(row - max) / sum`, or by values that are not numbers if one of `row`
    /// is none, or infinite.
    fn softmax(row: &mut [f32]) = softmax_body
}

#[inline(always)]
pub(super) fn softmax_body<const FUSED: bool>(row: &mut [f32]) {
    let max = max(row);
    // `max` and `exp` pass over what is not a number.
    let fault = sum_of(row, |v| v * 0.0);
    for v in row.iter_mut() {
        *v = exp::<FUSED>(*v - max);
    }
    let scale = 1.0 / (sum_of(row, |v| v) + fault);
    for v in row {
        *v *= scale;
    }
}

#[inline(always)]
fn max(row: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut maxima = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for i in 0..LANES {
            maxima[i] = larger(maxima[i], chunk[i]);
        }
    }
    rest.iter().chain(&maxima).fold(f32::NEG_INFINITY, |a, b| larger(a, *b))
}
