//! AVX-512 VNNI: `vpdpbusd` adds 64 products in one instruction.
//!
//! The instruction takes one side unsigned, so the row is moved up by 128 (its sign bit flipped) and `128 * sum(other)`,
//! gathered on the way by the same instruction, is taken off again. All sums wrap, and the true result fits.
#![allow(unsafe_code, reason = "vector instructions")]

use std::arch::x86_64::*;

const LANE: usize = 64;
const SIGN: i8 = i8::MIN;

/// Proof that the machine has AVX-512 F, BW and VNNI.
#[derive(Debug, Clone, Copy)]
pub struct Avx512Vnni(());

impl Avx512Vnni {
    pub fn detect() -> Option<Self> {
        let there = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vnni");
        there.then_some(Self(()))
    }

    #[inline]
    pub fn dot(self, a: &[i8], b: &[i8]) -> i32 {
        debug_assert_eq!(a.len(), b.len());
        // SAFETY: the token proves the instructions; `Kernel` has checked that the lengths are equal.
        unsafe { dot(a, b) }
    }

    #[inline]
    pub fn dot_two(self, row: &[i8], b: &[i8], c: &[i8]) -> (i32, i32) {
        debug_assert!(row.len() == b.len() && row.len() == c.len());
        // SAFETY: the token proves the instructions; `Kernel` has checked that the lengths are equal.
        unsafe { dot_two(row, b, c) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot(a: &[i8], b: &[i8]) -> i32 {
    let sign = _mm512_set1_epi8(SIGN);
    let mut raised = _mm512_setzero_si512();
    let mut excess = _mm512_setzero_si512();
    for start in (0..a.len()).step_by(LANE) {
        let (x, y) = (load(a, start), load(b, start));
        raised = _mm512_dpbusd_epi32(raised, _mm512_xor_si512(x, sign), y);
        excess = _mm512_dpbusd_epi32(excess, sign, y);
    }
    _mm512_reduce_add_epi32(_mm512_sub_epi32(raised, excess))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot_two(row: &[i8], b: &[i8], c: &[i8]) -> (i32, i32) {
    let sign = _mm512_set1_epi8(SIGN);
    let mut raised = (_mm512_setzero_si512(), _mm512_setzero_si512());
    let mut excess = (_mm512_setzero_si512(), _mm512_setzero_si512());
    for start in (0..row.len()).step_by(LANE) {
        let x = _mm512_xor_si512(load(row, start), sign);
        let (y, z) = (load(b, start), load(c, start));
        raised = (_mm512_dpbusd_epi32(raised.0, x, y), _mm512_dpbusd_epi32(raised.1, x, z));
        excess = (_mm512_dpbusd_epi32(excess.0, sign, y), _mm512_dpbusd_epi32(excess.1, sign, z));
    }
    (
        _mm512_reduce_add_epi32(_mm512_sub_epi32(raised.0, excess.0)),
        _mm512_reduce_add_epi32(_mm512_sub_epi32(raised.1, excess.1)),
    )
}

/// Up to 64 bytes from `start`, zeros behind the end of the slice.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn load(bytes: &[i8], start: usize) -> __m512i {
    let rest = &bytes[start..];
    let mask = if rest.len() >= LANE { u64::MAX } else { (1 << rest.len()) - 1 };
    // SAFETY: the mask reads no byte behind the slice, and the load needs no alignment.
    unsafe { _mm512_maskz_loadu_epi8(mask, rest.as_ptr()) }
}
