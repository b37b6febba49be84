//! What a segmentation is to be like.

use glimpse_encoder::dense::PixelConfig;

use crate::EngineError;
use crate::calibrate::CUT;

/// How to segment an image.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentOptions {
    /// What pixels may show, in any language; none for the keywords of the library.
    pub labels: Vec<String>,
    /// Things one by one; otherwise all pixels of a label are one segment.
    pub panoptic: bool,
    /// The labels that are stuff, of which there is one segment an image; `None` leaves that to a
    /// list of words for stuff.
    pub stuff: Option<Vec<String>>,
    /// Pixels along the longer side of the map, at most those of the image.
    pub size: u32,
    /// Smallest calibrated score of a pixel that has a label.
    pub min_score: f32,
    /// Smallest share of the image that a segment covers; smaller specks go to what surrounds them.
    pub min_area: f32,
    /// How closely the image is looked at.
    pub pixels: PixelConfig,
}

impl SegmentOptions {
    /// Range of [`SegmentOptions::size`].
    pub const SIZES: std::ops::RangeInclusive<u32> = 16..=2048;
    /// Largest [`PixelConfig::detail`].
    pub const MAX_DETAIL: f32 = 8.0;
}

impl Default for SegmentOptions {
    fn default() -> Self {
        Self {
            labels: Vec::new(),
            panoptic: false,
            stuff: None,
            size: 512,
            min_score: CUT,
            min_area: 0.001,
            pixels: PixelConfig::default(),
        }
    }
}

impl SegmentOptions {
    /// Says what makes no sense, before any work is done. Labels are looked at when they are asked
    /// for.
    ///
    /// # Errors
    /// [`EngineError::BadRequest`].
    pub fn validate(&self) -> Result<(), EngineError> {
        let refuse = |reason: String| Err(EngineError::BadRequest(reason));
        let (least, most) = Self::SIZES.into_inner();
        if !Self::SIZES.contains(&self.size) {
            return refuse(format!("a map has {least} to {most} pixels along its longer side, not {}", self.size));
        }
        if !(0.0..=1.0).contains(&self.min_score) {
            return refuse(format!("{}: the smallest score is a probability, 0 to 1", self.min_score));
        }
        if !(0.0..=1.0).contains(&self.min_area) {
            return refuse(format!("{}: the smallest area is a share of the image, 0 to 1", self.min_area));
        }
        let PixelConfig { detail, stride, .. } = self.pixels;
        if !(1.0..=Self::MAX_DETAIL).contains(&detail) {
            return refuse(format!("{detail}: the detail is a number from 1 to {}", Self::MAX_DETAIL));
        }
        if !(0.1..=1.0).contains(&stride) {
            return refuse(format!("{stride}: windows advance by 0.1 to 1 of their side"));
        }
        Ok(())
    }
}
