//! What a model reads of an image, and what it says of it.

use image::RgbImage;

use crate::Embedding;

/// An image at the model's input size: 8-bit RGB, row by row, normalised only when the patches are
/// filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PixelInput {
    /// Patch rows of the grid.
    pub rows: usize,
    /// Patch columns of the grid.
    pub cols: usize,
    /// Pixels; for fixed resolution the whole squashed image, for NaFlex exactly `rows x cols`
    /// patches.
    pub pixels: RgbImage,
}

/// How much of a forward pass the caller wants back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outputs {
    /// The pooled embedding.
    Pooled,
    /// The pooled embedding and the grid of patch features.
    Dense,
}

/// What one forward pass says of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageFeatures {
    /// The pooled embedding, comparable with text.
    pub embedding: Embedding,
    /// Patch features, if asked for by [`Outputs::Dense`].
    pub dense: Option<DenseGrid>,
}

/// Features of every patch of an image, row by row; padding is already removed.
#[derive(Debug, Clone, PartialEq)]
pub struct DenseGrid {
    /// Patch rows.
    pub rows: usize,
    /// Patch columns.
    pub cols: usize,
    /// Width of a feature.
    pub dim: usize,
    /// Tokens after the last layer norm, what a region decoder attends to: `rows * cols * dim`
    /// values.
    pub tokens: Vec<f32>,
    /// Text-aligned vectors: each token through the value path of the attention-pooling head with
    /// its MLP residual, as if it were the only token. Not normalised, `rows * cols * dim` values.
    pub aligned: Vec<f32>,
    /// Length of each token before the last layer norm, by which register tokens are known:
    /// `rows * cols` values.
    pub norms: Vec<f32>,
}
