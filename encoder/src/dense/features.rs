//! What a model says of a picture, patch by patch.

use crate::{DenseGrid, Embedding};

/// Features of a picture, of its patches too.
#[derive(Debug, Clone, PartialEq)]
pub struct DenseFeatures {
    /// The pooled embedding of the whole picture.
    pub embedding: Embedding,
    /// The patches that regions are made of: those of all windows, put together.
    pub grid: DenseGrid,
    /// The patches of the whole picture read at once, if `grid` is made of windows.
    pub(super) whole: Option<DenseGrid>,
}

impl DenseFeatures {
    /// The patches of the whole picture read at once, which is the form that decoders are trained on.
    pub fn whole(&self) -> &DenseGrid {
        self.whole.as_ref().unwrap_or(&self.grid)
    }
}
