//! From the pixels of any decoder to 8-bit RGB.

use image::{DynamicImage, ImageBuffer, Rgb, RgbImage, Rgba, RgbaImage};

/// 8-bit RGB; what is transparent lies on white.
pub(super) fn flat(image: DynamicImage) -> RgbImage {
    if image.color().has_alpha() { on_white(image.into_rgba8()) } else { image.into_rgb8() }
}

/// Blends transparent pixels with a white ground, as a page or a viewer shows them.
pub(super) fn on_white(image: RgbaImage) -> RgbImage {
    let blend = |value: u8, alpha: u16| ((u16::from(value) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
    let mut flat = RgbImage::new(image.width(), image.height());
    for (to, from) in flat.pixels_mut().zip(image.pixels()) {
        let [r, g, b, a] = from.0;
        *to = Rgb([r, g, b].map(|value| blend(value, a.into())));
    }
    flat
}

/// An image of RGB or RGBA samples; without pixels if they do not fill its size.
pub(super) fn shallow_image((width, height): (u32, u32), has_alpha: bool, values: Vec<u8>) -> DynamicImage {
    match has_alpha {
        true => RgbaImage::from_raw(width, height, values).map(DynamicImage::from),
        false => RgbImage::from_raw(width, height, values).map(DynamicImage::from),
    }
    .unwrap_or_default()
}

/// As [`shallow_image`], of 16 bits a sample.
pub(super) fn deep_image((width, height): (u32, u32), has_alpha: bool, values: Vec<u16>) -> DynamicImage {
    match has_alpha {
        true => ImageBuffer::<Rgba<u16>, _>::from_raw(width, height, values).map(DynamicImage::from),
        false => ImageBuffer::<Rgb<u16>, _>::from_raw(width, height, values).map(DynamicImage::from),
    }
    .unwrap_or_default()
}

/// RGB values of opaque RGBA pixels, in the place of these.
#[cfg(any(feature = "heic", feature = "avif"))]
pub(super) fn without_alpha(mut values: Vec<u8>) -> Vec<u8> {
    let pixels = values.len() / 4;
    for pixel in 0..pixels {
        values.copy_within(4 * pixel..4 * pixel + 3, 3 * pixel);
    }
    values.truncate(3 * pixels);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transparent_pixels_lie_on_white() {
        let image = RgbaImage::from_fn(3, 1, |x, _| Rgba([10, 20, 30, [255, 0, 51][x as usize]]));
        assert_eq!(on_white(image).into_raw(), [10, 20, 30, 255, 255, 255, 206, 208, 210]);
    }

    #[cfg(any(feature = "heic", feature = "avif"))]
    #[test]
    fn alpha_is_taken_out_in_place() {
        assert_eq!(without_alpha(vec![1, 2, 3, 255, 4, 5, 6, 255]), [1, 2, 3, 4, 5, 6]);
    }
}
