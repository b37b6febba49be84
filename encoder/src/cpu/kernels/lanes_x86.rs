//! [`Lanes`] in the registers of x86-64.

use std::arch::x86_64::*;

use half::bf16;

use super::lanes::Lanes;

/// The instructions of AVX2 and FMA.
#[derive(Clone, Copy)]
pub struct Avx2(());

/// The instructions of AVX-512: F, BW, DQ and VL.
#[derive(Clone, Copy)]
pub struct Avx512(());

impl Avx2 {
    /// # Safety
    /// - Detected: the processor must have AVX2 and FMA.
    #[inline(always)]
    pub unsafe fn assume() -> Self {
        Self(())
    }
}

impl Avx512 {
    /// # Safety
    /// - Detected: the processor must have AVX-512 F, BW, DQ and VL.
    #[inline(always)]
    pub unsafe fn assume() -> Self {
        Self(())
    }
}

/// One register of AVX-512.
#[derive(Clone, Copy)]
pub struct Avx512Lanes(pub(super) __m512);

/// Two registers of AVX2, with FMA.
#[derive(Clone, Copy)]
pub struct Avx2Lanes(pub(super) __m256, pub(super) __m256);

// SAFETY: all instructions are of AVX-512F, but for the rounding to bf16.
unsafe impl Lanes for Avx512Lanes {
    type Proof = Avx512;

    #[inline(always)]
    fn proof(self) -> Avx512 {
        Avx512(())
    }

    // SAFETY: see [`Lanes::load`].
    #[inline(always)]
    unsafe fn load(_: Self::Proof, from: *const f32) -> Self {
        // SAFETY: see [`Lanes::load`]: source.
        Self(unsafe { _mm512_loadu_ps(from) })
    }

    // SAFETY: see [`Lanes::store`].
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: see [`Lanes::store`]: target.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    // SAFETY: see [`Lanes::store_bf16`].
    #[inline(always)]
    unsafe fn store_bf16(self, to: *mut bf16) {
        // SAFETY: see [`Lanes::store_bf16`]: target, rounding; both types are 256 bits without
        // invalid values.
        unsafe { _mm256_storeu_si256(to.cast(), std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(self.0))) }
    }

    // SAFETY: see [`Lanes::load_bf16`].
    #[inline(always)]
    unsafe fn load_bf16(_: Self::Proof, from: *const bf16) -> Self {
        // SAFETY: see [`Lanes::load_bf16`]: source. A bf16 is the upper half of an f32.
        unsafe {
            let halves = _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast()));
            Self(_mm512_castsi512_ps(_mm512_slli_epi32::<16>(halves)))
        }
    }

    // SAFETY: see [`Lanes::store_bytes`].
    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8) {
        // SAFETY: see [`Lanes::store_bytes`]: target.
        unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(self.0))) }
    }

    // SAFETY: see [`Lanes::load_sums`].
    #[inline(always)]
    unsafe fn load_sums(_: Self::Proof, sums: *const i32, offsets: *const i32) -> Self {
        // SAFETY: see [`Lanes::load_sums`]: source.
        unsafe {
            let sums = _mm512_sub_epi32(_mm512_loadu_si512(sums.cast()), _mm512_loadu_si512(offsets.cast()));
            Self(_mm512_cvtepi32_ps(sums))
        }
    }

    #[inline(always)]
    fn splat(_: Self::Proof, value: f32) -> Self {
        // SAFETY: see [`Lanes`]: proof.
        Self(unsafe { _mm512_set1_ps(value) })
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: see [`Lanes`]: proof.
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: see [`Lanes`]: proof.
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: see [`Lanes`]: proof.
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: see [`Lanes`]: proof.
        Self(unsafe { _mm512_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: see [`Lanes`]: proof.
        Self(unsafe { _mm512_min_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: see [`Lanes`]: proof.
        Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, term.0) })
    }

    #[inline(always)]
    fn reciprocal(self) -> Self {
        // A division takes sixteen cycles; one step of Newton's method doubles the fourteen bits of
        // the estimate.
        // SAFETY: see [`Lanes`]: proof.
        unsafe {
            let estimate = _mm512_rcp14_ps(self.0);
            let error = _mm512_fnmadd_ps(self.0, estimate, _mm512_set1_ps(1.0));
            Self(_mm512_fmadd_ps(estimate, error, estimate))
        }
    }

    #[inline(always)]
    fn round(self) -> Self {
        // SAFETY: see [`Lanes`]: proof.
        Self(unsafe { _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0) })
    }

    #[inline(always)]
    fn scale(self, power: Self) -> Self {
        // SAFETY: see [`Lanes`]: proof.
        Self(unsafe { _mm512_scalef_ps(self.0, power.0) })
    }

    #[inline(always)]
    fn transpose(rows: [Self; 16]) -> [Self; 16] {
        // SAFETY: see [`Lanes`]: proof.
        unsafe {
            // In each quarter of a register: 2 x 2 values, then 4 x 4; then the quarters
            // themselves, twice by pairs.
            let mut x = [_mm512_setzero_ps(); 16];
            for (x, row) in x.iter_mut().zip(rows) {
                *x = row.0;
            }
            for i in (0..16).step_by(4) {
                let (a, b) = (_mm512_unpacklo_ps(x[i], x[i + 1]), _mm512_unpackhi_ps(x[i], x[i + 1]));
                let (c, d) = (_mm512_unpacklo_ps(x[i + 2], x[i + 3]), _mm512_unpackhi_ps(x[i + 2], x[i + 3]));
                x[i] = _mm512_shuffle_ps::<0b01_00_01_00>(a, c);
                x[i + 1] = _mm512_shuffle_ps::<0b11_10_11_10>(a, c);
                x[i + 2] = _mm512_shuffle_ps::<0b01_00_01_00>(b, d);
                x[i + 3] = _mm512_shuffle_ps::<0b11_10_11_10>(b, d);
            }
            let mut out = rows;
            for i in 0..4 {
                let (a, b) =
                    (_mm512_shuffle_f32x4::<0x44>(x[i], x[i + 4]), _mm512_shuffle_f32x4::<0xEE>(x[i], x[i + 4]));
                let (c, d) = (
                    _mm512_shuffle_f32x4::<0x44>(x[i + 8], x[i + 12]),
                    _mm512_shuffle_f32x4::<0xEE>(x[i + 8], x[i + 12]),
                );
                out[i] = Self(_mm512_shuffle_f32x4::<0x88>(a, c));
                out[i + 4] = Self(_mm512_shuffle_f32x4::<0xDD>(a, c));
                out[i + 8] = Self(_mm512_shuffle_f32x4::<0x88>(b, d));
                out[i + 12] = Self(_mm512_shuffle_f32x4::<0xDD>(b, d));
            }
            out
        }
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        // SAFETY: see [`Lanes`]: proof.
        unsafe { _mm512_reduce_add_ps(self.0) }
    }

    #[inline(always)]
    fn largest(self) -> f32 {
        // SAFETY: see [`Lanes`]: proof.
        unsafe { _mm512_reduce_max_ps(self.0) }
    }
}

// SAFETY: all instructions are of AVX2 and FMA.
unsafe impl Lanes for Avx2Lanes {
    type Proof = Avx2;

    #[inline(always)]
    fn proof(self) -> Avx2 {
        Avx2(())
    }

    // SAFETY: see [`Lanes::load`].
    #[inline(always)]
    unsafe fn load(_: Self::Proof, from: *const f32) -> Self {
        // SAFETY: see [`Lanes::load`]: source.
        unsafe { Self(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
    }

    // SAFETY: see [`Lanes::store`].
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: see [`Lanes::store`]: target.
        unsafe {
            _mm256_storeu_ps(to, self.0);
            _mm256_storeu_ps(to.add(8), self.1);
        }
    }

    // SAFETY: see [`Lanes::store_bf16`].
    #[inline(always)]
    unsafe fn store_bf16(self, to: *mut bf16) {
        // SAFETY: see [`Lanes::store_bf16`]: target.
        unsafe { to.cast::<[bf16; 16]>().write_unaligned(self.to_array().map(bf16::from_f32)) }
    }

    // SAFETY: see [`Lanes::load_bf16`].
    #[inline(always)]
    unsafe fn load_bf16(proof: Self::Proof, from: *const bf16) -> Self {
        // SAFETY: see [`Lanes::load_bf16`]: source.
        unsafe { Self::load(proof, from.cast::<[bf16; 16]>().read_unaligned().map(bf16::to_f32).as_ptr()) }
    }

    // SAFETY: see [`Lanes::store_bytes`].
    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8) {
        // SAFETY: see [`Lanes::store_bytes`]: target.
        unsafe { to.cast::<[u8; 16]>().write_unaligned(self.to_array().map(|value| value as i32 as u8)) }
    }

    // SAFETY: see [`Lanes::load_sums`].
    #[inline(always)]
    unsafe fn load_sums(_: Self::Proof, sums: *const i32, offsets: *const i32) -> Self {
        // SAFETY: see [`Lanes::load_sums`], for eight values.
        #[inline(always)]
        unsafe fn half(sums: *const i32, offsets: *const i32) -> __m256 {
            // SAFETY: see [`Lanes::load_sums`]: source.
            unsafe {
                let (sums, offsets) = (_mm256_loadu_si256(sums.cast()), _mm256_loadu_si256(offsets.cast()));
                _mm256_cvtepi32_ps(_mm256_sub_epi32(sums, offsets))
            }
        }
        // SAFETY: see [`Lanes::load_sums`]: source.
        unsafe { Self(half(sums, offsets), half(sums.add(8), offsets.add(8))) }
    }

    #[inline(always)]
    fn splat(_: Self::Proof, value: f32) -> Self {
        // SAFETY: see [`Lanes`]: proof.
        unsafe { Self(_mm256_set1_ps(value), _mm256_set1_ps(value)) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: see [`Lanes`]: proof.
        unsafe { Self(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1)) }
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: see [`Lanes`]: proof.
        unsafe { Self(_mm256_sub_ps(self.0, other.0), _mm256_sub_ps(self.1, other.1)) }
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: see [`Lanes`]: proof.
        unsafe { Self(_mm256_mul_ps(self.0, other.0), _mm256_mul_ps(self.1, other.1)) }
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: see [`Lanes`]: proof.
        unsafe { Self(_mm256_max_ps(self.0, other.0), _mm256_max_ps(self.1, other.1)) }
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: see [`Lanes`]: proof.
        unsafe { Self(_mm256_min_ps(self.0, other.0), _mm256_min_ps(self.1, other.1)) }
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: see [`Lanes`]: proof.
        unsafe { Self(_mm256_fmadd_ps(self.0, factor.0, term.0), _mm256_fmadd_ps(self.1, factor.1, term.1)) }
    }

    #[inline(always)]
    fn reciprocal(self) -> Self {
        // SAFETY: see [`Lanes`]: proof.
        unsafe {
            let one = _mm256_set1_ps(1.0);
            Self(_mm256_div_ps(one, self.0), _mm256_div_ps(one, self.1))
        }
    }

    #[inline(always)]
    fn round(self) -> Self {
        const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
        // SAFETY: see [`Lanes`]: proof.
        unsafe { Self(_mm256_round_ps::<NEAREST>(self.0), _mm256_round_ps::<NEAREST>(self.1)) }
    }

    #[inline(always)]
    fn scale(self, power: Self) -> Self {
        // SAFETY: see [`Lanes`]: proof.
        #[inline(always)]
        unsafe fn scale(x: __m256, power: __m256) -> __m256 {
            // SAFETY: see [`Lanes`]: proof.
            unsafe {
                let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(power), _mm256_set1_epi32(127));
                _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent)))
            }
        }
        // SAFETY: see [`Lanes`]: proof.
        unsafe { Self(scale(self.0, power.0), scale(self.1, power.1)) }
    }
}
