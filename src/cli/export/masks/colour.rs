//! The image with the colours of its labels laid over it, and lines where segments meet.

use std::path::Path;

use glimpse::engine::Segmentation;
use image::RgbImage;

use super::super::save;
use super::colours::colour;
use crate::cli::outcome::CliError;

/// How much of a pixel is the colour of its label.
const OPACITY: f32 = 0.55;

pub fn write(pixels: &RgbImage, segmentation: &Segmentation, path: &Path) -> Result<(), CliError> {
    save(&coloured(pixels, segmentation), path)
}

pub(super) fn coloured(pixels: &RgbImage, segmentation: &Segmentation) -> RgbImage {
    let (width, height) = pixels.dimensions();
    let labels = segmentation.stretched(&segmentation.map.labels, width, height);
    let segments = segmentation.stretched(&segmentation.map.segments, width, height);
    let mut coloured = pixels.clone();
    for (x, y, pixel) in coloured.enumerate_pixels_mut() {
        let at = (y * width + x) as usize;
        let segment = segments[at];
        let meets = (x + 1 < width && segments[at + 1] != segment)
            || (y + 1 < height && segments[at + width as usize] != segment);
        if meets {
            pixel.0 = [255; 3];
        } else if labels[at] > 0 {
            for (value, colour) in pixel.0.iter_mut().zip(colour(labels[at].into())) {
                *value = (f32::from(*value) * (1.0 - OPACITY) + f32::from(colour) * OPACITY).round() as u8;
            }
        }
    }
    coloured
}
