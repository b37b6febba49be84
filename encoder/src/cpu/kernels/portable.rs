//! The micro-kernel in plain Rust.

use super::cells::{F32Cells, block_of_cells};
use super::isa::{Isa, MicroKernel, Operands, Tick};
use super::lanes::{Plain, Portable};

/// Whether multiplying and adding in one rounding is one instruction.
pub const FUSED: bool = cfg!(target_arch = "aarch64");

impl MicroKernel for Portable {
    type Element = f32;
    type Vector = Plain<FUSED>;

    #[inline(always)]
    fn vectors(self) -> Self {
        self
    }

    // SAFETY: see [`MicroKernel::block`].
    #[inline(always)]
    unsafe fn block(self, operands: Operands, result: *mut f32, first: bool, _tick: &mut impl Tick) {
        const ROWS: usize = if FUSED { 4 } else { 2 };
        // SAFETY: see [`MicroKernel::block`]: operands, result.
        unsafe { block_of_cells::<F32Cells<Plain<FUSED>>, ROWS, 1, 1>(F32Cells(self), operands, result, first) }
    }
}

impl Isa for Portable {
    type Attention = Self;
    type Normed = Self;

    #[inline(always)]
    fn attention(self) -> Self {
        self
    }

    #[inline(always)]
    fn normed(self) -> Self {
        self
    }
}
