//! Small JPEGs of pictures and what stands in for them while they load.

mod blur;
mod cache;
mod disk;
mod placeholders;

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::UNIX_EPOCH;

use actix_web::web::Bytes;
use glimpse_engine::{ContentHash, Limits, decode};
use image::codecs::jpeg::JpegEncoder;
use image::{RgbImage, imageops};

pub use blur::Blur;
pub use cache::ThumbnailCache;
pub use disk::DiskCache;
pub use placeholders::Placeholders;

use crate::error::ApiError;
use crate::wire::ImageView;

/// Longer sides that can be asked for, in pixels: few, so that the cache is worth having. The largest fills a screen
/// where the original is of a format that browsers do not show.
pub const SIZES: [u32; 4] = [160, 320, 640, 1600];
const QUALITY: u8 = 82;

/// Draws a picture of the library; what is drawn is what was indexed.
pub fn make(image: &ImageView, size: u32, placeholders: &Placeholders) -> Result<Bytes, ApiError> {
    let (path, limits) = (&image.file, Limits::default());
    let mut bytes = Vec::new();
    open_unchanged(image)?.take(limits.max_bytes).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    let content = ContentHash::of(&bytes);
    if content.to_string() != image.content {
        return Err(changed(image));
    }
    let pixels = decode(&bytes, &limits).map_err(|error| unreadable(path, &error))?.pixels;
    drop(bytes);
    placeholders.note(&content, &pixels);
    draw(&pixels, size).map_err(|error| unreadable(path, &error))
}

/// A JPEG with its longer side at most `size` pixels; a smaller picture keeps its size.
pub fn draw(pixels: &RgbImage, size: u32) -> Result<Bytes, image::ImageError> {
    let scale = f64::from(size) / f64::from(pixels.width().max(pixels.height()).max(size));
    let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
    let small = imageops::thumbnail(pixels, side(pixels.width()), side(pixels.height()));
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(&small)?;
    Ok(jpeg.into())
}

/// Opens a file of a picture that still has the size and time it was indexed with: a path that leads elsewhere by now is
/// not served. If one copy is gone, another will do.
pub fn open_unchanged(image: &ImageView) -> Result<File, ApiError> {
    let mut opened = image.copies.iter().map(|(path, modified)| open_copy(image, path, *modified));
    match opened.next() {
        None => Err(changed(image)),
        Some(Ok(file)) => Ok(file),
        Some(Err(first)) => opened.find_map(Result::ok).ok_or(first),
    }
}

fn open_copy(image: &ImageView, path: &Path, indexed: i64) -> Result<File, ApiError> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let facts = file.metadata().map_err(|error| unreadable(path, &error))?;
    let modified = facts.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified = modified.and_then(|time| i64::try_from(time.as_nanos()).ok());
    let same_time = modified.is_none_or(|modified| modified == indexed);
    if facts.is_file() && facts.len() == image.bytes && same_time { Ok(file) } else { Err(changed(image)) }
}

fn changed(image: &ImageView) -> ApiError {
    ApiError::not_found(format!("{} has changed since it was indexed", image.path)).hint("bring the library up to date")
}

/// A picture of the library that cannot be read now.
pub fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> ApiError {
    ApiError::not_found(format!("{}: {error}", path.display()))
        .hint("the file has moved or changed; bring the library up to date")
}
