//! Limits that a graph is built by, derived from [`HnswParams`]: links of a node, candidates,
//! levels.

use super::HnswParams;
use super::node::Level;

/// How a graph is built, derived from what users set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rules {
    /// Children of a node in the tree at most.
    pub(super) m: usize,
    /// Candidates for the links of a new node.
    pub(super) ef_construction: usize,
    /// Draws the levels.
    pub(super) seed: u64,
    /// How much nearer to a neighbour than to the node a candidate must be to be passed over
    /// (Vamana's alpha). A little above 1 keeps more of the long links.
    pub(super) alpha: f32,
    /// Links of a new node at most, and the number up to which passed over ones fill them up.
    pub(super) new_links: usize,
    pub(super) new_fill: usize,
    /// Links that stay when a list overflows: fewer than fit, so that it does not overflow again at
    /// once.
    pub(super) prune_to: usize,
    /// Level of the entry points of a small graph: one in `M` nodes.
    pub(super) lowest: Level,
    /// Entry points of a search at most; above, every second one goes, down to this level: with
    /// fewer, clusters without an entry point are hard to find.
    pub(super) entry_points: usize,
    pub(super) highest: Level,
    /// Entry points that a search starts from.
    pub(super) starts: usize,
}

impl Rules {
    pub(super) fn new(params: HnswParams) -> Self {
        let m = params.m;
        Self {
            m,
            ef_construction: params.ef_construction,
            seed: 1,
            alpha: 1.1,
            new_links: 2 * m,
            new_fill: m,
            prune_to: (2 * m - m / 4).max(m + 1),
            lowest: Level(m.ilog2() as u8),
            entry_points: 1 << 15,
            highest: Level(m.ilog2() as u8 + 2),
            starts: 8,
        }
    }
}

/// What does not hold, in words, unless it does.
pub(super) fn require(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
