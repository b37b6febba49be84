//! Which nodes a search has seen: one bit each, and a list by which the bits are cleared again.

use super::Node;

#[derive(Debug, Default)]
pub(super) struct Visited {
    bits: Vec<u64>,
    seen: Vec<Node>,
}

impl Visited {
    /// Forgets everything and makes room for `nodes` nodes.
    pub(super) fn reset(&mut self, nodes: usize) {
        for node in self.seen.drain(..) {
            self.bits[node.index() / 64] = 0;
        }
        if self.bits.len() * 64 < nodes {
            self.bits.resize(nodes.div_ceil(64), 0);
        }
    }

    /// True if the node was not seen before.
    #[inline]
    pub(super) fn insert(&mut self, node: Node) -> bool {
        let (word, bit) = (&mut self.bits[node.index() / 64], 1 << (node.0 % 64));
        let new = *word & bit == 0;
        if new {
            *word |= bit;
            self.seen.push(node);
        }
        new
    }
}
