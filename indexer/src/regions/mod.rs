//! Regions of images: how they are stored, and how they are searched.
//!
//! An image has up to 63 nested regions, each with a vector in the space of embeddings, and a map
//! that says which patches it covers. In the store they are a few small values beside the image's
//! record ([`format`]), written in the same step. They are searched in mapped files made of these
//! ([`cells`]), and what came since, or is too little for files, in memory ([`RegionIndex`]). If
//! asked, labels of regions are kept too ([`tags`]).

pub(crate) mod cells;
pub(crate) mod format;
mod library;
mod region_index;
mod shape;
pub(crate) mod tags;

pub use library::{RegionLibrary, RegionScorer, RegionSelection};
pub(crate) use region_index::keyed;
pub use region_index::{RegionIndex, RegionQuery};
pub use shape::RegionShape;
pub(crate) use shape::{Shapes, shapes};
pub use tags::{RegionLabel, RegionLabelSet, StoredRegionTag};

use crate::{ImageId, VectorId};

/// A region of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct RegionId {
    /// The image.
    pub image: ImageId,
    /// The region in the image's map: leaves first, then their merges.
    pub region: u8,
}

/// A region and its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredRegion {
    /// The region.
    pub id: RegionId,
    /// Cosine, higher is better.
    pub score: f32,
}

/// Bits of a number for the region; the others are the image's.
const BITS: u32 = 6;

impl RegionId {
    /// The number under which a vector index knows the region. Regions of one image share a word of
    /// an [`crate::IdSet`].
    pub(crate) fn key(self) -> VectorId {
        VectorId(self.image.0 << BITS | u64::from(self.region))
    }

    pub(crate) fn of_key(key: VectorId) -> Self {
        Self { image: ImageId(key.0 >> BITS), region: (key.0 & ((1 << BITS) - 1)) as u8 }
    }
}

#[cfg(test)]
mod tests {
    use glimpse_encoder::dense::MAX_REGIONS;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_read_back(image in 0..1u64 << (64 - BITS), region in 0..MAX_REGIONS as u8) {
            let id = RegionId { image: ImageId(image), region };
            prop_assert_eq!(RegionId::of_key(id.key()), id);
        }
    }
}
