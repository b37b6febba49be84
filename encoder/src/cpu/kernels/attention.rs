//! Multi-head self-attention over sequences that lie one after the other in one matrix.
//!
//! Each head of each sequence is a task: its keys and values are packed as right operands once, and
//! for each block of 32 queries scores, softmax and weighted sum follow each other while the scores
//! are in the cache. Memory is one block of queries times the keys for each thread, and sequences
//! of different lengths need neither padding nor masks.

use std::cell::RefCell;
use std::mem::MaybeUninit;
use std::ops::Range;

use bytemuck::Zeroable;
use rayon::prelude::*;

use super::buffers::{Buffer, Rows, SharedTiles, Tiles, check_sequences, position};
use super::element::Element;
use super::isa::{Isa, MicroKernel, Operands, Task};
use super::lanes::{LANES, Lanes};
use super::tile::{BLOCK, BLOCK_VALUES, Line, TILE};
use crate::cpu::path::Path;

/// Attention of `heads` heads from rows of packed queries, keys and values (N, 3W), elements of the
/// path, to the left operand of the output projection (N, W). Tokens of a sequence attend to each
/// other.
///
/// # Panics
/// If heads do not divide the width, or sequences are not those of the rows.
pub fn attend(path: Path, qkv: &Rows, sequences: &[Range<usize>], width: usize, heads: usize, out: &mut Tiles) {
    let (line, out) = (path.values().line(), out.shared());
    assert!(width.is_multiple_of(heads), "{heads} heads for a width of {width}");
    assert!(width <= out.steps() * line, "an output narrower than {width}");
    check_sequences(sequences, qkv.count());
    out.check(sequences.last().map_or(0, |last| last.end), path.values());
    let tasks = sequences.len() * heads;
    (0..tasks).into_par_iter().with_max_len(1).for_each(|task| {
        let tokens = sequences[task / heads].clone();
        path.execute(Head { qkv, tokens, width, head: task % heads, depth: width / heads, out });
    });
}

/// What attention's own operands hold.
type Of<I> = <<I as Isa>::Attention as MicroKernel>::Element;

/// One head of one sequence.
struct Head<'a> {
    qkv: &'a Rows,
    tokens: Range<usize>,
    /// Of all heads.
    width: usize,
    head: usize,
    /// Width of a head.
    depth: usize,
    out: SharedTiles<'a>,
}

/// Lines of each part of a thread's memory.
struct Plan {
    /// Tiles along the width of a head.
    depth_steps: usize,
    /// Tiles along the keys.
    key_steps: usize,
    /// Pairs of tiles across the keys.
    key_panels: usize,
    /// Pairs of tiles across the width of a head.
    depth_panels: usize,
}

impl Plan {
    fn sizes(&self) -> [usize; 6] {
        let pair = 2 * TILE;
        [
            pair * self.depth_steps,                   // a block of queries
            pair * self.depth_steps * self.key_panels, // keys
            pair * self.key_steps * self.depth_panels, // values
            self.key_panels * BLOCK_VALUES / LANES,    // scores of a block
            pair * self.key_steps,                     // weights of a block
            self.depth_panels * BLOCK_VALUES / LANES,  // results of a block
        ]
    }
}

thread_local! {
    static MEMORY: RefCell<Buffer> = RefCell::default();
}

/// The rows of packed queries, keys and values, read by one head.
#[derive(Clone, Copy)]
struct Source<'a, E> {
    values: &'a [E],
    stride: usize,
    head: &'a Head<'a>,
}

impl<'a, E> Source<'a, E> {
    /// The values of the head in part 0 (queries), 1 (keys) or 2 (values) of a token's row.
    #[inline(always)]
    fn get(&self, part: usize, token: usize) -> &'a [E] {
        let head = self.head;
        let start = (head.tokens.start + token) * self.stride + part * head.width + head.head * head.depth;
        &self.values[start..start + head.depth]
    }
}

impl Task for Head<'_> {
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let line = Of::<I>::LINE;
        let (values, stride) = (self.qkv.values::<Of<I>>(), self.qkv.stride::<Of<I>>());
        assert!(3 * self.width <= stride, "queries, keys and values of {} each in {stride} columns", self.width);
        let plan = Plan {
            depth_steps: self.depth.div_ceil(line),
            key_steps: self.tokens.len().div_ceil(line),
            key_panels: self.tokens.len().div_ceil(BLOCK),
            depth_panels: self.depth.div_ceil(BLOCK),
        };
        let needed: usize = plan.sizes().iter().sum();
        let mut memory = MEMORY.take();
        if memory.len() < needed {
            memory = Buffer::zeroed(needed);
        }
        let mut rest = &mut memory[..needed];
        let mut parts = [std::ptr::null_mut::<Line>(); 6];
        for (part, size) in parts.iter_mut().zip(plan.sizes()) {
            let (taken, left) = rest.split_at_mut(size);
            (*part, rest) = (taken.as_mut_ptr(), left);
        }
        // SAFETY: the parts have the sizes of the plan.
        unsafe { self.attend(isa, &plan, Source { values, stride, head: &self }, parts) };
        MEMORY.set(memory);
    }
}

impl Head<'_> {
    /// # Safety
    /// The parts must have the sizes of the plan.
    #[inline(always)]
    unsafe fn attend<I: Isa>(
        &self,
        isa: I,
        plan: &Plan,
        from: Source<Of<I>>,
        [queries, keys, values, scores, weights, results]: [*mut Line; 6],
    ) {
        let (count, kernel) = (self.tokens.len(), isa.attention());
        // SAFETY: the parts have the sizes of the plan, and every loop stays inside them.
        unsafe {
            self.pack_keys(kernel, plan, from, keys);
            self.pack_values(plan, from, values.cast());
            for start in (0..count).step_by(BLOCK) {
                let rows = BLOCK.min(count - start);
                self.pack_queries(plan, from, start..start + rows, queries);
                let block = |left, right, steps, two_cols| Operands {
                    left,
                    left_stride: steps * TILE,
                    right,
                    steps,
                    two_rows: rows > TILE,
                    two_cols,
                };
                for panel in 0..plan.key_panels {
                    let right = keys.add(panel * plan.depth_steps * 2 * TILE);
                    let operands = block(queries, right, plan.depth_steps, count - panel * BLOCK > TILE);
                    kernel.block(operands, scores.cast::<f32>().add(panel * BLOCK_VALUES), true, &mut ());
                }
                let mut scales = [0.0; BLOCK];
                for (row, scale) in scales[..rows].iter_mut().enumerate() {
                    let at = row / TILE * 2 * TILE * LANES + row % TILE * LANES;
                    let to = weights.add(row / TILE * plan.key_steps * TILE + row % TILE);
                    *scale = 1.0 / self.softmax(kernel, plan, scores.cast::<f32>().add(at), to);
                }
                for panel in 0..plan.depth_panels {
                    let right = values.add(panel * plan.key_steps * 2 * TILE);
                    let operands = block(weights, right, plan.key_steps, self.depth - panel * BLOCK > TILE);
                    kernel.block(operands, results.cast::<f32>().add(panel * BLOCK_VALUES), true, &mut ());
                }
                for (row, scale) in scales[..rows].iter().enumerate() {
                    let at = row / TILE * 2 * TILE * LANES + row % TILE * LANES;
                    self.write(isa, self.tokens.start + start + row, results.cast::<f32>().add(at), *scale);
                }
            }
        }
    }

    /// Queries are rows, as they are.
    ///
    /// # Safety
    /// - Room: `to` must have room for a block of queries, and no more tokens may be given.
    #[inline(always)]
    unsafe fn pack_queries<E: Element>(&self, plan: &Plan, from: Source<E>, tokens: Range<usize>, to: *mut Line) {
        for (row, token) in tokens.enumerate() {
            for (step, from) in from.get(0, token).chunks(E::LINE).enumerate() {
                // SAFETY: `Room`.
                unsafe {
                    let line = to.add((row / TILE * plan.depth_steps + step) * TILE + row % TILE).cast::<E>();
                    std::ptr::copy_nonoverlapping(from.as_ptr(), line, from.len());
                    std::ptr::write_bytes(line.add(from.len()), 0, E::LINE - from.len());
                }
            }
        }
    }

    /// Keys are columns: sixteen tokens by sixteen cells are turned at a time.
    ///
    /// # Safety
    /// - Room: `to` must have room for the keys.
    #[inline(always)]
    unsafe fn pack_keys<K: MicroKernel>(&self, kernel: K, plan: &Plan, from: Source<K::Element>, to: *mut Line) {
        let line = K::Element::LINE;
        for first in (0..self.tokens.len()).step_by(TILE) {
            for step in 0..plan.depth_steps {
                let mut rows = [K::Vector::splat(kernel.vectors(), 0.0); TILE];
                for (row, values) in rows.iter_mut().enumerate() {
                    // Columns behind the last token hold anything.
                    let token = (first + row).min(self.tokens.len() - 1);
                    let from = &from.get(1, token)[step * line..];
                    let mut padded = [K::Element::zeroed(); 2 * TILE];
                    let mut at = from.as_ptr();
                    if from.len() < line {
                        padded[..from.len()].copy_from_slice(from);
                        at = padded.as_ptr();
                    }
                    // SAFETY: a line has sixteen cells.
                    *values = unsafe { K::Vector::load(kernel.vectors(), at.cast()) };
                }
                let tile = ((first / BLOCK * plan.depth_steps + step) * 2 + first % BLOCK / TILE) * TILE;
                for (cell, values) in K::Vector::transpose(rows).into_iter().enumerate() {
                    // SAFETY: `Room`.
                    unsafe { values.store(to.add(tile + cell).cast()) };
                }
            }
        }
    }

    /// Values are rows: the tokens of a cell alternate. What is behind the last token must be zero,
    /// for a weight of zero does not cancel what is not a number.
    ///
    /// # Safety
    /// - Room: `to` must have room for the values.
    #[inline(always)]
    unsafe fn pack_values<E: Element>(&self, plan: &Plan, from: Source<E>, to: *mut E) {
        let count = self.tokens.len();
        for first in (0..plan.key_steps * E::LINE).step_by(E::CELL) {
            for col in (0..self.depth).step_by(TILE) {
                let mut columns = [[E::zeroed(); TILE]; 2];
                for (i, columns) in columns[..E::CELL.min(count.saturating_sub(first))].iter_mut().enumerate() {
                    let from = &from.get(2, first + i)[col..];
                    match from.first_chunk() {
                        Some(from) => *columns = *from,
                        None => columns[..from.len()].copy_from_slice(from),
                    }
                }
                let panel = col / BLOCK * plan.key_steps * 2 * TILE * E::LINE;
                // SAFETY: `Room`; a line has sixteen cells.
                unsafe {
                    let line = to.add(panel + position::<E>(first, col % BLOCK));
                    for lane in 0..TILE {
                        for i in 0..E::CELL {
                            line.add(lane * E::CELL + i).write(columns[i][lane]);
                        }
                    }
                }
            }
        }
    }

    /// Turns a row of scores into weights, and gives their sum: not a number if a score is none, or
    /// infinite, although the largest score and the exponential pass over what is not a number.
    ///
    /// # Safety
    /// - Scores: `scores` must be a row of the scores of a block.
    /// - Room: `to` must be a row of its weights.
    #[inline(always)]
    unsafe fn softmax<K: MicroKernel>(&self, kernel: K, plan: &Plan, scores: *mut f32, to: *mut Line) -> f32 {
        let count = self.tokens.len();
        let vectors = count.div_ceil(LANES);
        let proof = kernel.vectors();
        let scale = K::Vector::splat(proof, 1.0 / (self.depth as f32).sqrt());
        let at = |vector: usize| vector / 2 * BLOCK_VALUES + vector % 2 * TILE * LANES;
        // SAFETY: `Scores` and `Room`.
        unsafe {
            let last = scores.add(at(vectors - 1));
            for lane in (count - 1) % LANES + 1..LANES {
                *last.add(lane) = f32::MIN;
            }
            let zero = K::Vector::splat(proof, 0.0);
            let mut largest = K::Vector::load(proof, scores);
            let mut fault = largest.mul(zero); // 0 for every number that is finite
            for vector in 1..vectors {
                let score = K::Vector::load(proof, scores.add(at(vector)));
                largest = largest.max(score);
                fault = score.mul_add(zero, fault);
            }
            let largest = K::Vector::splat(proof, largest.largest());
            let mut sum = zero;
            for vector in 0..plan.key_steps * K::Element::LINE / LANES {
                let weight = if vector < vectors {
                    K::Element::exp(K::Vector::load(proof, scores.add(at(vector))).sub(largest).mul(scale))
                } else {
                    zero
                };
                sum = sum.add(weight);
                let (step, lane) = (vector * LANES / K::Element::LINE, vector * LANES % K::Element::LINE);
                K::Element::store(weight, to.add(step * TILE).cast::<K::Element>().add(lane));
            }
            sum.sum() + fault.sum()
        }
    }

    /// Writes `scale` times a row of results to where this head stands in the output.
    ///
    /// # Safety
    /// - Results: `results` must be a row of the results of a block.
    /// - Exclusive: nobody else may use this head's part of `row` of the output.
    #[inline(always)]
    unsafe fn write<I: Isa>(&self, isa: I, row: usize, results: *const f32, scale: f32) {
        let (line, proof) = (I::Element::LINE, isa.vectors());
        let scale = I::Vector::splat(proof, scale);
        let start = self.head * self.depth;
        for first in (0..self.depth).step_by(LANES) {
            if start.is_multiple_of(LANES) && first + LANES <= self.depth {
                let col = start + first;
                // SAFETY: `Results` and `Exclusive`; `attend` made sure of the columns.
                unsafe {
                    let from = results.add(first / BLOCK * BLOCK_VALUES + first % BLOCK / TILE * TILE * LANES);
                    let to = self.out.line::<I::Element>(row, col / line).add(col % line);
                    I::Element::store(I::Vector::load(proof, from).mul(scale), to);
                }
                continue;
            }
            // A line for each part, with the lines of a tile between them.
            let mut lines = MaybeUninit::<[Line; TILE + 1]>::uninit();
            let values = lines.as_mut_ptr().cast::<I::Element>();
            // SAFETY: `Results` and `Exclusive`; of the lines only what was stored is read.
            unsafe {
                let from = results.add(first / BLOCK * BLOCK_VALUES + first % BLOCK / TILE * TILE * LANES);
                I::Element::store(I::Vector::load(proof, from).mul(scale), values);
                let count = LANES.min(self.depth - first);
                let mut done = 0;
                while done < count {
                    let col = start + first + done;
                    let fits = (count - done).min(line - col % line);
                    let to = self.out.line::<I::Element>(row, col / line).add(col % line);
                    for part in 0..I::Element::PARTS {
                        let at = part * TILE * line;
                        std::ptr::copy_nonoverlapping(values.add(at + done), to.add(at), fits);
                    }
                    done += fits;
                }
            }
        }
    }
}
