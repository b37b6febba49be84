//! Rows of int8 in blocks that never move: growing copies nothing, and every row starts on a cache line.

use bytemuck::{Pod, Zeroable};

use super::Quantised;

/// Rows in a block.
pub const BLOCK_ROWS: usize = 1024;

/// A cache line; the unit of alignment.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([i8; 64]);

/// Vectors of one width, addressed by slot.
#[derive(Debug)]
pub struct Arena {
    /// Components of a vector.
    dim: usize,
    /// Lines of a row; the components behind `dim` are zero.
    lines: usize,
    blocks: Vec<Box<[Line]>>,
    scales: Vec<f32>,
}

impl Arena {
    pub fn new(dim: usize) -> Self {
        Self { dim, lines: dim.div_ceil(size_of::<Line>()), blocks: Vec::new(), scales: Vec::new() }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.scales.len()
    }

    /// Components of a row with its padding.
    pub fn stride(&self) -> usize {
        self.lines * size_of::<Line>()
    }

    /// Appends a row and returns its slot.
    pub fn push(&mut self, vector: &Quantised) -> usize {
        let slot = self.len();
        if slot == self.blocks.len() * BLOCK_ROWS {
            self.blocks.push(vec![Line::zeroed(); self.lines * BLOCK_ROWS].into_boxed_slice());
        }
        self.scales.push(vector.scale);
        self.set(slot, vector);
        slot
    }

    /// Overwrites a row.
    pub fn set(&mut self, slot: usize, vector: &Quantised) {
        self.scales[slot] = vector.scale;
        let (block, row) = (slot / BLOCK_ROWS, slot % BLOCK_ROWS);
        let lines = &mut self.blocks[block][row * self.lines..][..self.lines];
        bytemuck::cast_slice_mut::<Line, i8>(lines)[..self.dim].copy_from_slice(&vector.values);
    }

    /// Removes a row by moving the last one into its place.
    pub fn swap_remove(&mut self, slot: usize) {
        let last = self.len() - 1;
        if slot != last {
            let moved = self.get(last);
            self.set(slot, &moved);
        }
        self.scales.pop();
        if last.is_multiple_of(BLOCK_ROWS) {
            self.blocks.pop();
        }
    }

    /// A copy of a row.
    pub fn get(&self, slot: usize) -> Quantised {
        Quantised { scale: self.scales[slot], values: self.row(slot)[..self.dim].to_vec() }
    }

    /// A row with its padding.
    #[inline]
    pub fn row(&self, slot: usize) -> &[i8] {
        let (block, row) = (slot / BLOCK_ROWS, slot % BLOCK_ROWS);
        bytemuck::cast_slice(&self.blocks[block][row * self.lines..][..self.lines])
    }

    /// The scale of a row.
    #[inline]
    pub fn scale(&self, slot: usize) -> f32 {
        self.scales[slot]
    }

    /// Bytes in memory.
    pub fn memory(&self) -> usize {
        self.blocks.len() * BLOCK_ROWS * self.stride() + self.scales.capacity() * size_of::<f32>()
    }
}
