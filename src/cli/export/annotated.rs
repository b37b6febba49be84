//! An image with its heatmap laid over it and its boxes drawn in, one colour for each thing.

use glimpse::engine::Heatmap;
use image::imageops::{FilterType, resize};
use image::{Rgb, RgbImage};

use super::{Annotated, Names, pixels, save};
use crate::cli::outcome::CliError;

/// Longer side of what is written.
const SIDE: u32 = 1600;
/// Opacity of the heatmap where the score is 1.
const OPACITY: f32 = 0.6;
/// The hot end of the heatmap.
const HOT: [f32; 3] = [255.0, 64.0, 0.0];
/// Colours of things, in turn; readable on light and dark, and apart for most colour-blind people
/// (Okabe and Ito).
const COLOURS: [[u8; 3]; 6] =
    [[0, 158, 115], [230, 159, 0], [86, 180, 233], [204, 121, 167], [240, 228, 66], [0, 114, 178]];

pub fn write(image: &Annotated<'_>, names: &mut Names) -> Result<usize, CliError> {
    let mut pixels = pixels(image)?;
    let longest = pixels.width().max(pixels.height());
    if longest > SIDE {
        let side = |length: u32| (u64::from(length) * u64::from(SIDE) / u64::from(longest)).max(1) as u32;
        pixels = resize(&pixels, side(pixels.width()), side(pixels.height()), FilterType::Triangle);
    }
    if let Some(heatmap) = &image.heatmap {
        lay(heatmap, &mut pixels);
    }
    let mut labels: Vec<&str> = Vec::new();
    for found in &image.boxes {
        let known = labels.iter().position(|label| *label == found.label);
        let place = known.unwrap_or_else(|| {
            labels.push(&found.label);
            labels.len() - 1
        });
        frame(&mut pixels, found.rect.pixels(image.width, image.height), image, COLOURS[place % COLOURS.len()]);
    }
    save(&pixels, &names.path(&image.name(), ".png"))?;
    Ok(1)
}

/// Mixes the hot colour in by the score, read between the middles of patches.
fn lay(heatmap: &Heatmap, pixels: &mut RgbImage) {
    let (width, height) = pixels.dimensions();
    let place = |at: u32, length: u32, count: usize| {
        let at = ((at as f32 + 0.5) / length as f32 * count as f32 - 0.5).clamp(0.0, (count - 1) as f32);
        (at as usize, (at as usize + 1).min(count - 1), at.fract())
    };
    let (rows, cols) = (heatmap.rows, heatmap.cols);
    if heatmap.scores.len() != rows * cols || heatmap.scores.is_empty() {
        return;
    }
    for (x, y, pixel) in pixels.enumerate_pixels_mut() {
        let ((above, below, down), (left, right, across)) = (place(y, height, rows), place(x, width, cols));
        let row = |r: usize| {
            let (a, b) = (heatmap.scores[r * cols + left], heatmap.scores[r * cols + right]);
            a + across * (b - a)
        };
        let share = OPACITY * (row(above) + down * (row(below) - row(above)));
        for (value, hot) in pixel.0.iter_mut().zip(HOT) {
            *value = (f32::from(*value) * (1.0 - share) + hot * share).round() as u8;
        }
    }
}

/// Draws the edges of a box given in pixels of the original.
fn frame(pixels: &mut RgbImage, [left, top, wide, high]: [f32; 4], of: &Annotated<'_>, colour: [u8; 3]) {
    let (width, height) = pixels.dimensions();
    let scale = width as f32 / of.width.max(1) as f32;
    let edge = |at: f32, length: u32| ((at * scale) as u32).min(length.saturating_sub(1));
    let (x0, x1) = (edge(left, width), edge(left + wide, width));
    let (y0, y1) = (edge(top, height), edge(top + high, height));
    let thick = (width.max(height) / 300).max(1);
    for y in y0..=y1 {
        for x in x0..=x1 {
            let inner = x >= x0 + thick && x + thick <= x1 && y >= y0 + thick && y + thick <= y1;
            if !inner {
                pixels.put_pixel(x, y, Rgb(colour));
            }
        }
    }
}
