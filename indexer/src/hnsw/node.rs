//! Nodes, how high they stand, and how far they are.

use crate::vectors::Slot;

/// A vector's place in the graph: the slot of its row in the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node(pub u32);

/// How high a node stands: one in two nodes of a level also belongs to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Level(pub(super) u8);

impl Node {
    /// The node of the vector in a slot.
    #[inline]
    pub(crate) fn of(slot: Slot) -> Self {
        Self(slot.0)
    }

    /// Where its vector is.
    #[inline]
    pub(crate) fn slot(self) -> Slot {
        Slot(self.0)
    }

    #[inline]
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A node and its distance, `1 - cosine`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Near {
    pub(super) distance: f32,
    pub(super) node: Node,
}

impl Near {
    /// Nearest first; equal distances by node, so that every order is the same on every run.
    pub(super) fn by_distance(&self, other: &Self) -> std::cmp::Ordering {
        self.distance.total_cmp(&other.distance).then(self.node.cmp(&other.node))
    }
}
