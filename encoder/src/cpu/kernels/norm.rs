//! Layer norm, the mean first and then the variance, from f32 rows to the left operand of a product
//! or to other rows.

use rayon::prelude::*;

use super::buffers::{Rows, SharedRows, SharedTiles, Tiles};
use super::element::Element;
use super::int8::scale_of;
use super::isa::{Isa, MicroKernel, Task};
use super::lanes::{LANES, Lanes};
use super::tile::{TILE, split_range};
use crate::cpu::path::Path;

/// Weight, bias and epsilon of a layer norm; weight and bias are padded with zeros to whole
/// vectors.
pub struct LayerNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    width: usize,
    eps: f32,
}

impl LayerNorm {
    pub fn new(mut weight: Vec<f32>, mut bias: Vec<f32>, eps: f32) -> Self {
        let width = weight.len();
        weight.resize(width.next_multiple_of(2 * LANES), 0.0);
        bias.resize(width.next_multiple_of(2 * LANES), 0.0);
        Self { weight, bias, width, eps }
    }

    /// Norms the first `rows` rows, to the left operand of a product behind a norm.
    pub fn to_tiles(&self, path: Path, from: &Rows, rows: usize, to: &mut Tiles) {
        self.run(path, from, rows, To::Tiles(to.shared()));
    }

    /// Norms the first `rows` rows.
    pub fn to_rows(&self, path: Path, from: &Rows, rows: usize, to: &mut Rows) {
        self.run(path, from, rows, To::Rows(to.shared()));
    }

    fn run(&self, path: Path, from: &Rows, rows: usize, to: To) {
        normalise(path, from, rows, to, Some(self), self.width);
    }
}

/// Copies the first `rows` rows and `width` columns to the left operand of a product.
pub fn to_tiles(path: Path, from: &Rows, rows: usize, width: usize, to: &mut Tiles) {
    normalise(path, from, rows, To::Tiles(to.shared()), None, width);
}

fn normalise(path: Path, from: &Rows, rows: usize, to: To, norm: Option<&LayerNorm>, width: usize) {
    match to {
        To::Rows(to) => to.check::<f32>(rows, width),
        To::Tiles(to) => to.check(rows, if norm.is_some() { path.normed() } else { path.values() }),
    }
    let tasks = rows.div_ceil(TILE);
    (0..tasks).into_par_iter().for_each(|task| {
        path.execute(Normalise { from, rows: split_range(rows, tasks, task), to, norm, width });
    });
}

#[derive(Clone, Copy)]
enum To<'a> {
    Tiles(SharedTiles<'a>),
    Rows(SharedRows<'a>),
}

struct Normalise<'a> {
    from: &'a Rows,
    rows: std::ops::Range<usize>,
    to: To<'a>,
    norm: Option<&'a LayerNorm>,
    width: usize,
}

impl Task for Normalise<'_> {
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let vectors = self.width.div_ceil(2 * LANES) * 2;
        for row in self.rows {
            let x = self.from.row::<f32>(row);
            assert!(x.len() >= vectors * LANES && self.norm.is_none_or(|n| n.weight.len() >= vectors * LANES));
            // SAFETY: `x` and the weights have all vectors; each row belongs to one task, and the
            // output has it.
            unsafe {
                let x = x.as_ptr();
                let norm =
                    self.norm.map(|norm| (norm, Moments::<I::Vector>::of(isa.vectors(), x, self.width, norm.eps)));
                let from = Row { proof: isa.vectors(), x, norm, vectors };
                match self.to {
                    To::Rows(rows) => from.write(rows.at(row, 0)),
                    To::Tiles(tiles) if self.norm.is_some() => from.write_tiles(isa.normed(), tiles, row),
                    To::Tiles(tiles) => from.write_tiles(isa, tiles, row),
                }
            }
        }
    }
}

/// A row as it is or normed, in vectors.
struct Row<'a, V: Lanes> {
    proof: V::Proof,
    x: *const f32,
    norm: Option<(&'a LayerNorm, Moments<V>)>,
    vectors: usize,
}

impl<V: Lanes> Row<'_, V> {
    /// # Safety
    /// - Row: it must have more than `i` vectors.
    #[inline(always)]
    unsafe fn vector(&self, i: usize) -> V {
        // SAFETY: `Row`; weights were found to be as long as rows.
        unsafe {
            let value = V::load(self.proof, self.x.add(i * LANES));
            let Some((norm, moments)) = &self.norm else { return value };
            let weight = V::load(self.proof, norm.weight.as_ptr().add(i * LANES));
            let bias = V::load(self.proof, norm.bias.as_ptr().add(i * LANES));
            moments.centred(value).mul(moments.scale).mul_add(weight, bias)
        }
    }

    /// # Safety
    /// - Row: it must have all vectors.
    /// - Room: `to` must have room for them.
    #[inline(always)]
    unsafe fn write(&self, to: *mut f32) {
        for i in 0..self.vectors {
            // SAFETY: `Row` and `Room`.
            unsafe { self.vector(i).store(to.add(i * LANES)) }
        }
    }

    /// # Safety
    /// - Row: it must have all vectors.
    /// - Exclusive: nobody else may use what stands at `row` of the operand, which must exist.
    #[inline(always)]
    unsafe fn write_tiles<K: MicroKernel<Vector = V>>(&self, _: K, to: SharedTiles, row: usize) {
        // SAFETY: `Row` and `Exclusive`; behind the last line there are only columns that are zero.
        unsafe {
            let mut factor = V::splat(self.proof, 1.0);
            if K::Element::SCALED {
                let scale = scale_of(self.largest());
                to.scale(row).write(scale);
                factor = factor.fill(1.0 / scale);
            }
            for i in 0..self.vectors {
                let (step, at) = (i * LANES / K::Element::LINE, i * LANES % K::Element::LINE);
                if step < to.steps() {
                    let value = self.vector(i);
                    let value = if K::Element::SCALED { value.mul(factor) } else { value };
                    K::Element::store(value, to.line::<K::Element>(row, step).add(at));
                }
            }
        }
    }

    /// The largest magnitude; not a number if any value is none, or infinite.
    ///
    /// # Safety
    /// - Row: it must have all vectors.
    #[inline(always)]
    unsafe fn largest(&self) -> f32 {
        let zero = V::splat(self.proof, 0.0);
        let (mut largest, mut zeros) = (zero, zero);
        for i in 0..self.vectors {
            // SAFETY: `Row`.
            let value = unsafe { self.vector(i) };
            largest = largest.max(value.max(zero.sub(value)));
            // The larger of a number and of what is none may be either.
            zeros = zeros.add(value.sub(value));
        }
        largest.largest() + zeros.sum()
    }
}

/// What a row is normalised by.
struct Moments<V> {
    mean: V,
    /// What the f32 `mean` leaves of the true one: up to some units in its last place, which a
    /// small spread magnifies.
    left: V,
    /// `1 / sqrt(variance + eps)`.
    scale: V,
}

impl<V: Lanes> Moments<V> {
    /// Of `width` values. The mean is subtracted before squares are summed: the difference of two
    /// large sums would lose all digits where the mean is far from zero compared with the spread.
    ///
    /// # Safety
    /// - Row: `x` must be valid for `width` values, filled up to whole vectors.
    #[inline(always)]
    unsafe fn of(proof: V::Proof, x: *const f32, width: usize, eps: f32) -> Self {
        let (zero, count) = (V::splat(proof, 0.0), width as f32);
        let mut moments = Self { mean: zero, left: zero, scale: zero };
        // SAFETY: `Row`.
        unsafe {
            moments.mean = zero.fill(moments.sum::<1>(x, width) / count);
            moments.left = zero.fill(moments.sum::<1>(x, width) / count);
            moments.scale = zero.fill(1.0 / (moments.sum::<2>(x, width) / count + eps).sqrt());
        }
        moments
    }

    #[inline(always)]
    fn centred(&self, x: V) -> V {
        x.sub(self.mean).sub(self.left)
    }

    /// Sum of the first or second powers of centred values.
    ///
    /// # Safety
    /// - Row: as for [`Moments::of`].
    #[inline(always)]
    unsafe fn sum<const POWER: u32>(&self, x: *const f32, width: usize) -> f32 {
        let whole = width / LANES;
        let proof = self.mean.proof();
        let mut sums = [V::splat(proof, 0.0); 4];
        for i in 0..whole {
            // SAFETY: `Row`.
            let centred = self.centred(unsafe { V::load(proof, x.add(i * LANES)) });
            let sum = &mut sums[i % 4];
            *sum = if POWER == 2 { centred.mul_add(centred, *sum) } else { sum.add(centred) };
        }
        let mut sum = sums[0].add(sums[1]).add(sums[2].add(sums[3])).sum();
        if !width.is_multiple_of(LANES) {
            // SAFETY: `Row`; what fills up the last vector is not summed.
            let centred = self.centred(unsafe { V::load(proof, x.add(whole * LANES)) }).to_array();
            for value in &centred[..width % LANES] {
                sum += value.powi(POWER as i32);
            }
        }
        sum
    }
}
