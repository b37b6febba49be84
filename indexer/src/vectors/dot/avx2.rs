//! AVX2: 32 products in two multiply-add steps after widening to 16 bits, where nothing can saturate.
#![allow(unsafe_code, reason = "vector instructions")]

use std::arch::x86_64::*;

use super::portable;

/// Proof that the machine has AVX2.
#[derive(Debug, Clone, Copy)]
pub struct Avx2(());

impl Avx2 {
    pub fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    #[inline]
    pub fn dot(self, a: &[i8], b: &[i8]) -> i32 {
        // SAFETY: the token proves AVX2.
        unsafe { dot(a, b) }
    }

    #[inline]
    pub fn dot_two(self, row: &[i8], b: &[i8], c: &[i8]) -> (i32, i32) {
        // SAFETY: the token proves AVX2.
        unsafe { (dot(row, b), dot(row, c)) }
    }
}

#[target_feature(enable = "avx2")]
fn dot(a: &[i8], b: &[i8]) -> i32 {
    let (a_chunks, a_rest) = a.as_chunks::<32>();
    let (b_chunks, b_rest) = b.as_chunks::<32>();
    let mut even = _mm256_setzero_si256();
    let mut odd = _mm256_setzero_si256();
    for (x, y) in a_chunks.iter().zip(b_chunks) {
        let (x_low, x_high) = widen(x);
        let (y_low, y_high) = widen(y);
        even = _mm256_add_epi32(even, _mm256_madd_epi16(x_low, y_low));
        odd = _mm256_add_epi32(odd, _mm256_madd_epi16(x_high, y_high));
    }
    sum(_mm256_add_epi32(even, odd)) + portable::dot(a_rest, b_rest)
}

/// 32 bytes as twice 16 words, sign kept.
#[target_feature(enable = "avx2")]
fn widen(bytes: &[i8; 32]) -> (__m256i, __m256i) {
    // SAFETY: the array is 32 bytes long, and the load needs no alignment.
    let bytes = unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) };
    (_mm256_cvtepi8_epi16(_mm256_castsi256_si128(bytes)), _mm256_cvtepi8_epi16(_mm256_extracti128_si256::<1>(bytes)))
}

/// Sum of the eight numbers.
#[target_feature(enable = "avx2")]
fn sum(v: __m256i) -> i32 {
    let four = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
    let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b01_00_11_10>(four));
    _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<0b10_11_00_01>(two)))
}
