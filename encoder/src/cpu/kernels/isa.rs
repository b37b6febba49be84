//! The instruction sets that the kernels are written for, and how to enter code compiled for one.

use super::element::Element;
use super::lanes::{LANES, Lanes, Plain};
use super::tile::{Line, TILE};

/// Where the operands of a block lie.
#[derive(Clone, Copy)]
pub struct Operands {
    /// First line of the upper left tile; tiles along the inner dimension follow each other, with all their parts.
    pub left: *const Line,
    /// Lines from the upper to the lower left tile.
    pub left_stride: usize,
    /// First line of the right tiles; the two tiles of a step follow each other, with all their parts.
    pub right: *const Line,
    /// Tiles along the inner dimension.
    pub steps: usize,
    /// Whether there is a lower left tile.
    pub two_rows: bool,
    /// Whether the second right tile has columns.
    pub two_cols: bool,
}

/// Products of blocks of one kind of operands.
///
/// # Safety
/// Implementations may use instructions that are only there inside a [`Task`] that was given to
/// [`crate::cpu::path::Path::execute`] of their path. No other code may call them.
pub unsafe trait MicroKernel: Copy {
    type Element: Element;
    type Vector: Lanes;
    /// Whether [`MicroKernel::block`] lets other work tick.
    const TICKS: bool = false;

    /// Adds the product of a block to `result` (four tiles of 16 x 16, row by row), or stores it there if `first`. Sums are
    /// f32, or if elements are scaled the bits of i32.
    /// May let other work tick once for each tile along the inner dimension, to fill the gaps of this one.
    ///
    /// # Safety
    /// The tiles of `operands` must be readable, those of `result` writable.
    // SAFETY: as the trait says.
    unsafe fn block(operands: Operands, result: *mut f32, first: bool, tick: &mut impl Tick);

    /// Hints that a line will be read soon.
    #[inline(always)]
    fn prefetch(_line: *const Line) {}
}

/// An instruction set, with the micro-kernel of most products.
///
/// # Safety
/// The instructions of the other micro-kernels must be there wherever those of this one are.
pub unsafe trait Isa: MicroKernel {
    /// What computes attention: its operands are made anew for each head, so that they may be of another kind.
    type Attention: MicroKernel<Vector = Self::Vector>;
    /// What multiplies that which comes from a layer norm and goes nowhere else.
    type Normed: MicroKernel<Vector = Self::Vector>;
}

/// Other work, done bit by bit while a product is computed. A closure would do, but cannot be told to be inlined, and where it
/// is not, it is compiled without the instruction set.
pub trait Tick {
    /// Does a bit of it. Must be `#[inline(always)]`.
    fn tick(&mut self);
}

/// No other work between the steps.
impl Tick for () {
    #[inline(always)]
    fn tick(&mut self) {}
}

/// Work that is compiled for every instruction set. `run` must be `#[inline(always)]`.
pub trait Task {
    fn run<I: Isa>(self);
}

/// How an instruction set without matrices multiplies cells.
pub trait Cells {
    type Vector: Lanes;
    /// Sixteen cells.
    type Operand: Copy;
    /// # Safety
    /// The line must be readable.
    unsafe fn line(line: *const Line) -> Self::Operand;
    /// # Safety
    /// The cell must be readable.
    unsafe fn broadcast(cell: *const u32) -> Self::Operand;
    /// # Safety
    /// The instruction set must be there.
    unsafe fn multiply_add(a: Self::Operand, b: Self::Operand, sum: Self::Vector) -> Self::Vector;
}

/// [`MicroKernel::block`] with `ROWS x COLS` vectors of sums held in registers, and an inner loop over `CELLS` cells unrolled: where
/// the ports that multiply also count, counting less often leaves them more time.
///
/// # Safety
/// As [`MicroKernel::block`].
#[inline(always)]
pub unsafe fn block_of_cells<C: Cells, const ROWS: usize, const COLS: usize, const CELLS: usize>(
    o: Operands,
    result: *mut f32,
    first: bool,
) {
    let rows = TILE * (1 + usize::from(o.two_rows));
    let cols = 1 + usize::from(o.two_cols);
    for row in (0..rows).step_by(ROWS) {
        for col in (0..cols).step_by(COLS) {
            // SAFETY: rows and columns lie inside the block that the caller vouches for. With COLS = 2 and one column
            // tile, the second is computed too: it exists in memory, as padding.
            unsafe {
                let left = o.left.add(row / TILE * o.left_stride + row % TILE);
                let right = o.right.add(col * TILE);
                let sums = result.add((row / TILE * 2 + col) * TILE * LANES + row % TILE * LANES);
                sums_of_cells::<C, ROWS, COLS, CELLS>(left, right, o.steps, sums, first);
            }
        }
    }
}

/// A part of the block: `left` is its first row, `right` its first column tile, `result` its first sum.
///
/// # Safety
/// As [`MicroKernel::block`].
#[inline(always)]
unsafe fn sums_of_cells<C: Cells, const ROWS: usize, const COLS: usize, const CELLS: usize>(
    left: *const Line,
    right: *const Line,
    steps: usize,
    result: *mut f32,
    first: bool,
) {
    let mut sums = [[C::Vector::splat(0.0); COLS]; ROWS];
    // SAFETY: by the caller, and the loops stay inside the tiles.
    unsafe {
        let at = |row: usize, col: usize| result.add(col * TILE * LANES + row * LANES);
        if !first {
            for row in 0..ROWS {
                for col in 0..COLS {
                    sums[row][col] = C::Vector::load(at(row, col));
                }
            }
        }
        for step in 0..steps {
            let left = left.add(step * TILE);
            let right = right.add(step * 2 * TILE);
            for first in (0..LANES).step_by(CELLS) {
                for cell in first..first + CELLS {
                    let mut line = [C::line(right.add(cell)); COLS];
                    for col in 1..COLS {
                        line[col] = C::line(right.add(col * TILE + cell));
                    }
                    for row in 0..ROWS {
                        let value = C::broadcast(left.add(row).cast::<u32>().add(cell));
                        for col in 0..COLS {
                            sums[row][col] = C::multiply_add(value, line[col], sums[row][col]);
                        }
                    }
                }
            }
        }
        for row in 0..ROWS {
            for col in 0..COLS {
                sums[row][col].store(at(row, col));
            }
        }
    }
}

/// Cells of f32 in any vectors.
pub struct F32Cells<V>(std::marker::PhantomData<V>);

impl<V: Lanes> Cells for F32Cells<V> {
    type Vector = V;
    type Operand = V;

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn line(line: *const Line) -> V {
        // SAFETY: by the caller.
        unsafe { V::load(line.cast()) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn broadcast(cell: *const u32) -> V {
        // SAFETY: by the caller.
        V::splat(unsafe { *cell.cast() })
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn multiply_add(a: V, b: V, sum: V) -> V {
        a.mul_add(b, sum)
    }
}

/// Plain Rust, for every processor.
#[derive(Clone, Copy)]
pub struct Portable;

/// Whether multiplying and adding in one rounding is one instruction.
pub const FUSED: bool = cfg!(target_arch = "aarch64");

// SAFETY: needs no instruction set.
unsafe impl MicroKernel for Portable {
    type Element = f32;
    type Vector = Plain<FUSED>;

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn block(operands: Operands, result: *mut f32, first: bool, _tick: &mut impl Tick) {
        const ROWS: usize = if FUSED { 4 } else { 2 };
        // SAFETY: by the caller.
        unsafe { block_of_cells::<F32Cells<Self::Vector>, ROWS, 1, 1>(operands, result, first) }
    }
}

// SAFETY: needs no instruction set.
unsafe impl Isa for Portable {
    type Attention = Self;
    type Normed = Self;
}
