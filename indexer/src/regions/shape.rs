//! Where regions are.

use std::sync::Arc;

use glimpse_encoder::dense::{Rect, RegionMap};

/// Where a region is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegionShape {
    /// The box around it.
    pub rect: Rect,
    /// Share of the image that it covers.
    pub area: f32,
    /// Its leaves, as bits: regions that share one are nested.
    pub leaves: u32,
}

impl RegionShape {
    /// Where a region of a map is.
    pub fn of(map: &RegionMap, region: usize) -> Self {
        Self { rect: map.rect(region), area: map.area(region), leaves: map.members()[region] }
    }
}

/// Where the regions of an image are, in their order.
pub(crate) type Shapes = Arc<[RegionShape]>;

/// Where the regions of a map are.
pub(crate) fn shapes(map: &RegionMap) -> Shapes {
    (0..map.len()).map(|region| RegionShape::of(map, region)).collect()
}
