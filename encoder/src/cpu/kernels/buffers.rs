//! Matrices in memory, in whole lines of 64 bytes.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut, Range};

use bytemuck::Zeroable;
use memmap2::MmapMut;

use super::element::{Element, Values};
use super::int8::scale_of;
use super::lanes::LANES;
use super::tile::{BLOCK, Line, TILE};

/// Zeroed lines. Large ones are mapped as huge pages where the system has them, which saves most of
/// the page faults.
pub struct Buffer(Memory);

enum Memory {
    Heap(Vec<Line>),
    Pages(MmapMut),
}

impl Buffer {
    pub fn zeroed(lines: usize) -> Self {
        const LARGE: usize = 1 << 20;
        let bytes = lines * size_of::<Line>();
        if bytes >= LARGE
            && let Ok(map) = MmapMut::map_anon(bytes)
        {
            #[cfg(target_os = "linux")]
            let _ = map.advise(memmap2::Advice::HugePage);
            return Self(Memory::Pages(map));
        }
        Self(Memory::Heap(vec![Line::zeroed(); lines]))
    }
}

impl Default for Buffer {
    fn default() -> Self {
        Self(Memory::Heap(Vec::new()))
    }
}

impl Deref for Buffer {
    type Target = [Line];

    fn deref(&self) -> &[Line] {
        match &self.0 {
            Memory::Heap(lines) => lines,
            Memory::Pages(map) => bytemuck::cast_slice(map),
        }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [Line] {
        match &mut self.0 {
            Memory::Heap(lines) => lines,
            Memory::Pages(map) => bytemuck::cast_slice_mut(map),
        }
    }
}

/// Lines that several threads write at once, each its own.
#[derive(Clone, Copy)]
pub struct Shared<'a> {
    lines: *mut Line,
    len: usize,
    owner: PhantomData<&'a mut [Line]>,
}

// SAFETY: access is unsafe, and whoever gets it must keep to its own lines.
unsafe impl Send for Shared<'_> {}
// SAFETY: as for `Send`: access is unsafe.
unsafe impl Sync for Shared<'_> {}

impl<'a> Shared<'a> {
    fn new(lines: &'a mut [Line]) -> Self {
        Self { lines: lines.as_mut_ptr(), len: lines.len(), owner: PhantomData }
    }

    /// # Safety
    /// - Place: the line must exist.
    /// - Exclusive: no other thread may use it while the pointer is used.
    #[inline(always)]
    pub unsafe fn line(&self, at: usize) -> *mut Line {
        debug_assert!(at < self.len);
        // SAFETY: `Place`; the buffer lives as long as `self`.
        unsafe { self.lines.add(at) }
    }
}

/// A left operand: rows in tiles of sixteen, each row of tiles along the inner dimension after the
/// other. What lies behind the last row holds anything, what lies behind the last column must be
/// zero, or any whole number: weights are zero there.
pub struct Tiles {
    lines: Buffer,
    /// A scale for each row, if elements are scaled.
    scales: Buffer,
    steps: usize,
    values: Values,
}

impl Tiles {
    /// Room for `rows x cols` values of `E`.
    pub fn new<E: Element>(rows: usize, cols: usize) -> Self {
        let (rows, steps) = (rows.next_multiple_of(BLOCK), cols.div_ceil(E::LINE));
        Self {
            lines: Buffer::zeroed(rows * steps * E::PARTS),
            scales: Buffer::zeroed(if E::SCALED { rows / LANES } else { 0 }),
            steps,
            values: E::VALUES,
        }
    }

    /// Tiles along the inner dimension.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// What it holds.
    pub fn values(&self) -> Values {
        self.values
    }

    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The scale of each row, if elements are scaled.
    pub fn scales(&self) -> &[f32] {
        bytemuck::cast_slice(&self.scales)
    }

    pub fn shared(&mut self) -> SharedTiles<'_> {
        SharedTiles {
            lines: Shared::new(&mut self.lines),
            scales: Shared::new(&mut self.scales),
            steps: self.steps,
            values: self.values,
        }
    }
}

/// [`Tiles`] that several threads write.
#[derive(Clone, Copy)]
pub struct SharedTiles<'a> {
    lines: Shared<'a>,
    scales: Shared<'a>,
    steps: usize,
    values: Values,
}

impl SharedTiles<'_> {
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Makes sure that rows below `rows` may be written, with elements of this kind.
    ///
    /// # Panics
    /// If there is no room for them, or the operand is for others.
    pub fn check(&self, rows: usize, values: Values) {
        assert_eq!(self.values, values, "an operand for others");
        let needed = rows.div_ceil(TILE) * self.steps * values.tile();
        assert!(needed <= self.lines.len, "more rows than the operand has room for");
    }

    /// The values of one line: `LINE` columns of `row`, from column `step * LINE` on, their first
    /// parts if they have several.
    ///
    /// # Safety
    /// - Place: the row and the step must exist.
    /// - Exclusive: no other thread may use them while the pointer is used.
    #[inline(always)]
    pub unsafe fn line<E: Element>(&self, row: usize, step: usize) -> *mut E {
        // SAFETY: `Place` and `Exclusive`, which are those of `Shared::line`.
        unsafe { self.lines.line((row / TILE * self.steps + step) * E::TILE + row % TILE).cast() }
    }

    /// The scale of a row.
    ///
    /// # Safety
    /// - Place: the row must exist, and elements must be scaled.
    /// - Exclusive: no other thread may use this scale while the pointer is used.
    #[inline(always)]
    pub unsafe fn scale(&self, row: usize) -> *mut f32 {
        // SAFETY: `Place` and `Exclusive`; a line holds the scales of sixteen rows.
        unsafe { self.scales.line(row / LANES).cast::<f32>().add(row % LANES) }
    }
}

/// A matrix row by row; rows begin on a line, and are padded to whole blocks.
pub struct Rows {
    lines: Buffer,
    rows: usize,
    /// Lines of a row.
    stride: usize,
}

impl Rows {
    pub fn new<E: Element>(rows: usize, cols: usize) -> Self {
        let stride = cols.next_multiple_of(BLOCK).div_ceil(E::LINE);
        Self { lines: Buffer::zeroed(rows * stride), rows, stride }
    }

    pub fn count(&self) -> usize {
        self.rows
    }

    /// Values from one row to the next.
    pub fn stride<E: Element>(&self) -> usize {
        self.stride * E::LINE
    }

    pub fn values<E: Element>(&self) -> &[E] {
        bytemuck::cast_slice(&self.lines)
    }

    pub fn values_mut<E: Element>(&mut self) -> &mut [E] {
        bytemuck::cast_slice_mut(&mut self.lines)
    }

    pub fn row<E: Element>(&self, row: usize) -> &[E] {
        &self.values()[row * self.stride::<E>()..][..self.stride::<E>()]
    }

    pub fn shared(&mut self) -> SharedRows<'_> {
        SharedRows { stride: self.stride, rows: self.rows, lines: Shared::new(&mut self.lines) }
    }
}

/// [`Rows`] that several threads write.
#[derive(Clone, Copy)]
pub struct SharedRows<'a> {
    lines: Shared<'a>,
    rows: usize,
    stride: usize,
}

impl SharedRows<'_> {
    /// Makes sure that the first `rows` rows of `cols` values, filled up to whole blocks, may be
    /// written.
    ///
    /// # Panics
    /// If there is no room for them.
    pub fn check<E: Element>(&self, rows: usize, cols: usize) {
        assert!(rows <= self.rows, "{rows} rows where there is room for {}", self.rows);
        let room = self.stride * E::LINE;
        assert!(cols.next_multiple_of(BLOCK) <= room, "rows of {cols} values where there is room for {room}");
    }

    /// The values from `col`, a multiple of [`BLOCK`], of `row` on.
    ///
    /// # Safety
    /// - Place: the row and the column must exist.
    /// - Exclusive: no other thread may use what is there while the pointer is used.
    #[inline(always)]
    pub unsafe fn at<E: Element>(&self, row: usize, col: usize) -> *mut E {
        debug_assert!(row < self.rows);
        // SAFETY: `Place` and `Exclusive`, which are those of `Shared::line`.
        unsafe { self.lines.line(row * self.stride + col / E::LINE).cast() }
    }
}

/// Makes sure that sequences follow each other and end before `rows`: then no row belongs to two of
/// them.
///
/// # Panics
/// If they overlap or end behind `rows`.
pub fn check_sequences(sequences: &[Range<usize>], rows: usize) {
    let end = sequences.iter().fold(0, |end, sequence| {
        assert!(end <= sequence.start && sequence.start <= sequence.end, "sequences that overlap: {sequences:?}");
        sequence.end
    });
    assert!(end <= rows, "sequences of {end} rows where there are {rows}");
}

/// A right operand: the transposed weight of a linear layer, in panels of 32 outputs. A panel is a
/// row of pairs of tiles along the inner dimension.
pub struct Packed {
    lines: Buffer,
    bias: Vec<f32>,
    /// Of each output, and how much too large its sums are; 1 and 0 if elements are not scaled.
    scales: Vec<f32>,
    offsets: Vec<i32>,
    steps: usize,
    values: Values,
}

impl Packed {
    /// Packs `outputs x inputs` values; `row(i, values)` fills `values` with the weights of output
    /// `i`.
    pub fn new<E: Element>(
        outputs: usize,
        inputs: usize,
        bias: &[f32],
        row: impl Fn(usize, &mut Vec<f32>) + Sync,
    ) -> Self {
        use rayon::prelude::*;
        assert_eq!(bias.len(), outputs, "a bias for each output");
        let steps = inputs.div_ceil(E::LINE);
        let panels = outputs.div_ceil(BLOCK);
        let mut lines = Buffer::zeroed(panels * steps * 2 * E::TILE);
        let (mut scales, mut offsets) = (vec![1.0; panels * BLOCK], vec![0; panels * BLOCK]);
        let factors = scales.par_chunks_mut(BLOCK).zip(offsets.par_chunks_mut(BLOCK));
        let parts = lines.par_chunks_mut(steps * 2 * E::TILE).zip(factors).enumerate();
        parts.for_each_init(Vec::new, |values, (panel, (lines, (scales, offsets)))| {
            let to: &mut [E] = bytemuck::cast_slice_mut(lines);
            for col in 0..BLOCK.min(outputs - panel * BLOCK) {
                values.clear();
                row(panel * BLOCK + col, values);
                if E::SCALED {
                    scales[col] = bring_to_scale(values);
                    offsets[col] = E::RAISED_BY * values.iter().map(|value| *value as i32).sum::<i32>();
                }
                for (k, value) in values.iter().enumerate() {
                    E::put(*value, to, position::<E>(k, col));
                }
            }
        });
        let mut padded = bias.to_vec();
        padded.resize(panels * BLOCK, 0.0);
        Self { lines, bias: padded, scales, offsets, steps, values: E::VALUES }
    }

    /// Panels of 32 outputs.
    pub fn panels(&self) -> usize {
        self.bias.len() / BLOCK
    }

    /// Tiles along the inner dimension.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// What it holds.
    pub fn values(&self) -> Values {
        self.values
    }

    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// Of each output; 1 if elements are not scaled.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// How much too large the sums of each output are.
    pub fn offsets(&self) -> &[i32] {
        &self.offsets
    }

    pub fn lines(&self) -> &[Line] {
        &self.lines
    }
}

/// Makes whole numbers of values, and gives what they have to be multiplied by.
fn bring_to_scale(values: &mut [f32]) -> f32 {
    // The order of all f32 has what is not a number at its end, so that it is not overlooked.
    let scale = scale_of(values.iter().map(|value| value.abs()).max_by(f32::total_cmp).unwrap_or(0.0));
    for value in values {
        *value = (*value / scale).round_ties_even();
    }
    scale
}

/// Where in a panel the weight of inner index `k` and column `col` lies, counted in values; its
/// first part, if it has several.
#[inline(always)]
pub fn position<E: Element>(k: usize, col: usize) -> usize {
    let (step, cell) = (k / E::LINE, k % E::LINE / E::CELL);
    (((step * 2 + col / TILE) * E::TILE + cell) * TILE + col % TILE) * E::CELL + k % E::CELL
}
