//! Products of blocks in vectors, cell by cell.

use super::isa::Operands;
use super::lanes::{LANES, Lanes};
use super::tile::{Line, TILE};

/// How an instruction set without matrices multiplies cells.
///
/// A value proves that the processor has the instructions; a micro-kernel makes it of itself.
pub trait Cells: Copy {
    type Vector: Lanes;
    /// Sixteen cells.
    type Operand: Copy;
    /// The proof of its vectors.
    fn vectors(self) -> <Self::Vector as Lanes>::Proof;
    /// # Safety
    /// - Source: the line must be readable.
    unsafe fn line(self, line: *const Line) -> Self::Operand;
    /// The same cell sixteen times.
    ///
    /// # Safety
    /// - Source: the cell must be readable.
    unsafe fn broadcast(self, cell: *const u32) -> Self::Operand;
    fn multiply_add(self, a: Self::Operand, b: Self::Operand, sum: Self::Vector) -> Self::Vector;
}

/// [`MicroKernel::block`] with `ROWS x COLS` vectors of sums held in registers, and an inner loop
/// over `CELLS` cells unrolled: where the ports that multiply also count, counting less often
/// leaves them more time.
///
/// # Safety
/// As [`MicroKernel::block`].
///
/// [`MicroKernel::block`]: super::isa::MicroKernel::block
#[inline(always)]
pub unsafe fn block_of_cells<C: Cells, const ROWS: usize, const COLS: usize, const CELLS: usize>(
    cells: C,
    o: Operands,
    result: *mut f32,
    first: bool,
) {
    let rows = TILE * (1 + usize::from(o.two_rows));
    let cols = 1 + usize::from(o.two_cols);
    for row in (0..rows).step_by(ROWS) {
        for col in (0..cols).step_by(COLS) {
            // SAFETY: operands and result, for rows and columns lie inside the block. With COLS = 2
            // and one column tile, the second is computed too.
            unsafe {
                let left = o.left.add(row / TILE * o.left_stride + row % TILE);
                let right = o.right.add(col * TILE);
                let sums = result.add((row / TILE * 2 + col) * TILE * LANES + row % TILE * LANES);
                sums_of_cells::<C, ROWS, COLS, CELLS>(cells, left, right, o.steps, sums, first);
            }
        }
    }
}

/// A part of the block: `left` is its first row, `right` its first column tile, `result` its first
/// sum.
///
/// # Safety
/// As [`block_of_cells`].
#[inline(always)]
unsafe fn sums_of_cells<C: Cells, const ROWS: usize, const COLS: usize, const CELLS: usize>(
    cells: C,
    left: *const Line,
    right: *const Line,
    steps: usize,
    result: *mut f32,
    first: bool,
) {
    let mut sums = [[C::Vector::splat(cells.vectors(), 0.0); COLS]; ROWS];
    // SAFETY: operands and result; the loops stay inside the tiles.
    unsafe {
        let at = |row: usize, col: usize| result.add(col * TILE * LANES + row * LANES);
        if !first {
            for row in 0..ROWS {
                for col in 0..COLS {
                    sums[row][col] = C::Vector::load(cells.vectors(), at(row, col));
                }
            }
        }
        for step in 0..steps {
            let left = left.add(step * TILE);
            let right = right.add(step * 2 * TILE);
            for first in (0..LANES).step_by(CELLS) {
                for cell in first..first + CELLS {
                    let mut line = [cells.line(right.add(cell)); COLS];
                    for col in 1..COLS {
                        line[col] = cells.line(right.add(col * TILE + cell));
                    }
                    for row in 0..ROWS {
                        let value = cells.broadcast(left.add(row).cast::<u32>().add(cell));
                        for col in 0..COLS {
                            sums[row][col] = cells.multiply_add(value, line[col], sums[row][col]);
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
#[derive(Clone, Copy)]
pub struct F32Cells<V: Lanes>(pub V::Proof);

impl<V: Lanes> Cells for F32Cells<V> {
    type Vector = V;
    type Operand = V;

    #[inline(always)]
    fn vectors(self) -> V::Proof {
        self.0
    }

    // SAFETY: see [`Cells::line`].
    #[inline(always)]
    unsafe fn line(self, line: *const Line) -> V {
        // SAFETY: see [`Cells::line`]: source; a line has sixteen f32.
        unsafe { V::load(self.0, line.cast()) }
    }

    // SAFETY: see [`Cells::broadcast`].
    #[inline(always)]
    unsafe fn broadcast(self, cell: *const u32) -> V {
        // SAFETY: see [`Cells::broadcast`]: source.
        V::splat(self.0, unsafe { *cell.cast() })
    }

    #[inline(always)]
    fn multiply_add(self, a: V, b: V, sum: V) -> V {
        a.mul_add(b, sum)
    }
}
