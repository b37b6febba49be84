//! AVX-512 VNNI: `vpdpbusd` adds 64 products in one instruction; `vpopcntq`, where there is, counts
//! 512 bits in one.
#![allow(unsafe_code, reason = "vector instructions")]

use std::arch::x86_64::*;

use super::{CodeProbe, LikeBits, RowPlanes, SIDE_BY_SIDE, portable};

const LANE: usize = 64;

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

    #[inline]
    pub fn dot_tile(self, probes: [&[i8]; 4], rows: [&[u8]; 4]) -> [[i32; 4]; 4] {
        // SAFETY: the token proves the instructions.
        unsafe { dot_tile(probes, rows) }
    }

    #[inline]
    pub fn dot_planes(self, steps: &[i8], planes: &RowPlanes, row: &[u8]) -> i32 {
        // SAFETY: the token proves the instructions.
        unsafe { dot_planes(steps, planes, row) }
    }

    pub fn dot_codes(self, probe: &CodeProbe, records: &[u8], stride: usize, out: &mut Vec<i32>) {
        // SAFETY: the token proves the instructions.
        unsafe {
            match probe.bits() {
                1 => dot_bits(probe, records, stride, out),
                _ => dot_codes(probe, records, stride, out),
            }
        }
    }

    pub fn most_alike(self, blocks: &[u64], like: &mut LikeBits) {
        // SAFETY: the token proves the instructions, and VPOPCNTDQ if it says so.
        unsafe {
            match self.counts {
                true => most_alike(blocks, like),
                false => most_alike_by_lookup(blocks, like),
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot(steps: &[i8], row: &[u8]) -> i32 {
    let ((steps, tail), (row, row_tail)) = (lines(steps), lines(row));
    let ((steps, last), (row, row_last)) = (steps.as_chunks::<2>(), row.as_chunks::<2>());
    let mut sum = [_mm512_setzero_si512(); 2];
    for ([a, b], [x, y]) in steps.iter().zip(row) {
        sum[0] = _mm512_dpbusd_epi32(sum[0], whole(x), whole(a));
        sum[1] = _mm512_dpbusd_epi32(sum[1], whole(y), whole(b));
    }
    for (a, x) in last.iter().zip(row_last) {
        sum[0] = _mm512_dpbusd_epi32(sum[0], whole(x), whole(a));
    }
    sum[1] = _mm512_dpbusd_epi32(sum[1], load(row_tail, 0), load(tail, 0));
    _mm512_reduce_add_epi32(_mm512_add_epi32(sum[0], sum[1]))
}

/// Offsets one side on the way, and takes off what that adds.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot_signed(a: &[i8], b: &[i8]) -> i32 {
    let sign = _mm512_set1_epi8(i8::MIN);
    let mut product = _mm512_setzero_si512();
    let mut excess = _mm512_setzero_si512();
    for start in (0..a.len()).step_by(LANE) {
        let (x, y) = (load(a, start), load(b, start));
        product = _mm512_dpbusd_epi32(product, _mm512_xor_si512(x, sign), y);
        excess = _mm512_dpbusd_epi32(excess, sign, y);
    }
    _mm512_reduce_add_epi32(_mm512_sub_epi32(product, excess))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot_two(a: &[i8], b: &[i8], row: &[u8]) -> [i32; 2] {
    let mut sums = [_mm512_setzero_si512(); 2];
    let ((a, a_tail), (b, b_tail), (row, row_tail)) = (lines(a), lines(b), lines(row));
    for ((a, b), row) in a.iter().zip(b).zip(row) {
        let x = whole(row);
        sums[0] = _mm512_dpbusd_epi32(sums[0], x, whole(a));
        sums[1] = _mm512_dpbusd_epi32(sums[1], x, whole(b));
    }
    let x = load(row_tail, 0);
    sums[0] = _mm512_dpbusd_epi32(sums[0], x, load(a_tail, 0));
    sums[1] = _mm512_dpbusd_epi32(sums[1], x, load(b_tail, 0));
    sums.map(|sum| _mm512_reduce_add_epi32(sum))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot_four(steps: &[i8], rows: [&[u8]; 4]) -> [i32; 4] {
    let mut sums = [_mm512_setzero_si512(); 4];
    let ((steps, tail), rows) = (lines(steps), rows.map(lines));
    let heads = rows.map(|(row, _)| &row[..steps.len()]);
    for (at, y) in steps.iter().enumerate() {
        let y = whole(y);
        for (sum, row) in sums.iter_mut().zip(heads) {
            *sum = _mm512_dpbusd_epi32(*sum, whole(&row[at]), y);
        }
    }
    let y = load(tail, 0);
    for (sum, (_, tail)) in sums.iter_mut().zip(rows) {
        *sum = _mm512_dpbusd_epi32(*sum, load(tail, 0), y);
    }
    add_up(sums)
}

/// Eight registers are loaded for sixteen products.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot_tile(probes: [&[i8]; 4], rows: [&[u8]; 4]) -> [[i32; 4]; 4] {
    let mut sums = [[_mm512_setzero_si512(); 4]; 4];
    let (probes, rows) = (probes.map(lines), rows.map(lines));
    let count = probes[0].0.len();
    let (steps, heads) = (probes.map(|(steps, _)| &steps[..count]), rows.map(|(row, _)| &row[..count]));
    for at in 0..count {
        let x = heads.map(|row| whole(&row[at]));
        for (sums, steps) in sums.iter_mut().zip(steps) {
            let y = whole(&steps[at]);
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum = _mm512_dpbusd_epi32(*sum, x, y);
            }
        }
    }
    let x = rows.map(|(_, tail)| load(tail, 0));
    for (sums, (_, tail)) in sums.iter_mut().zip(probes) {
        let y = load(tail, 0);
        for (sum, x) in sums.iter_mut().zip(x) {
            *sum = _mm512_dpbusd_epi32(*sum, x, y);
        }
    }
    sums.map(|sums| add_up(sums))
}

/// 64 bits of a code are a mask that says which steps count.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot_bits(probe: &CodeProbe, records: &[u8], stride: usize, out: &mut Vec<i32>) {
    let one = _mm512_set1_epi8(1);
    let (steps, _) = lines(probe.in_bits());
    out.reserve(records.len() / stride);
    for record in records.chunks_exact(stride) {
        let (code, _) = record[..probe.code_bytes()].as_chunks();
        let mut sum = _mm512_setzero_si512();
        for (bits, steps) in code.iter().zip(steps) {
            let counted = _mm512_maskz_mov_epi8(u64::from_le_bytes(*bits), one);
            sum = _mm512_dpbusd_epi32(sum, counted, whole(steps));
        }
        out.push(_mm512_reduce_add_epi32(sum));
    }
}

/// A byte holds two or four components; each place is shifted down and masked.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot_codes(probe: &CodeProbe, records: &[u8], stride: usize, out: &mut Vec<i32>) {
    let (bits, bytes) = (probe.bits(), probe.code_bytes());
    let mask = _mm512_set1_epi8((1i8 << bits) - 1);
    let parts: Vec<&[i8]> = probe.parts().collect();
    out.reserve(records.len() / stride);
    for record in records.chunks_exact(stride) {
        let code = &record[..bytes];
        let mut sums = [_mm512_setzero_si512(); 2];
        for start in (0..bytes).step_by(LANE) {
            let mut rest = load(code, start);
            for (place, steps) in parts.iter().enumerate() {
                let components = _mm512_and_si512(rest, mask);
                sums[place % 2] = _mm512_dpbusd_epi32(sums[place % 2], components, load(steps, start));
                rest = _mm512_srl_epi16(rest, _mm_cvtsi32_si128(bits.cast_signed()));
            }
        }
        out.push(_mm512_reduce_add_epi32(_mm512_add_epi32(sums[0], sums[1])));
    }
}

/// Plane by plane, what was added up so far counting for as much more as the next plane has bits.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot_planes(steps: &[i8], planes: &RowPlanes, row: &[u8]) -> i32 {
    let mut sum = _mm512_setzero_si512();
    let mut rest = row;
    for &bits in planes {
        let (plane, others) = rest.split_at(steps.len() * bits as usize / 8);
        let product = match (bits, lines(plane)) {
            (4, (lines, [])) => dot_lines::<4>(steps, lines),
            (2, (lines, [])) => dot_lines::<2>(steps, lines),
            (1, (lines, [])) => dot_lines::<1>(steps, lines),
            _ => dot_plane(steps, bits, plane),
        };
        sum = _mm512_add_epi32(_mm512_sll_epi32(sum, _mm_cvtsi32_si128(bits.cast_signed())), product);
        rest = others;
    }
    _mm512_reduce_add_epi32(sum)
}

/// Sixteen sums of the products of a plane that is whole registers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot_lines<const BITS: u32>(steps: &[i8], plane: &[[u8; LANE]]) -> __m512i {
    let mask = _mm512_set1_epi8((1i8 << BITS) - 1);
    let (steps, _) = lines(steps);
    let mut sums = [_mm512_setzero_si512(); 2];
    for (at, line) in plane.iter().enumerate() {
        let mut left = whole(line);
        for place in 0..(8 / BITS) as usize {
            let components = _mm512_and_si512(left, mask);
            sums[place % 2] = _mm512_dpbusd_epi32(sums[place % 2], components, whole(&steps[place * plane.len() + at]));
            left = _mm512_srli_epi16::<BITS>(left);
        }
    }
    _mm512_add_epi32(sums[0], sums[1])
}

/// As [`dot_lines`], of any plane.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot_plane(steps: &[i8], bits: u32, plane: &[u8]) -> __m512i {
    let (mask, shift) = (_mm512_set1_epi8((1i8 << bits) - 1), _mm_cvtsi32_si128(bits.cast_signed()));
    let mut sums = [_mm512_setzero_si512(); 2];
    for start in (0..plane.len()).step_by(LANE) {
        let mut left = load(plane, start);
        for (place, steps) in steps.chunks_exact(plane.len()).enumerate() {
            let components = _mm512_and_si512(left, mask);
            sums[place % 2] = _mm512_dpbusd_epi32(sums[place % 2], components, load(steps, start));
            left = _mm512_srl_epi16(left, shift);
        }
    }
    _mm512_add_epi32(sums[0], sums[1])
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
fn most_alike(blocks: &[u64], like: &mut LikeBits) {
    let mut bound = _mm512_set1_epi64(like.bound().cast_signed());
    for (number, block) in blocks.chunks_exact(like.bits.len() * SIDE_BY_SIDE).enumerate() {
        let mut sum = _mm512_setzero_si512();
        for (bits, words) in like.bits.iter().zip(block.as_chunks::<SIDE_BY_SIDE>().0) {
            // SAFETY: the array is 64 bytes long, and the load needs no alignment.
            let words = unsafe { _mm512_loadu_si512(words.as_ptr().cast()) };
            let differing = _mm512_xor_si512(words, _mm512_set1_epi64(bits.cast_signed()));
            sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(differing));
        }
        let lanes = _mm512_cmplt_epu64_mask(sum, bound);
        if lanes != 0 {
            let mut differing = [0; SIDE_BY_SIDE];
            // SAFETY: the array is 64 bytes long, and the store needs no alignment.
            unsafe { _mm512_storeu_si512(differing.as_mut_ptr().cast(), sum) };
            like.offer(number, differing, lanes);
            bound = _mm512_set1_epi64(like.bound().cast_signed());
        }
    }
}

/// The plain code, compiled for a machine that counts bits by looking up four at once.
#[target_feature(enable = "avx512f,avx512bw,popcnt")]
fn most_alike_by_lookup(blocks: &[u64], like: &mut LikeBits) {
    portable::most_alike(blocks, like);
}

/// The registers that a slice fills, and the bytes behind them.
#[inline]
fn lines<T>(bytes: &[T]) -> (&[[T; LANE]], &[T]) {
    bytes.as_chunks()
}

/// A register.
#[inline]
#[target_feature(enable = "avx512f")]
fn whole<T: bytemuck::Pod>(bytes: &[T; LANE]) -> __m512i {
    const { assert!(size_of::<T>() == 1) };
    // SAFETY: there are 64 bytes, and the load needs no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
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

/// Asks for the cache lines of a piece of memory.
#[inline]
pub fn prefetch(start: *const i8, bytes: usize) {
    for line in (0..bytes).step_by(LANE) {
        // SAFETY: a prefetch reads nothing and faults on no address; it is part of SSE, which every
        // x86-64 has.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(line)) };
    }
}
