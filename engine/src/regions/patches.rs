//! The patches of an image as the model's last layer has them, for whoever trains on top of them.

use glimpse_encoder::dense::DenseConfig;

use crate::{Cancel, Engine, EngineError, Source};

/// What a model says of an image before anything is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchFeatures {
    /// Upright width and height of the image in pixels.
    pub size: (u32, u32),
    /// Patch rows.
    pub rows: usize,
    /// Patch columns.
    pub cols: usize,
    /// Values of a token.
    pub dim: usize,
    /// Tokens after the last norm, `rows * cols * dim` values row by row.
    pub tokens: Vec<f32>,
    /// The pooled embedding of the whole image, of unit length.
    pub embedding: Vec<f32>,
}

impl Engine {
    /// The patches of an image that is read at once, with the model that was chosen.
    ///
    /// # Errors
    /// If the image cannot be read, the model fails, or the question is given up ([`Cancel`]).
    pub fn patch_features(&self, image: &Source) -> Result<PatchFeatures, EngineError> {
        Cancel::current().check()?;
        let encoder = self.chosen()?;
        let profile = self.dense_profile(encoder.as_ref(), DenseConfig::default())?;
        let dense = self.dense_features_of(encoder.as_ref(), image, &profile)?;
        let (grid, embedding) = (dense.whole(), dense.embedding.as_slice().to_vec());
        let (rows, cols, dim) = (grid.rows, grid.cols, grid.dim);
        Ok(PatchFeatures { size: dense.size, rows, cols, dim, tokens: grid.tokens.clone(), embedding })
    }
}
