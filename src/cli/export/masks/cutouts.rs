//! Every segment as an image of its own, clear where the segment is not.

use glimpse::engine::SegmentLabel;
use image::{RgbImage, Rgba, RgbaImage};

use super::{Names, Segmented, name_of};
use crate::cli::outcome::CliError;

/// Most letters of a label in a file name.
const LETTERS: usize = 40;

pub fn write(
    pixels: &RgbImage,
    image: &Segmented,
    labels: &[SegmentLabel],
    names: &mut Names,
) -> Result<usize, CliError> {
    for segment in &image.segments {
        let [left, top, width, height] = segment.mask.bounds();
        let inside = segment.mask.pixels();
        let cutout = RgbaImage::from_fn(width, height, |x, y| {
            let (x, y) = (left + x, top + y);
            let [r, g, b] = pixels.get_pixel(x, y).0;
            let is_inside = inside[y as usize * image.width as usize + x as usize];
            Rgba(if is_inside { [r, g, b, 255] } else { [0; 4] })
        });
        let path = names.path(&name_of(&image.path), &format!("-{}.png", file_name(&labels[segment.label].name)));
        cutout.save(&path).map_err(|error| CliError::new(format!("{}: {error}", path.display())))?;
    }
    Ok(image.segments.len())
}

/// A label as a part of a file name: letters and digits of any script, and hyphens.
fn file_name(label: &str) -> String {
    let letters = label.chars().take(LETTERS);
    letters.map(|letter| if letter.is_alphanumeric() { letter } else { '-' }).collect()
}
