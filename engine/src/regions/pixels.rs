//! An image as its pixels are looked at: its windows, and its pixels at the size that is worked at.
//! Remembered, since people try one set of labels after the other.

use std::sync::Arc;

use glimpse_encoder::Encode;
use glimpse_encoder::dense::{Guide, PixelConfig, PixelFeatures, Products};
use image::RgbImage;
use image::imageops::{FilterType, resize, thumbnail};
use parking_lot::Mutex;

use crate::lru::Lru;
use crate::{Cancel, EngineError, ImageBytes};

/// Bytes of images that are remembered.
const REMEMBERED: usize = 256 << 20;
/// Squares in which a map follows the colours of the image reach so far, as a share of its longer
/// side.
const REACH: f32 = 0.05;
/// Variance of colours that counts as none.
const SMOOTHNESS: f32 = 1e-3;

/// An image that was read for its pixels.
pub(crate) struct PixelImage {
    pub features: PixelFeatures,
    /// Size of the maps.
    pub width: u32,
    pub height: u32,
    /// What edges of maps follow, if they do.
    pub guide: Option<Guide>,
}

/// What an image is read with (model and settings), the hash of its bytes, and how they are turned.
type Key = (String, [u8; 32], Option<u8>);

/// Remembers images.
pub(crate) struct PixelCache(Mutex<Lru<Key, Arc<PixelImage>>>);

impl PixelCache {
    pub fn new() -> Self {
        Self(Mutex::new(Lru::new(REMEMBERED)))
    }

    /// An image, read as `config` says; its maps have `size` pixels along the longer side, at most
    /// those of the image. `registers` are the slots of the model's profile.
    ///
    /// # Errors
    /// If the bytes are no image, the model fails, or the question is given up.
    pub fn get_or_read(
        &self,
        encoder: &dyn Encode,
        image: &ImageBytes<'_>,
        registers: &[usize],
        config: &PixelConfig,
        size: u32,
    ) -> Result<Arc<PixelImage>, EngineError> {
        let read_with = format!("{} {config:?} {size}", encoder.info().fingerprint);
        let key: Key = (read_with, *blake3::hash(&image.bytes).as_bytes(), image.orientation);
        if let Some(known) = self.0.lock().get(&key) {
            return Ok(known);
        }
        let read = Arc::new(PixelImage::read(encoder, &image.decode()?.pixels, registers, config, size)?);
        self.0.lock().insert(key, Arc::clone(&read), read.bytes());
        Ok(read)
    }
}

impl PixelImage {
    fn read(
        encoder: &dyn Encode,
        image: &RgbImage,
        registers: &[usize],
        config: &PixelConfig,
        size: u32,
    ) -> Result<Self, EngineError> {
        let cancel = Cancel::current();
        let features = PixelFeatures::of(encoder, image, registers, config, || cancel.check())?;
        let (width, height) = fitted(image.dimensions(), size);
        let guide = config.edges.then(|| {
            let reach = (REACH * width.max(height) as f32).round().max(1.0) as usize;
            Guide::of(&resized(image, width, height), reach, SMOOTHNESS)
        });
        Ok(Self { features, width, height, guide })
    }

    /// A map of products, its edges moved to those of the image if they are to be: `width * height`
    /// values, row by row.
    pub fn map(&self, products: &Products) -> Vec<f32> {
        let map = self.features.map(products, self.width as usize, self.height as usize);
        self.guide.as_ref().map_or_else(|| map.clone(), |guide| guide.filter(&map))
    }

    /// How often the model looked at it.
    pub fn passes(&self) -> usize {
        self.features.windows()
    }

    fn bytes(&self) -> usize {
        // Colours, their means and their covariance.
        const OF_GUIDE: usize = 12 * size_of::<f32>();
        self.features.bytes() + self.guide.as_ref().map_or(0, |_| OF_GUIDE * (self.width * self.height) as usize)
    }
}

/// Width and height of an image whose longer side has `most` pixels at most.
fn fitted((width, height): (u32, u32), most: u32) -> (u32, u32) {
    let long = width.max(height);
    if long <= most {
        return (width, height);
    }
    let side =
        |length: u32| ((u64::from(length) * u64::from(most) + u64::from(long) / 2) / u64::from(long)).max(1) as u32;
    (side(width), side(height))
}

fn resized(image: &RgbImage, width: u32, height: u32) -> RgbImage {
    match image.dimensions() {
        same if same == (width, height) => image.clone(),
        (wide, high) if wide >= 2 * width && high >= 2 * height => thumbnail(image, width, height),
        _ => resize(image, width, height, FilterType::Triangle),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_no_larger_than_asked_for_nor_than_the_image() {
        assert_eq!(fitted((400, 300), 512), (400, 300));
        assert_eq!(fitted((4000, 3000), 512), (512, 384));
        assert_eq!(fitted((3, 3000), 512), (1, 512));
    }
}
