//! Searching: from the entry points, always expanding the nearest node not yet expanded, until the
//! best are all expanded.

#[cfg(test)]
use super::Node;
use super::scratch::Scratch;
use super::{Graph, Near, Query, Space};
#[cfg(test)]
use crate::vectors::LikeBits;

impl Graph {
    /// Finds up to `ef` nodes near a vector; they are left in `scratch`. `see` is told of every
    /// node that is compared.
    pub(super) fn search(
        &self,
        space: Space<'_>,
        query: &Query,
        vector: &[f32],
        ef: usize,
        scratch: &mut Scratch,
        mut see: impl FnMut(Near),
    ) {
        let Scratch { visited, frontier, alike, batch, distances } = scratch;
        visited.reset(self.links.len());
        frontier.reset(ef);
        batch.clear();
        self.entry_points.read().nearest(space.kernel, vector, self.rules.starts, alike, batch);
        batch.extend(self.links.root());
        batch.retain(|&node| visited.insert(node));
        loop {
            space.distances(query, batch, distances);
            for (&node, &distance) in batch.iter().zip(distances.iter()) {
                let near = Near { distance, node };
                see(near);
                frontier.push(near);
            }
            let Some(node) = frontier.expand_next() else { return };
            if let Some(next) = frontier.peek() {
                space.kernel.prefetch(self.links.memory_of(next));
            }
            batch.clear();
            batch.extend(self.links.of(node).filter(|&node| visited.insert(node)));
        }
    }

    /// Where a search for a vector starts.
    #[cfg(test)]
    pub(super) fn starts(&self, space: Space<'_>, vector: &[f32]) -> Vec<Node> {
        let mut starts = Vec::new();
        self.entry_points.read().nearest(
            space.kernel,
            vector,
            self.rules.starts,
            &mut LikeBits::default(),
            &mut starts,
        );
        starts.extend(self.links.root().filter(|root| !starts.contains(root)));
        starts
    }
}
