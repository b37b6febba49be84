//! int8 operands, for the products behind layer norms.
//!
//! A row of a left operand and an output of the weights are whole numbers from -127 to 127 times a scale of their own, the
//! smallest in which their largest value fits. Sums are i32, and exact: every instruction set gives the same. The scale of a row
//! must be known before its first value is written. A layer norm sees the whole row; what attention and GELU give comes panel by
//! panel, and has outliers that would leave few steps to the other values. So queries, keys and values and the first half of an
//! MLP are products of int8, seven of the twelve times its width squared that a block multiplies for a token, and the others are
//! what they are on another path.

use std::marker::PhantomData;

use super::isa::{Cells, FUSED, Isa, MicroKernel, Operands, Portable, Tick, block_of_cells};
use super::lanes::{LANES, Lanes, Plain};
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
pub struct Mixed<I, N>(PhantomData<(I, N)>);

// SAFETY: nothing but `I`.
unsafe impl<I: Isa, N: MicroKernel> MicroKernel for Mixed<I, N> {
    type Element = I::Element;
    type Vector = I::Vector;
    const TICKS: bool = I::TICKS;

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn block(operands: Operands, result: *mut f32, first: bool, tick: &mut impl Tick) {
        // SAFETY: by the caller.
        unsafe { I::block(operands, result, first, tick) }
    }

    #[inline(always)]
    fn prefetch(line: *const Line) {
        I::prefetch(line);
    }
}

// SAFETY: whoever runs a task with it vouches for both.
unsafe impl<I: Isa, N: MicroKernel<Vector = I::Vector>> Isa for Mixed<I, N> {
    type Attention = I::Attention;
    type Normed = N;
}

/// int8 in plain Rust.
#[derive(Clone, Copy)]
pub struct PortableInt8;

// SAFETY: needs no instruction set.
unsafe impl MicroKernel for PortableInt8 {
    type Element = i8;
    type Vector = <Portable as MicroKernel>::Vector;

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn block(operands: Operands, result: *mut f32, first: bool, _tick: &mut impl Tick) {
        // SAFETY: by the caller.
        unsafe { block_of_cells::<Int8Cells, 2, 1, 1>(operands, result, first) }
    }
}

/// Cells of four int8. Sums are the bits of i32.
struct Int8Cells;

impl Cells for Int8Cells {
    type Vector = Plain<FUSED>;
    type Operand = [[i8; 4]; LANES];

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn line(line: *const Line) -> Self::Operand {
        // SAFETY: by the caller.
        unsafe { line.cast::<Self::Operand>().read() }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn broadcast(cell: *const u32) -> Self::Operand {
        // SAFETY: by the caller.
        [unsafe { cell.cast::<[i8; 4]>().read() }; LANES]
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn multiply_add(a: Self::Operand, b: Self::Operand, sum: Self::Vector) -> Self::Vector {
        let mut sums = sum.to_array().map(|sum| sum.to_bits() as i32);
        for (sum, (a, b)) in sums.iter_mut().zip(a.into_iter().zip(b)) {
            for (a, b) in a.into_iter().zip(b) {
                *sum += i32::from(a) * i32::from(b);
            }
        }
        let bits = sums.map(|sum| f32::from_bits(sum as u32));
        // SAFETY: an array has sixteen values.
        unsafe { Plain::load(bits.as_ptr()) }
    }
}
