//! From the bytes of a file to upright 8-bit RGB pixels, within stated limits and whatever the
//! bytes hold.
//!
//! [`decode`] sniffs the format ([`Format::sniff`]), hands the bytes to the decoder that the
//! format's file in `formats/` names, and turns the result upright. Sizes are checked before a
//! pixel is decoded, and a decoder that panics costs its image only.
//!
//! Pixels come as sRGB, whatever a file's colour profile or coding (`colour.rs`).

pub mod animation;
mod boxes;
mod colour;
mod container;
mod cut_off;
mod error;
mod exif;
mod flatten;
mod formats;
#[cfg(test)]
mod fuzz;
#[cfg(feature = "libheif")]
mod libheif;
mod orientation;
mod raster;
mod sniff;

use std::io::Read;
use std::path::Path;

use image::RgbImage;
use image::metadata::Orientation;

pub use container::Blocks;
pub use error::ImageError;
pub use formats::Format;

use orientation::{lies_on_its_side, turned};

use crate::{EncodeError, files, guard};

/// Bounds on what a file may ask of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest number of pixels; the default, 200 million, is that of the largest phone cameras
    /// sold.
    pub max_pixels: u64,
    /// Largest side in pixels.
    pub max_side: u32,
    /// Largest number of bytes that a decoder may hold at once, its result included. Turning an
    /// image upright or flattening it needs a second copy of the pixels for a moment.
    pub max_alloc: u64,
    /// Largest file in bytes.
    pub max_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_pixels: 200_000_000, max_side: 65_535, max_alloc: 1 << 30, max_bytes: 1 << 29 }
    }
}

impl Limits {
    /// Refuses an image of `width x height` pixels whose decoding needs `alloc` bytes.
    pub(crate) fn check(&self, width: u32, height: u32, alloc: u64) -> Result<(), ImageError> {
        let too_large = |found: String, limit: String| Err(ImageError::TooLarge { found, limit });
        if width.max(height) > self.max_side {
            return too_large(format!("{width} x {height} pixels"), format!("{} pixels a side", self.max_side));
        }
        if u64::from(width) * u64::from(height) > self.max_pixels {
            return too_large(format!("{width} x {height} pixels"), format!("{} pixels", self.max_pixels));
        }
        if alloc > self.max_alloc {
            return too_large(
                format!("{} MiB of memory to decode", alloc >> 20),
                format!("{} MiB", self.max_alloc >> 20),
            );
        }
        Ok(())
    }

    fn check_bytes(&self, bytes: u64) -> Result<(), ImageError> {
        if bytes > self.max_bytes {
            return Err(ImageError::TooLarge {
                found: format!("a file of {bytes} bytes"),
                limit: format!("{} bytes", self.max_bytes),
            });
        }
        Ok(())
    }
}

/// A decoded image.
#[derive(Debug, Clone)]
pub struct DecodedImage {
    /// Upright (EXIF orientation applied) RGB pixels; transparency lies on white.
    pub pixels: RgbImage,
    /// Width and height of the whole image, upright. The pixels are fewer if they were asked for at
    /// a smaller scale.
    pub size: (u32, u32),
    /// Format of the file, sniffed from its bytes.
    pub format: Format,
    /// EXIF orientation by which the stored pixels were turned, 1 to 8.
    pub orientation: u8,
    /// The file is cut off: what it lacks is grey, or less sharp in a progressive JPEG or an
    /// interlaced PNG.
    pub truncated: bool,
}

/// What a decoder gives back: pixels as stored, and how to turn them.
struct Decoded {
    pixels: RgbImage,
    /// Width and height as stored, before any reduction.
    size: (u32, u32),
    orientation: Orientation,
    truncated: bool,
}

impl Decoded {
    fn whole(pixels: RgbImage, orientation: Orientation) -> Self {
        Self { size: pixels.dimensions(), pixels, orientation, truncated: false }
    }
}

/// Decodes a file's bytes. Animated files give their first frame, camera raw files the preview that
/// the camera made. A JPEG, PNG or BMP that is cut
/// off is shown as far as it goes, if at least half of its rows are there, or of its pixels in an
/// interlaced PNG ([`DecodedImage::truncated`]).
///
/// # Errors
/// [`ImageError`]; a panicking decoder is caught and counts as a broken file.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<DecodedImage, ImageError> {
    decode_at(bytes, limits, None)
}

/// As [`decode`], but a large JPEG may come at a half, a quarter or an eighth of its size, as long
/// as its shorter side keeps `least` pixels. That takes half the time, and a small part of the
/// memory.
///
/// # Errors
/// As [`decode`].
pub fn decode_reduced(bytes: &[u8], limits: &Limits, least: u32) -> Result<DecodedImage, ImageError> {
    decode_at(bytes, limits, Some(least))
}

fn decode_at(bytes: &[u8], limits: &Limits, least: Option<u32>) -> Result<DecodedImage, ImageError> {
    limits.check_bytes(bytes.len() as u64)?;
    let format = Format::sniff(bytes)?;
    let decoded = guard::catch(|| format.decode(bytes, limits, least));
    let Decoded { pixels, size: (width, height), orientation, truncated } =
        decoded.unwrap_or_else(|panic| Err(ImageError::broken(format, format!("the decoder gave up: {panic}"))))?;
    if pixels.width() == 0 || pixels.height() == 0 {
        return Err(ImageError::broken(format, "it has no pixels"));
    }
    let size = if lies_on_its_side(orientation) { (height, width) } else { (width, height) };
    Ok(DecodedImage {
        pixels: turned(pixels, orientation),
        size,
        format,
        orientation: orientation.to_exif(),
        truncated,
    })
}

/// Reads a file whole, but never more than [`Limits::max_bytes`] of it.
///
/// # Errors
/// [`EncodeError::Io`] naming the file, or [`ImageError::TooLarge`].
pub fn read_file(path: &Path, limits: &Limits) -> Result<Vec<u8>, EncodeError> {
    let io = |source| EncodeError::Io { path: path.to_owned(), source };
    let file = files::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    limits.check_bytes(length)?;
    // The file may grow while it is read, and special files claim a length of 0.
    let mut bytes = Vec::with_capacity(length as usize);
    file.take(limits.max_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(io)?;
    limits.check_bytes(bytes.len() as u64)?;
    Ok(bytes)
}
