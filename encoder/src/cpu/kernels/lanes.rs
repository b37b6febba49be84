//! Sixteen f32 side by side, in the registers of each instruction set.

use half::bf16;

/// Lanes of a vector, and the side of a tile.
pub const LANES: usize = 16;

/// Sixteen f32. Methods are inlined into functions that were compiled for the vector's instruction
/// set; pointers need no alignment.
///
/// A vector is made with the [`Lanes::Proof`] of its instruction set, or of other vectors, so that
/// having one proves that the processor has the instructions: what takes vectors is safe.
///
/// # Safety
/// - Proof: there is no vector where the processor lacks the instructions.
/// - Extent: loads and stores touch sixteen values from their pointer on, and nothing else.
pub unsafe trait Lanes: Copy {
    /// Proves that the processor has the instructions, and takes no memory.
    type Proof: Copy;
    /// The proof that this vector was made with.
    fn proof(self) -> Self::Proof;
    /// # Safety
    /// - Source: `from` must be valid for sixteen values.
    unsafe fn load(proof: Self::Proof, from: *const f32) -> Self;
    /// # Safety
    /// - Target: `to` must be valid for sixteen values.
    unsafe fn store(self, to: *mut f32);
    /// Rounds to the nearest bf16, to even in between.
    ///
    /// # Safety
    /// - Target: `to` must be valid for sixteen values.
    /// - Rounding: the processor must have the instruction for it, as it does where a micro-kernel
    ///   multiplies bf16.
    unsafe fn store_bf16(self, to: *mut bf16);
    /// # Safety
    /// - Source: `from` must be valid for sixteen values.
    unsafe fn load_bf16(proof: Self::Proof, from: *const bf16) -> Self;
    /// Writes the low byte of each value, which must be a whole number.
    ///
    /// # Safety
    /// - Target: `to` must be valid for sixteen bytes.
    unsafe fn store_bytes(self, to: *mut u8);
    /// `sums - offsets`, rounded to the nearest f32.
    ///
    /// # Safety
    /// - Source: both must be valid for sixteen values.
    unsafe fn load_sums(proof: Self::Proof, sums: *const i32, offsets: *const i32) -> Self;
    fn splat(proof: Self::Proof, value: f32) -> Self;
    /// A vector of one value, by the proof of this one.
    #[inline(always)]
    fn fill(self, value: f32) -> Self {
        Self::splat(self.proof(), value)
    }
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn max(self, other: Self) -> Self;
    fn min(self, other: Self) -> Self;
    /// `self * factor + term`, in one rounding where the instruction set has it.
    fn mul_add(self, factor: Self, term: Self) -> Self;
    /// `1 / self` within 2 units in the last place.
    fn reciprocal(self) -> Self;
    /// To the nearest whole number, for magnitudes below 2^22.
    fn round(self) -> Self;
    /// `self * 2^power`; `power` is whole and keeps the result in the normal range.
    fn scale(self, power: Self) -> Self;

    /// Swaps rows and columns of sixteen vectors, as bits of any type.
    #[inline(always)]
    fn transpose(rows: [Self; LANES]) -> [Self; LANES] {
        let mut values = [[0.0; LANES]; LANES];
        let mut columns = rows;
        for (values, row) in values.iter_mut().zip(rows) {
            *values = row.to_array();
        }
        for (i, column) in columns.iter_mut().enumerate() {
            // SAFETY: an array has sixteen values.
            *column = unsafe { Self::load(rows[0].proof(), values.map(|row| row[i]).as_ptr()) };
        }
        columns
    }

    #[inline(always)]
    fn to_array(self) -> [f32; LANES] {
        let mut lanes = [0.0; LANES];
        // SAFETY: the array has sixteen values.
        unsafe { self.store(lanes.as_mut_ptr()) };
        lanes
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        let mut lanes = self.to_array();
        for half in [8, 4, 2, 1] {
            for i in 0..half {
                lanes[i] += lanes[i + half];
            }
        }
        lanes[0]
    }

    #[inline(always)]
    fn largest(self) -> f32 {
        self.to_array().into_iter().fold(f32::NEG_INFINITY, f32::max)
    }
}

/// The instructions that every processor has.
#[derive(Clone, Copy)]
pub struct Portable;

/// Plain Rust. `FUSED` says that a fused multiply-add is one instruction there; elsewhere it would
/// be a slow library call.
#[derive(Clone, Copy)]
pub struct Plain<const FUSED: bool>([f32; LANES]);

impl<const FUSED: bool> Plain<FUSED> {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }

    #[inline(always)]
    fn map(self, f: impl Fn(f32) -> f32) -> Self {
        Self(self.0.map(f))
    }
}

/// Added to a small number, leaves its nearest whole number in the low bits.
const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23

// SAFETY: any processor has what this takes; arrays have sixteen values.
unsafe impl<const FUSED: bool> Lanes for Plain<FUSED> {
    type Proof = Portable;

    #[inline(always)]
    fn proof(self) -> Portable {
        Portable
    }

    // SAFETY: see [`Lanes::load`].
    #[inline(always)]
    unsafe fn load(_: Self::Proof, from: *const f32) -> Self {
        // SAFETY: see [`Lanes::load`]: source.
        Self(unsafe { from.cast::<[f32; LANES]>().read_unaligned() })
    }

    // SAFETY: see [`Lanes::store`].
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: see [`Lanes::store`]: target.
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(self.0) }
    }

    // SAFETY: see [`Lanes::store_bf16`].
    #[inline(always)]
    unsafe fn store_bf16(self, to: *mut bf16) {
        // SAFETY: see [`Lanes::store_bf16`]: target.
        unsafe { to.cast::<[bf16; LANES]>().write_unaligned(self.0.map(bf16::from_f32)) }
    }

    // SAFETY: see [`Lanes::load_bf16`].
    #[inline(always)]
    unsafe fn load_bf16(_: Self::Proof, from: *const bf16) -> Self {
        // SAFETY: see [`Lanes::load_bf16`]: source.
        Self(unsafe { from.cast::<[bf16; LANES]>().read_unaligned() }.map(bf16::to_f32))
    }

    // SAFETY: see [`Lanes::store_bytes`].
    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8) {
        // SAFETY: see [`Lanes::store_bytes`]: target.
        unsafe { to.cast::<[u8; LANES]>().write_unaligned(self.0.map(|value| value as i32 as u8)) }
    }

    // SAFETY: see [`Lanes::load_sums`].
    #[inline(always)]
    unsafe fn load_sums(_: Self::Proof, sums: *const i32, offsets: *const i32) -> Self {
        // SAFETY: see [`Lanes::load_sums`]: source.
        let [sums, offsets] = [sums, offsets].map(|from| unsafe { from.cast::<[i32; LANES]>().read_unaligned() });
        Self(std::array::from_fn(|i| (sums[i] - offsets[i]) as f32))
    }

    #[inline(always)]
    fn splat(_: Self::Proof, value: f32) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        let f = |i: usize| match FUSED {
            true => self.0[i].mul_add(factor.0[i], term.0[i]),
            false => self.0[i] * factor.0[i] + term.0[i],
        };
        Self(std::array::from_fn(f))
    }

    #[inline(always)]
    fn reciprocal(self) -> Self {
        self.map(|x| 1.0 / x)
    }

    #[inline(always)]
    fn round(self) -> Self {
        self.map(|x| (x + ROUND) - ROUND)
    }

    #[inline(always)]
    fn scale(self, power: Self) -> Self {
        let factor = |n: f32| f32::from_bits(((n + ROUND).to_bits() << 23).wrapping_add(1.0f32.to_bits()));
        self.zip(power, |x, n| x * factor(n))
    }
}
