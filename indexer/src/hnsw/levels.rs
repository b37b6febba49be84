//! The level of a node: drawn from its number and the seed, so that it needs no place to be kept and no order of
//! insertion can change it.

use super::{Level, Node};

/// Highest level.
pub(super) const TOP: Level = Level(15);

/// The level of `node` where one in `ratio` nodes reaches the next level.
pub(super) fn level_of(node: Node, seed: u64, ratio: usize) -> Level {
    // 2^-53 at least, so that the logarithm is finite.
    let unit =
        ((mix(seed ^ u64::from(node.0).wrapping_mul(0x9e37_79b9_7f4a_7c15)) >> 11) + 1) as f64 / (1u64 << 53) as f64;
    let level = -unit.ln() / (ratio as f64).ln();
    Level((level as u8).min(TOP.0))
}

/// The finaliser of SplitMix64.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
