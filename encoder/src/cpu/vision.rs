//! The vision tower: patches to tokens, tokens to one embedding and a grid of features.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::block::{Block, Workspace};
use super::kernels::buffers::{Packed, Rows};
use super::kernels::gemm::{Epilogue, multiply};
use super::kernels::norm::LayerNorm;
use super::kernels::patches;
use super::load::{Loader, f32_rows, new_tiles};
use super::map_head::MapHead;
use super::path::Path;
use super::record::{record, record_tokens};
use crate::config::{Resolution, VisionConfig};
use crate::siglip::{Features, PositionGrid, Trace};
use crate::{EncodeError, Outputs, PixelInput, Projection};

/// Both kinds of vision tower; they differ in their positions only, once patches have one order.
pub(super) struct VisionTower {
    path: Path,
    stem: Packed,
    positions: Positions,
    blocks: Vec<Block>,
    post_norm: LayerNorm,
    head: MapHead,
    config: VisionConfig,
    workspace: Mutex<Option<Workspace>>,
}

enum Positions {
    /// One row for each patch, N * W values.
    Learned(Vec<f32>),
    Resized(PositionGrid),
}

impl VisionTower {
    pub fn load(loader: &Loader, config: &VisionConfig) -> Result<Self, EncodeError> {
        let tower = &config.tower;
        let embeddings = loader.at("embeddings");
        let table = embeddings.values("position_embedding.weight")?;
        Ok(Self {
            path: loader.path,
            stem: load_stem(&embeddings, config)?,
            positions: match config.resolution {
                Resolution::Fixed { .. } => Positions::Learned(table),
                Resolution::NaFlex { position_side } => {
                    Positions::Resized(PositionGrid::new(table, position_side, tower.width))
                }
            },
            blocks: Block::stack(loader, tower)?,
            post_norm: loader.layer_norm("post_layernorm", tower)?,
            head: MapHead::load(&loader.at("head"), tower)?,
            config: *config,
            workspace: Mutex::new(None),
        })
    }

    /// Runs a batch of images of any sizes.
    pub fn forward(&self, batch: &[PixelInput], outputs: Outputs, trace: &mut Trace) -> Vec<Features> {
        let (path, width) = (self.path, self.config.tower.width);
        let mut rows = 0;
        let sequences: Vec<Range<usize>> = batch
            .iter()
            .map(|image| {
                rows += image.rows * image.cols;
                rows - image.rows * image.cols..rows
            })
            .collect();
        let kept = self.workspace.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut workspace =
            kept.map_or_else(|| Workspace::new(path, &self.config.tower, rows), |kept| kept.grown(rows));

        let mut patches = new_tiles(path.values(), rows, self.config.patch_values());
        trace.time("patches", || patches::fill(path, batch, &sequences, self.config.patch_size, &mut patches));
        let store = Epilogue::Store(workspace.x.shared());
        trace.time("patch embedding", || multiply(path, &patches, rows, &self.stem, store)); // (N, W)
        record_tokens(trace, "vision.patch_embed", &workspace.x, &sequences, width);
        trace.time("positions", || self.add_positions(batch, &sequences, &mut workspace.x));
        record_tokens(trace, "vision.embeddings", &workspace.x, &sequences, width);
        for (i, block) in self.blocks.iter().enumerate() {
            block.forward(&mut workspace, &sequences, trace);
            record_tokens(trace, format_args!("vision.block{i:02}"), &workspace.x, &sequences, width);
        }
        let mut tokens = Rows::new::<f32>(rows, width);
        trace.time("layer norms", || self.post_norm.to_rows(path, &workspace.x, rows, &mut tokens)); // (N, W)
        record_tokens(trace, "vision.post_norm", &tokens, &sequences, width);

        let mut pooled = trace.time("pooling", || self.head.gather(&tokens, &sequences)); // (B, W)
        record(trace, "vision.map_attention", &pooled, batch.len(), width);
        trace.time("pooling", || self.head.finish(&mut pooled, batch.len()));
        record(trace, "vision.pooled", &pooled, batch.len(), width);
        let aligned = (outputs == Outputs::Dense).then(|| {
            let aligned = trace.time("aligned patches", || self.head.align(&tokens, rows, Projection::Full)); // (N, W)
            record_tokens(trace, "vision.aligned", &aligned, &sequences, width);
            aligned
        });
        let features = sequences.iter().enumerate().map(|(i, tokens_of)| Features {
            pooled: pooled.row(i)[..width].to_vec(),
            dense: aligned.as_ref().map(|aligned| {
                let norm = |row| workspace.x.row::<f32>(row)[..width].iter().map(|v| v * v).sum::<f32>().sqrt();
                let norms = tokens_of.clone().map(norm).collect();
                (copied(&tokens, tokens_of, width), copied(aligned, tokens_of, width), norms)
            }),
        });
        let features = features.collect();
        *self.workspace.lock().unwrap_or_else(PoisonError::into_inner) = Some(workspace);
        features
    }

    /// Text-aligned vectors of tokens, `(n, W)` to the same shape.
    pub fn project(&self, tokens: &[f32], projection: Projection) -> Vec<f32> {
        let width = self.config.tower.width;
        let count = tokens.len() / width;
        let aligned = self.head.align(&f32_rows(tokens, count, width), count, projection);
        copied(&aligned, &(0..count), width)
    }

    fn add_positions(&self, batch: &[PixelInput], sequences: &[Range<usize>], x: &mut Rows) {
        let (width, stride) = (self.config.tower.width, x.stride::<f32>());
        let mut grid = Vec::new();
        for (image, tokens) in batch.iter().zip(sequences) {
            let positions = match &self.positions {
                Positions::Learned(table) => table,
                Positions::Resized(table) => {
                    grid.clear();
                    table.resize(image.rows, image.cols, &mut grid);
                    &grid
                }
            };
            let rows = x.values_mut::<f32>()[tokens.start * stride..tokens.end * stride].par_chunks_exact_mut(stride);
            rows.zip(positions.par_chunks_exact(width)).for_each(|(row, position)| {
                for (value, position) in row.iter_mut().zip(position) {
                    *value += position;
                }
            });
        }
    }
}

/// Rows without their padding.
fn copied(rows: &Rows, range: &Range<usize>, width: usize) -> Vec<f32> {
    range.clone().flat_map(|row| &rows.row::<f32>(row)[..width]).copied().collect()
}

/// The patch embedding as one linear layer over (row, column, channel). NaFlex stores it so; the
/// weight of a convolution with stride = kernel is the same matrix with its columns in the order
/// (channel, row, column).
///
/// The pixels come as `p - 128`, the model reads `p / 127.5 - 1`: that is
/// `(p - 128) / 127.5 + 0.5 / 127.5`.
fn load_stem(loader: &Loader, config: &VisionConfig) -> Result<Packed, EncodeError> {
    let (width, pixels, values) = (config.tower.width, config.patch_size.pow(2), config.patch_values());
    let stored = loader.values("patch_embedding.weight")?;
    let mut bias = loader.values("patch_embedding.bias")?;
    for (bias, row) in bias.iter_mut().zip(stored.chunks_exact(values)) {
        let sum: f64 = row.iter().copied().map(f64::from).sum();
        *bias += (sum * f64::from(patches::CENTRE - 127.5) / 127.5) as f32;
    }
    Ok(loader.pack(width, values, &bias, |output, row| {
        let weights = &stored[output * values..][..values];
        row.extend((0..values).map(|i| match config.resolution {
            Resolution::NaFlex { .. } => weights[i] / 127.5,
            Resolution::Fixed { .. } => weights[i % 3 * pixels + i / 3] / 127.5,
        }));
    }))
}
