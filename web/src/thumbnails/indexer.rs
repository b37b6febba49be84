//! What the page shows of an image, made while it is indexed: from the pixels that are decoded for
//! the model anyway.

use std::path::Path;
use std::sync::Arc;

use glimpse_engine::{ContentHash, DecodedImage, ImageHook};

use super::{DiskCache, Placeholders, TILE, draw_as};

/// Bytes of thumbnails in files: some 50,000 of the usual size.
const CAPACITY: u64 = 1 << 30;

/// Blurred stand-ins and the thumbnails of tiles, below the cache folder of a library.
#[derive(Clone)]
pub struct ThumbnailIndexer {
    pub placeholders: Arc<Placeholders>,
    pub files: Arc<DiskCache>,
}

impl ThumbnailIndexer {
    pub fn open(cache: &Path) -> Self {
        let files = Arc::new(DiskCache::new(cache.join("thumbnails"), CAPACITY));
        Self { placeholders: Placeholders::open(cache), files }
    }

    /// Sees every image that is indexed.
    pub fn hook(&self) -> ImageHook {
        let thumbnail_indexer = self.clone();
        ImageHook::new(move |content, image| thumbnail_indexer.add(content, image))
    }

    fn add(&self, content: &ContentHash, image: &DecodedImage) {
        self.placeholders.note(content, &image.pixels);
        let key = (content.to_string(), TILE);
        // What was drawn for somebody stays: a library that is too large for the cache is not drawn
        // ahead.
        if !self.files.has(&key)
            && self.files.has_room()
            && let Ok(jpeg) = draw_as(&image.pixels, image.size, TILE)
        {
            self.files.put(&key, &jpeg);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use glimpse_engine::{Limits, decode_reduced};
    use image::RgbImage;
    use image::codecs::jpeg::JpegEncoder;

    use super::*;

    #[test]
    fn what_is_kept_is_what_would_be_drawn_for_a_tile() {
        let folder = tempfile::tempdir().unwrap();
        let thumbnail_indexer = ThumbnailIndexer::open(folder.path());
        let pixels = RgbImage::from_fn(1600, 1200, |x, y| image::Rgb([x / 7, y / 5, (x + y) / 11].map(|v| v as u8)));
        let mut file = Vec::new();
        JpegEncoder::new_with_quality(&mut file, 90).encode_image(&pixels).unwrap();
        let image = decode_reduced(&file, &Limits::default(), 560).unwrap();
        assert_eq!(image.pixels.dimensions(), (800, 600));
        let content = ContentHash::of(&file);
        thumbnail_indexer.add(&content, &image);
        let kept = thumbnail_indexer.files.get(&(content.to_string(), TILE)).unwrap();
        let [kept, drawn] = [kept, crate::thumbnails::encode_jpeg(&pixels, TILE).unwrap()]
            .map(|jpeg| image::load_from_memory(&jpeg).unwrap().into_rgb8());
        assert_eq!(kept.dimensions(), (320, 240));
        let apart: u64 = kept.iter().zip(drawn.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        assert!(apart < 2 * kept.len() as u64, "{} apart on average", apart as f64 / kept.len() as f64);
        assert!(thumbnail_indexer.placeholders.get(&content).is_some());
    }
}
