//! What must hold of a graph at any time when nobody is changing it.

use std::sync::atomic::Ordering::Relaxed;

use super::rules::require;
use super::{Graph, Node, Space};

impl Graph {
    /// Checks that exactly the `live` nodes are in the graph, that links are mutual and lead to
    /// live nodes, that the tree reaches every node from the root, and that the entry points are
    /// those that they should be.
    ///
    /// # Errors
    /// What does not hold, in words.
    pub fn validate(&self, space: Space<'_>, live: impl Fn(Node) -> bool) -> Result<(), String> {
        let nodes: Vec<Node> = (0..self.links.len() as u32).map(Node).filter(|&node| live(node)).collect();
        let dead = (0..self.links.len() as u32).map(Node).filter(|&node| !live(node));
        for node in dead {
            require(!self.links.contains(node) && self.links.of(node).next().is_none(), || {
                format!("{node:?} is removed, but linked")
            })?;
        }
        require(nodes.len() == self.count.load(Relaxed), || "the number of nodes is wrong".to_owned())?;
        nodes.iter().try_for_each(|&node| self.validate_links(node, &live))?;
        self.validate_tree(&nodes)?;
        self.entry_points.read().validate(space, &self.rules, &nodes)
    }

    fn validate_links(&self, node: Node, live: impl Fn(Node) -> bool) -> Result<(), String> {
        let mut neighbours: Vec<Node> = self.links.of(node).collect();
        for &other in &neighbours {
            let sound = other != node && other.index() < self.links.len() && live(other);
            require(sound, || format!("{node:?} is linked with {other:?}, which cannot be"))?;
            let mutual = self.links.of(other).any(|back| back == node);
            require(mutual, || format!("{node:?} is linked with {other:?}, which does not know it"))?;
        }
        let count = neighbours.len();
        neighbours.sort_unstable();
        neighbours.dedup();
        require(neighbours.len() == count, || format!("{node:?} is linked twice with a node"))?;
        let children = neighbours.iter().filter(|&&other| self.links.parent(other) == Some(node)).count();
        require(children == self.links.children(node) && children <= self.rules.m, || {
            format!("{node:?} has {children} children, and counts {}", self.links.children(node))
        })
    }

    fn validate_tree(&self, nodes: &[Node]) -> Result<(), String> {
        let root = self.links.root();
        require(root.is_some() != nodes.is_empty(), || "there must be a root if there are nodes".to_owned())?;
        // Every node has one parent at most, so walking from parents to children finds no node twice; it finds all if
        // and only if there is no circle.
        let mut reached: Vec<Node> = root.into_iter().collect();
        let mut at = 0;
        while let Some(&node) = reached.get(at) {
            reached.extend(self.links.of(node).filter(|&child| self.links.parent(child) == Some(node)));
            at += 1;
            require(reached.len() <= nodes.len(), || "parents go round in a circle".to_owned())?;
        }
        require(reached.len() == nodes.len(), || {
            format!("{} of {} nodes cannot be reached", nodes.len() - reached.len(), nodes.len())
        })
    }
}
