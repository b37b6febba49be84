//! An encoder whose vectors are given.

use std::fmt;

use image::RgbImage;

use crate::{Embedding, Encode, EncodeError, ImageFeatures, ModelInfo, Outputs, PixelInput, Projection, Scoring};

type OfText = Box<dyn Fn(&str) -> Vec<f32> + Send + Sync>;

/// An [`Encode`] for made-up libraries: texts have the vectors that a function gives, and images,
/// whose vectors are added to the index directly, are never read.
pub struct PrecomputedEncoder {
    info: ModelInfo,
    of_text: OfText,
}

impl PrecomputedEncoder {
    /// `name` is its fingerprint too; vectors have `dim` values, and need not be of unit length.
    pub fn new(
        name: &str,
        dim: usize,
        scoring: Scoring,
        of_text: impl Fn(&str) -> Vec<f32> + Send + Sync + 'static,
    ) -> Self {
        let info = ModelInfo {
            name: name.into(),
            fingerprint: name.into(),
            image_fingerprint: None,
            adapter: None,
            model_type: "siglip".into(),
            dim,
            image_size: Some(256),
            max_patches: None,
            patch_size: 16,
            text_length: 64,
            vocab_size: 256_000,
            scoring,
            backend: "none".into(),
        };
        Self { info, of_text: Box::new(of_text) }
    }
}

impl fmt::Debug for PrecomputedEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrecomputedEncoder").field("info", &self.info).finish_non_exhaustive()
    }
}

fn no_images<T>() -> Result<T, EncodeError> {
    Err(EncodeError::Backend { stage: "prepared vectors", reason: "there are none for new images".into() })
}

impl Encode for PrecomputedEncoder {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn prepare(&self, _: &RgbImage) -> Result<PixelInput, EncodeError> {
        no_images()
    }

    fn encode_images(&self, _: &[PixelInput], _: Outputs) -> Result<Vec<ImageFeatures>, EncodeError> {
        no_images()
    }

    fn encode_texts(&self, texts: &[&str]) -> Result<Vec<Embedding>, EncodeError> {
        texts.iter().map(|text| Embedding::new((self.of_text)(text))).collect()
    }

    fn token_ids(&self, _: &str) -> Result<Vec<u32>, EncodeError> {
        Ok(vec![0; self.info.text_length])
    }

    fn align(&self, tokens: &[f32], _: Projection) -> Result<Vec<f32>, EncodeError> {
        Ok(tokens.to_vec())
    }
}
