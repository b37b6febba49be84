//! One phrase in one image, whatever the cut: for measuring, and for whoever wants to see why.

use std::sync::Arc;

use glimpse_encoder::Encode;
use glimpse_encoder::dense::Rect;
use glimpse_indexer::ImageId;
use glimpse_indexer::regions::RegionShape;

use super::close_look::{Heatmap, PlaceScores};
use super::grid::DenseImage;
use super::pixels::PixelImage;
use super::query::FoundBox;
use super::refine::{agreed, read};
use super::scale::QueryScorer;
use super::search::found_boxes;
use crate::{Engine, EngineError};

/// A text, and what its cosines mean in the library that serves.
#[derive(Debug, Clone)]
pub struct Phrase {
    scorer: QueryScorer,
}

/// The features of an image, patch by patch and region by region.
#[derive(Clone)]
pub struct ImageFeatures {
    dense: Arc<DenseImage>,
    encoder: Arc<dyn Encode>,
    shapes: Vec<RegionShape>,
    pixels: Arc<PixelImage>,
}

/// Where an image most likely shows a phrase.
#[derive(Debug, Clone, PartialEq)]
pub struct PhraseGrounding {
    /// The best of its regions.
    pub region: FoundBox,
    /// The same box as a map of pixels has it.
    pub fine: Rect,
    /// The likeliest box that the model's decoder reads for the phrase, if it has one.
    pub read: Option<Rect>,
    /// `fine`, half-way to the box that the decoder reads for the same thing.
    pub refined: Rect,
    /// The place that shows most of it, from the left and from the top as shares of the image.
    pub peak: (f32, f32),
    /// The score of every place.
    pub heatmap: Heatmap,
}

impl Engine {
    /// Makes a text ready for [`ImageFeatures::ground`].
    ///
    /// # Errors
    /// As [`Engine::find`].
    pub fn phrase(&self, text: &str) -> Result<Phrase, EngineError> {
        let index = self.serving()?;
        let encoder = self.encoder_for(&index)?;
        let scorer = self.scorer(&index, self.regions_of(&index)?.as_ref(), encoder.as_ref(), text)?;
        Ok(Phrase { scorer })
    }

    /// Encodes an image of the library again, as closely as its regions were made.
    ///
    /// # Errors
    /// If it cannot be read, or the model fails.
    pub fn image_features(&self, id: ImageId) -> Result<ImageFeatures, EngineError> {
        let index = self.serving()?;
        let encoder = self.encoder_for(&index)?;
        let (profile, bytes) = (self.profile_of(&index, encoder.as_ref())?, self.original_bytes(id)?);
        let dense = self.dense_features(encoder.as_ref(), &bytes, &profile)?;
        let pixels = self.look_closer(encoder.as_ref(), &bytes, &profile)?;
        let map = &dense.regions.map;
        let shapes = (0..map.len()).map(|region| RegionShape::of(map, region)).collect();
        Ok(ImageFeatures { dense, encoder, shapes, pixels })
    }
}

impl ImageFeatures {
    /// The boxes of all regions.
    pub fn regions(&self) -> impl Iterator<Item = Rect> + '_ {
        self.shapes.iter().map(|shape| shape.rect)
    }

    /// The score of the best patch, as an exhaustive search over all patches would rank images.
    pub fn best_patch(&self, phrase: &Phrase) -> f32 {
        self.dense.best_patch(&phrase.scorer)
    }

    /// Where the image most likely shows a phrase; `None` only for an image without regions.
    ///
    /// # Errors
    /// If the decoder of the model fails, or is damaged.
    pub fn ground(&self, Phrase { scorer }: &Phrase) -> Result<Option<PhraseGrounding>, EngineError> {
        let image = scorer.of_image(Some(self.dense.embedding.as_slice()));
        let vectors = self.dense.regions.vectors.iter();
        let products: Vec<f32> = vectors.map(|vector| scorer.scale.product(vector.as_slice())).collect();
        let regions = found_boxes(&products, &self.shapes, scorer, image, |_, _| true);
        let Some(region) = regions.first().copied() else { return Ok(None) };
        let scores = PlaceScores::of(&self.pixels, scorer);
        let fine = scores.grown(&region.rect).unwrap_or(region.rect);
        let read = read(self.encoder.as_ref(), &self.dense, scorer)?;
        let (refined, heatmap) = (agreed(fine, &read), scores.heatmap(&self.dense.embedding));
        Ok(Some(PhraseGrounding { region, fine, read: read.first().copied(), refined, peak: scores.peak(), heatmap }))
    }
}
