//! What the cosines of a label mean in a library: with images as wholes, and with their regions.

use crate::calibrate::Scale;
use crate::regions::QueryScorer;

/// How a label is read.
pub(super) struct LabelScales {
    /// With images as wholes, as [`crate::Engine::tag`] reads it.
    pub of_images: Scale,
    /// With their regions, as [`crate::Engine::find`] reads it.
    pub of_regions: QueryScorer,
}

impl LabelScales {
    /// In bytes, to be kept: `length of the first (4) | of images | of regions`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let of_images = self.of_images.to_bytes();
        let mut bytes = (of_images.len() as u32).to_le_bytes().to_vec();
        bytes.extend(of_images);
        bytes.extend(self.of_regions.to_bytes());
        bytes
    }

    /// Reads what [`LabelScales::to_bytes`] wrote, for vectors of `dim` values.
    pub fn from_bytes(bytes: &[u8], dim: usize) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk()?;
        let (of_images, of_regions) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let of_images = Scale::from_bytes(of_images, dim)?;
        Some(Self { of_images, of_regions: QueryScorer::from_bytes(of_regions, dim)? })
    }
}
