//! From upright RGB pixels of any size to exactly the pixels that a vision tower reads.
//!
//! Fixed resolution: the whole image is squashed to a square, nothing is cropped. NaFlex: the image
//! keeps its aspect ratio as far as a grid of patches allows ([`grid_for`]). Both match the
//! reference processor of `transformers` (its PIL backend) within one grey level;
//! `tests/inputs/preprocess.rs` proves it.

mod grid;
mod settings;

use std::path::Path;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;

pub use grid::{MAX_GRID_SIDE, grid_for};

use crate::image_file::ImageError;
use crate::{EncodeError, PixelInput};
use settings::Settings;

/// Patch budget of NaFlex where neither the user nor the checkpoint names one.
pub const DEFAULT_MAX_PATCHES: usize = 256;

/// Largest patch budget, whoever names it. Attention compares every patch with every other: an
/// image of 4,096 patches costs a base model some 30 times the operations of one of 256.
pub const MAX_PATCHES: usize = 4096;

/// What a vision tower reads, as its `config.json` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisionInput {
    /// Side of the square input in pixels; `None` for NaFlex.
    pub image_size: Option<usize>,
    /// Side of a patch in pixels.
    pub patch_size: usize,
    /// Patch budget of a NaFlex image; `None` takes the checkpoint's own, then
    /// [`DEFAULT_MAX_PATCHES`].
    pub max_patches: Option<usize>,
    /// The family's filter, for checkpoints without a `preprocessor_config.json`.
    pub filter: Filter,
}

/// Resampling filters of the family, antialiased as in PIL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// SigLIP 2.
    Bilinear,
    /// SigLIP 1; Keys' cubic with a = -0.5.
    Bicubic,
}

/// Resizes images for one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preprocessor {
    geometry: Geometry,
    patch_size: usize,
    filter: Filter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Geometry {
    Fixed { side: usize },
    NaFlex { max_patches: usize },
}

impl Preprocessor {
    /// Reads the image settings of the checkpoint in `dir`, or takes the family's where it has
    /// none.
    ///
    /// # Errors
    /// [`EncodeError::Config`] naming a setting that contradicts the model or that no model of this
    /// family has, such as a mean or deviation other than 0.5, or a patch budget beyond
    /// [`MAX_PATCHES`]; [`EncodeError::NoBudget`] if a budget is given for a model of fixed
    /// resolution; [`EncodeError::Io`] if the file cannot be read.
    pub fn load(dir: &Path, input: VisionInput) -> Result<Self, EncodeError> {
        if let (Some(image_size), Some(_)) = (input.image_size, input.max_patches) {
            return Err(EncodeError::NoBudget { dir: dir.to_owned(), image_size });
        }
        let settings = Settings::read(dir)?;
        settings.check(&input)?;
        let filter = settings.filter()?.unwrap_or(input.filter);
        let max_patches = match input.max_patches {
            Some(budget) => Some(check_budget(dir, "max_patches", budget)?),
            None => settings.max_patches()?,
        };
        Ok(Self::new(VisionInput { filter, max_patches, ..input }))
    }

    /// A preprocessor with exactly these settings.
    pub fn new(input: VisionInput) -> Self {
        let geometry = match input.image_size {
            Some(side) => Geometry::Fixed { side },
            None => Geometry::NaFlex { max_patches: input.max_patches.unwrap_or(DEFAULT_MAX_PATCHES) },
        };
        Self { geometry, patch_size: input.patch_size, filter: input.filter }
    }

    /// Largest number of patches of one image.
    pub fn max_patches(&self) -> usize {
        match self.geometry {
            Geometry::Fixed { side } => (side / self.patch_size).pow(2),
            Geometry::NaFlex { max_patches } => max_patches,
        }
    }

    /// The filter in use.
    pub fn filter(&self) -> Filter {
        self.filter
    }

    /// Resizes an upright image. Meant for many threads: it keeps no state.
    ///
    /// For fixed resolution a patch size that does not divide the side leaves a border that no
    /// patch covers (384 px in patches of 14: 27 x 27 patches, 6 px unused), as in the reference.
    ///
    /// # Errors
    /// [`EncodeError::Image`] for an image without pixels.
    pub fn prepare(&self, image: &RgbImage) -> Result<PixelInput, EncodeError> {
        let (width, height) = (image.width() as usize, image.height() as usize);
        if width == 0 || height == 0 {
            return Err(ImageError::Broken { format: "image".into(), reason: "it has no pixels".into() }.into());
        }
        let (rows, cols) = match self.geometry {
            Geometry::Fixed { side } => (side / self.patch_size, side / self.patch_size),
            Geometry::NaFlex { max_patches } => grid_for(height, width, self.patch_size, max_patches),
        };
        let (height, width) = match self.geometry {
            Geometry::Fixed { side } => (side, side),
            Geometry::NaFlex { .. } => (rows * self.patch_size, cols * self.patch_size),
        };
        Ok(PixelInput { rows, cols, pixels: resize(image, width as u32, height as u32, self.filter)? })
    }
}

/// The patch budget, if it is one: 0 has no grid, and too many patches take minutes for an image.
fn check_budget(path: &Path, field: &str, budget: usize) -> Result<usize, EncodeError> {
    if (1..=MAX_PATCHES).contains(&budget) {
        return Ok(budget);
    }
    Err(EncodeError::Config {
        path: path.to_owned(),
        field: field.to_owned(),
        expected: format!("a whole number from 1 to {MAX_PATCHES}"),
        found: budget.to_string(),
    })
}

/// Antialiased resize in 8-bit fixed point, the way PIL does it: one axis, then the other, rounded
/// and cut to 0..=255 in between.
///
/// # Errors
/// [`EncodeError::Image`] if a side is 0.
pub fn resize(image: &RgbImage, width: u32, height: u32, filter: Filter) -> Result<RgbImage, EncodeError> {
    // Where a cubic filter overshoots, the order shows. Pillow takes rows first, and since version
    // 13 columns first if the height shrinks by more than twice as many pixels as the width; the
    // library would always take columns first.
    let narrowed = i64::from(image.width()) - i64::from(width);
    let lowered = i64::from(image.height()) - i64::from(height);
    let between = match lowered > 0 && lowered > 2 * narrowed {
        true => pass(image, image.width(), height, filter)?,
        false => pass(image, width, image.height(), filter)?,
    };
    pass(&between, width, height, filter)
}

/// A resize along one axis.
fn pass(image: &RgbImage, width: u32, height: u32, filter: Filter) -> Result<RgbImage, EncodeError> {
    let filter = match filter {
        Filter::Bilinear => FilterType::Bilinear,
        Filter::Bicubic => FilterType::CatmullRom,
    };
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    let unusable = |reason: String| ImageError::Broken { format: "image".into(), reason };
    let mut resized = RgbImage::new(width, height);
    // Typed views keep the library to the one pixel type that is used here; by default it is
    // compiled for fifteen.
    let source = TypedImageRef::<U8x3>::from_buffer(image.width(), image.height(), image.as_raw());
    let source = source.map_err(|error| unusable(error.to_string()))?;
    let target = TypedImage::<U8x3>::from_buffer(width, height, &mut resized);
    let mut target = target.map_err(|error| unusable(error.to_string()))?;
    Resizer::new().resize_typed(&source, &mut target, &options).map_err(|error| unusable(error.to_string()))?;
    Ok(resized)
}
