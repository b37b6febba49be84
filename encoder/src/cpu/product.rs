//! A product that belongs to no model: what the kernels of a path reach at best.

use super::kernels::buffers::{Packed, Rows, Tiles};
use super::kernels::gemm::{Epilogue, multiply};
use super::kernels::norm::LayerNorm;
use super::load::{f32_rows, new_tiles, pack};
use super::path::Path;

/// A product of two matrices of `side x side` on one path, the left one behind a layer norm.
pub struct Product {
    path: Path,
    side: usize,
    left: Tiles,
    right: Packed,
    out: Rows,
}

impl Product {
    /// On the path of this name (`amx-bf16`); `None` if there is none, or this machine cannot take
    /// it.
    pub fn new(path: &str, side: usize) -> Option<Self> {
        let path = Path::named(path).filter(|path| path.refusal().is_none())?;
        let values: Vec<f32> = (0..side * side).map(|i| (i % 251) as f32 / 251.0 - 0.5).collect();
        let mut left = new_tiles(path.normed(), side, side);
        let norm = LayerNorm::new(vec![1.0; side], vec![0.0; side], 1e-6);
        norm.to_tiles(path, &f32_rows(&values, side, side), side, &mut left);
        let right = pack(path.normed(), side, side, &vec![0.0; side], |i, row| row.extend(&values[i * side..][..side]));
        Some(Self { path, side, left, right, out: Rows::new::<f32>(side, side) })
    }

    /// Computes it once.
    pub fn run(&mut self) {
        multiply(self.path, &self.left, self.side, &self.right, Epilogue::Store(self.out.shared()));
    }

    /// Additions and multiplications of a run.
    pub fn operations(&self) -> f64 {
        2.0 * (self.side as f64).powi(3)
    }
}
