//! AVX-512 VNNI: `vpdpbusd` adds 64 products in one instruction; `vpopcntq`, where there is, counts 512 bits in one.
#![allow(unsafe_code, reason = "vector instructions")]

use std::arch::x86_64::*;

use super::portable;

const LANE: usize = 64;
/// Words of a vector register.
const WORDS: usize = 8;

/// Proof that the machine has AVX-512 F, BW and VNNI, and POPCNT.
#[derive(Debug, Clone, Copy)]
pub struct Avx512Vnni {
    /// Whether it has VPOPCNTDQ too. Cascade Lake has not.
    counts: bool,
}

impl Avx512Vnni {
    pub fn detect() -> Option<Self> {
        let there = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vnni")
            && is_x86_feature_detected!("popcnt");
        there.then(|| Self { counts: is_x86_feature_detected!("avx512vpopcntdq") })
    }

    /// As on a machine without VPOPCNTDQ.
    #[cfg(test)]
    pub fn without_counts(self) -> Self {
        Self { counts: false }
    }

    #[inline]
    pub fn dot(self, steps: &[i8], row: &[u8]) -> i32 {
        // SAFETY: the token proves the instructions.
        unsafe { dot(steps, row) }
    }

    #[inline]
    pub fn dot_signed(self, a: &[i8], b: &[i8]) -> i32 {
        // SAFETY: the token proves the instructions.
        unsafe { dot_signed(a, b) }
    }

    #[inline]
    pub fn dot_two(self, a: &[i8], b: &[i8], row: &[u8]) -> [i32; 2] {
        // SAFETY: the token proves the instructions.
        unsafe { dot_two(a, b, row) }
    }

    #[inline]
    pub fn dot_four(self, steps: &[i8], rows: [&[u8]; 4]) -> [i32; 4] {
        // SAFETY: the token proves the instructions.
        unsafe { dot_four(steps, rows) }
    }

    pub fn hamming(self, bits: &[u64], rows: &[u64], out: &mut Vec<u32>) {
        // SAFETY: the token proves the instructions, and VPOPCNTDQ if it says so.
        unsafe {
            match self.counts {
                true => hamming(bits, rows, out),
                false => hamming_by_words(bits, rows, out),
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot(steps: &[i8], row: &[u8]) -> i32 {
    let mut sum = [_mm512_setzero_si512(); 2];
    for start in (0..steps.len()).step_by(2 * LANE) {
        sum[0] = _mm512_dpbusd_epi32(sum[0], load(row, start), load(steps, start));
        let next = start + LANE;
        if next < steps.len() {
            sum[1] = _mm512_dpbusd_epi32(sum[1], load(row, next), load(steps, next));
        }
    }
    _mm512_reduce_add_epi32(_mm512_add_epi32(sum[0], sum[1]))
}

/// Raises one side on the way, and takes off what that adds.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot_signed(a: &[i8], b: &[i8]) -> i32 {
    let sign = _mm512_set1_epi8(i8::MIN);
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
fn dot_two(a: &[i8], b: &[i8], row: &[u8]) -> [i32; 2] {
    let mut sums = [_mm512_setzero_si512(); 2];
    for start in (0..row.len()).step_by(LANE) {
        let x = load(row, start);
        sums[0] = _mm512_dpbusd_epi32(sums[0], x, load(a, start));
        sums[1] = _mm512_dpbusd_epi32(sums[1], x, load(b, start));
    }
    sums.map(|sum| _mm512_reduce_add_epi32(sum))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot_four(steps: &[i8], rows: [&[u8]; 4]) -> [i32; 4] {
    let mut sums = [_mm512_setzero_si512(); 4];
    for start in (0..steps.len()).step_by(LANE) {
        let y = load(steps, start);
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = _mm512_dpbusd_epi32(*sum, load(row, start), y);
        }
    }
    add_up(sums)
}

/// Four sums of sixteen numbers in one tree of additions.
#[inline]
#[target_feature(enable = "avx512f")]
fn add_up(sums: [__m512i; 4]) -> [i32; 4] {
    let [a, b, c, d] =
        sums.map(|sum| _mm256_add_epi32(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64::<1>(sum)));
    let pairs = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    let all = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256::<1>(pairs));
    let mut out = [0; 4];
    // SAFETY: the array has room for four numbers, and the store needs no alignment.
    unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), all) };
    out
}

#[target_feature(enable = "avx512f,avx512vpopcntdq")]
fn hamming(bits: &[u64], rows: &[u64], out: &mut Vec<u32>) {
    let words = bits.len();
    let fours = rows.chunks_exact(4 * words);
    let rest = fours.remainder();
    for four in fours {
        let sums = [0, 1, 2, 3].map(|row| differing(bits, &four[row * words..][..words]));
        // Counts are small, so the upper halves of their words are zeros that may be added.
        out.extend(add_up(sums).map(i32::cast_unsigned));
    }
    out.extend(rest.chunks_exact(words).map(|row| _mm512_reduce_add_epi64(differing(bits, row)) as u32));
}

/// The plain code, compiled for a machine that counts the bits of a word in one instruction.
#[target_feature(enable = "popcnt")]
fn hamming_by_words(bits: &[u64], rows: &[u64], out: &mut Vec<u32>) {
    portable::hamming(bits, rows, out);
}

/// Eight counts of differing bits.
#[inline]
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
fn differing(bits: &[u64], row: &[u64]) -> __m512i {
    let mut sum = _mm512_setzero_si512();
    for start in (0..bits.len()).step_by(WORDS) {
        let differing = _mm512_xor_si512(load_words(bits, start), load_words(row, start));
        sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(differing));
    }
    sum
}

/// Up to 64 bytes from `start`, zeros behind the end of the slice.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load<T: bytemuck::Pod>(bytes: &[T], start: usize) -> __m512i {
    const { assert!(size_of::<T>() == 1) };
    let rest = &bytes[start..];
    if rest.len() >= LANE {
        // SAFETY: there are 64 bytes, and the load needs no alignment.
        return unsafe { _mm512_loadu_si512(rest.as_ptr().cast()) };
    }
    // SAFETY: the mask reads no byte behind the slice, and the load needs no alignment.
    unsafe { _mm512_maskz_loadu_epi8((1 << rest.len()) - 1, rest.as_ptr().cast()) }
}

/// Up to eight words from `start`, zeros behind the end of the slice.
#[inline]
#[target_feature(enable = "avx512f")]
fn load_words(words: &[u64], start: usize) -> __m512i {
    let rest = &words[start..];
    let mask = if rest.len() >= WORDS { u8::MAX } else { (1 << rest.len()) - 1 };
    // SAFETY: the mask reads no word behind the slice, and the load needs no alignment.
    unsafe { _mm512_maskz_loadu_epi64(mask, rest.as_ptr().cast()) }
}

/// Asks for the cache lines of a piece of memory.
#[inline]
pub fn prefetch(start: *const i8, bytes: usize) {
    for line in (0..bytes).step_by(LANE) {
        // SAFETY: a prefetch reads nothing and faults on no address; it is part of SSE, which every x86-64 has.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(line)) };
    }
}
