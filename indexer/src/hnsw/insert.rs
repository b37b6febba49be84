//! Inserting: each node of a batch looks for its neighbours in the graph as it was and among the
//! batch, then all are linked at once.

use std::sync::atomic::Ordering::Relaxed;

use rayon::prelude::*;

use super::levels::level_of;
use super::scratch::Scratch;
use super::select::{Quota, Selection};
use super::{Graph, Near, Node, Query, Space};

/// Nodes of a batch at most: each is compared with all others.
const BATCH: usize = 512;
/// A batch is at most this share of the graph, since its nodes see little of each other.
const SHARE: usize = 8;
/// Others of the same batch that are candidates.
const PEERS: usize = 32;
/// Below this number of nodes, handing out work costs more than it saves.
const PARALLEL: usize = 4;

impl Graph {
    /// Inserts nodes whose vectors are in the arena, batch by batch. Gives the nodes whose links
    /// changed.
    #[cfg(test)]
    pub fn insert(&self, space: Space<'_>, nodes: &[Node]) -> Vec<Node> {
        let mut changed = Vec::new();
        for mut rest in self.in_order(nodes) {
            while !rest.is_empty() {
                let later = rest.split_off(self.batch_size().min(rest.len()));
                changed.append(&mut self.insert_batch(space, &rest));
                rest = later;
            }
        }
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    /// The entry points come first, so that all others start near where they belong.
    pub fn in_order(&self, nodes: &[Node]) -> [Vec<Node>; 2] {
        let is_guide = |node: &Node| level_of(*node, self.rules.seed) >= self.rules.lowest;
        let (entry_points, others) = nodes.iter().copied().partition(is_guide);
        [entry_points, others]
    }

    /// Nodes that [`Graph::insert_batch`] takes at once.
    pub fn batch_size(&self) -> usize {
        (self.len() / SHARE).clamp(1, BATCH)
    }

    /// Inserts some nodes, up to [`Graph::batch_size`], whose vectors are in the arena and that are
    /// not in the graph, on all threads of the current pool. The graph does not depend on their
    /// number. Gives the nodes whose links changed, which may name one more than once.
    pub fn insert_batch(&self, space: Space<'_>, batch: &[Node]) -> Vec<Node> {
        let find = |work: &mut Finder, at: usize| self.find_neighbours(space, batch, at, work);
        let found: Vec<Found> = if batch.len() < PARALLEL {
            let mut work = Finder::default();
            (0..batch.len()).map(|at| find(&mut work, at)).collect()
        } else {
            (0..batch.len()).into_par_iter().map_init(Finder::default, find).collect()
        };
        let mut pairs = Vec::new();
        for (at, (&node, found)) in batch.iter().zip(&found).enumerate() {
            let older = |near: &&Near| batch[at..].iter().all(|&other| other != near.node);
            let open = |near: &&Near| self.links.children(near.node) < self.rules.m;
            let parent = found.candidates.iter().filter(older).find(open).map(|near| near.node);
            match parent.or_else(|| self.links.root().and_then(|root| self.with_room(root))) {
                Some(parent) => {
                    self.links.set_parent(node, Some(parent));
                    pairs.push((node, parent));
                }
                None => self.links.set_root(Some(node)),
            }
            pairs.extend(found.chosen.iter().map(|&other| (node, other)));
        }
        let mut changed = self.connect(space, &pairs);
        changed.extend_from_slice(batch);
        self.entry_points.write().add(space, &self.rules, batch);
        self.count.fetch_add(batch.len(), Relaxed);
        changed
    }

    /// A node below this one, or itself, with room for another child: at the latest there is one
    /// where the tree ends.
    pub(super) fn with_room(&self, mut node: Node) -> Option<Node> {
        while self.links.children(node) >= self.rules.m {
            node = self.links.of(node).find(|&child| self.links.parent(child) == Some(node))?;
        }
        Some(node)
    }

    fn find_neighbours(&self, space: Space<'_>, batch: &[Node], at: usize, work: &mut Finder) -> Found {
        let Finder { query, peers, distances, candidates, selection } = work;
        let node = batch[at];
        space.lower(node, query);
        let vector = space.arena.get(node.slot()).decode();
        candidates.clear();
        self.with_scratch(|scratch: &mut Scratch| {
            self.search(space, query, &vector, self.rules.ef_construction, scratch, |_| {});
            candidates.extend(scratch.found());
        });
        if batch.len() > 1 {
            space.distances(query, batch, distances);
            peers.clear();
            let all = batch.iter().zip(distances.iter()).map(|(&node, &distance)| Near { distance, node });
            peers.extend(all.filter(|near| near.node != node));
            if peers.len() > PEERS {
                peers.select_nth_unstable_by(PEERS, Near::by_distance);
                peers.truncate(PEERS);
            }
            candidates.append(peers);
        }
        candidates.sort_unstable_by(Near::by_distance);
        let quota = Quota { most: self.rules.new_links, fill: self.rules.new_fill };
        selection.choose(space, &self.rules, candidates, quota, |_| false);
        Found { chosen: selection.kept.iter().map(|near| near.node).collect(), candidates: candidates.clone() }
    }
}

struct Found {
    /// Nearest first.
    candidates: Vec<Near>,
    chosen: Vec<Node>,
}

#[derive(Debug, Default)]
struct Finder {
    query: Query,
    peers: Vec<Near>,
    distances: Vec<f32>,
    candidates: Vec<Near>,
    selection: Selection,
}
