//! AVX2: 32 products in two multiply-add steps after widening to 16 bits, where nothing can
//! saturate.
#![allow(unsafe_code, reason = "vector instructions")]

use std::arch::x86_64::*;

use super::{CodeProbe, LikeBits, RowPlanes, portable};

/// Proof that the machine has AVX2 and POPCNT.
#[derive(Debug, Clone, Copy)]
pub struct Avx2(());

impl Avx2 {
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt")).then_some(Self(()))
    }

    #[inline]
    pub fn dot(self, steps: &[i8], row: &[u8]) -> i32 {
        // SAFETY: the token proves AVX2.
        unsafe { dot(steps, row) }
    }

    #[inline]
    pub fn dot_planes(self, steps: &[i8], planes: &RowPlanes, row: &[u8]) -> i32 {
        // SAFETY: the token proves AVX2.
        unsafe { dot_planes(steps, planes, row) }
    }

    pub fn dot_codes(self, probe: &CodeProbe, records: &[u8], stride: usize, out: &mut Vec<i32>) {
        // SAFETY: the token proves AVX2.
        unsafe { dot_codes(probe, records, stride, out) }
    }

    pub fn most_alike(self, blocks: &[u64], like: &mut LikeBits) {
        // SAFETY: the token proves AVX2 and POPCNT.
        unsafe { most_alike(blocks, like) }
    }
}

#[target_feature(enable = "avx2")]
fn dot(steps: &[i8], row: &[u8]) -> i32 {
    let (step_chunks, step_rest) = steps.as_chunks::<32>();
    let (row_chunks, row_rest) = row.as_chunks::<32>();
    let mut even = _mm256_setzero_si256();
    let mut odd = _mm256_setzero_si256();
    for (x, y) in step_chunks.iter().zip(row_chunks) {
        // SAFETY: the arrays are 32 bytes long, and the loads need no alignment.
        let (x, y) = unsafe { (_mm256_loadu_si256(x.as_ptr().cast()), _mm256_loadu_si256(y.as_ptr().cast())) };
        let (x_low, x_high) = (_mm256_castsi256_si128(x), _mm256_extracti128_si256::<1>(x));
        let (y_low, y_high) = (_mm256_castsi256_si128(y), _mm256_extracti128_si256::<1>(y));
        even = _mm256_add_epi32(even, _mm256_madd_epi16(_mm256_cvtepi8_epi16(x_low), _mm256_cvtepu8_epi16(y_low)));
        odd = _mm256_add_epi32(odd, _mm256_madd_epi16(_mm256_cvtepi8_epi16(x_high), _mm256_cvtepu8_epi16(y_high)));
    }
    sum(_mm256_add_epi32(even, odd)) + portable::dot(step_rest, row_rest)
}

/// Sum of the eight numbers.
#[target_feature(enable = "avx2")]
fn sum(v: __m256i) -> i32 {
    let four = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
    let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b01_00_11_10>(four));
    _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<0b10_11_00_01>(two)))
}

/// A byte holds two to eight components, of at most 15, so that two products fit 16 bits.
#[target_feature(enable = "avx2")]
fn dot_codes(probe: &CodeProbe, records: &[u8], stride: usize, out: &mut Vec<i32>) {
    const LANE: usize = 32;
    let (bits, bytes) = (probe.bits(), probe.code_bytes());
    let whole = bytes / LANE * LANE;
    let (mask, ones) = (_mm256_set1_epi8((1i8 << bits) - 1), _mm256_set1_epi16(1));
    let parts: Vec<&[i8]> = probe.parts().collect();
    out.reserve(records.len() / stride);
    for record in records.chunks_exact(stride) {
        let code = &record[..bytes];
        let mut total = _mm256_setzero_si256();
        for start in (0..whole).step_by(LANE) {
            // SAFETY: the slice is 32 bytes long, and the load needs no alignment.
            let mut rest = unsafe { _mm256_loadu_si256(code[start..start + LANE].as_ptr().cast()) };
            for part in &parts {
                // SAFETY: as above.
                let steps = unsafe { _mm256_loadu_si256(part[start..start + LANE].as_ptr().cast()) };
                let pairs = _mm256_maddubs_epi16(_mm256_and_si256(rest, mask), steps);
                total = _mm256_add_epi32(total, _mm256_madd_epi16(pairs, ones));
                rest = _mm256_srl_epi16(rest, _mm_cvtsi32_si128(bits.cast_signed()));
            }
        }
        let tail = parts.iter().zip(0..).map(|(part, place)| {
            let components = code[whole..].iter().map(|byte| i32::from(byte >> (place * bits)) & ((1 << bits) - 1));
            components.zip(&part[whole..]).map(|(component, &step)| component * i32::from(step)).sum::<i32>()
        });
        out.push(sum(total) + tail.sum::<i32>());
    }
}

/// The plain code, compiled for AVX2.
#[target_feature(enable = "avx2")]
fn dot_planes(steps: &[i8], planes: &RowPlanes, row: &[u8]) -> i32 {
    portable::dot_planes(steps, planes, row)
}

/// The plain code, compiled for a machine that counts bits by looking up four at once.
#[target_feature(enable = "avx2,popcnt")]
fn most_alike(blocks: &[u64], like: &mut LikeBits) {
    portable::most_alike(blocks, like);
}
