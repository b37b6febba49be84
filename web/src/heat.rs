//! Heatmaps as images to lay over an image: colours that rise evenly in lightness, so that they are
//! told apart by people who see few colours, and in grey.

use std::io::Cursor;

use actix_web::web::Bytes;
use glimpse_engine::Heatmap;
use image::{ImageFormat, Rgba, RgbaImage};

use crate::error::ApiError;

/// The map viridis (Stéfan van der Walt and Nathaniel Smith) at every ninth of its way; in between,
/// straight lines.
const COLOURS: [[u8; 3]; 10] = [
    [68, 1, 84],
    [72, 40, 120],
    [62, 73, 137],
    [49, 104, 142],
    [38, 130, 142],
    [31, 158, 137],
    [53, 183, 121],
    [110, 206, 88],
    [181, 222, 43],
    [253, 231, 37],
];
/// Opacity at a score of 0 and of 1: the image shows through everywhere, and more where nothing is.
const OPACITY: [f32; 2] = [0.3, 0.62];

/// A PNG for an image of `width` by `height` pixels, its longer side `size` pixels. Scores stand at
/// the middles of patches, with straight lines between them, as in `engine`'s boxes.
pub fn draw(heatmap: &Heatmap, width: u32, height: u32, size: u32) -> Result<Bytes, ApiError> {
    let (rows, cols) = (heatmap.rows, heatmap.cols);
    if heatmap.scores.is_empty() || heatmap.scores.len() != rows * cols {
        return Err(ApiError::internal("the model gave no grid of scores"));
    }
    let scale = f64::from(size) / f64::from(width.max(height).max(1));
    let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
    let (width, height) = (side(width), side(height));
    let pixels = RgbaImage::from_fn(width, height, |x, y| {
        let ((above, below, down), (left, right, across)) = (between(y, height, rows), between(x, width, cols));
        let row = |r: usize| mix(heatmap.scores[r * cols + left], heatmap.scores[r * cols + right], across);
        colour(mix(row(above), row(below), down))
    });
    let mut png = Cursor::new(Vec::new());
    pixels.write_to(&mut png, ImageFormat::Png).map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(png.into_inner().into())
}

/// The two patches that a pixel lies between, and how far it is on its way to the second.
fn between(pixel: u32, pixels: u32, patches: usize) -> (usize, usize, f32) {
    let at = (pixel as f32 + 0.5) / pixels as f32 * patches as f32 - 0.5;
    let at = at.clamp(0.0, (patches - 1) as f32);
    (at as usize, (at as usize + 1).min(patches - 1), at.fract())
}

fn mix(a: f32, b: f32, share: f32) -> f32 {
    a + share * (b - a)
}

fn colour(score: f32) -> Rgba<u8> {
    let score = if score.is_finite() { score.clamp(0.0, 1.0) } else { 0.0 };
    let at = score * (COLOURS.len() - 1) as f32;
    let (low, high) = (at as usize, (at as usize + 1).min(COLOURS.len() - 1));
    let channel = |c: usize| mix(COLOURS[low][c].into(), COLOURS[high][c].into(), at.fract()).round() as u8;
    let opacity = mix(OPACITY[0], OPACITY[1], score) * 255.0;
    Rgba([channel(0), channel(1), channel(2), opacity.round() as u8])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use glimpse_nonempty::Every as _;

    use super::*;

    #[test]
    fn higher_scores_are_lighter_and_more_opaque() {
        let lightness = |score: f32| {
            let Rgba([r, g, b, a]) = colour(score);
            (0.2126 * f32::from(r) + 0.7152 * f32::from(g) + 0.0722 * f32::from(b), a)
        };
        let steps: Vec<_> = (0..=20).map(|step| lightness(step as f32 / 20.0)).collect();
        assert!(steps.windows(2).every(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1), "{steps:?}");
        assert_eq!((colour(f32::NAN), colour(-3.0), colour(9.0)), (colour(0.0), colour(0.0), colour(1.0)));
    }

    #[test]
    fn the_best_patch_is_the_lightest_place() {
        let mut scores = vec![0.0; 12];
        scores[6] = 1.0; // second row, third column
        let png = draw(&Heatmap { rows: 3, cols: 4, scores }, 400, 300, 160).unwrap();
        let pixels = image::load_from_memory(&png).unwrap().into_rgba8();
        assert_eq!(pixels.dimensions(), (160, 120));
        let (x, y, _) = pixels.enumerate_pixels().max_by_key(|(_, _, pixel)| u32::from(pixel.0[1])).unwrap();
        assert!((80..120).contains(&x) && (40..80).contains(&y), "{x}, {y}");
        assert!(draw(&Heatmap { rows: 0, cols: 0, scores: Vec::new() }, 4, 3, 160).is_err());
    }

    #[test]
    fn one_patch_is_one_colour() {
        let png = draw(&Heatmap { rows: 1, cols: 1, scores: vec![0.5] }, 1, 5000, 320).unwrap();
        let pixels = image::load_from_memory(&png).unwrap().into_rgba8();
        assert_eq!(pixels.dimensions(), (1, 320));
        assert!(pixels.pixels().every(|pixel| *pixel == colour(0.5)));
    }
}
