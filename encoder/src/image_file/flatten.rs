//! From the pixels of any decoder to 8-bit RGB.

use image::{DynamicImage, Rgb, RgbImage, RgbaImage};

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

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    #[test]
    fn transparent_pixels_lie_on_white() {
        let image = RgbaImage::from_fn(3, 1, |x, _| Rgba([10, 20, 30, [255, 0, 51][x as usize]]));
        assert_eq!(on_white(image).into_raw(), [10, 20, 30, 255, 255, 255, 206, 208, 210]);
    }
}
