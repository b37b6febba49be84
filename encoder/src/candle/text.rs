//! The text tower: token ids to one embedding.

use candle_core::{Device, Module, Result, Tensor};
use candle_nn::Linear;

use super::block::{self, Block};
use super::load::{Loaded, Loader};
use super::norm::LayerNorm;
use super::record;
use crate::config::TextConfig;
use crate::siglip::Trace;
use crate::weights::StoredTensor;

/// A transformer without causal or padding mask, pooled at the last position: what stands there has
/// seen all others, be it the end of a long text or padding.
pub(super) struct TextTower {
    /// Half of a base model's weights, of which a query needs 64 rows: it stays in the mapped file.
    tokens: StoredTensor, // (V, W)
    positions: Tensor, // (L, W)
    blocks: Vec<Block>,
    final_norm: LayerNorm,
    head: Linear,
    config: TextConfig,
}

impl TextTower {
    pub fn load(loader: &Loader, config: &TextConfig) -> Loaded<Self> {
        Ok(Self {
            tokens: loader.stored("embeddings.token_embedding.weight")?.clone(),
            positions: loader.tensor("embeddings.position_embedding.weight")?,
            blocks: Block::stack(loader, &config.tower)?,
            final_norm: loader.layer_norm("final_layer_norm", &config.tower)?,
            head: loader.linear("head")?,
            config: *config,
        })
    }

    /// Embeddings before normalisation, (B, dim), of texts of [`TextConfig::length`] ids below the
    /// vocabulary's size.
    pub fn forward(&self, texts: &[Vec<u32>], device: &Device, trace: &mut Trace) -> Result<Tensor> {
        let (b, l, width) = (texts.len(), self.config.length, self.config.tower.width);
        let mut rows = Vec::with_capacity(b * l * width);
        for id in texts.iter().flatten() {
            let start = *id as usize * width;
            self.tokens.read(start..start + width, &mut rows);
        }
        let x = Tensor::from_vec(rows, (b, l, width), device)?.broadcast_add(&self.positions)?; // (B, L, W)
        record(trace, "text.embeddings", &x)?;
        let x = block::run(&self.blocks, x, None, "text", trace)?;
        let last = x.narrow(1, l - 1, 1)?.squeeze(1)?.contiguous()?; // (B, W)
        let last = self.final_norm.forward(&last)?;
        record(trace, "text.last_token", &last)?;
        let pooled = self.head.forward(&last)?; // (B, dim)
        record(trace, "text.pooled", &pooled)?;
        Ok(pooled)
    }
}
