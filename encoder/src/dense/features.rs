//! What a model says of an image, patch by patch.

use crate::{DenseGrid, Embedding};

/// Features of an image, of its patches too.
#[derive(Debug, Clone, PartialEq)]
pub struct DenseFeatures {
    /// The pooled embedding of the whole image.
    pub embedding: Embedding,
    /// The patches that regions are made of: those of all windows, put together.
    pub grid: DenseGrid,
    /// The patches of the whole image read at once, if `grid` is made of windows.
    pub(super) whole: Option<DenseGrid>,
}

impl DenseFeatures {
    /// The patches of the whole image read at once, which is the form that decoders are trained on.
    pub fn whole(&self) -> &DenseGrid {
        self.whole.as_ref().unwrap_or(&self.grid)
    }
}
