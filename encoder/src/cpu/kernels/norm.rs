//! Layer norm in two passes, from f32 rows to the left operand of a product or to other rows.

use rayon::prelude::*;

use super::buffers::{Rows, SharedRows, SharedTiles, Tiles};
use super::isa::{Element, Isa, LANES, TILE, Task, share};
use super::lanes::Lanes;
use crate::cpu::path::Path;

/// Weight, bias and epsilon of a layer norm; weight and bias are padded with zeros to whole vectors.
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

    /// Norms the first `rows` rows.
    pub fn to_tiles(&self, path: Path, from: &Rows, rows: usize, to: &mut Tiles) {
        self.run(path, from, rows, To::Tiles(to.shared()));
    }

    /// Norms the first `rows` rows.
    pub fn to_rows(&self, path: Path, from: &Rows, rows: usize, to: &mut Rows) {
        self.run(path, from, rows, To::Rows(to.shared()));
    }

    fn run(&self, path: Path, from: &Rows, rows: usize, to: To) {
        let tasks = rows.div_ceil(TILE);
        (0..tasks).into_par_iter().for_each(|task| {
            let rows = share(rows, tasks, task);
            path.execute(Normalise { from, rows, to, norm: Some(self), width: self.width });
        });
    }
}

/// Copies the first `rows` rows and `width` columns to the left operand of a product.
pub fn to_tiles(path: Path, from: &Rows, rows: usize, width: usize, to: &mut Tiles) {
    let to = To::Tiles(to.shared());
    let tasks = rows.div_ceil(TILE);
    (0..tasks).into_par_iter().for_each(|task| {
        path.execute(Normalise { from, rows: share(rows, tasks, task), to, norm: None, width });
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
    fn run<I: Isa>(self) {
        let vectors = self.width.div_ceil(2 * LANES) * 2;
        for row in self.rows {
            let x = self.from.row::<f32>(row);
            assert!(x.len() >= vectors * LANES && self.norm.is_none_or(|n| n.weight.len() >= vectors * LANES));
            // SAFETY: `x` and the weights have all vectors; each row belongs to one task.
            unsafe {
                let x = x.as_ptr();
                let (mean, scale) = match self.norm {
                    Some(norm) => moments::<I::Vector>(x, self.width, norm.eps),
                    None => (0.0, 1.0),
                };
                let (mean, scale) = (I::Vector::splat(mean), I::Vector::splat(scale));
                for i in 0..vectors {
                    let mut value = I::Vector::load(x.add(i * LANES));
                    if let Some(norm) = self.norm {
                        let weight = I::Vector::load(norm.weight.as_ptr().add(i * LANES));
                        let bias = I::Vector::load(norm.bias.as_ptr().add(i * LANES));
                        value = value.sub(mean).mul(scale).mul_add(weight, bias);
                    }
                    match self.to {
                        To::Rows(rows) => value.store(rows.at::<f32>(row, 0).add(i * LANES)),
                        To::Tiles(tiles) => {
                            let (step, at) = (i * LANES / I::Element::LINE, i * LANES % I::Element::LINE);
                            if step < tiles.steps() {
                                I::Element::store(value, tiles.line::<I::Element>(row, step).add(at));
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Mean and `1 / sqrt(variance + eps)` of `width` values. The mean is subtracted before squares are summed: the difference
/// of two large sums would lose all digits where the mean is far from zero compared with the spread.
///
/// # Safety
/// `x` must be valid for `width` values.
#[inline(always)]
unsafe fn moments<V: Lanes>(x: *const f32, width: usize, eps: f32) -> (f32, f32) {
    let whole = width / LANES;
    // SAFETY: by the caller, `x` has `width` values.
    unsafe {
        let tail = std::slice::from_raw_parts(x.add(whole * LANES), width % LANES);
        let mut sums = [V::splat(0.0); 4];
        for i in 0..whole {
            sums[i % 4] = sums[i % 4].add(V::load(x.add(i * LANES)));
        }
        let sum = sums[0].add(sums[1]).add(sums[2].add(sums[3])).sum() + tail.iter().sum::<f32>();
        let mean = sum / width as f32;
        let mut sums = [V::splat(0.0); 4];
        for i in 0..whole {
            let centred = V::load(x.add(i * LANES)).sub(V::splat(mean));
            sums[i % 4] = centred.mul_add(centred, sums[i % 4]);
        }
        let mut sum = sums[0].add(sums[1]).add(sums[2].add(sums[3])).sum();
        for value in tail {
            sum += (value - mean) * (value - mean);
        }
        (mean, 1.0 / (sum / width as f32 + eps).sqrt())
    }
}
