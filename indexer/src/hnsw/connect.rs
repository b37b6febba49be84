//! Adds the links of new nodes to the graph, on all threads. Each side decides by itself; a link is
//! there if both want it.
//!
//! All wishes are gathered and handed out by node, each node decides on its own list, and whoever
//! was dropped drops in turn. No node waits for another, and the result does not depend on the
//! number of threads.

use rayon::prelude::*;

use super::select::{Quota, Selection};
use super::{Graph, Near, Node, Query, Space};

/// Below this number of nodes, handing out work costs more than it saves.
const PARALLEL: usize = 64;

impl Graph {
    /// Links pairs of nodes, as far as both sides want; links of the tree are always wanted. Gives
    /// the nodes whose lists changed, sorted.
    pub(super) fn connect(&self, space: Space<'_>, pairs: &[(Node, Node)]) -> Vec<Node> {
        let mut wishes: Vec<(Node, Node)> = pairs.iter().flat_map(|&(a, b)| [(a, b), (b, a)]).collect();
        wishes.sort_unstable();
        wishes.dedup();
        let by_node: Vec<&[(Node, Node)]> = wishes.chunk_by(|a, b| a.0 == b.0).collect();
        let decide = |work: &mut Work, wishes: &&[(Node, Node)]| self.decide(space, wishes, work);
        let dropped: Vec<(Node, Node)> = if by_node.len() < PARALLEL {
            let mut work = Work::default();
            by_node.iter().flat_map(|wishes| decide(&mut work, wishes)).collect()
        } else {
            by_node.par_iter().map_init(Work::default, decide).flatten_iter().collect()
        };
        let mut changed: Vec<Node> = by_node.iter().map(|wishes| wishes[0].0).collect();
        for &(node, neighbour) in &dropped {
            if self.links.take(node, neighbour) {
                changed.push(node);
            }
        }
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    /// Decides on the list of one node; gives `(neighbour, node)` for every neighbour that is not,
    /// or no longer, in it.
    fn decide(&self, space: Space<'_>, wishes: &[(Node, Node)], work: &mut Work) -> Vec<(Node, Node)> {
        let Work { query, all, distances, candidates, selection } = work;
        let node = wishes[0].0;
        all.clear();
        all.extend(self.links.of(node));
        let before = all.len();
        for &(_, wish) in wishes {
            if !all[..before].contains(&wish) {
                all.push(wish);
            }
        }
        if all.len() <= self.links.slots() {
            self.links.set(node, all);
            return Vec::new();
        }
        space.lower(node, query);
        space.distances(query, all, distances);
        candidates.clear();
        candidates.extend(all.iter().zip(distances.iter()).map(|(&node, &distance)| Near { distance, node }));
        candidates.sort_unstable_by(Near::by_distance);
        let quota = Quota { most: self.rules.prune_to, fill: self.rules.prune_to };
        selection.choose(space, &self.rules, candidates, quota, |other| self.links.holds(node, other));
        let kept: Vec<Node> = selection.kept.iter().map(|near| near.node).collect();
        self.links.set(node, &kept);
        all.iter().filter(|other| !kept.contains(other)).map(|&other| (other, node)).collect()
    }
}

#[derive(Debug, Default)]
struct Work {
    query: Query,
    all: Vec<Node>,
    distances: Vec<f32>,
    candidates: Vec<Near>,
    selection: Selection,
}
