//! The size search of NaFlex: the largest grid of whole patches that a budget allows.

/// Longest side of a grid in patches. Up to a budget of 256 patches it changes nothing; beyond, it
/// keeps strips of extreme aspect ratio, on which no model was trained, from costing a full budget
/// of meaningless tokens.
pub const MAX_GRID_SIDE: usize = 256;

/// Rows and columns of the patch grid of an image of `height x width` pixels, at most `max_patches`
/// in all.
///
/// A bisection for the largest scale at which the image, each side rounded up to whole patches,
/// fits the budget (`get_image_size_for_max_num_patches` in `transformers`,
/// `models/siglip2/image_processing_siglip2.py`). The bounds and the tolerance are part of the
/// definition: a finer search gives other grids. Small images are enlarged.
pub fn grid_for(height: usize, width: usize, patch_size: usize, max_patches: usize) -> (usize, usize) {
    const TOLERANCE: f64 = 1e-5;
    let patches = |side: usize, scale: f64| ((side as f64 * scale / patch_size as f64).ceil() as usize).max(1);
    let (mut low, mut high) = (TOLERANCE / 10.0, 100.0);
    while high - low >= TOLERANCE {
        let scale = (low + high) / 2.0;
        if patches(height, scale) * patches(width, scale) <= max_patches {
            low = scale;
        } else {
            high = scale;
        }
    }
    (patches(height, low).min(MAX_GRID_SIDE), patches(width, low).min(MAX_GRID_SIDE))
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::each;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn grids_of_the_reference() {
        let grids = [
            ((16, 16, 256), (16, 16)),
            ((100, 100, 256), (16, 16)),
            ((480, 640, 256), (14, 18)),
            ((600, 900, 256), (13, 19)),
            ((1080, 1920, 256), (12, 21)),
            ((1920, 1080, 256), (21, 12)),
            ((2160, 4096, 256), (12, 21)),
            ((1280, 360, 256), (29, 8)),
            ((224, 1024, 256), (7, 32)),
            ((2200, 1700, 256), (18, 14)),
            ((1024, 1, 256), (256, 1)),
            ((3, 39, 256), (4, 52)),
            ((1080, 1920, 576), (18, 32)),
            ((1080, 1920, 784), (21, 37)),
            ((1080, 1920, 1024), (24, 42)),
            ((480, 640, 1024), (27, 36)),
            ((2853, 1000, 1024), (53, 19)),
        ];
        for ((height, width, budget), grid) in each(grids) {
            assert_eq!(grid_for(height, width, 16, budget), grid, "{height} x {width}, at most {budget} patches");
        }
    }

    #[test]
    fn other_patch_sizes() {
        assert_eq!(grid_for(48, 48, 3, 121), (11, 11));
        assert_eq!(grid_for(112, 109, 7, 225), (15, 15));
        assert_eq!(grid_for(256, 64, 8, 15), (7, 2));
        assert_eq!(grid_for(16, 512, 16, 16), (1, 16));
    }

    #[test]
    fn strips_are_cut_at_the_longest_side() {
        assert_eq!(grid_for(65_535, 1, 16, 4096), (MAX_GRID_SIDE, 1));
    }

    proptest! {
        #[test]
        fn the_budget_holds(height in 1usize..100_000, width in 1usize..100_000, budget in 1usize..2000) {
            let (rows, cols) = grid_for(height, width, 16, budget);
            prop_assert!(rows >= 1 && cols >= 1 && rows * cols <= budget);
        }
    }
}
