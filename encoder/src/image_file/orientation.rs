//! Turning images upright, and as a sidecar says instead of their file.

use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};

use super::DecodedImage;

impl DecodedImage {
    /// The image as `orientation` (EXIF, 1 to 8) turns it in place of its file's own. Any other
    /// number changes nothing.
    #[must_use]
    pub fn reoriented(self, orientation: u8) -> Self {
        let (Some(own), Some(wanted)) = (Orientation::from_exif(self.orientation), Orientation::from_exif(orientation))
        else {
            return self;
        };
        let (width, height) = self.size;
        let size = if lies_on_its_side(own) == lies_on_its_side(wanted) { (width, height) } else { (height, width) };
        Self { pixels: turned(turned(self.pixels, inverse(own)), wanted), size, orientation, ..self }
    }
}

/// True if width and height change places on the way from stored to upright.
pub(super) fn lies_on_its_side(orientation: Orientation) -> bool {
    orientation.to_exif() >= 5
}

/// Stored pixels, upright.
pub(super) fn turned(pixels: RgbImage, orientation: Orientation) -> RgbImage {
    let mut image = DynamicImage::ImageRgb8(pixels);
    image.apply_orientation(orientation);
    image.into_rgb8()
}

/// What takes an orientation back.
fn inverse(orientation: Orientation) -> Orientation {
    match orientation {
        Orientation::Rotate90 => Orientation::Rotate270,
        Orientation::Rotate270 => Orientation::Rotate90,
        its_own => its_own,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::*;

    /// 3 x 2 pixels, all different.
    fn stored() -> RgbImage {
        RgbImage::from_fn(3, 2, |x, y| image::Rgb([x as u8, y as u8, 7]))
    }

    fn decoded(orientation: u8) -> DecodedImage {
        let as_named = Orientation::from_exif(orientation).unwrap_or(Orientation::NoTransforms);
        let pixels = turned(stored(), as_named);
        DecodedImage { size: pixels.dimensions(), pixels, format: Format::Png, orientation, truncated: false }
    }

    #[test]
    fn an_image_turns_from_each_orientation_to_each_other() {
        for own in 1..=8 {
            for wanted in 1..=8 {
                let (found, right) = (decoded(own).reoriented(wanted), decoded(wanted));
                assert_eq!(found.pixels, right.pixels, "{own} to {wanted}");
                assert_eq!((found.size, found.orientation), (right.size, wanted), "{own} to {wanted}");
            }
        }
    }

    #[test]
    fn what_is_no_orientation_changes_nothing() {
        for number in [0, 9, 255] {
            let found = decoded(6).reoriented(number);
            assert_eq!((found.pixels, found.orientation), (decoded(6).pixels, 6), "{number}");
        }
    }
}
