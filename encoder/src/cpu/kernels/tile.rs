//! How operands of products lie in memory, the same for all instruction sets.
//!
//! A *tile* is sixteen lines of 64 bytes, the size of a cache line, of an AVX-512 register and of a
//! row of an AMX tile register. A line holds sixteen *cells* of four bytes: one f32, or two bf16
//! that follow each other along the inner dimension of a product. In a tile of the left operand a
//! line is a row, and its cells go along the inner dimension; in a tile of the right operand a line
//! is one cell of the inner dimension, and its cells are sixteen columns. So a tile covers 16 x 16
//! values of f32, 16 x 32 of bf16 or 16 x 64 of int8, and a kernel differs from another only in how
//! it multiplies. Values that are split into two bf16 have two tiles, the one of the lower halves
//! behind the one of the upper halves.

use std::ops::Range;

use bytemuck::Pod;

/// 64 aligned bytes.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub struct Line(pub [u8; 64]);

// SAFETY: any bytes are a line, and there is no padding.
unsafe impl bytemuck::Zeroable for Line {}
// SAFETY: as for `Zeroable`: any bytes are a line, without padding.
unsafe impl Pod for Line {}

/// Lines of a tile.
pub const TILE: usize = 16;
/// Rows and columns of a block, the unit of work of a product: two tiles by two.
pub const BLOCK: usize = 32;
/// Values of the result of a block.
pub const BLOCK_VALUES: usize = BLOCK * BLOCK;

/// `count` things in `parts` ranges of nearly equal length; the `part`th.
pub fn split_range(count: usize, parts: usize, part: usize) -> Range<usize> {
    count * part / parts..count * (part + 1) / parts
}
