//! What a model sees of an image: the whole, and for more detail overlapping windows at the model's
//! own size, whose grids are put together to one. One stretched pass would leave the resolution
//! that the model was trained at (SPAR, 2604.02252).

use image::RgbImage;
use image::imageops::crop_imm;

use super::config::MAX_SIDE;
use super::features::DenseFeatures;
use crate::{DenseGrid, Encode, EncodeError, ImageFeatures, ModelInfo, PixelInput};

/// An image as the model reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Views {
    /// The whole image, then its windows.
    prepared: Vec<PixelInput>,
    /// First row and column of each window in the common grid.
    corners: Vec<(usize, usize)>,
    /// Rows and columns of the common grid.
    rows: usize,
    cols: usize,
}

impl Views {
    /// The whole image alone.
    pub fn whole(prepared: PixelInput) -> Self {
        let (rows, cols) = (prepared.rows, prepared.cols);
        Self { prepared: vec![prepared], corners: Vec::new(), rows, cols }
    }

    /// As [`Views::whole`], with windows if `detail` is above 1 and the model is of fixed
    /// resolution: the shorter side of the image gets `detail` times the patches of the model's
    /// grid, windows advance by half of it.
    pub(super) fn of(encoder: &dyn Encode, image: &RgbImage, detail: f32) -> Result<Self, EncodeError> {
        let mut views = Self::whole(encoder.prepare(image)?);
        let side = views.rows.min(views.cols);
        let (width, height) = image.dimensions();
        let patches = |length: u32| {
            let wanted = detail * side as f32 * length as f32 / width.min(height) as f32;
            (wanted.round() as usize).clamp(side, MAX_SIDE.max(side))
        };
        let (rows, cols) = (patches(height), patches(width));
        if detail <= 1.0 || encoder.info().image_size.is_none() || (rows, cols) == (side, side) {
            return Ok(views);
        }
        for top in starts(rows, side) {
            for left in starts(cols, side) {
                let (y, tall) = span(top, side, rows, height);
                let (x, wide) = span(left, side, cols, width);
                let window = crop_imm(image, x, y, wide, tall).to_image();
                views.prepared.push(encoder.prepare(&window)?);
                views.corners.push((top, left));
            }
        }
        (views.rows, views.cols) = (rows, cols);
        Ok(views)
    }

    /// Views from their parts, as another process tells them: the whole image and its windows, the
    /// first row and column of each window in the common grid, and that grid's rows and columns.
    /// `None` if they do not fit together.
    pub fn from_parts(
        prepared: Vec<PixelInput>,
        corners: Vec<(usize, usize)>,
        (rows, cols): (usize, usize),
    ) -> Option<Self> {
        let (whole, windows) = prepared.split_first()?;
        let fits = match corners.is_empty() {
            true => windows.is_empty() && (rows, cols) == (whole.rows, whole.cols),
            false => {
                let inside = |(&(top, left), window): (&(usize, usize), &PixelInput)| {
                    top.checked_add(window.rows).is_some_and(|end| end <= rows)
                        && left.checked_add(window.cols).is_some_and(|end| end <= cols)
                };
                let most = MAX_SIDE.max(whole.rows.max(whole.cols));
                rows.max(cols) <= most && windows.len() == corners.len() && corners.iter().zip(windows).all(inside)
            }
        };
        fits.then_some(Self { prepared, corners, rows, cols })
    }

    /// First row and column of each window in the common grid.
    pub fn corners(&self) -> &[(usize, usize)] {
        &self.corners
    }

    /// Rows and columns of the common grid.
    pub fn size(&self) -> (usize, usize) {
        (self.rows, self.cols)
    }

    /// All inputs of the model, the whole image first.
    pub fn prepared(&self) -> &[PixelInput] {
        &self.prepared
    }

    /// Takes the features of [`Views::prepared`] from an iterator: those of the whole image, and
    /// one grid, whose cells are the means of the windows that cover them.
    pub(super) fn join(
        &self,
        features: &mut impl Iterator<Item = ImageFeatures>,
    ) -> Result<DenseFeatures, EncodeError> {
        let lost = || EncodeError::Backend { stage: "dense features", reason: "the model gave no grid".into() };
        let ImageFeatures { embedding, dense } = features.next().ok_or_else(lost)?;
        let whole = dense.ok_or_else(lost)?;
        if self.corners.is_empty() {
            return Ok(DenseFeatures { embedding, grid: whole, whole: None });
        }
        let dim = whole.dim;
        let cells = self.rows * self.cols;
        let mut sum = DenseGrid {
            rows: self.rows,
            cols: self.cols,
            dim,
            tokens: vec![0.0; cells * dim],
            aligned: vec![0.0; cells * dim],
            norms: vec![0.0; cells],
        };
        let mut counts = vec![0f32; cells];
        for (&(top, left), input) in self.corners.iter().zip(&self.prepared[1..]) {
            let window = features.next().and_then(|features| features.dense).ok_or_else(lost)?;
            if (window.rows, window.cols) != (input.rows, input.cols) || window.dim != dim {
                let reason = "a window of another size came back".into();
                return Err(EncodeError::Backend { stage: "dense features", reason });
            }
            for row in 0..window.rows {
                let (to, from) = ((top + row) * self.cols + left, row * window.cols);
                let width = window.cols;
                add(&mut sum.tokens[to * dim..], &window.tokens[from * dim..(from + width) * dim]);
                add(&mut sum.aligned[to * dim..], &window.aligned[from * dim..(from + width) * dim]);
                add(&mut sum.norms[to..], &window.norms[from..from + width]);
                counts[to..to + width].iter_mut().for_each(|count| *count += 1.0);
            }
        }
        for (cell, count) in counts.iter().enumerate() {
            sum.tokens[cell * dim..(cell + 1) * dim].iter_mut().for_each(|value| *value /= count);
            sum.aligned[cell * dim..(cell + 1) * dim].iter_mut().for_each(|value| *value /= count);
            sum.norms[cell] /= count;
        }
        Ok(DenseFeatures { embedding, grid: sum, whole: Some(whole) })
    }
}

/// The detail ([`DenseConfig::detail`]) beyond which a model's grids grow no further, since grids
/// of regions have at most [`MAX_SIDE`] cells a side; 1 for a model that reads images of any size
/// (NaFlex), which uses no windows.
///
/// [`DenseConfig::detail`]: super::DenseConfig::detail
pub fn detail_limit(model: &ModelInfo) -> f32 {
    let side = model.image_size.map_or(MAX_SIDE, |pixels| pixels / model.patch_size.max(1));
    (MAX_SIDE as f32 / side.max(1) as f32).max(1.0)
}

/// First cells of windows of `side` cells that cover `length` cells, half a window apart.
fn starts(length: usize, side: usize) -> Vec<usize> {
    let last = length - side;
    let mut starts: Vec<usize> = (0..last).step_by((side / 2).max(1)).collect();
    starts.push(last);
    starts
}

/// The pixel at which a cell begins. The cell behind the last one begins behind the last pixel.
fn pixel(cell: usize, cells: usize, pixels: u32) -> u32 {
    (cell as f64 / cells as f64 * f64::from(pixels)).round() as u32
}

/// First pixel and number of pixels, at least one, of a window of `side` cells from `cell` on.
fn span(cell: usize, side: usize, cells: usize, pixels: u32) -> (u32, u32) {
    let start = pixel(cell, cells, pixels).min(pixels.saturating_sub(1));
    let end = pixel(cell + side, cells, pixels).max(start + 1);
    (start, end - start)
}

/// A grid of at most [`MAX_SIDE`] cells a side: blocks of a finer one are averaged.
pub(super) fn fit(grid: &DenseGrid) -> DenseGrid {
    let (down, across) = (grid.rows.div_ceil(MAX_SIDE).max(1), grid.cols.div_ceil(MAX_SIDE).max(1));
    if (down, across) == (1, 1) {
        return grid.clone();
    }
    let (rows, cols, dim) = (grid.rows.div_ceil(down), grid.cols.div_ceil(across), grid.dim);
    let pool = |values: &[f32], width: usize| {
        let mut pooled = vec![0.0; rows * cols * width];
        let mut counts = vec![0f32; rows * cols];
        for cell in 0..grid.rows * grid.cols {
            let to = cell / grid.cols / down * cols + cell % grid.cols / across;
            add(&mut pooled[to * width..], &values[cell * width..(cell + 1) * width]);
            counts[to] += 1.0;
        }
        pooled.iter_mut().enumerate().for_each(|(i, value)| *value /= counts[i / width]);
        pooled
    };
    DenseGrid {
        rows,
        cols,
        dim,
        tokens: pool(&grid.tokens, dim),
        aligned: pool(&grid.aligned, dim),
        norms: pool(&grid.norms, 1),
    }
}

fn add(sum: &mut [f32], values: &[f32]) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_nonempty::{each, if_any};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn windows_cover_everything(side in 1usize..40, more in 0usize..90) {
            let length = side + more;
            let starts = starts(length, side);
            prop_assert_eq!((starts[0], starts[starts.len() - 1]), (0, length - side));
            prop_assert!(if_any(starts.windows(2)).all(|pair| pair[0] < pair[1] && pair[1] <= pair[0] + side));
        }

        #[test]
        fn windows_cover_every_pixel(side in 1usize..40, more in 0usize..90, pixels in 1u32..3000) {
            let mut covered = 0;
            for cell in each(starts(side + more, side)) {
                let (start, count) = span(cell, side, side + more, pixels);
                prop_assert!(start <= covered && count > 0 && start + count <= pixels);
                covered = covered.max(start + count);
            }
            prop_assert_eq!(covered, pixels);
        }
    }

    #[test]
    fn parts_that_do_not_fit_together_are_no_views() {
        let encoder = crate::testing::FakeEncoder::new(8);
        let views = Views::of(&encoder, &RgbImage::new(160, 80), 2.0).unwrap();
        let (inputs, corners, size) = (views.prepared().to_vec(), views.corners().to_vec(), views.size());
        assert!(corners.len() > 2);
        assert_eq!(Views::from_parts(inputs.clone(), corners.clone(), size), Some(views.clone()));
        let whole = Views::whole(inputs[0].clone());
        assert_eq!(Views::from_parts(inputs[..1].to_vec(), Vec::new(), whole.size()), Some(whole));
        let refused = [
            (Vec::new(), Vec::new(), size),
            (inputs[..1].to_vec(), corners.clone(), size),
            (inputs.clone(), corners[1..].to_vec(), size),
            (inputs.clone(), corners.clone(), (size.0 - 1, size.1)),
            (inputs.clone(), corners.iter().map(|_| (usize::MAX, 0)).collect(), size),
            (inputs.clone(), corners, (1 << 20, 1 << 20)),
            (inputs[..1].to_vec(), Vec::new(), (1, 1)),
        ];
        for (inputs, corners, size) in each(refused) {
            assert_eq!(Views::from_parts(inputs, corners, size), None);
        }
    }

    #[test]
    fn a_fine_grid_is_averaged_down() {
        let (rows, cols) = (2, 130);
        let values: Vec<f32> = (0..rows * cols).map(|i| (i % cols) as f32).collect();
        let grid = DenseGrid { rows, cols, dim: 1, tokens: values.clone(), aligned: values.clone(), norms: values };
        let small = fit(&grid);
        assert_eq!((small.rows, small.cols), (2, 44));
        assert_eq!(small.tokens[..2], [1.0, 4.0]);
        assert_eq!(small.tokens[43], 129.0, "the last block has one column");
        assert_eq!(small.norms[44..46], [1.0, 4.0], "rows stay apart");
    }
}
