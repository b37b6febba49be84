//! Distances between rows of an arena, and between a query and rows.

use super::Node;
use crate::vectors::{Arena, Kernel, Probe};

/// Where distances come from.
#[derive(Clone, Copy)]
pub(super) struct Space<'a> {
    pub(super) arena: &'a Arena,
    pub(super) kernel: Kernel,
}

/// What rows are compared with.
#[derive(Debug, Clone, Default)]
pub(super) struct Query {
    pub(super) probe: Probe,
    pub(super) scale: f32,
}

impl Space<'_> {
    /// Makes `query` the vector of a node.
    pub(super) fn lower(&self, node: Node, query: &mut Query) {
        query.probe.lower(self.arena.row(node.slot()), self.arena.dim());
        query.scale = self.arena.scale(node.slot());
    }

    #[inline]
    pub(super) fn distance(&self, query: &Query, node: Node) -> f32 {
        let dot = self.kernel.dot(&query.probe, self.arena.row(node.slot()));
        1.0 - query.scale * self.arena.scale(node.slot()) * dot as f32
    }

    #[inline]
    pub(super) fn prefetch(&self, node: Node) {
        self.kernel.prefetch(self.arena.row(node.slot()));
    }

    /// Distances to many nodes; rows are asked for before they are needed.
    #[inline]
    pub(super) fn distances(&self, query: &Query, nodes: &[Node], out: &mut Vec<f32>) {
        out.clear();
        const AHEAD: usize = 4;
        nodes.iter().take(AHEAD).for_each(|&node| self.prefetch(node));
        let (fours, rest) = nodes.as_chunks::<4>();
        for (i, four) in fours.iter().enumerate() {
            nodes.iter().skip(4 * i + AHEAD).take(4).for_each(|&node| self.prefetch(node));
            let dots = self.kernel.dot_four(&query.probe, four.map(|node| self.arena.row(node.slot())));
            out.extend(
                four.iter().zip(dots).map(|(node, dot)| 1.0 - query.scale * self.arena.scale(node.slot()) * dot as f32),
            );
        }
        out.extend(rest.iter().map(|&node| self.distance(query, node)));
    }
}
