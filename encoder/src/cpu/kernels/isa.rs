//! The instruction sets that the kernels are written for, and how to enter code compiled for one.
//!
//! All share one geometry. A *tile* is sixteen lines of 64 bytes, the size of a cache line, of an AVX-512 register and of a
//! row of an AMX tile register. A line holds sixteen *cells* of four bytes: one f32, or two bf16 that follow each other
//! along the inner dimension of a product. In a tile of the left operand a line is a row, and its cells go along the inner
//! dimension; in a tile of the right operand a line is one cell of the inner dimension, and its cells are sixteen columns.
//! So a tile covers 16 x 16 values of f32, 16 x 32 of bf16 or 16 x 64 of int8, and a kernel differs from another only in how it
//! multiplies. Values that are split into two bf16 have two tiles, the one of the lower halves behind the one of the upper halves.

use std::ops::Range;

use bytemuck::Pod;
use half::bf16;

use super::int8::OffsetU8;
use super::lanes::{Lanes, Plain};
use super::math;

pub use super::lanes::LANES;

/// 64 aligned bytes.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub struct Line(pub [u8; 64]);

// SAFETY: any bytes are a line, and there is no padding.
unsafe impl bytemuck::Zeroable for Line {}
// SAFETY: as above.
unsafe impl Pod for Line {}

/// Lines of a tile.
pub const TILE: usize = 16;
/// Rows and columns of a block, the unit of work of a product: two tiles by two.
pub const BLOCK: usize = 32;
/// Values of the result of a block.
pub const BLOCK_VALUES: usize = BLOCK * BLOCK;

/// The types of [`Element`], told when the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    F32,
    Bf16,
    /// f32 in two halves.
    Split,
    Int8,
    /// int8 whose left operands are offset to be positive.
    OffsetU8,
}

impl Values {
    /// Values of a line.
    pub fn line(self) -> usize {
        match self {
            Self::F32 => f32::LINE,
            Self::Bf16 => bf16::LINE,
            Self::Split => Split::LINE,
            Self::Int8 => i8::LINE,
            Self::OffsetU8 => OffsetU8::LINE,
        }
    }

    /// Lines of a tile with all its parts.
    pub fn tile(self) -> usize {
        match self {
            Self::Split => Split::TILE,
            Self::F32 | Self::Bf16 | Self::Int8 | Self::OffsetU8 => TILE,
        }
    }
}

/// What operands of products are stored as.
pub trait Element: Pod + Send + Sync {
    const VALUES: Values;
    /// Values of a line.
    const LINE: usize = 64 / size_of::<Self>();
    /// Values of a cell.
    const CELL: usize = 4 / size_of::<Self>();
    /// Parts of a value, each in a tile of its own.
    const PARTS: usize = 1;
    /// Lines of the tiles of all parts.
    const TILE: usize = Self::PARTS * TILE;
    /// Whether operands have a scale for each row or column, and sums are whole numbers (see [`super::int8`]).
    const SCALED: bool = false;
    /// What is added to the values of a left operand: so many times the sum of a column is too much in its sums.
    const RAISED_BY: i32 = 0;
    /// Writes a value of a right operand, a whole number if elements are scaled, to where its first part belongs.
    fn put(value: f32, to: &mut [Self], at: usize);
    /// The exponential function as exactly as this type can hold it.
    #[inline(always)]
    fn exp<V: Lanes>(x: V) -> V {
        math::exp(x)
    }
    /// Writes sixteen values of a left operand, in units of its scale if it has one, to where their first parts belong.
    ///
    /// # Safety
    /// `to` must be valid for sixteen values, and so must be the same place in the tiles of the other parts.
    unsafe fn store<V: Lanes>(values: V, to: *mut Self);
}

impl Element for f32 {
    const VALUES: Values = Values::F32;

    #[inline(always)]
    fn put(value: f32, to: &mut [Self], at: usize) {
        to[at] = value;
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn store<V: Lanes>(values: V, to: *mut Self) {
        // SAFETY: by the caller.
        unsafe { values.store(to) }
    }
}

impl Element for bf16 {
    const VALUES: Values = Values::Bf16;

    #[inline(always)]
    fn put(value: f32, to: &mut [Self], at: usize) {
        to[at] = Self::from_f32(value);
    }

    #[inline(always)]
    fn exp<V: Lanes>(x: V) -> V {
        math::exp_for_bf16(x)
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn store<V: Lanes>(values: V, to: *mut Self) {
        // SAFETY: by the caller.
        unsafe { values.store_bf16(to) }
    }
}

/// A part of an f32 that is split into the nearest bf16 and the bf16 that is nearest to what this leaves: together 16 bits
/// or more of the 24 that an f32 has. Only operands of products hold it.
#[derive(Debug, Clone, Copy, Pod, bytemuck::Zeroable)]
#[repr(transparent)]
pub struct Split(pub bf16);

impl Element for Split {
    const VALUES: Values = Values::Split;
    const PARTS: usize = 2;

    #[inline(always)]
    fn put(value: f32, to: &mut [Self], at: usize) {
        let upper = bf16::from_f32(value);
        to[at] = Self(upper);
        to[at + TILE * Self::LINE] = Self(bf16::from_f32(value - upper.to_f32()));
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn store<V: Lanes>(values: V, to: *mut Self) {
        let to = to.cast::<bf16>();
        // SAFETY: by the caller.
        unsafe {
            values.store_bf16(to);
            values.sub(V::load_bf16(to)).store_bf16(to.add(TILE * Self::LINE));
        }
    }
}

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

/// `count` things in `parts` ranges of nearly equal length; the `part`th.
pub fn split_range(count: usize, parts: usize, part: usize) -> Range<usize> {
    count * part / parts..count * (part + 1) / parts
}
