//! From 8-bit pixels to the left operand of the patch embedding.

use std::ops::Range;

use rayon::prelude::*;

use super::buffers::{SharedTiles, Tiles, check_sequences};
use super::element::Element;
use super::isa::{Isa, Task};
use super::lanes::{LANES, Lanes};
use crate::PixelInput;
use crate::cpu::path::Path;

/// Subtracted from pixels, which makes them whole numbers that bf16 holds exactly. The weights
/// bring them to `-1..=1`.
pub const CENTRE: f32 = 128.0;

/// The patches of images, row by row over each grid; values of a patch in the order (row, column,
/// channel). Pixels beyond the last whole patch are dropped.
///
/// # Panics
/// If sequences are not those of the images, or the operand has no room for them.
pub fn fill(path: Path, images: &[PixelInput], sequences: &[Range<usize>], patch: usize, to: &mut Tiles) {
    let to = to.shared();
    let rows = sequences.last().map_or(0, |last| last.end);
    to.check(rows, path.values());
    check_sequences(sequences, rows);
    let counts = images.iter().map(|image| image.rows * image.cols);
    assert!(counts.eq(sequences.iter().map(ExactSizeIterator::len)), "a token for each patch");
    let rows = images
        .iter()
        .zip(sequences)
        .flat_map(|(image, tokens)| (0..image.rows).map(move |row| (image, row, tokens.start + row * image.cols)));
    rows.collect::<Vec<_>>().into_par_iter().for_each(|(image, row, first)| {
        path.execute(Fill { image, row, first, patch, to });
    });
}

/// One row of patches.
struct Fill<'a> {
    image: &'a PixelInput,
    row: usize,
    /// Token of its first patch.
    first: usize,
    /// Side of a patch.
    patch: usize,
    to: SharedTiles<'a>,
}

impl Task for Fill<'_> {
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let line = I::Element::LINE;
        let width = self.patch * 3;
        let stride = self.image.pixels.width() as usize * 3;
        let pixels = &self.image.pixels.as_raw()[self.row * self.patch * stride..];
        let mut values = vec![CENTRE as u8; self.to.steps() * line];
        for col in 0..self.image.cols {
            for (y, to) in values.chunks_exact_mut(width).take(self.patch).enumerate() {
                to.copy_from_slice(&pixels[y * stride + col * width..][..width]);
            }
            for (i, pixels) in values.as_chunks::<LANES>().0.iter().enumerate() {
                let mut lanes = [0.0; LANES];
                for (lane, pixel) in lanes.iter_mut().zip(pixels) {
                    *lane = f32::from(*pixel) - CENTRE;
                }
                // SAFETY: an array has sixteen values; each token belongs to one task, and the line
                // to its tiles.
                unsafe {
                    let to = self.to.line::<I::Element>(self.first + col, i * LANES / line);
                    I::Element::store(I::Vector::load(isa.vectors(), lanes.as_ptr()), to.add(i * LANES % line));
                }
            }
        }
    }
}
