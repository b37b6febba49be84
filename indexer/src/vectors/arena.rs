//! Rows of bytes, int8 above all, in blocks that never move: growing copies nothing, and every row
//! starts on a cache line.
//!
//! Blocks are anonymous mappings with huge pages where the system gives them: a search touches rows
//! all over the arena, and with small pages the processor would look up the address of nearly each
//! one in a table.
//!
//! A row of int8 is kept *offset*, as in offset binary: 128 is added to each value, which makes it
//! a `u8`. That is the form in which the widest instructions want one side of a product; see
//! [`Probe`](super::Probe).

use memmap2::MmapMut;

use super::Quantised;

/// A cache line; rows are padded to whole ones.
pub const LINE: usize = 64;
/// Bytes of a block: many huge pages, and few blocks. Untouched pages of a block cost nothing.
const BLOCK_BYTES: usize = if cfg!(test) { 16 << 10 } else { 64 << 20 };
const OFFSET: u8 = 0x80;

/// Where a vector stands in its arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub u32);

impl Slot {
    /// Slots of an index: a search keeps their numbers in 31 bits.
    pub const MOST: usize = 1 << 31;

    /// Of a row by its number, which is below [`Slot::MOST`].
    #[inline]
    pub fn at(index: usize) -> Self {
        Self(index as u32)
    }

    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Vectors of one width, addressed by slot.
#[derive(Debug)]
pub struct Arena {
    /// Components of a vector.
    dim: usize,
    /// Bytes of a row; those behind `dim` are zero.
    stride: usize,
    /// Rows of a block, as a power of two.
    shift: u32,
    blocks: Vec<MmapMut>,
    /// Bytes of blocks that lie in a file.
    in_file: usize,
    scales: Vec<f32>,
}

impl Arena {
    pub fn new(dim: usize) -> Self {
        let stride = dim.next_multiple_of(LINE);
        let shift = (BLOCK_BYTES / stride).max(1).ilog2();
        Self { dim, stride, shift, blocks: Vec::new(), in_file: 0, scales: Vec::new() }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.scales.len()
    }

    /// Components of a row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Components of a row with its padding.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Makes room for rows up to `count`, of zeros.
    ///
    /// # Errors
    /// If the system has no more memory.
    pub fn grow(&mut self, count: usize) -> std::io::Result<()> {
        while self.blocks.len() << self.shift < count {
            self.blocks.push(block(self.stride << self.shift)?);
        }
        self.scales.resize(count.max(self.scales.len()), 0.0);
        Ok(())
    }

    /// Puts a map of a file in the place of a whole block, whose rows it has.
    pub fn replace_block(&mut self, number: usize, map: MmapMut) {
        self.in_file += map.len();
        self.blocks[number] = map;
    }

    /// True if all rows of a block are in use.
    pub fn is_whole_block(&self, number: usize) -> bool {
        (number + 1) << self.shift <= self.len()
    }

    /// Overwrites a row by the first plane of a vector.
    #[cfg(test)]
    pub fn set(&mut self, slot: Slot, vector: &Quantised) {
        self.write(slot, vector.scale, &vector.values);
    }

    /// Overwrites a row.
    pub fn write(&mut self, slot: Slot, scale: f32, values: &[i8]) {
        let row = self.rewrite(slot, scale);
        row.iter_mut().zip(values).for_each(|(offset, &value)| *offset = value.cast_unsigned() ^ OFFSET);
    }

    /// Overwrites a row by bytes that are not offset.
    pub fn write_bytes(&mut self, slot: Slot, scale: f32, bytes: &[u8]) {
        self.rewrite(slot, scale).copy_from_slice(bytes);
    }

    fn rewrite(&mut self, slot: Slot, scale: f32) -> &mut [u8] {
        let slot = slot.index();
        self.scales[slot] = scale;
        let start = (slot & ((1 << self.shift) - 1)) * self.stride;
        &mut self.blocks[slot >> self.shift][start..][..self.dim]
    }

    /// A copy of a row.
    pub fn get(&self, slot: Slot) -> Quantised {
        let values = self.row(slot)[..self.dim].iter().map(|&offset| (offset ^ OFFSET).cast_signed());
        Quantised { scale: self.scale(slot), values: values.collect(), residual: Vec::new() }
    }

    /// An offset row with its padding.
    #[inline]
    pub fn row(&self, slot: Slot) -> &[u8] {
        let slot = slot.index();
        let start = (slot & ((1 << self.shift) - 1)) * self.stride;
        &self.blocks[slot >> self.shift][start..start + self.stride]
    }

    /// The scales, and the offset rows block by block, as they lie in memory.
    pub fn planes(&self) -> impl Iterator<Item = &[u8]> {
        let bytes = self.len() * self.stride;
        let block = self.stride << self.shift;
        let rows =
            self.blocks.iter().enumerate().map(move |(i, rows)| &rows[..block.min(bytes - (i * block).min(bytes))]);
        std::iter::once(bytemuck::cast_slice(&self.scales)).chain(rows)
    }

    /// Bytes that lie in a file.
    pub fn in_file(&self) -> usize {
        self.in_file
    }

    /// As [`Arena::planes`], to be written.
    pub fn planes_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let bytes = self.len() * self.stride;
        let block = self.stride << self.shift;
        let rows = self.blocks.iter_mut().enumerate();
        let rows = rows.map(move |(i, rows)| &mut rows[..block.min(bytes - (i * block).min(bytes))]);
        std::iter::once(bytemuck::cast_slice_mut(&mut self.scales)).chain(rows)
    }

    /// The scale of a row.
    #[inline]
    pub fn scale(&self, slot: Slot) -> f32 {
        self.scales[slot.index()]
    }

    /// Bytes in memory, without those that lie in a file.
    pub fn memory(&self) -> usize {
        self.len() * self.stride - self.in_file + self.scales.capacity() * size_of::<f32>()
    }
}

fn block(bytes: usize) -> std::io::Result<MmapMut> {
    let block = MmapMut::map_anon(bytes)?;
    // Without huge pages everything works as well, only slower.
    #[cfg(target_os = "linux")]
    let _ = block.advise(memmap2::Advice::HugePage);
    Ok(block)
}
