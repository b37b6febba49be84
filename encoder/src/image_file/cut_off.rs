//! Images whose file is cut off: as far as they go, if at least half of them is there.
//!
//! JPEG ([`super::jpeg`]), PNG and BMP can be read so, for their rows follow each other and need
//! nothing that comes later. Of GIF, TIFF and WebP the decoders give an image whole or not at all,
//! and the directory of a TIFF mostly lies at its end: these count as damaged.

mod bmp;
mod png;

use image::{Rgb, RgbImage};

use super::{Format, ImageError, Limits};

/// The colour of what is not there.
pub(super) const GREY: Rgb<u8> = Rgb([128; 3]);

/// What there is of an image.
pub(super) struct Part {
    /// Of the size of the whole image.
    pub pixels: RgbImage,
    /// Whether anything is missing: the end of a file may lack nothing of its image.
    pub truncated: bool,
}

/// How much of an image is there, counted in rows or in pixels.
struct Share {
    there: u64,
    all: u64,
    unit: &'static str,
}

/// Reads what there is of an image whose decoder came to the end of the file; its size was found
/// to be within the limits. `None` for a file of which no part can be told from noise.
pub(super) fn decode(bytes: &[u8], format: Format, limits: &Limits) -> Option<Result<Part, ImageError>> {
    match format {
        Format::Png => png::decode(bytes, limits),
        Format::Bmp => bmp::decode(bytes),
        _ => None,
    }
}

/// Refuses an image of which less than half of its rows is there.
pub(super) fn check_rows(format: Format, there: usize, all: usize) -> Result<(), ImageError> {
    Share { there: there as u64, all: all as u64, unit: "rows" }.check(format)
}

impl Share {
    fn check(&self, format: Format) -> Result<(), ImageError> {
        let Self { there, all, unit } = self;
        if there * 2 >= *all {
            return Ok(());
        }
        let percent = 100 * there / all;
        Err(ImageError::broken(format, format!("the file is cut off: {percent} % of its {unit} are there")))
    }
}

/// Paints all rows from `first` on grey.
fn grey_from(pixels: &mut RgbImage, first: usize) {
    pixels.rows_mut().skip(first).flatten().for_each(|pixel| *pixel = GREY);
}
