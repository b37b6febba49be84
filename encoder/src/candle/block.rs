//! The transformer block that both towers are made of (pre-norm, arXiv 2010.11929 section 3.1).

use candle_core::{Module, Result, Tensor};
use candle_nn::Linear;

use super::attention::{Attention, Padding};
use super::load::{Loaded, Loader};
use super::norm::LayerNorm;
use super::record;
use crate::config::{Activation, TowerConfig};
use crate::siglip::Trace;

/// `x += attention(norm1(x)); x += mlp(norm2(x))`.
pub(super) struct Block {
    norm1: LayerNorm,
    attention: Attention,
    norm2: LayerNorm,
    mlp: Mlp,
}

/// Two linear layers with an activation between them.
pub(super) struct Mlp {
    fc1: Linear,
    fc2: Linear,
    activation: Activation,
}

impl Block {
    /// All blocks of a tower, first to last.
    pub fn stack(loader: &Loader, tower: &TowerConfig) -> Loaded<Vec<Self>> {
        (0..tower.depth).map(|i| Self::load(&loader.at(&format!("encoder.layers.{i}")), tower)).collect()
    }

    fn load(loader: &Loader, tower: &TowerConfig) -> Loaded<Self> {
        Ok(Self {
            norm1: loader.layer_norm("layer_norm1", tower)?,
            attention: Attention::load(&loader.at("self_attn"), tower)?,
            norm2: loader.layer_norm("layer_norm2", tower)?,
            mlp: Mlp::load(&loader.at("mlp"), tower)?,
        })
    }

    /// `(B, N, W)` to the same shape.
    pub fn forward(&self, x: &Tensor, padding: Option<&Padding>) -> Result<Tensor> {
        let x = (x + self.attention.forward(&self.norm1.forward(x)?, padding)?)?;
        &x + self.mlp.forward(&self.norm2.forward(&x)?)?
    }
}

/// Runs a stack of blocks and records the output of each as `tower.blockNN`.
pub(super) fn run(
    blocks: &[Block],
    mut x: Tensor,
    padding: Option<&Padding>,
    tower: &str,
    trace: &mut Trace,
) -> Result<Tensor> {
    for (i, block) in blocks.iter().enumerate() {
        x = block.forward(&x, padding)?;
        record(trace, format_args!("{tower}.block{i:02}"), &x)?;
    }
    Ok(x)
}

impl Mlp {
    pub fn load(loader: &Loader, tower: &TowerConfig) -> Loaded<Self> {
        Ok(Self { fc1: loader.linear("fc1")?, fc2: loader.linear("fc2")?, activation: tower.activation })
    }

    /// `(.., W)` to the same shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let hidden = self.fc1.forward(x)?; // (.., M)
        let hidden = match self.activation {
            Activation::GeluTanh => hidden.gelu()?,
            Activation::GeluErf => hidden.gelu_erf()?,
        };
        self.fc2.forward(&hidden)
    }
}
