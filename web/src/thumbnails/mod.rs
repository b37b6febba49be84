//! Small JPEGs of images and what stands in for them while they load.

mod blur;
mod cache;
mod disk;
mod indexer;
mod placeholders;

use std::path::Path;

use actix_web::web::Bytes;
use glimpse_engine::{ContentHash, Engine, EngineError};
use image::codecs::jpeg::JpegEncoder;
use image::{RgbImage, imageops};

pub use blur::Blur;
pub use cache::ThumbnailCache;
pub use disk::DiskCache;
pub use indexer::ThumbnailIndexer;
pub use placeholders::Placeholders;

use crate::error::ApiError;
use crate::wire::ImageView;

/// Content hash and size.
pub type Key = (String, u32);

/// Longer sides that can be asked for, in pixels: few, so that the cache is worth having. The
/// largest fills a screen where the original is of a format that browsers do not show.
pub const SIZES: [u32; 4] = [160, TILE, 640, 1600];
/// The size that most tiles of the page ask for.
const TILE: u32 = 320;
const QUALITY: u8 = 82;

/// Hexadecimal digits of a content hash that tell an image's thumbnail from that of another
/// content. The address has the image's number too, so that few are enough.
const VERSION: usize = 8;

/// What the address of a thumbnail has as `v`: the start of the content hash.
pub fn version(content: &ContentHash) -> String {
    let mut version = content.to_string();
    version.truncate(VERSION);
    version
}

/// True if `v` names this content: by its whole hash, or the start of it.
pub fn is_version(v: &str, content: &str) -> bool {
    v.len() >= VERSION && content.starts_with(v)
}

/// Draws an image of the library; what is drawn is what was indexed.
pub fn make(engine: &Engine, image: &ImageView, size: u32, placeholders: &Placeholders) -> Result<Bytes, ApiError> {
    let path = &image.file;
    let file = engine.original_bytes(image.id).map_err(unread)?;
    // The shorter side keeps what the longer one is brought to, so that nothing is ever drawn
    // larger than it was decoded.
    let decoded = file.decode_reduced(size).map_err(|error| unreadable(path, &error))?;
    drop(file);
    // The file has the content that was indexed, so it need not be hashed again.
    image.content.parse::<ContentHash>().iter().for_each(|content| placeholders.note(content, &decoded.pixels));
    draw_as(&decoded.pixels, decoded.size, size).map_err(|error| unreadable(path, &error))
}

/// A JPEG with its longer side at most `size` pixels; a smaller image keeps its size.
pub fn encode_jpeg(pixels: &RgbImage, size: u32) -> Result<Bytes, image::ImageError> {
    draw_as(pixels, pixels.dimensions(), size)
}

/// As [`encode_jpeg`], of an image of `width x height` pixels of which there may be fewer: scales
/// that do not divide the sides round them.
fn draw_as(pixels: &RgbImage, (width, height): (u32, u32), size: u32) -> Result<Bytes, image::ImageError> {
    let scale = f64::from(size) / f64::from(width.max(height).max(size));
    let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
    let small = imageops::thumbnail(pixels, side(width), side(height));
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(&small)?;
    Ok(jpeg.into())
}

/// What a client is told of a file that gave no bytes.
pub fn unread(error: EngineError) -> ApiError {
    match error {
        EngineError::Io { path, source } => unreadable(&path, &source),
        error => error.into(),
    }
}

/// An image of the library that cannot be read now.
fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> ApiError {
    ApiError::not_found(format!("{}: {error}", path.display()))
        .hint("the file has moved or changed; bring the library up to date")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use glimpse_engine::{Limits, decode_reduced};

    use super::*;

    #[test]
    fn a_thumbnail_of_a_reduced_image_is_that_of_the_whole_one() {
        // Sides that no scale divides.
        let pixels = RgbImage::from_fn(1403, 1001, |x, y| image::Rgb([x / 6, y / 4, (x + y) / 10].map(|v| v as u8)));
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, 95).encode_image(&pixels).unwrap();
        for size in SIZES {
            let reduced = decode_reduced(&jpeg, &Limits::default(), size).unwrap();
            assert_eq!(reduced.pixels.dimensions() != pixels.dimensions(), size < 501, "{size}");
            let found = draw_as(&reduced.pixels, reduced.size, size).unwrap();
            let [found, whole] = [found, encode_jpeg(&pixels, size).unwrap()]
                .map(|jpeg| image::load_from_memory(&jpeg).unwrap().into_rgb8());
            assert_eq!(found.dimensions(), whole.dimensions(), "{size}");
            let apart: u64 = found.iter().zip(whole.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
            assert!(apart < 2 * found.len() as u64, "{size}: {} apart on average", apart as f64 / found.len() as f64);
        }
    }
}
