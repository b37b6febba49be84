//! From stored tensors to packed weights.

use half::bf16;

use super::kernels::buffers::{Packed, Rows, Tiles};
use super::kernels::element::{OffsetU8, Split, Values};
use super::kernels::gemm::Gelu;
use super::kernels::norm::LayerNorm;
use super::path::Path;
use crate::EncodeError;
use crate::config::{Activation, TowerConfig};
use crate::weights::{Checkpoint, StoredTensor};

/// Reads the tensors below one name, and packs them for one path. Shapes were compared with the
/// configuration before.
#[derive(Clone)]
pub(super) struct Loader<'a> {
    checkpoint: &'a Checkpoint,
    pub path: Path,
    prefix: String,
}

impl<'a> Loader<'a> {
    pub fn new(checkpoint: &'a Checkpoint, path: Path) -> Self {
        Self { checkpoint, path, prefix: String::new() }
    }

    /// The part of the model called `name` below this one.
    pub fn at(&self, name: &str) -> Self {
        Self { prefix: format!("{}{name}.", self.prefix), ..self.clone() }
    }

    pub fn stored(&self, name: &str) -> Result<&'a StoredTensor, EncodeError> {
        self.checkpoint.get(&format!("{}{name}", self.prefix))
    }

    /// To be called when a part is packed, so that a model is never in memory twice.
    pub fn release(&self) {
        self.checkpoint.release();
    }

    /// The values as f32.
    pub fn values(&self, name: &str) -> Result<Vec<f32>, EncodeError> {
        Ok(self.stored(name)?.to_vec())
    }

    /// `name.weight` (outputs, inputs) and `name.bias` (outputs).
    pub fn linear(&self, name: &str) -> Result<Packed, EncodeError> {
        self.stacked_linear(self.path.values(), &[name])
    }

    /// Several linear layers of one input, stacked into one, for what comes from a layer norm: a
    /// single product instead of several.
    pub fn normed_linear(&self, names: &[&str]) -> Result<Packed, EncodeError> {
        self.stacked_linear(self.path.normed(), names)
    }

    fn stacked_linear(&self, values: Values, names: &[&str]) -> Result<Packed, EncodeError> {
        let (mut weights, mut bias) = (Vec::new(), Vec::new());
        for name in names {
            let at = self.at(name);
            weights.push(at.stored("weight")?);
            bias.extend(at.values("bias")?);
        }
        let (outputs, inputs) = (weights[0].shape()[0], weights[0].shape()[1]);
        Ok(pack(values, names.len() * outputs, inputs, &bias, |i, row| {
            let start = i % outputs * inputs;
            weights[i / outputs].read(start..start + inputs, row);
        }))
    }

    /// See [`Packed::new`].
    pub fn pack(
        &self,
        outputs: usize,
        inputs: usize,
        bias: &[f32],
        row: impl Fn(usize, &mut Vec<f32>) + Sync,
    ) -> Packed {
        pack(self.path.values(), outputs, inputs, bias, row)
    }

    pub fn layer_norm(&self, name: &str, tower: &TowerConfig) -> Result<LayerNorm, EncodeError> {
        let at = self.at(name);
        Ok(LayerNorm::new(at.values("weight")?, at.values("bias")?, tower.layer_norm_eps))
    }
}

/// See [`Packed::new`].
pub(super) fn pack(
    values: Values,
    outputs: usize,
    inputs: usize,
    bias: &[f32],
    row: impl Fn(usize, &mut Vec<f32>) + Sync,
) -> Packed {
    match values {
        Values::F32 => Packed::new::<f32>(outputs, inputs, bias, row),
        Values::Bf16 => Packed::new::<bf16>(outputs, inputs, bias, row),
        Values::Split => Packed::new::<Split>(outputs, inputs, bias, row),
        Values::Int8 => Packed::new::<i8>(outputs, inputs, bias, row),
        Values::OffsetU8 => Packed::new::<OffsetU8>(outputs, inputs, bias, row),
    }
}

pub(super) fn gelu(tower: &TowerConfig) -> Gelu {
    match tower.activation {
        Activation::GeluTanh => Gelu::Tanh,
        Activation::GeluErf => Gelu::Erf,
    }
}

/// Copies values to rows of f32.
pub(super) fn f32_rows(values: &[f32], count: usize, width: usize) -> Rows {
    let mut rows = Rows::new::<f32>(count, width);
    let stride = rows.stride::<f32>();
    for (to, from) in rows.values_mut::<f32>().chunks_exact_mut(stride).zip(values.chunks_exact(width)) {
        to[..width].copy_from_slice(from);
    }
    rows
}

/// Room for a left operand of products.
pub(super) fn new_tiles(values: Values, rows: usize, cols: usize) -> Tiles {
    match values {
        Values::F32 => Tiles::new::<f32>(rows, cols),
        Values::Bf16 => Tiles::new::<bf16>(rows, cols),
        Values::Split => Tiles::new::<Split>(rows, cols),
        Values::Int8 => Tiles::new::<i8>(rows, cols),
        Values::OffsetU8 => Tiles::new::<OffsetU8>(rows, cols),
    }
}

/// Room for rows of operands of attention.
pub(super) fn new_rows(path: Path, rows: usize, cols: usize) -> Rows {
    match path.is_bf16() {
        true => Rows::new::<bf16>(rows, cols),
        false => Rows::new::<f32>(rows, cols),
    }
}
