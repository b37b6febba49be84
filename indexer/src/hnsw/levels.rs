//! The level of a node: drawn from its number and the seed, so that it needs no place to be kept
//! and no order of insertion can change it.

use super::{Level, Node};

/// The level of `node`: one in two nodes of a level also belongs to the next.
pub(super) fn level_of(node: Node, seed: u64) -> Level {
    Level(mix(seed ^ u64::from(node.0).wrapping_mul(0x9e37_79b9_7f4a_7c15)).leading_zeros() as u8)
}

/// The finaliser of SplitMix64.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
