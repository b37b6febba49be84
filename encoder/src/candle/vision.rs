//! The vision tower: patches to tokens, tokens to one embedding and a grid of features.

use candle_core::{Device, Module, Result, Tensor};
use candle_nn::Linear;

use super::attention::Padding;
use super::block::{self, Block};
use super::load::{Loaded, Loader};
use super::map_head::MapHead;
use super::norm::LayerNorm;
use super::patches;
use super::record;
use crate::config::{Resolution, VisionConfig};
use crate::siglip::{PositionGrid, Trace};
use crate::{EncodeError, Outputs, PixelInput, Projection};

/// Both kinds of vision tower; they differ in their positions only, once patches have one order.
pub(super) struct VisionTower {
    stem: Linear,
    positions: Positions,
    blocks: Vec<Block>,
    post_norm: LayerNorm,
    head: MapHead,
    config: VisionConfig,
}

enum Positions {
    /// One row for each patch: (N, W).
    Learned(Tensor),
    Resized(PositionGrid),
}

/// Output of the tower for a batch.
pub(super) struct VisionOutput {
    /// Embeddings before normalisation, (B, W).
    pub pooled: Tensor,
    pub dense: Option<DenseOutput>,
}

/// What is known of every patch.
pub(super) struct DenseOutput {
    /// Tokens after the last norm, (B, N, W).
    pub tokens: Tensor,
    /// Their text-aligned vectors, (B, N, W).
    pub aligned: Tensor,
    /// Lengths of the tokens before the last norm, (B, N).
    pub norms: Tensor,
}

impl VisionTower {
    pub fn load(loader: &Loader, config: &VisionConfig) -> Loaded<Self> {
        let tower = &config.tower;
        let embeddings = loader.at("embeddings");
        let positions = match config.resolution {
            Resolution::Fixed { .. } => Positions::Learned(embeddings.tensor("position_embedding.weight")?),
            Resolution::NaFlex { position_side } => {
                let table = embeddings.values("position_embedding.weight")?;
                Positions::Resized(PositionGrid::new(table, position_side, tower.width))
            }
        };
        Ok(Self {
            stem: load_stem(&embeddings, config)?,
            positions,
            blocks: Block::stack(loader, tower)?,
            post_norm: loader.layer_norm("post_layernorm", tower)?,
            head: MapHead::load(&loader.at("head"), tower)?,
            config: *config,
        })
    }

    /// Runs a batch; images with fewer patches than the largest are padded, and padding is masked
    /// in every layer.
    pub fn forward(
        &self,
        batch: &[PixelInput],
        outputs: Outputs,
        device: &Device,
        trace: &mut Trace,
    ) -> Result<VisionOutput> {
        let lengths: Vec<usize> = batch.iter().map(|p| p.rows * p.cols).collect();
        let (b, n) = (batch.len(), lengths.iter().copied().max().unwrap_or(0));
        let padding = Padding::new(&lengths, n, device)?;

        let embedded = self.stem.forward(&self.patches(batch, n, device)?)?; // (B, N, W)
        record(trace, "vision.patch_embed", &embedded)?;
        let x = match &self.positions {
            Positions::Learned(table) => embedded.broadcast_add(table)?,
            Positions::Resized(grid) => (embedded + resized(grid, batch, n, self.config.tower.width, device)?)?,
        };
        record(trace, "vision.embeddings", &x)?;
        let x = block::run(&self.blocks, x, padding.as_ref(), "vision", trace)?;
        let tokens = self.post_norm.forward(&x)?; // (B, N, W)
        record(trace, "vision.post_norm", &tokens)?;

        let head = self.head.forward(&tokens, padding.as_ref(), trace)?;
        let dense = match outputs {
            Outputs::Pooled => None,
            Outputs::Dense => {
                let aligned = self.head.align(&head.values)?; // (B, N, W)
                record(trace, "vision.aligned", &aligned)?;
                let norms = x.sqr()?.sum(2)?.sqrt()?; // (B, N)
                Some(DenseOutput { tokens, aligned, norms })
            }
        };
        debug_assert_eq!(head.pooled.dims(), [b, self.config.tower.width]);
        Ok(VisionOutput { pooled: head.pooled, dense })
    }

    /// Text-aligned vectors of tokens `(N, W)`.
    pub fn project(&self, tokens: &Tensor, projection: Projection) -> Result<Tensor> {
        self.head.project(tokens, projection)
    }

    /// The patches of all images, zero where an image has fewer than `n`: (B, N, P * P * 3).
    fn patches(&self, batch: &[PixelInput], n: usize, device: &Device) -> Result<Tensor> {
        let size = self.config.patch_values();
        let mut values = Vec::with_capacity(batch.len() * n * size);
        for (i, image) in batch.iter().enumerate() {
            patches::fill(image, self.config.patch_size, &mut values);
            values.resize((i + 1) * n * size, 0.0);
        }
        Tensor::from_vec(values, (batch.len(), n, size), device)
    }
}

/// The positions of each image's grid, zero on padding: (B, N, W).
fn resized(grid: &PositionGrid, batch: &[PixelInput], n: usize, width: usize, device: &Device) -> Result<Tensor> {
    let mut values = Vec::with_capacity(batch.len() * n * width);
    for (i, image) in batch.iter().enumerate() {
        grid.resize(image.rows, image.cols, &mut values);
        values.resize((i + 1) * n * width, 0.0);
    }
    Tensor::from_vec(values, (batch.len(), n, width), device)
}

/// The patch embedding as one linear layer over (row, column, channel). NaFlex stores it so; the
/// weight of a convolution with stride = kernel is the same matrix with its columns in the order
/// (channel, row, column).
fn load_stem(loader: &Loader, config: &VisionConfig) -> std::result::Result<Linear, EncodeError> {
    let (width, pixels, values) = (config.tower.width, config.patch_size.pow(2), config.patch_values());
    let stored = loader.values("patch_embedding.weight")?;
    let weight = match config.resolution {
        Resolution::NaFlex { .. } => stored,
        Resolution::Fixed { .. } => stored
            .chunks_exact(values)
            .flat_map(|output| (0..values).map(move |i| output[i % 3 * pixels + i / 3]))
            .collect(),
    };
    Ok(Linear::new(loader.place(weight, &[width, values])?, Some(loader.tensor("patch_embedding.bias")?)))
}
