//! Pixels to operands, exactly: differences of bytes are whole numbers that bf16 holds.

use glimpse_nonempty::{each, if_any};
use image::{Rgb, RgbImage};
use proptest::prelude::*;

use super::super::patches::{CENTRE, fill};
use super::{paths, row_of};
use crate::PixelInput;
use crate::cpu::load::new_tiles;

/// Grids of patches of images that are `beyond` pixels larger than their grids.
pub(super) fn check_fill(grids: &[(usize, usize)], patch: usize, beyond: u32) {
    let image = |&(rows, cols): &(usize, usize)| {
        let size = |count: usize| (count * patch) as u32 + beyond;
        let pixels = RgbImage::from_fn(size(cols), size(rows), |x, y| {
            Rgb([x * 7 + y * 13, x * 5 + y * 11 + 1, x ^ (y * 3)].map(|value| (value % 256) as u8))
        });
        PixelInput { rows, cols, pixels }
    };
    let images: Vec<PixelInput> = grids.iter().map(image).collect();
    let mut tokens = 0;
    let sequence = |&(rows, cols): &(usize, usize)| {
        tokens += rows * cols;
        tokens - rows * cols..tokens
    };
    let sequences: Vec<_> = grids.iter().map(sequence).collect();
    for path in each(paths()) {
        let mut out = new_tiles(path.values(), tokens, 3 * patch * patch);
        fill(path, &images, &sequences, patch, &mut out);
        for (image, sequence) in each(images.iter().zip(&sequences)) {
            for token in each(sequence.clone()) {
                let (row, col) = ((token - sequence.start) / image.cols, (token - sequence.start) % image.cols);
                let found = row_of(&mut out, token);
                let pixel = |i: usize| ((col * patch + i % patch) as u32, (row * patch + i / patch) as u32);
                let pixels = (0..patch * patch).map(pixel).flat_map(|(x, y)| image.pixels.get_pixel(x, y).0);
                let expected: Vec<f64> = pixels.map(|value| f64::from(value) - f64::from(CENTRE)).collect();
                assert_eq!(found[..expected.len()], expected, "{path} {grids:?}, patch {patch}: token {token}");
                let rest = &found[expected.len()..];
                assert!(if_any(rest).all(|value| *value == 0.0), "{path}, patch {patch}: what fills up a line");
            }
        }
    }
}

#[test]
fn patches_of_model_shapes() {
    check_fill(&[(27, 27)], 14, 6);
    check_fill(&[(14, 14), (14, 14)], 16, 0);
    check_fill(&[(12, 21), (29, 8)], 16, 0);
}

#[test]
fn tokens_that_are_not_the_patches_are_refused() {
    for path in each(paths()) {
        let images = [PixelInput { rows: 2, cols: 2, pixels: RgbImage::new(32, 32) }];
        for (sequence, room) in [(0..3, 64), (0..4, 0), (64..68, 64)] {
            let attempt = std::panic::catch_unwind(|| {
                fill(path, &images, std::slice::from_ref(&sequence), 16, &mut new_tiles(path.values(), room, 768));
            });
            assert!(attempt.is_err(), "{path}: {sequence:?} with room for {room}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn patches(grids in prop::collection::vec((1usize..9, 1usize..9), 1..4), patch in 1usize..18, beyond in 0u32..5) {
        check_fill(&grids, patch, beyond);
    }
}
