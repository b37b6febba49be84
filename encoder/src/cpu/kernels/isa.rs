//! The instruction sets that the kernels are written for, and how to enter code compiled for one.
//!
//! A value of an [`Isa`], a [`MicroKernel`] or [`Lanes::Proof`] proves that the processor has the
//! instructions. It takes no memory, and [`crate::cpu::path::Path::execute`] alone makes it: after
//! the processor was asked for them, inside a function that is compiled with them. Whoever has it
//! may use them, so that nothing about a kernel is unsafe but its pointers.

use super::element::Element;
use super::lanes::Lanes;
use super::tile::Line;

/// Where the operands of a block lie.
#[derive(Clone, Copy)]
pub struct Operands {
    /// First line of the upper left tile; tiles along the inner dimension follow each other, with
    /// all their parts.
    pub left: *const Line,
    /// Lines from the upper to the lower left tile.
    pub left_stride: usize,
    /// First line of the right tiles; the two tiles of a step follow each other, with all their
    /// parts.
    pub right: *const Line,
    /// Tiles along the inner dimension.
    pub steps: usize,
    /// Whether there is a lower left tile.
    pub two_rows: bool,
    /// Whether the second right tile has columns.
    pub two_cols: bool,
}

/// The proof of a micro-kernel's vectors.
pub type Proof<K> = <<K as MicroKernel>::Vector as Lanes>::Proof;

/// Products of blocks of one kind of operands.
pub trait MicroKernel: Copy {
    type Element: Element;
    type Vector: Lanes;
    /// Whether [`MicroKernel::block`] lets other work tick.
    const TICKS: bool = false;

    /// The proof of its vectors.
    fn vectors(self) -> Proof<Self>;

    /// Adds the product of a block to `result` (four tiles of 16 x 16, row by row), or stores it
    /// there if `first`. Sums are f32, or if elements are scaled the bits of i32. May let other
    /// work tick once for each tile along the inner dimension, to fill the gaps of this one.
    ///
    /// # Safety
    /// - Operands: all their tiles must be readable, the second right one also where it has no
    ///   columns.
    /// - Result: its four tiles must be writable, and initialised unless `first`.
    unsafe fn block(self, operands: Operands, result: *mut f32, first: bool, tick: &mut impl Tick);

    /// Hints that a line will be read soon.
    #[inline(always)]
    fn prefetch(_line: *const Line) {}
}

/// An instruction set, with the micro-kernel of most products.
pub trait Isa: MicroKernel {
    /// What computes attention: its operands are made anew for each head, so that they may be of
    /// another kind.
    type Attention: MicroKernel<Vector = Self::Vector>;
    /// What multiplies that which comes from a layer norm and goes nowhere else.
    type Normed: MicroKernel<Vector = Self::Vector>;

    fn attention(self) -> Self::Attention;
    fn normed(self) -> Self::Normed;
}

/// Other work, done bit by bit while a product is computed. A closure would do, but cannot be told
/// to be inlined, and where it is not, it is compiled without the instruction set.
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
    fn run<I: Isa>(self, isa: I);
}
