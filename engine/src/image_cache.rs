//! Embeddings of uploaded images, remembered: an image stays in the query while its words are still
//! being typed.

use glimpse_encoder::image_file::{Limits, decode};
use glimpse_encoder::{Embedding, Encode, EncodeError, Outputs};
use parking_lot::Mutex;

use crate::EngineError;
use crate::lru::Lru;

/// Images remembered.
const REMEMBERED: usize = 256;

/// Remembers the embeddings of images by the hash of their bytes, per model.
pub(crate) struct ImageCache(Mutex<Lru<(String, [u8; 32]), Embedding>>);

impl ImageCache {
    pub fn new() -> Self {
        Self(Mutex::new(Lru::new(REMEMBERED)))
    }

    /// The vector of an image's bytes.
    pub fn embed(&self, encoder: &dyn Encode, bytes: &[u8]) -> Result<Embedding, EngineError> {
        let key = (encoder.info().fingerprint.clone(), *blake3::hash(bytes).as_bytes());
        if let Some(known) = self.0.lock().get(&key) {
            return Ok(known);
        }
        let image = decode(bytes, &Limits::default()).map_err(EncodeError::from)?;
        let prepared = encoder.prepare(&image.pixels)?;
        let features = encoder.encode_images(&[prepared], Outputs::Pooled)?.pop();
        let embedding = features
            .map(|features| features.embedding)
            .ok_or_else(|| EncodeError::Backend { stage: "query image", reason: "the model gave no vector".into() })?;
        self.0.lock().insert(key, embedding.clone(), 1);
        Ok(embedding)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Cursor;

    use glimpse_encoder::testing::FakeEncoder;
    use image::{ImageFormat, Rgb, RgbImage};

    use super::*;

    #[test]
    fn an_image_is_encoded_once() {
        let (cache, encoder) = (ImageCache::new(), FakeEncoder::new(16));
        let mut png = Cursor::new(Vec::new());
        RgbImage::from_pixel(8, 8, Rgb([220, 20, 20])).write_to(&mut png, ImageFormat::Png).unwrap();
        let png = png.into_inner();
        let first = cache.embed(&encoder, &png).unwrap();
        assert_eq!(cache.embed(&encoder, &png).unwrap(), first);
        assert_eq!(encoder.images(), 1);
        assert!(cache.embed(&encoder, b"no image").is_err());
    }
}
