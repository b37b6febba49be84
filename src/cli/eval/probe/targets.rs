//! What a probe should say of every pixel of an image: its category, how far away it is, or which
//! way it faces.

use std::path::Path;

use image::{DynamicImage, ImageReader};

use super::super::pixel_truth::VOID;
use crate::cli::outcome::CliError;

/// The truth of one image.
pub struct Targets {
    pub width: usize,
    pub height: usize,
    pub pixels: Pixels,
}

/// By pixel, row by row.
pub enum Pixels {
    /// The category of each pixel of so many categories, or [`VOID`].
    Categories { of: Vec<u16>, count: usize },
    /// Distances, 0 where they are not known.
    Depth(Vec<f64>),
    /// Unit vectors, 0 where they are not known.
    Normals(Vec<[f64; 3]>),
}

impl Targets {
    /// Distances out of a grey PNG of 16 bits, which has so many steps a unit, and 0 for what is
    /// not known.
    ///
    /// # Errors
    /// If the file cannot be read, or is another kind of PNG.
    pub fn depth(png: &Path, steps: f64) -> Result<Self, CliError> {
        let image = open(png)?;
        let DynamicImage::ImageLuma16(grey) = image else {
            return Err(CliError::new(format!("{}: not a grey PNG of 16 bits", png.display())));
        };
        let (width, height) = (grey.width() as usize, grey.height() as usize);
        let pixels = Pixels::Depth(grey.pixels().map(|pixel| f64::from(pixel.0[0]) / steps).collect());
        Ok(Self { width, height, pixels })
    }

    /// Directions out of a PNG with colours: red, green and blue from 0 to 255 are x, y and z from
    /// -1 to 1. Black, and whatever else is far from length 1, is not known.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn normals(png: &Path) -> Result<Self, CliError> {
        let rgb = open(png)?.to_rgb8();
        let (width, height) = (rgb.width() as usize, rgb.height() as usize);
        let pixels = Pixels::Normals(rgb.pixels().map(|pixel| direction(pixel.0)).collect());
        Ok(Self { width, height, pixels })
    }

    /// Values of an answer for one pixel.
    pub fn outputs(&self) -> usize {
        match &self.pixels {
            Pixels::Categories { count, .. } => *count,
            Pixels::Depth(_) => 1,
            Pixels::Normals(_) => 3,
        }
    }

    /// The mean over the pixels that are known of each patch, `(rows * cols, outputs)`, and the
    /// share of its pixels that they are. A pixel belongs to the patch that its middle lies in.
    pub fn of_patches(&self, rows: usize, cols: usize) -> (Vec<f64>, Vec<f64>) {
        let outputs = self.outputs();
        let (mut sums, mut known) = (vec![0.0; rows * cols * outputs], vec![0.0; rows * cols]);
        let mut all = vec![0f64; rows * cols];
        let patch = |at: usize, pixels: usize, patches: usize| (2 * at + 1) * patches / (2 * pixels);
        for y in 0..self.height {
            for x in 0..self.width {
                let to = patch(y, self.height, rows) * cols + patch(x, self.width, cols);
                all[to] += 1.0;
                if self.add(y * self.width + x, &mut sums[to * outputs..(to + 1) * outputs]) {
                    known[to] += 1.0;
                }
            }
        }
        for (sums, known) in sums.chunks_exact_mut(outputs).zip(&known).filter(|(_, known)| **known > 0.0) {
            sums.iter_mut().for_each(|sum| *sum /= known);
        }
        let weights = known.iter().zip(&all).map(|(known, &all)| known / f64::max(all, 1.0)).collect();
        (sums, weights)
    }

    /// Adds what a pixel should have; false if that is not known.
    fn add(&self, pixel: usize, sum: &mut [f64]) -> bool {
        match &self.pixels {
            Pixels::Categories { of, .. } => {
                let category = of[pixel];
                if category != VOID {
                    sum[usize::from(category)] += 1.0;
                }
                category != VOID
            }
            Pixels::Depth(values) => {
                sum[0] += values[pixel];
                values[pixel] > 0.0
            }
            Pixels::Normals(values) => {
                sum.iter_mut().zip(values[pixel]).for_each(|(sum, value)| *sum += value);
                values[pixel] != [0.0; 3]
            }
        }
    }
}

/// The unit vector that a colour stands for; 0 for none.
pub fn direction(colour: [u8; 3]) -> [f64; 3] {
    let vector = colour.map(|value| f64::from(value) / 127.5 - 1.0);
    let length = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    if (0.5..1.5).contains(&length) { vector.map(|value| value / length) } else { [0.0; 3] }
}

fn open(png: &Path) -> Result<DynamicImage, CliError> {
    let failed = |reason: String| CliError::new(format!("{}: {reason}", png.display()));
    let reader = ImageReader::open(png).map_err(|error| failed(error.to_string()))?;
    reader.decode().map_err(|error| failed(error.to_string()))
}

/// Answers of patches, `(rows * cols, outputs)`, at every pixel: bilinear, patches standing at
/// their middles.
pub fn at_pixels(answers: &[f64], (rows, cols): (usize, usize), (width, height): (usize, usize)) -> Vec<f64> {
    let outputs = answers.len() / (rows * cols);
    let place = |at: usize, pixels: usize, patches: usize| {
        let at = ((at as f64 + 0.5) * patches as f64 / pixels as f64 - 0.5).clamp(0.0, (patches - 1) as f64);
        (at as usize, (at as usize + 1).min(patches - 1), at.fract())
    };
    let columns: Vec<_> = (0..width).map(|x| place(x, width, cols)).collect();
    let mut all = Vec::with_capacity(width * height * outputs);
    for y in 0..height {
        let (above, below, down) = place(y, height, rows);
        for &(left, right, across) in &columns {
            let of = |row: usize, col: usize| &answers[(row * cols + col) * outputs..];
            let corners = [of(above, left), of(above, right), of(below, left), of(below, right)];
            all.extend((0..outputs).map(|i| {
                let [a, b, c, d] = corners.map(|corner| corner[i]);
                let (upper, lower) = (a + across * (b - a), c + across * (d - c));
                upper + down * (lower - upper)
            }));
        }
    }
    all
}
