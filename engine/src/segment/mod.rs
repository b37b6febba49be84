//! `segment`: what every pixel of an image shows, out of labels that are named.
//!
//! ```text
//! labels -> stuff.rs         which of them are stuff; vectors as `tag` asks for them (../labels.rs)
//! image  -> ../regions/pixels.rs  windows of patches, remembered; the image at the size of the map
//!        -> semantic.rs      the label of each pixel, or none, by the scores that `find` has
//!        -> panoptic.rs      segments: stuff by label, things one by one
//!        -> segmentation.rs  the answer
//! ```
//!
//! A label has its scale as in [`crate::regions`]: what a cosine means is learnt from texts for
//! what is not there, in the library of the image or, without one, in its own regions. So a pixel
//! that no label fits has none, however few labels were named.

mod options;
mod panoptic;
mod segmentation;
mod semantic;
mod stuff;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub use options::SegmentOptions;
pub use segmentation::{LabelMap, Segment, SegmentLabel, Segmentation};

use glimpse_encoder::dense::DenseConfig;
use glimpse_encoder::{Embedding, Encode};
use rayon::prelude::*;

use crate::control::ActiveQuery;
use crate::regions::{Alone, DenseImage, QueryScorer};
use crate::served::Served;
use crate::{Cancel, Engine, EngineError, Source};
use semantic::Candidate;
use stuff::StuffRule;

impl Engine {
    /// What every pixel of an image shows: one of the labels, or none of them. An image of a
    /// library that has regions is compared with the library, as [`Engine::find`] does it; any
    /// other with itself, as [`Engine::ground`] does it.
    ///
    /// # Errors
    /// [`EngineError::BadRequest`] for labels or options that make no sense; otherwise if the image
    /// cannot be read, the model fails, or the question is given up ([`Cancel`]).
    pub fn segment(&self, image: &Source, options: &SegmentOptions) -> Result<Segmentation, EngineError> {
        options.validate()?;
        let _active = ActiveQuery::begin(&self.active_queries);
        let cancel = Cancel::current();
        cancel.check()?;
        let index = match image {
            Source::Image(_) => Some(self.serving()?),
            _ => None,
        };
        let encoder = match &index {
            Some(index) => self.encoder_for(index)?,
            None => self.chosen()?,
        };
        let encoder = encoder.as_ref();
        let names = match options.labels.is_empty() {
            true => self.own_labels()?,
            false => options.labels.clone(),
        };
        let vectors = self.label_vectors(encoder, &names)?;
        let profile = match &index {
            Some(index) => self.profile_of(index, encoder)?,
            None => self.dense_profile(encoder, DenseConfig::default())?,
        };
        let bytes = self.bytes_of_source(image)?;
        let dense = self.dense_features(encoder, &bytes, &profile).map_err(|error| error.of_file(image.path()))?;
        let pixels = self.pixels.get_or_read(encoder, &bytes, &profile.registers, &options.pixels, options.size)?;
        cancel.check()?;
        let scorers = match &index {
            Some(index) if index.manifest().regions.is_some() => self.library_scorers(index, encoder, &vectors)?,
            _ => self.image_scorers(encoder, &dense, &vectors)?,
        };
        let candidates: Vec<Candidate> = scorers
            .iter()
            .enumerate()
            .filter_map(|(label, scorer)| {
                let image = scorer.of_image(Some(dense.embedding.as_slice()));
                Candidate::of(label, scorer, image, &pixels, options.min_score)
            })
            .collect();
        let rule = StuffRule::of(options.stuff.as_deref());
        let labels: Vec<SegmentLabel> =
            names.into_iter().map(|name| SegmentLabel { is_thing: !rule.is_stuff(&name), name }).collect();
        let map = semantic::label_map(&candidates, &pixels, options, &cancel)?;
        let segments = panoptic::segments(map, &labels, options);
        let (width, height) = dense.size;
        Ok(Segmentation { width, height, labels, passes: pixels.passes(), ..segments })
    }

    /// Scores as [`Engine::find`] has them, beside the regions of a library.
    fn library_scorers(
        &self,
        index: &Served,
        encoder: &dyn Encode,
        vectors: &[Embedding],
    ) -> Result<Vec<QueryScorer>, EngineError> {
        let regions = self.regions_of(index)?;
        let cancel = Cancel::current();
        let of = |vector: &Embedding| {
            cancel.check()?;
            self.scorer_of(index, &*regions, encoder, vector)
        };
        vectors.iter().map(of).collect()
    }

    /// Scores as [`Engine::ground`] has them.
    fn image_scorers(
        &self,
        encoder: &dyn Encode,
        dense: &DenseImage,
        vectors: &[Embedding],
    ) -> Result<Vec<QueryScorer>, EngineError> {
        let (bank, known) = (self.banks.of(encoder)?, self.calibrated(encoder.info())?);
        let alone = Alone::of(&dense.regions.vectors, &bank, &known.calibration);
        Ok(vectors.par_iter().map(|vector| alone.text(vector)).collect())
    }
}
