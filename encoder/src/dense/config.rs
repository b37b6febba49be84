//! Every choice on the way from patches to regions, with the measurement that made it.

use crate::Projection;

/// Most leaves of an image: the leaves of a region are the bits of a `u32`.
pub const MAX_LEAVES: usize = 32;
/// Most regions of an image: leaves and their merges.
pub const MAX_REGIONS: usize = 2 * MAX_LEAVES - 1;
/// Longest side of a grid that is cut into regions; finer ones are averaged down first.
pub const MAX_SIDE: usize = 60;

/// The choices. Defaults were picked by measurements that stand in `benches/RESULTS-regions.md`;
/// `glimpse eval regions` repeats them for another model (`--leaves`, `--affinity`, `--projection`,
/// `--detail`).
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DenseConfig {
    /// Leaves of an image, [`MAX_LEAVES`] at most. With their merges they are `2 * leaves - 1`
    /// regions. 8 leaves cost 5 points of the oracle that 16 reach, 24 add 1 for half as many bytes
    /// again (`benches/RESULTS-regions.md`).
    pub leaves: usize,
    /// A small grid has no more than one leaf for so many patches.
    pub patches_per_leaf: usize,
    /// Leaves of fewer patches are given to a neighbour.
    pub smallest: usize,
    /// What patches are grouped by: 93 % of objects have a region with the right box either way;
    /// with weaker weights tokens were 3 points ahead.
    pub affinity: Affinity,
    /// How far the mean token of a region goes through the pooling head. Full: the best patch lies
    /// on the object in 91 % of cases, 75 % without the MLP.
    pub projection: Projection,
    /// Patches along the shorter side of the image, in sides of the model's own grid; above 1 the
    /// image is read in overlapping windows at the model's own size: 2 has the right box for 84 %
    /// of objects instead of 67 %, for ten passes instead of one. Fixed resolution only.
    pub detail: f32,
}

/// What patches are grouped by. Neither looks at a query: regions are made once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Affinity {
    /// Tokens after the last norm.
    Tokens,
    /// Their text-aligned vectors.
    Aligned,
}

impl Default for DenseConfig {
    fn default() -> Self {
        Self {
            leaves: 16,
            patches_per_leaf: 4,
            smallest: 2,
            affinity: Affinity::Tokens,
            projection: Projection::Full,
            detail: 1.0,
        }
    }
}
