//! Removing: a node leaves the lists of its neighbours, which are then offered links among
//! themselves.
//!
//! Links are mutual, so nothing points to a removed node any more, and its place can be used again
//! at once.

use std::sync::atomic::Ordering::Relaxed;

use super::{Graph, Near, Node, Query, Space};

/// New links that a former neighbour is offered.
const OFFERS: usize = 4;

impl Graph {
    /// Removes a node, whose vector is still in the arena. Gives the nodes whose links changed,
    /// itself included.
    pub fn remove(&self, space: Space<'_>, node: Node) -> Vec<Node> {
        if !self.links.contains(node) {
            return Vec::new();
        }
        self.entry_points.write().remove(node);
        let neighbours: Vec<Node> = self.links.of(node).collect();
        neighbours.iter().for_each(|&other| {
            self.links.take(other, node);
        });
        let mut pairs = self.orphans(space, node, &neighbours);
        self.links.set(node, &[]);
        self.count.fetch_sub(1, Relaxed);
        pairs.extend(self.offers(space, &neighbours));
        let mut changed = self.connect(space, &pairs);
        changed.extend(neighbours);
        changed.push(node);
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    /// Gives the children of a node other parents; gives the new links of the tree. A child goes to
    /// its grandparent or to a child that was placed before it, whichever is nearest: no way up can
    /// come back to where it started.
    fn orphans(&self, space: Space<'_>, node: Node, neighbours: &[Node]) -> Vec<(Node, Node)> {
        let children = neighbours.iter().copied().filter(|&child| self.links.parent(child) == Some(node));
        let mut homes: Vec<Node> = self.links.parent(node).into_iter().collect();
        self.links.set_parent(node, None);
        if homes.is_empty() {
            self.links.set_root(None);
        }
        let mut pairs = Vec::new();
        let mut query = Query::default();
        for child in children {
            space.lower(child, &mut query);
            let open = homes.iter().copied().filter(|&home| self.links.children(home) < self.rules.m);
            let nearest = open.map(|node| Near { distance: space.distance(&query, node), node });
            let nearest = nearest.min_by(Near::by_distance).map(|near| near.node);
            let parent = nearest.or_else(|| homes.first().and_then(|&home| self.with_room(home)));
            self.links.set_parent(child, parent);
            match parent {
                Some(parent) => pairs.push((child, parent)),
                None => self.links.set_root(Some(child)),
            }
            homes.push(child);
        }
        pairs
    }

    /// For each node, the nearest of the others that it is not linked with.
    fn offers(&self, space: Space<'_>, nodes: &[Node]) -> Vec<(Node, Node)> {
        let (mut query, mut distances, mut near) = (Query::default(), Vec::new(), Vec::new());
        let mut pairs = Vec::new();
        for &node in nodes {
            space.lower(node, &mut query);
            space.distances(&query, nodes, &mut distances);
            near.clear();
            near.extend(nodes.iter().zip(&distances).map(|(&node, &distance)| Near { distance, node }));
            let linked: Vec<Node> = self.links.of(node).collect();
            near.retain(|near| near.node != node && !linked.contains(&near.node));
            near.sort_unstable_by(Near::by_distance);
            pairs.extend(near.iter().take(OFFERS).map(|near| (node, near.node)));
        }
        pairs
    }
}
