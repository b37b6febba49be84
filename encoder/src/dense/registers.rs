//! Register tokens: patches in which a vision transformer keeps global information
//! instead of what they show (Darcet et al., "Vision Transformers Need
//! Registers", 2309.16588). Their tokens are far longer than others before the last norm, and say
//! nothing of their place. In the SigLIP family they sit at the same places in every image.

use image::{Rgb, RgbImage};

use crate::{DenseGrid, Encode, EncodeError, Outputs};

/// A register is so many times longer than the median token. The usual absolute threshold depends
/// on the width.
const RATIO: f32 = 5.0;
/// Share of images in which a slot must be long.
const SHARE: f32 = 0.9;
/// Images looked at.
const IMAGES: u32 = 20;
/// Images encoded at a time.
const BATCH: usize = 4;

/// Slots, rising, that are registers in nearly every image. None for NaFlex, whose grids differ:
/// there [`inpaint_registers`] goes by the image itself.
pub fn find(encoder: &dyn Encode) -> Result<Vec<usize>, EncodeError> {
    if encoder.info().image_size.is_none() {
        return Ok(Vec::new());
    }
    let images = (0..IMAGES).map(|seed| encoder.prepare(&noise(seed))).collect::<Result<Vec<_>, _>>()?;
    let mut counts: Vec<u32> = Vec::new();
    for batch in images.chunks(BATCH) {
        for grid in encoder.encode_images(batch, Outputs::Dense)?.into_iter().filter_map(|features| features.dense) {
            counts.resize(grid.norms.len(), 0);
            outliers(&grid.norms).for_each(|slot| counts[slot] += 1);
        }
    }
    let often = (SHARE * IMAGES as f32).ceil() as u32;
    Ok((0..counts.len()).filter(|&slot| counts[slot] >= often).collect())
}

/// Replaces the features of register slots, and of tokens that are as long as registers, by the
/// mean of their sound neighbours.
pub fn inpaint_registers(grid: &mut DenseGrid, slots: &[usize]) {
    let (height, width) = (grid.rows, grid.cols);
    let cells = height * width;
    let mut broken = vec![false; cells];
    slots
        .iter()
        .copied()
        .chain(outliers(&grid.norms))
        .filter(|&slot| slot < cells)
        .for_each(|slot| broken[slot] = true);
    if broken.iter().all(|&broken| broken) {
        return;
    }
    for cell in (0..cells).filter(|&cell| broken[cell]) {
        let (row, col) = (cell / width, cell % width);
        let rows = row.saturating_sub(1)..(row + 2).min(height);
        let cols = col.saturating_sub(1)..(col + 2).min(width);
        let around = rows.flat_map(|r| cols.clone().map(move |c| r * width + c));
        let sound: Vec<usize> = around.filter(|&other| !broken[other]).collect();
        if sound.is_empty() {
            continue; // a clump: its middle stays as it is
        }
        for values in [&mut grid.tokens, &mut grid.aligned] {
            for i in 0..grid.dim {
                let sum: f32 = sound.iter().map(|&other| values[other * grid.dim + i]).sum();
                values[cell * grid.dim + i] = sum / sound.len() as f32;
            }
        }
    }
}

/// Tokens that are far longer than the median one.
fn outliers(norms: &[f32]) -> impl Iterator<Item = usize> + '_ {
    let mut sorted = norms.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let limit = sorted.get(sorted.len() / 2).map_or(f32::MAX, |median| RATIO * median);
    norms.iter().enumerate().filter(move |(_, norm)| **norm > limit).map(|(slot, _)| slot)
}

/// An image of coloured noise in blocks of 4 to 32 pixels, always the same for a seed.
fn noise(seed: u32) -> RgbImage {
    const SIDE: u32 = 256;
    let block = 4 << (seed % 4);
    RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let mut bits = seed.wrapping_mul(0x9e37_79b9) ^ (x / block) << 16 ^ (y / block);
        for _ in 0..3 {
            bits = (bits ^ bits >> 15).wrapping_mul(0x85eb_ca6b) ^ bits >> 13;
        }
        let [r, g, b, _] = bits.to_le_bytes();
        Rgb([r, g, b])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_register_takes_the_mean_of_its_neighbours() {
        let tokens: Vec<f32> = (0..9).map(|i| if i == 4 { 100.0 } else { i as f32 }).collect();
        let norms = (0..9).map(|i| if i == 4 { 40.0 } else { 2.0 }).collect();
        let mut grid = DenseGrid { rows: 3, cols: 3, dim: 1, aligned: tokens.clone(), tokens, norms };
        inpaint_registers(&mut grid, &[0]);
        assert_eq!(grid.tokens[4], 32.0 / 7.0, "long; neighbour 0 is a slot, so the mean of the other seven");
        assert_eq!(grid.aligned[0], 2.0, "a slot: the mean of 1 and 3");
        assert_eq!(grid.tokens[8], 8.0);
    }

    #[test]
    fn noise_is_noise() {
        let (a, b) = (noise(0), noise(1));
        assert_ne!(a, b);
        let mean = a.as_raw().iter().map(|&v| f64::from(v)).sum::<f64>() / a.as_raw().len() as f64;
        assert!((100.0..156.0).contains(&mean), "{mean}");
    }
}
