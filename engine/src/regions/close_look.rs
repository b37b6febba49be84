//! A closer look at an image than its regions had: heatmaps, and boxes as sharp as a map of pixels.

use std::sync::Arc;

use glimpse_encoder::dense::{DenseProfile, PixelConfig, Rect};
use glimpse_encoder::{Embedding, Encode};

use super::boxes::grown;
use super::constants::{CLOSE, MAP};
use super::pixels::PixelImage;
use super::scale::QueryScorer;
use crate::{Engine, EngineError, ImageBytes};

/// How much every place of an image shows of what was asked: the score itself, 0 to 1, row by row.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Heatmap {
    /// Rows of places.
    pub rows: usize,
    /// Columns of places.
    pub cols: usize,
    /// `rows * cols` scores.
    pub scores: Vec<f32>,
}

/// What one thing scores at every place of an image.
pub(super) struct PlaceScores<'a> {
    scorer: &'a QueryScorer,
    cols: usize,
    /// Inner products with the moved query, row by row.
    products: Vec<f32>,
}

impl Engine {
    /// Looks at an image in windows, at least as closely as `profile` says.
    ///
    /// # Errors
    /// If the bytes are no image, the model fails, or the question is given up.
    pub(super) fn look_closer(
        &self,
        encoder: &dyn Encode,
        image: &ImageBytes<'_>,
        profile: &DenseProfile,
    ) -> Result<Arc<PixelImage>, EngineError> {
        let detail = profile.config.detail.clamp(CLOSE.0, CLOSE.1);
        let config = PixelConfig { detail, ..PixelConfig::default() };
        self.pixels.get_or_read(encoder, image, &profile.registers, &config, MAP)
    }
}

impl<'a> PlaceScores<'a> {
    /// What is asked for, at every place.
    pub fn of(image: &PixelImage, scorer: &'a QueryScorer) -> Self {
        let (direction, length) = scorer.scale.direction();
        let mut products = image.map(&image.features.products(&direction));
        products.iter_mut().for_each(|product| *product *= length);
        Self { scorer, cols: image.width as usize, products }
    }

    /// The box around what stands out most within another one; `None` if nothing does.
    pub fn grown(&self, rect: &Rect) -> Option<Rect> {
        // z-scores are linear in products.
        grown(&self.products, self.cols, rect)
    }

    /// The place that shows most of it, from the left and from the top as shares of the image.
    /// Faint scores are all 0; products are not.
    pub fn peak(&self) -> (f32, f32) {
        let best = (0..self.products.len()).max_by(|&a, &b| self.products[a].total_cmp(&self.products[b])).unwrap_or(0);
        let cols = self.cols.max(1);
        let share = |cell: usize, cells: usize| (cell as f32 + 0.5) / cells.max(1) as f32;
        (share(best % cols, cols), share(best / cols, self.products.len() / cols))
    }

    /// Scores, for an image whose pooled embedding this is.
    pub fn heatmap(&self, embedding: &Embedding) -> Heatmap {
        let image = self.scorer.of_image(Some(embedding.as_slice()));
        let scores = self.products.iter().map(|&product| self.scorer.score(product, image)).collect();
        Heatmap { rows: self.products.len() / self.cols.max(1), cols: self.cols, scores }
    }
}
