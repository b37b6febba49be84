//! Matrices in memory, in whole lines of 64 bytes.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut, Range};

use bytemuck::Zeroable;
use memmap2::MmapMut;

use super::isa::{BLOCK, Element, Line, TILE};

/// Zeroed lines. Large ones are mapped as huge pages where the system has them, which saves most of the page faults.
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
// SAFETY: as above.
unsafe impl Sync for Shared<'_> {}

impl<'a> Shared<'a> {
    fn new(lines: &'a mut [Line]) -> Self {
        Self { lines: lines.as_mut_ptr(), len: lines.len(), owner: PhantomData }
    }

    /// # Safety
    /// The line must exist, and no other thread may use it while the pointer is used.
    #[inline(always)]
    pub unsafe fn line(&self, at: usize) -> *mut Line {
        debug_assert!(at < self.len);
        // SAFETY: callers stay inside the buffer, which lives as long as `self`.
        unsafe { self.lines.add(at) }
    }
}

/// A left operand: rows in tiles of sixteen, each row of tiles along the inner dimension after the other. What lies behind
/// the last row holds anything, what lies behind the last column must be zero.
pub struct Tiles {
    lines: Buffer,
    steps: usize,
    /// Lines of a tile with all its parts.
    tile: usize,
}

impl Tiles {
    /// Room for `rows x cols` values of `E`.
    pub fn new<E: Element>(rows: usize, cols: usize) -> Self {
        let steps = cols.div_ceil(E::LINE);
        Self { lines: Buffer::zeroed(rows.next_multiple_of(BLOCK) * steps * E::PARTS), steps, tile: E::TILE }
    }

    /// Tiles along the inner dimension.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Lines of a tile with all its parts.
    pub fn tile(&self) -> usize {
        self.tile
    }

    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub fn shared(&mut self) -> SharedTiles<'_> {
        SharedTiles { steps: self.steps, tile: self.tile, lines: Shared::new(&mut self.lines) }
    }
}

/// [`Tiles`] that several threads write.
#[derive(Clone, Copy)]
pub struct SharedTiles<'a> {
    lines: Shared<'a>,
    steps: usize,
    tile: usize,
}

impl SharedTiles<'_> {
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Makes sure that rows below `rows` may be written.
    ///
    /// # Panics
    /// If there is no room for them.
    pub fn check(&self, rows: usize) {
        let needed = rows.div_ceil(TILE) * self.steps * self.tile;
        assert!(needed <= self.lines.len, "more rows than the operand has room for");
    }

    /// The values of one line: `LINE` columns of `row`, from column `step * LINE` on, their first parts if they have several.
    ///
    /// # Safety
    /// They must exist, and no other thread may use them meanwhile.
    #[inline(always)]
    pub unsafe fn line<E: Element>(&self, row: usize, step: usize) -> *mut E {
        // SAFETY: by the caller.
        unsafe { self.lines.line((row / TILE * self.steps + step) * E::TILE + row % TILE).cast() }
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
    /// Makes sure that the first `rows` rows of `cols` values, filled up to whole blocks, may be written.
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
    /// They must exist, and no other thread may use them meanwhile.
    #[inline(always)]
    pub unsafe fn at<E: Element>(&self, row: usize, col: usize) -> *mut E {
        debug_assert!(row < self.rows);
        // SAFETY: by the caller.
        unsafe { self.lines.line(row * self.stride + col / E::LINE).cast() }
    }
}

/// Makes sure that sequences follow each other and end before `rows`: then no row belongs to two of them.
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

/// A right operand: the transposed weight of a linear layer, in panels of 32 outputs. A panel is a row of pairs of tiles
/// along the inner dimension.
pub struct Packed {
    lines: Buffer,
    bias: Vec<f32>,
    steps: usize,
    /// Lines of a tile with all its parts.
    tile: usize,
}

impl Packed {
    /// Packs `outputs x inputs` values; `row(i, values)` fills `values` with the weights of output `i`.
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
        lines.par_chunks_mut(steps * 2 * E::TILE).enumerate().for_each_init(Vec::new, |values, (panel, lines)| {
            let to: &mut [E] = bytemuck::cast_slice_mut(lines);
            for col in 0..BLOCK.min(outputs - panel * BLOCK) {
                values.clear();
                row(panel * BLOCK + col, values);
                for (k, value) in values.iter().enumerate() {
                    E::put(*value, to, position::<E>(k, col));
                }
            }
        });
        let mut padded = bias.to_vec();
        padded.resize(panels * BLOCK, 0.0);
        Self { lines, bias: padded, steps, tile: E::TILE }
    }

    /// Panels of 32 outputs.
    pub fn panels(&self) -> usize {
        self.bias.len() / BLOCK
    }

    /// Tiles along the inner dimension.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Lines of a tile with all its parts.
    pub fn tile(&self) -> usize {
        self.tile
    }

    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    pub fn lines(&self) -> &[Line] {
        &self.lines
    }
}

/// Where in a panel the weight of inner index `k` and column `col` lies, counted in values; its first part, if it has
/// several.
#[inline(always)]
pub fn position<E: Element>(k: usize, col: usize) -> usize {
    let (step, cell) = (k / E::LINE, k % E::LINE / E::CELL);
    (((step * 2 + col / TILE) * E::TILE + cell) * TILE + col % TILE) * E::CELL + k % E::CELL
}
