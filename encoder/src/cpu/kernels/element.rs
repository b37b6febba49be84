//! What operands of products are stored as.

use bytemuck::Pod;
use half::bf16;

use super::lanes::Lanes;
use super::math;
use super::tile::TILE;

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
    /// Whether operands have a scale for each row or column, and sums are whole numbers (see
    /// [`super::int8`]).
    const SCALED: bool = false;
    /// What is added to the values of a left operand: so many times the sum of a column is too much
    /// in its sums.
    const RAISED_BY: i32 = 0;
    /// Writes a value of a right operand, a whole number if elements are scaled, to where its first
    /// part belongs.
    fn put(value: f32, to: &mut [Self], at: usize);
    /// The exponential function as exactly as this type can hold it.
    #[inline(always)]
    fn exp<V: Lanes>(x: V) -> V {
        math::exp(x)
    }
    /// Writes sixteen values of a left operand, in units of its scale if it has one, to where their
    /// first parts belong.
    ///
    /// # Safety
    /// - Target: `to` must be valid for sixteen values, and so must be the same place in the tiles
    ///   of the other parts.
    /// - Rounding: elements made of bf16 need that of [`Lanes::store_bf16`], which vectors of their
    ///   own micro-kernels have.
    unsafe fn store<V: Lanes>(values: V, to: *mut Self);
}

impl Element for f32 {
    const VALUES: Values = Values::F32;

    #[inline(always)]
    fn put(value: f32, to: &mut [Self], at: usize) {
        to[at] = value;
    }

    // SAFETY: see [`Element::store`].
    #[inline(always)]
    unsafe fn store<V: Lanes>(values: V, to: *mut Self) {
        // SAFETY: see [`Element::store`]: target.
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

    // SAFETY: see [`Element::store`].
    #[inline(always)]
    unsafe fn store<V: Lanes>(values: V, to: *mut Self) {
        // SAFETY: see [`Element::store`]: target, rounding.
        unsafe { values.store_bf16(to) }
    }
}

/// A part of an f32 that is split into the nearest bf16 and the bf16 that is nearest to what this
/// leaves: together 16 bits or more of the 24 that an f32 has. Only operands of products hold it.
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

    // SAFETY: see [`Element::store`].
    #[inline(always)]
    unsafe fn store<V: Lanes>(values: V, to: *mut Self) {
        let to = to.cast::<bf16>();
        // SAFETY: see [`Element::store`]: target, rounding.
        unsafe {
            values.store_bf16(to);
            values.sub(V::load_bf16(values.proof(), to)).store_bf16(to.add(TILE * Self::LINE));
        }
    }
}

impl Element for i8 {
    const VALUES: Values = Values::Int8;
    const SCALED: bool = true;

    #[inline(always)]
    fn put(value: f32, to: &mut [Self], at: usize) {
        to[at] = value as Self;
    }

    // SAFETY: see [`Element::store`].
    #[inline(always)]
    unsafe fn store<V: Lanes>(values: V, to: *mut Self) {
        // SAFETY: see [`Element::store`]: target.
        unsafe { values.round().store_bytes(to.cast()) }
    }
}

/// int8 for `vpdpbusd`, which multiplies unsigned by signed bytes: left operands are offset by 128.
#[derive(Debug, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(transparent)]
pub struct OffsetU8(pub u8);

impl Element for OffsetU8 {
    const VALUES: Values = Values::OffsetU8;
    const SCALED: bool = true;
    const RAISED_BY: i32 = 128;

    #[inline(always)]
    fn put(value: f32, to: &mut [Self], at: usize) {
        to[at] = Self(value as i8 as u8);
    }

    // SAFETY: see [`Element::store`].
    #[inline(always)]
    unsafe fn store<V: Lanes>(values: V, to: *mut Self) {
        // SAFETY: see [`Element::store`]: target.
        unsafe { values.round().add(values.fill(Self::RAISED_BY as f32)).store_bytes(to.cast()) }
    }
}
