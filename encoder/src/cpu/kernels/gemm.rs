//! Products of activations and packed weights, with an epilogue that takes the results while they
//! are in the cache.
//!
//! Rows are cut into groups that stay in the second-level cache while the panels of the weights
//! pass by, and the inner dimension into chunks of which a panel stays in the first-level cache
//! while the rows of a group pass by. The next chunk is asked for meanwhile: the third-level cache
//! of a server is far away. A panel's epilogue runs between the products of the next panel: tile
//! products occupy a unit of their own, so that GELU and the like cost next to nothing.

use std::cell::RefCell;
use std::ops::Range;

use half::bf16;
use rayon::prelude::*;

use super::buffers::{Buffer, Packed, SharedRows, SharedTiles, Tiles};
use super::element::Element;
use super::isa::{Isa, MicroKernel, Operands, Task, Tick};
use super::lanes::{LANES, Lanes};
use super::math;
use super::tile::{BLOCK, BLOCK_VALUES, Line, TILE, split_range};
use crate::cpu::path::Path;

/// What becomes of the results of a product.
#[derive(Clone, Copy)]
pub enum Epilogue<'a> {
    /// They are stored as f32.
    Store(SharedRows<'a>),
    /// They are stored as operands of attention, row by row.
    StoreElements(SharedRows<'a>),
    /// They are stored as the left operand of the next product.
    StoreTiles(SharedTiles<'a>),
    /// They are added to what is there.
    Accumulate(SharedRows<'a>),
    /// An activation function is applied, and they are stored as the left operand of the next
    /// product.
    Activate(Gelu, SharedTiles<'a>),
}

/// Activation functions of an MLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gelu {
    Tanh,
    Erf,
}

/// Bytes of activations that a group of rows keeps in the second-level cache.
const GROUP_BYTES: usize = 768 << 10;
/// Tiles of a chunk along the inner dimension, counting all parts.
const CHUNK: usize = 8;

/// `epilogue(left * right + bias)` for the first `rows` rows, on all threads. Both operands are of
/// the kind that the path multiplies behind a layer norm, or of the one that it multiplies
/// elsewhere.
///
/// # Panics
/// If operands and output do not fit each other.
pub fn multiply(path: Path, left: &Tiles, rows: usize, right: &Packed, epilogue: Epilogue) {
    assert_eq!(left.steps(), right.steps(), "inner dimensions differ");
    assert_eq!(left.values(), right.values(), "operands of two kinds");
    assert!([path.values(), path.normed()].contains(&left.values()), "operands of another path");
    let tile = left.values().tile();
    assert!(rows.div_ceil(TILE) * left.steps() * tile <= left.lines().len(), "more rows than the operand has");
    epilogue.check(path, rows, right.panels() * BLOCK);
    if rows == 0 {
        return;
    }
    let blocks = rows.div_ceil(BLOCK);
    // Fewer than four blocks would read the weights faster than the third-level cache gives them.
    let group = (GROUP_BYTES / (BLOCK / TILE * left.steps() * tile * size_of::<Line>())).clamp(4, 24);
    let groups = blocks.div_ceil(group);
    // Three tasks a thread even out what threads lose to other programs.
    let splits = (3 * rayon::current_num_threads()).div_ceil(groups).min(right.panels().div_ceil(3));
    (0..groups * splits).into_par_iter().with_max_len(1).for_each(|task| {
        path.execute(Product {
            left,
            right,
            rows,
            blocks: split_range(blocks, groups, task / splits),
            panels: split_range(right.panels(), splits, task % splits),
            epilogue,
        });
    });
}

/// What operands behind a layer norm hold.
type Normed<I> = <<I as Isa>::Normed as MicroKernel>::Element;

/// The part of a product that one thread computes.
struct Product<'a> {
    left: &'a Tiles,
    right: &'a Packed,
    rows: usize,
    blocks: Range<usize>,
    panels: Range<usize>,
    epilogue: Epilogue<'a>,
}

thread_local! {
    /// Results of two panels of a group.
    static RESULTS: RefCell<Buffer> = RefCell::default();
}

impl Task for Product<'_> {
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let panel_lines = self.blocks.len() * BLOCK_VALUES / LANES;
        // Taken out instead of borrowed in a closure: that would be compiled without the
        // instruction set.
        let mut buffer = RESULTS.take();
        if buffer.len() < 2 * panel_lines {
            buffer = Buffer::zeroed(2 * panel_lines);
        }
        let results: *mut f32 = buffer.as_mut_ptr().cast();
        // SAFETY: room for two panels was made above.
        unsafe {
            let results = [results, results.add(panel_lines * LANES)];
            // The first is known where a path has one kind of operands: no code is made for the
            // other then.
            if Normed::<I>::SCALED && self.left.values() == Normed::<I>::VALUES {
                self.panels(isa, isa.normed(), results);
            } else {
                self.panels(isa, isa, results);
            }
        }
        RESULTS.set(buffer);
    }
}

impl Product<'_> {
    /// With `kernel` for the products, and `isa` for what becomes of them.
    ///
    /// # Safety
    /// - Operands: both must be in the layout of `K`.
    /// - Room: each of `results` must have room for the blocks of this part.
    #[inline(always)]
    unsafe fn panels<I: Isa, K: MicroKernel<Vector = I::Vector>>(&self, isa: I, kernel: K, results: [*mut f32; 2]) {
        let (steps, tile) = (self.left.steps(), K::Element::TILE);
        let chunks = (steps * K::Element::PARTS).div_ceil(CHUNK);
        for (turn, panel) in self.panels.clone().enumerate() {
            // SAFETY: `Operands`; all panels are inside them, as `multiply` made sure of.
            let right = unsafe { self.right.lines().as_ptr().add(panel * steps * 2 * tile) };
            let (now, before) = (results[turn % 2], results[1 - turn % 2]);
            for chunk in 0..chunks {
                let range = split_range(steps, chunks, chunk);
                let ahead = 2 * tile / self.blocks.len() + 1;
                for (i, block) in self.blocks.clone().enumerate() {
                    let row = block * BLOCK;
                    // SAFETY: `Operands` and `Room`; all blocks are inside the operands, as
                    // `multiply` made sure of, and `before` holds the previous panel's results
                    // unless this is the first.
                    unsafe {
                        let operands = Operands {
                            left: self.left.lines().as_ptr().add((row / TILE * steps + range.start) * tile),
                            left_stride: steps * tile,
                            right: right.add(range.start * 2 * tile),
                            steps: range.len(),
                            two_rows: row + TILE < self.rows,
                            two_cols: true,
                        };
                        let share = if turn == 0 { 0..0 } else { split_range(BLOCK, chunks, chunk) };
                        let rest = share.start..share.end.min(self.rows - row);
                        let next = right.wrapping_add(range.end * 2 * tile + i * ahead * range.len());
                        if !K::TICKS {
                            for i in 0..ahead * range.len() {
                                K::prefetch(next.wrapping_add(i));
                            }
                        }
                        let mut between = Between {
                            product: self,
                            next,
                            ahead,
                            before: before.add(i * BLOCK_VALUES),
                            panel: panel.wrapping_sub(1),
                            row,
                            each: rest.len().div_ceil(range.len()),
                            rest,
                            isa,
                            kernel,
                        };
                        kernel.block(operands, now.add(i * BLOCK_VALUES), chunk == 0, &mut between);
                        between.finish(BLOCK);
                    }
                }
            }
        }
        let last = results[(self.panels.len() + 1) % 2];
        for (i, block) in self.blocks.clone().enumerate() {
            for row in 0..BLOCK.min(self.rows - block * BLOCK) {
                // SAFETY: `Block`: the last panel's results were computed above.
                unsafe {
                    self.finish_row(isa, kernel, last.add(i * BLOCK_VALUES), block * BLOCK, row, self.panels.end - 1)
                };
            }
        }
    }

    /// Gives row `i` of a block that begins at `row` to the epilogue.
    ///
    /// # Safety
    /// - Block: `results` must be those of a block of this part and of `panel`.
    #[inline(always)]
    unsafe fn finish_row<I: Isa, K: MicroKernel<Vector = I::Vector>>(
        &self,
        isa: I,
        kernel: K,
        results: *const f32,
        row: usize,
        i: usize,
        panel: usize,
    ) {
        // SAFETY: `Block`: these are four tiles of sums; each pair of a row and a panel belongs to
        // one task, and `multiply` made sure that the output has it.
        unsafe {
            let at = results.add(i / TILE * 2 * TILE * LANES + i % TILE * LANES);
            let values = [
                self.finish(kernel, at, row + i, panel * BLOCK),
                self.finish(kernel, at.add(TILE * LANES), row + i, panel * BLOCK + LANES),
            ];
            self.epilogue.take(isa, row + i, panel * BLOCK, values);
        }
    }

    /// What sixteen sums of `row` from `col` on stand for, and their bias.
    ///
    /// # Safety
    /// - Sums: `sums` must be sixteen sums of `K`.
    /// - Place: the row must exist on the left, and the columns, padded to whole panels, on the
    ///   right.
    #[inline(always)]
    unsafe fn finish<K: MicroKernel>(&self, kernel: K, sums: *const f32, row: usize, col: usize) -> K::Vector {
        let proof = kernel.vectors();
        // SAFETY: `Sums` and `Place`.
        unsafe {
            let bias = K::Vector::load(proof, self.right.bias().as_ptr().add(col));
            if !K::Element::SCALED {
                return K::Vector::load(proof, sums).add(bias);
            }
            let sums = K::Vector::load_sums(proof, sums.cast(), self.right.offsets().as_ptr().add(col));
            let scale = K::Vector::splat(proof, *self.left.scales().as_ptr().add(row));
            sums.mul(K::Vector::load(proof, self.right.scales().as_ptr().add(col))).mul_add(scale, bias)
        }
    }
}

/// What is done between the tiles of a block.
struct Between<'a, I, K> {
    product: &'a Product<'a>,
    /// The next line of the weights to ask for, and how many at a time.
    next: *const Line,
    ahead: usize,
    /// Results of a block of the panel before.
    before: *const f32,
    panel: usize,
    row: usize,
    /// The rows of it that are still to be given to the epilogue, and how many at a time.
    rest: Range<usize>,
    each: usize,
    isa: I,
    kernel: K,
}

impl<I: Isa, K: MicroKernel<Vector = I::Vector>> Between<'_, I, K> {
    /// Gives the next `count` rows to the epilogue, or those that are left.
    #[inline(always)]
    fn finish(&mut self, count: usize) {
        for _ in 0..count {
            let Some(i) = self.rest.next() else { return };
            // SAFETY: `Block`: `panels` made this, with results of the panel before.
            unsafe { self.product.finish_row(self.isa, self.kernel, self.before, self.row, i, self.panel) };
        }
    }
}

impl<I: Isa, K: MicroKernel<Vector = I::Vector>> Tick for Between<'_, I, K> {
    #[inline(always)]
    fn tick(&mut self) {
        for _ in 0..self.ahead {
            K::prefetch(self.next);
            self.next = self.next.wrapping_add(1);
        }
        self.finish(self.each);
    }
}

impl Epilogue<'_> {
    /// Makes sure that the output has room for `rows` rows of `cols` results.
    fn check(self, path: Path, rows: usize, cols: usize) {
        match self {
            Self::Store(to) | Self::Accumulate(to) => to.check::<f32>(rows, cols),
            Self::StoreElements(to) if path.is_bf16() => to.check::<bf16>(rows, cols),
            Self::StoreElements(to) => to.check::<f32>(rows, cols),
            Self::StoreTiles(to) | Self::Activate(_, to) => to.check(rows, path.values()),
        }
    }

    /// Takes the results of 32 columns from `col` on, a multiple of 32, of one row.
    ///
    /// # Safety
    /// - Place: the output must have the row and the columns, padded to whole blocks.
    /// - Exclusive: nobody else may use what stands there.
    #[inline(always)]
    unsafe fn take<I: Isa>(self, isa: I, row: usize, col: usize, [a, b]: [I::Vector; 2]) {
        // SAFETY: `Place` and `Exclusive`.
        unsafe {
            match self {
                Self::Store(rows) => {
                    let to = rows.at::<f32>(row, col);
                    a.store(to);
                    b.store(to.add(LANES));
                }
                Self::StoreElements(rows) => {
                    let to = rows.at::<<I::Attention as MicroKernel>::Element>(row, col);
                    Element::store(a, to);
                    Element::store(b, to.add(LANES));
                }
                Self::Accumulate(rows) => {
                    let to = rows.at::<f32>(row, col);
                    a.add(I::Vector::load(isa.vectors(), to)).store(to);
                    b.add(I::Vector::load(isa.vectors(), to.add(LANES))).store(to.add(LANES));
                }
                Self::StoreTiles(tiles) => store_tiles::<I>(tiles, row, col, [a, b]),
                Self::Activate(Gelu::Tanh, tiles) => {
                    store_tiles::<I>(tiles, row, col, [math::gelu_tanh(a), math::gelu_tanh(b)]);
                }
                Self::Activate(Gelu::Erf, tiles) => {
                    store_tiles::<I>(tiles, row, col, [math::gelu_erf(a), math::gelu_erf(b)]);
                }
            }
        }
    }
}

/// # Safety
/// - Place: the row must exist.
/// - Exclusive: nobody else may use what stands at these places.
#[inline(always)]
unsafe fn store_tiles<I: Isa>(to: SharedTiles, row: usize, col: usize, values: [I::Vector; 2]) {
    for (i, values) in values.into_iter().enumerate() {
        let (step, at) = ((col + i * LANES) / I::Element::LINE, (col + i * LANES) % I::Element::LINE);
        // The last panel may be wider than the operand, by columns that are zero.
        if step < to.steps() {
            // SAFETY: `Place` and `Exclusive`; the step was compared.
            unsafe { I::Element::store(values, to.line::<I::Element>(row, step).add(at)) };
        }
    }
}
