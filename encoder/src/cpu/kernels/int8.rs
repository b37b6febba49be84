//! int8 operands, for the products behind layer norms.
//!
//! A row of a left operand and an output of the weights are whole numbers from -127 to 127 times a
//! scale of their own, the smallest in which their largest value fits. Sums are i32, and exact:
//! every instruction set gives the same. The scale of a row must be known before its first value is
//! written. A layer norm sees the whole row; what attention and GELU give comes panel by panel, and
//! has outliers that would leave few steps to the other values. So queries, keys and values and the
//! first half of an MLP are products of int8, seven of the twelve times its width squared that a
//! block multiplies for a token, and the others are what they are on another path.

use super::cells::{Cells, block_of_cells};
use super::isa::{Isa, MicroKernel, Operands, Proof, Tick};
use super::lanes::{LANES, Lanes, Plain, Portable};
use super::portable::FUSED;
use super::tile::Line;

/// The largest whole number.
const LARGEST: f32 = 127.0;

/// The scale of values whose largest magnitude is `largest`. NaN stays NaN.
#[inline(always)]
pub fn scale_of(largest: f32) -> f32 {
    // Below this everything is 0, and the reciprocal of the scale still a number.
    const LEAST: f32 = 1e-30;
    if largest < LEAST { LEAST / LARGEST } else { largest / LARGEST }
}

/// `N` behind layer norms, `I` everywhere else.
#[derive(Clone, Copy)]
pub struct Mixed<I, N>(pub I, pub N);

impl<I: Isa, N: MicroKernel> MicroKernel for Mixed<I, N> {
    type Element = I::Element;
    type Vector = I::Vector;
    const TICKS: bool = I::TICKS;

    #[inline(always)]
    fn vectors(self) -> Proof<I> {
        self.0.vectors()
    }

    // SAFETY: see [`MicroKernel::block`].
    #[inline(always)]
    unsafe fn block(self, operands: Operands, result: *mut f32, first: bool, tick: &mut impl Tick) {
        // SAFETY: see [`MicroKernel::block`]: operands, result.
        unsafe { self.0.block(operands, result, first, tick) }
    }

    #[inline(always)]
    fn prefetch(line: *const Line) {
        I::prefetch(line);
    }
}

impl<I: Isa, N: MicroKernel<Vector = I::Vector>> Isa for Mixed<I, N> {
    type Attention = I::Attention;
    type Normed = N;

    #[inline(always)]
    fn attention(self) -> I::Attention {
        self.0.attention()
    }

    #[inline(always)]
    fn normed(self) -> N {
        self.1
    }
}

/// int8 in plain Rust.
#[derive(Clone, Copy)]
pub struct PortableInt8;

impl MicroKernel for PortableInt8 {
    type Element = i8;
    type Vector = Plain<FUSED>;

    #[inline(always)]
    fn vectors(self) -> Portable {
        Portable
    }

    // SAFETY: see [`MicroKernel::block`].
    #[inline(always)]
    unsafe fn block(self, operands: Operands, result: *mut f32, first: bool, _tick: &mut impl Tick) {
        // SAFETY: see [`MicroKernel::block`]: operands, result.
        unsafe { block_of_cells::<Int8Cells, 2, 1, 1>(Int8Cells, operands, result, first) }
    }
}

/// Cells of four int8. Sums are the bits of i32.
#[derive(Clone, Copy)]
struct Int8Cells;

impl Cells for Int8Cells {
    type Vector = Plain<FUSED>;
    type Operand = [[i8; 4]; LANES];

    #[inline(always)]
    fn vectors(self) -> Portable {
        Portable
    }

    // SAFETY: see [`Cells::line`].
    #[inline(always)]
    unsafe fn line(self, line: *const Line) -> Self::Operand {
        // SAFETY: see [`Cells::line`]: source.
        unsafe { line.cast::<Self::Operand>().read() }
    }

    // SAFETY: see [`Cells::broadcast`].
    #[inline(always)]
    unsafe fn broadcast(self, cell: *const u32) -> Self::Operand {
        // SAFETY: see [`Cells::broadcast`]: source.
        [unsafe { cell.cast::<[i8; 4]>().read() }; LANES]
    }

    #[inline(always)]
    fn multiply_add(self, a: Self::Operand, b: Self::Operand, sum: Self::Vector) -> Self::Vector {
        let mut sums = sum.to_array().map(|sum| sum.to_bits() as i32);
        for (sum, (a, b)) in sums.iter_mut().zip(a.into_iter().zip(b)) {
            for (a, b) in a.into_iter().zip(b) {
                *sum += i32::from(a) * i32::from(b);
            }
        }
        let bits = sums.map(|sum| f32::from_bits(sum as u32));
        // SAFETY: an array has sixteen values.
        unsafe { Plain::load(Portable, bits.as_ptr()) }
    }
}
