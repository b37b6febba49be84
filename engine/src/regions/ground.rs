//! `ground`: where one image shows what, without a library.

use glimpse_encoder::dense::{DenseConfig, RegionMap};
use glimpse_indexer::regions::RegionShape;

use super::close_look::PlaceScores;
use super::constants::FAINT;
use super::query::FoundBox;
use super::refine::{read, refine};
use super::scale::Alone;
use super::search::found_boxes;
use crate::calibrate::CUT;
use crate::control::ActiveQuery;
use crate::query::text_is_sound;
use crate::{Cancel, Engine, EngineError, Heatmap, Source};

/// An image and where it shows what was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Grounded {
    /// Upright width in pixels.
    pub width: u32,
    /// Upright height in pixels.
    pub height: u32,
    /// One for each text, in order.
    pub things: Vec<GroundedObject>,
}

/// Where an image shows a thing.
#[derive(Debug, Clone, PartialEq)]
pub struct GroundedObject {
    /// What was asked.
    pub text: String,
    /// Boxes above the cut, best first; none if the image does not show it.
    pub boxes: Vec<FoundBox>,
    /// How much every place shows of it.
    pub heatmap: Heatmap,
}

impl Engine {
    /// Where an image shows each of the texts. Scores compare its regions with each other and with
    /// texts for what is hardly ever there, since there is no library to compare with: they are
    /// less sure than those of [`Engine::find`].
    ///
    /// # Errors
    /// If the image cannot be read, the model fails, or the question is given up ([`Cancel`]).
    pub fn ground(
        &self,
        image: &Source,
        texts: &[String],
        config: &DenseConfig,
        weaker: bool,
    ) -> Result<Grounded, EngineError> {
        texts.iter().try_for_each(|text| text_is_sound(text))?;
        let _active = ActiveQuery::begin(&self.active_queries);
        let cancel = Cancel::current();
        cancel.check()?;
        let encoder = self.chosen()?;
        let encoder = encoder.as_ref();
        let (profile, bytes) = (self.dense_profile(encoder, config.clone())?, self.bytes_of_source(image)?);
        let dense = self.dense_features(encoder, &bytes, &profile).map_err(|error| error.of_file(image.path()))?;
        let pixels = self.look_closer(encoder, &bytes, &profile)?;
        let bank = self.banks.of(encoder)?;
        let known = self.calibrated(encoder.info())?;
        let alone = Alone::of(&dense.regions.vectors, &bank, &known.calibration);
        let shapes = shapes(&dense.regions.map);
        let cut = if weaker { FAINT } else { CUT };
        let things = texts
            .iter()
            .map(|text| {
                cancel.check()?;
                let vector = self.embed_text(encoder, text)?;
                let scorer = alone.text(&vector);
                let products: Vec<f32> =
                    dense.regions.vectors.iter().map(|vector| scorer.scale.product(vector.as_slice())).collect();
                let mut boxes = found_boxes(&products, &shapes, &scorer, 0.0, |_, score| score >= cut);
                let read = read(encoder, &dense, &scorer)?;
                let scores = PlaceScores::of(&pixels, &scorer);
                refine(&mut boxes, |rect| scores.grown(rect), &read);
                Ok(GroundedObject { text: text.clone(), boxes, heatmap: scores.heatmap(&dense.embedding) })
            })
            .collect::<Result<Vec<_>, EngineError>>()?;
        let (width, height) = dense.size;
        Ok(Grounded { width, height, things })
    }
}

fn shapes(map: &RegionMap) -> Vec<RegionShape> {
    (0..map.len()).map(|region| RegionShape::of(map, region)).collect()
}
