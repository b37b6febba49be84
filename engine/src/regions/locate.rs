//! One phrase in one photo, whatever the cut: for measuring, and for whoever wants to see why.

use std::sync::Arc;

use glimpse_encoder::dense::{DenseConfig, Rect};
use glimpse_indexer::ImageId;
use glimpse_indexer::regions::RegionShape;

use super::find::{found_boxes, sharpened};
use super::grid::Seen;
use super::query::FoundBox;
use super::scale::Standing;
use crate::{Engine, EngineError, Heatmap};

/// A text, and what its cosines mean in the library that serves.
#[derive(Debug, Clone)]
pub struct Phrase(Standing);

/// A photo, looked at patch by patch.
#[derive(Clone)]
pub struct Look {
    seen: Arc<Seen>,
    shapes: Vec<RegionShape>,
}

/// Where a photo most likely shows a phrase.
#[derive(Debug, Clone, PartialEq)]
pub struct Located {
    /// The best of its regions.
    pub region: FoundBox,
    /// The same box as the patch grid has it.
    pub fine: Rect,
    /// The score of every patch.
    pub heatmap: Heatmap,
}

impl Engine {
    /// Makes a text ready for [`Look::locate`].
    ///
    /// # Errors
    /// As [`Engine::find`].
    pub fn phrase(&self, text: &str) -> Result<Phrase, EngineError> {
        let index = self.serving()?;
        let encoder = self.encoder_for(&index)?;
        Ok(Phrase(self.standing(&index, self.regions_of(&index)?.as_ref(), encoder.as_ref(), text)?))
    }

    /// Looks at a photo of the library.
    ///
    /// # Errors
    /// If it cannot be read, or the model fails.
    pub fn look(&self, id: ImageId, config: &DenseConfig) -> Result<Look, EngineError> {
        let index = self.serving()?;
        let encoder = self.encoder_for(&index)?;
        let seen = self.see(encoder.as_ref(), &self.bytes_of(id)?, config)?;
        let map = &seen.regions.map;
        let shapes = (0..map.len()).map(|region| RegionShape::of(map, region)).collect();
        Ok(Look { seen, shapes })
    }
}

impl Look {
    /// The boxes of all regions.
    pub fn regions(&self) -> impl Iterator<Item = Rect> + '_ {
        self.shapes.iter().map(|shape| shape.rect)
    }

    /// The score of the best patch, as an exhaustive search over all patches would rank photos.
    pub fn best_patch(&self, Phrase(standing): &Phrase) -> f32 {
        let heatmap = self.seen.heatmap(standing);
        heatmap.scores.into_iter().fold(0.0, f32::max)
    }

    /// Where the photo most likely shows a phrase; `None` only for a photo without regions.
    pub fn locate(&self, Phrase(standing): &Phrase) -> Option<Located> {
        let picture = standing.of_picture(Some(self.seen.embedding.as_slice()));
        let vectors = self.seen.regions.vectors.iter();
        let products: Vec<f32> = vectors.map(|vector| standing.regions.product(vector.as_slice())).collect();
        let region = *found_boxes(&products, &self.shapes, standing, picture, |_, _| true).first()?;
        let fine = sharpened(region.rect, &self.seen.blobs(standing));
        Some(Located { region, fine, heatmap: self.seen.heatmap(standing) })
    }
}
