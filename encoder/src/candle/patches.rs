//! From 8-bit pixels to the rows that the stem of the vision tower multiplies.

use crate::PixelInput;

/// Appends the patches of an image to `out`, row by row over its grid; values of a patch in the
/// order (row, column, channel), brought from `0..=255` to `-1..=1`. Pixels beyond the last whole
/// patch are dropped.
pub(super) fn fill(image: &PixelInput, patch: usize, out: &mut Vec<f32>) {
    let stride = image.pixels.width() as usize * 3;
    let bytes = image.pixels.as_raw();
    out.reserve(image.rows * image.cols * patch * patch * 3);
    for row in 0..image.rows {
        for col in 0..image.cols {
            for y in 0..patch {
                let line = &bytes[(row * patch + y) * stride + col * patch * 3..][..patch * 3];
                out.extend(line.iter().map(|v| f32::from(*v) / 127.5 - 1.0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    #[test]
    fn patches_are_rows_then_columns_then_channels() {
        // 5 x 5 pixels, patches of 2: the last row and column are dropped.
        let pixels = RgbImage::from_fn(5, 5, |x, y| Rgb([(y * 5 + x) as u8, 100, 255]));
        let mut out = Vec::new();
        fill(&PixelInput { rows: 2, cols: 2, pixels }, 2, &mut out);
        let red: Vec<f32> = out.iter().step_by(3).map(|v| ((v + 1.0) * 127.5).round()).collect();
        assert_eq!(red, [0, 1, 5, 6, 2, 3, 7, 8, 10, 11, 15, 16, 12, 13, 17, 18].map(|v| v as f32));
        assert_eq!((out.len(), out[2], out[0]), (48, 1.0, -1.0));
    }
}
