//! The text tower: token ids to one embedding.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::block::{Block, Workspace};
use super::kernels::buffers::{Packed, Rows};
use super::kernels::gemm::{Epilogue, multiply};
use super::kernels::norm::{LayerNorm, to_tiles};
use super::load::{Loader, new_tiles};
use super::path::Path;
use super::record::{record, record_tokens};
use crate::EncodeError;
use crate::config::TextConfig;
use crate::siglip::Trace;
use crate::weights::StoredTensor;

/// A transformer without causal or padding mask, pooled at the last position: what stands there has
/// seen all others, be it the end of a long text or padding.
pub(super) struct TextTower {
    path: Path,
    /// Half of a base model's weights, of which a query needs 64 rows: it stays in the mapped file.
    tokens: StoredTensor, // (V, W)
    positions: Vec<f32>, // (L, W)
    blocks: Vec<Block>,
    final_norm: LayerNorm,
    head: Packed,
    dim: usize,
    config: TextConfig,
    workspace: Mutex<Option<Workspace>>,
}

impl TextTower {
    pub fn load(loader: &Loader, config: &TextConfig, dim: usize) -> Result<Self, EncodeError> {
        Ok(Self {
            path: loader.path,
            tokens: loader.stored("embeddings.token_embedding.weight")?.clone(),
            positions: loader.values("embeddings.position_embedding.weight")?,
            blocks: Block::stack(loader, &config.tower)?,
            final_norm: loader.layer_norm("final_layer_norm", &config.tower)?,
            head: loader.linear("head")?,
            dim,
            config: *config,
            workspace: Mutex::new(None),
        })
    }

    /// Embeddings before normalisation of texts of [`TextConfig::length`] ids below the
    /// vocabulary's size.
    pub fn forward(&self, texts: &[Vec<u32>], trace: &mut Trace) -> Vec<Vec<f32>> {
        let (path, length, width) = (self.path, self.config.length, self.config.tower.width);
        let rows = texts.len() * length;
        let sequences: Vec<Range<usize>> = (0..texts.len()).map(|i| i * length..(i + 1) * length).collect();
        let kept = self.workspace.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut workspace =
            kept.map_or_else(|| Workspace::new(path, &self.config.tower, rows), |kept| kept.grown(rows));

        trace.time("embedding", || self.embed(texts, &mut workspace.x)); // (N, W)
        record_tokens(trace, "text.embeddings", &workspace.x, &sequences, width);
        for (i, block) in self.blocks.iter().enumerate() {
            block.forward(&mut workspace, &sequences, trace);
            record_tokens(trace, format_args!("text.block{i:02}"), &workspace.x, &sequences, width);
        }
        let mut last = Rows::new::<f32>(texts.len(), width); // (B, W)
        let stride = last.stride::<f32>();
        for (to, tokens) in last.values_mut::<f32>().chunks_exact_mut(stride).zip(&sequences) {
            to.copy_from_slice(workspace.x.row(tokens.end - 1));
        }
        *self.workspace.lock().unwrap_or_else(PoisonError::into_inner) = Some(workspace);
        let mut normed = Rows::new::<f32>(texts.len(), width);
        self.final_norm.to_rows(path, &last, texts.len(), &mut normed);
        record(trace, "text.last_token", &normed, texts.len(), width);

        let mut operands = new_tiles(path.values(), texts.len(), width);
        to_tiles(path, &normed, texts.len(), width, &mut operands);
        let mut pooled = Rows::new::<f32>(texts.len(), self.dim); // (B, dim)
        multiply(path, &operands, texts.len(), &self.head, Epilogue::Store(pooled.shared()));
        record(trace, "text.pooled", &pooled, texts.len(), self.dim);
        (0..texts.len()).map(|i| pooled.row(i)[..self.dim].to_vec()).collect()
    }

    /// Token plus position.
    fn embed(&self, texts: &[Vec<u32>], x: &mut Rows) {
        let (width, stride) = (self.config.tower.width, x.stride::<f32>());
        let mut token = Vec::with_capacity(width);
        let positions = self.positions.chunks_exact(width).cycle();
        for ((row, id), position) in
            x.values_mut::<f32>().chunks_exact_mut(stride).zip(texts.iter().flatten()).zip(positions)
        {
            token.clear();
            self.tokens.read(*id as usize * width..(*id as usize + 1) * width, &mut token);
            for ((value, token), position) in row.iter_mut().zip(&token).zip(position) {
                *value = token + position;
            }
        }
    }
}
