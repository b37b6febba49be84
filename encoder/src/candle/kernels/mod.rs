//! What candle computes slowly or inexactly on the CPU, as plain loops over f32: layer norm, GELU, softmax, attention.
//!
//! Each kernel is one portable loop, compiled for several instruction sets by [`multiversion!`] and chosen at run time.

mod attention;
mod exp;
mod gelu;
mod layer_norm;
mod matrix;
mod softmax;
#[cfg(test)]
mod tests;

pub(super) use attention::AttentionOp;
pub(super) use gelu::GeluOp;
pub(super) use layer_norm::LayerNormOp;

/// Defines `fn $name($args)`, which runs `$body::<FUSED>($args)` compiled for the best instruction set of this CPU.
/// `$body` must be `#[inline(always)]`; `FUSED` says whether a fused multiply-add is one instruction there.
macro_rules! multiversion {
    ($(#[$doc:meta])* fn $name:ident($($arg:ident: $ty:ty),*) = $body:ident) => {
        $(#[$doc])*
        #[allow(unsafe_code, reason = "calls of functions compiled for instruction sets that were detected")]
        pub(super) fn $name($($arg: $ty),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,fma")]
                fn avx512($($arg: $ty),*) {
                    $body::<true>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $ty),*) {
                    $body::<true>($($arg),*)
                }
                let fma = is_x86_feature_detected!("fma");
                if fma && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
                    // SAFETY: the features that `avx512` enables were detected in the line above.
                    return unsafe { avx512($($arg),*) };
                }
                if fma && is_x86_feature_detected!("avx2") {
                    // SAFETY: the features that `avx2` enables were detected in the line above.
                    return unsafe { avx2($($arg),*) };
                }
            }
            $body::<{ cfg!(target_arch = "aarch64") }>($($arg),*)
        }
    };
}
use multiversion;

/// `a * b + c`, fused where that is one instruction: elsewhere the exact fused result is a slow library call.
#[inline(always)]
fn mul_add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// Running sums kept apart, so that the compiler may add whole vectors.
const LANES: usize = 32;

/// Sum of `f(value)`.
#[inline(always)]
fn sum_of(values: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut sums = [0f32; LANES];
    for chunk in chunks {
        for i in 0..LANES {
            sums[i] += f(chunk[i]);
        }
    }
    for (i, v) in rest.iter().enumerate() {
        sums[i] += f(*v);
    }
    sums.iter().sum()
}

/// The f32 values of a contiguous candle tensor on the CPU.
fn slice<'a>(
    storage: &'a candle_core::CpuStorage,
    layout: &candle_core::Layout,
    op: &'static str,
) -> candle_core::Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => candle_core::bail!("{op} reads contiguous tensors"),
    }
}
