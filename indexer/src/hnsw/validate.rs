//! What must hold of a graph at any time when nobody is changing it.
//!
//! A large graph is checked part by part, so that those who change it need not wait for all of it:
//! links are checked node by node, and the tree that holds all together on a copy.

use std::sync::atomic::Ordering::Relaxed;

use super::rules::require;
use super::{Graph, Hnsw, Node, Space};
use crate::fair;
use crate::vectors::Rows;

impl Hnsw {
    /// Checks everything that must hold of the graph, save that every vector has a node. Changes
    /// wait meanwhile.
    ///
    /// # Errors
    /// What does not hold, in words.
    pub fn validate(&self) -> Result<(), String> {
        let _writer = self.writer.lock();
        let rows = self.vectors.read();
        let graph = fair::read(&self.graph);
        graph.validate(self.space(&rows), live(&graph, &rows))
    }

    /// Checks which nodes there are, and gives the tree among them, to be checked without the
    /// graph.
    ///
    /// # Errors
    /// As [`Hnsw::validate`].
    pub(crate) fn validate_nodes(&self) -> Result<Tree, String> {
        let _writer = self.writer.lock();
        let rows = self.vectors.read();
        let graph = fair::read(&self.graph);
        graph.validate_nodes(self.space(&rows), live(&graph, &rows))
    }

    /// Checks the links of `count` nodes from `first` on; false behind the last one.
    ///
    /// # Errors
    /// As [`Hnsw::validate`].
    pub(crate) fn validate_links(&self, first: Node, count: u32) -> Result<bool, String> {
        let _writer = self.writer.lock();
        let rows = self.vectors.read();
        let graph = fair::read(&self.graph);
        let (live, all) = (live(&graph, &rows), graph.links.len() as u32);
        let nodes = first.0..all.min(first.0.saturating_add(count));
        nodes.map(Node).filter(|&node| live(node)).try_for_each(|node| graph.validate_links(node, &live))?;
        Ok(first.0 < all)
    }
}

/// Nodes that are linked, and whose vectors are there.
fn live(graph: &Graph, rows: &Rows) -> impl Fn(Node) -> bool {
    |node| graph.links.contains(node) && rows.owner(node.slot()).is_some()
}

/// The parents of the nodes of a graph at one moment.
pub(crate) struct Tree {
    root: Option<Node>,
    nodes: Vec<Node>,
    /// By node.
    parents: Vec<Option<Node>>,
}

impl Tree {
    /// Checks that following parents leads from every node to the root.
    ///
    /// # Errors
    /// What does not hold, in words.
    pub(crate) fn validate(&self) -> Result<(), String> {
        require(self.root.is_some() != self.nodes.is_empty(), || "there must be a root if there are nodes".to_owned())?;
        let mut reaches = vec![false; self.parents.len()];
        for &node in &self.nodes {
            let (mut at, mut path) = (node, Vec::new());
            while !reaches[at.index()] && Some(at) != self.root {
                path.push(at);
                let parent = self.parents[at.index()].filter(|parent| parent.index() < self.parents.len());
                at = parent.ok_or_else(|| format!("{at:?} has no parent"))?;
                require(path.len() <= self.nodes.len(), || "parents go round in a circle".to_owned())?;
            }
            path.into_iter().for_each(|node| reaches[node.index()] = true);
        }
        Ok(())
    }
}

impl Graph {
    /// Checks that exactly the `live` nodes are in the graph, that links are mutual and lead to
    /// live nodes, that the tree reaches every node from the root, and that the entry points are
    /// those that they should be.
    ///
    /// # Errors
    /// What does not hold, in words.
    pub fn validate(&self, space: Space<'_>, live: impl Fn(Node) -> bool) -> Result<(), String> {
        let tree = self.validate_nodes(space, &live)?;
        tree.nodes.iter().try_for_each(|&node| self.validate_links(node, &live))?;
        tree.validate()
    }

    /// Checks that exactly the `live` nodes are in the graph, and that the entry points are those
    /// that they should be.
    fn validate_nodes(&self, space: Space<'_>, live: impl Fn(Node) -> bool) -> Result<Tree, String> {
        let (nodes, dead): (Vec<_>, Vec<_>) = (0..self.links.len() as u32).map(Node).partition(|&node| live(node));
        for node in dead {
            require(!self.links.contains(node) && self.links.of(node).next().is_none(), || {
                format!("{node:?} is removed, but linked")
            })?;
        }
        require(nodes.len() == self.count.load(Relaxed), || "the number of nodes is wrong".to_owned())?;
        self.entry_points.read().validate(space, &self.rules, &nodes)?;
        let parents = (0..self.links.len() as u32).map(|node| self.links.parent(Node(node))).collect();
        Ok(Tree { root: self.links.root(), nodes, parents })
    }

    /// Checks that a node's links are mutual and lead to live nodes, its parent among them.
    fn validate_links(&self, node: Node, live: impl Fn(Node) -> bool) -> Result<(), String> {
        let mut neighbours: Vec<Node> = self.links.of(node).collect();
        for &other in &neighbours {
            let sound = other != node && other.index() < self.links.len() && live(other);
            require(sound, || format!("{node:?} is linked with {other:?}, which cannot be"))?;
            let mutual = self.links.of(other).any(|back| back == node);
            require(mutual, || format!("{node:?} is linked with {other:?}, which does not know it"))?;
        }
        let parent = self.links.parent(node);
        require(parent.is_none_or(|parent| neighbours.contains(&parent)), || {
            format!("{node:?} is not linked with its parent")
        })?;
        let count = neighbours.len();
        neighbours.sort_unstable();
        neighbours.dedup();
        require(neighbours.len() == count, || format!("{node:?} is linked twice with a node"))?;
        let children = neighbours.iter().filter(|&&other| self.links.parent(other) == Some(node)).count();
        require(children == self.links.children(node) && children <= self.rules.m, || {
            format!("{node:?} has {children} children, and counts {}", self.links.children(node))
        })
    }
}
