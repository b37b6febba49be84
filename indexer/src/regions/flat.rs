//! Where regions are, as flat pieces of memory, for snapshots.

use std::collections::HashMap;

use bytemuck::{Pod, Zeroable};
use glimpse_encoder::dense::{MAX_REGIONS, Rect};
use rayon::prelude::*;

use super::rows::{RegionIndex, RegionShape, Shapes};
use crate::ImageId;

/// Where all regions are.
pub(crate) struct FlatShapes {
    /// By number, rising.
    pub(crate) images: Vec<FlatImage>,
    /// Of one image after the other, in their order.
    pub(crate) shapes: Vec<FlatShape>,
}

/// An image and how many regions it has.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct FlatImage {
    image: u64,
    regions: u64,
}

/// As [`RegionShape`].
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct FlatShape {
    /// Left, top, right, bottom.
    rect: [f32; 4],
    area: f32,
    leaves: u32,
}

impl From<&RegionShape> for FlatShape {
    fn from(shape: &RegionShape) -> Self {
        let Rect { left, top, right, bottom } = shape.rect;
        Self { rect: [left, top, right, bottom], area: shape.area, leaves: shape.leaves }
    }
}

impl From<&FlatShape> for RegionShape {
    fn from(flat: &FlatShape) -> Self {
        let [left, top, right, bottom] = flat.rect;
        Self { rect: Rect { left, top, right, bottom }, area: flat.area, leaves: flat.leaves }
    }
}

impl FlatShapes {
    /// Where the regions of an index are.
    pub(crate) fn of(regions: &RegionIndex) -> Self {
        let all = regions.all_shapes();
        let mut images: Vec<(ImageId, &Shapes)> = all.iter().map(|(&image, shapes)| (image, shapes)).collect();
        images.sort_unstable_by_key(|(image, _)| *image);
        Self {
            shapes: images.iter().flat_map(|(_, shapes)| shapes.iter().map(FlatShape::from)).collect(),
            images: images
                .into_iter()
                .map(|(image, shapes)| FlatImage { image: image.0, regions: shapes.len() as u64 })
                .collect(),
        }
    }

    /// Each image's again; `None` if that cannot be.
    pub(crate) fn to_shapes(&self) -> Option<HashMap<ImageId, Shapes>> {
        let mut rest = self.shapes.as_slice();
        let mut cut = Vec::with_capacity(self.images.len());
        for image in &self.images {
            let count = usize::try_from(image.regions).ok().filter(|&count| count <= MAX_REGIONS)?;
            let (own, others) = rest.split_at_checked(count)?;
            cut.push((ImageId(image.image), own));
            rest = others;
        }
        let shapes = |(image, own): (ImageId, &[FlatShape])| (image, own.iter().map(RegionShape::from).collect());
        let all: HashMap<ImageId, Shapes> = cut.into_par_iter().map(shapes).collect();
        (rest.is_empty() && all.len() == self.images.len()).then_some(all)
    }
}
