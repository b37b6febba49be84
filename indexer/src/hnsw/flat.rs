//! A graph as flat memory: how a snapshot keeps the whole of it, and a graph made of that again.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use rayon::prelude::*;

use super::links::{Links, NONE};
use super::{Change, Hnsw, HnswParams, Node, NodeRecord, Rules};
use crate::fair;
use crate::vectors::ExactScan;

/// The links of a graph that is being read. All of it is written by many threads at once, in any
/// order, and looked through at the end ([`Hnsw::of_flat`]): nothing that it is given needs to be
/// true.
pub(crate) struct FlatGraph {
    params: HnswParams,
    links: Links,
}

impl FlatGraph {
    /// Room for `nodes` nodes that are not there yet.
    pub(crate) fn new(params: HnswParams, nodes: usize) -> Self {
        let mut links = Links::new(2 * params.bounded().m);
        links.grow(nodes);
        Self { params, links }
    }

    /// Words of the lists of all nodes.
    pub(crate) fn list_words(&self) -> usize {
        self.links.flat()[0].len()
    }

    /// Writes words of the lists from the one with number `first` on.
    pub(crate) fn set_lists(&self, first: usize, words: &[u32]) {
        set(self.links.flat()[0], first, words);
    }

    /// Writes the parents of the nodes from `first` on.
    pub(crate) fn set_parents(&self, first: usize, words: &[u32]) {
        set(self.links.flat()[1], first, words);
    }

    /// Says which node has no parent.
    pub(crate) fn set_root(&self, root: Option<Node>) {
        self.links.set_root(root);
    }

    /// Makes nodes, in order of nodes, what their records say now, and room for those that are new.
    /// False if that cannot be.
    pub(crate) fn put(&mut self, changes: &[Change]) -> bool {
        self.links.grow(changes.last().map_or(0, |(node, _)| node.index() + 1));
        if changes.iter().any(|(node, _)| self.links.root() == Some(*node)) {
            self.set_root(None);
        }
        changes.iter().all(|(node, record)| self.put_one(*node, record.as_ref()))
    }

    /// Makes a node what its record says, for which there is room, or no node at all. False if that
    /// cannot be.
    fn put_one(&self, node: Node, record: Option<&NodeRecord>) -> bool {
        let none = (None, &[][..]);
        let (parent, links) = record.map_or(none, |record| (record.parent, &record.links[..]));
        if links.len() > self.links.slots() {
            return false;
        }
        self.links.set(node, links);
        set(self.links.flat()[1], node.index(), &[parent.map_or(NONE, |parent| parent.0)]);
        if record.is_some() && parent.is_none() {
            let only = self.links.root().is_none();
            self.set_root(Some(node));
            return only;
        }
        true
    }

    /// True if every node is linked with nodes alone, its parent among them, and nothing else is
    /// linked.
    fn is_closed(&self) -> bool {
        let links = &self.links;
        let closed = |node: u32| {
            let node = Node(node);
            if !links.contains(node) {
                return links.of(node).next().is_none();
            }
            let parent = links.parent(node);
            let mut linked_with_parent = parent.is_none();
            let known = links.of(node).all(|other| {
                linked_with_parent |= parent == Some(other);
                other != node && links.contains(other)
            });
            known && linked_with_parent
        };
        (0..links.len() as u32).into_par_iter().all(closed)
    }
}

fn set(all: &[AtomicU32], first: usize, words: &[u32]) {
    all[first..].iter().zip(words).for_each(|(to, &word)| to.store(word, Relaxed));
}

impl Hnsw {
    /// Words of the lists of all nodes and of their parents, and the root.
    pub(crate) fn flat_sizes(&self) -> ([usize; 2], Option<Node>) {
        let graph = fair::read(&self.graph);
        (graph.links.flat().map(<[AtomicU32]>::len), graph.links.root())
    }

    /// Words of the lists of all nodes (`part` 0) or of their parents (1), as they are now. There
    /// are never fewer than [`Hnsw::flat_sizes`] said.
    pub(crate) fn flat_words(&self, part: usize, range: Range<usize>) -> Vec<u32> {
        let graph = fair::read(&self.graph);
        graph.links.flat()[part][range].iter().map(|word| word.load(Relaxed)).collect()
    }

    /// A graph whose links were read. The scan has the vectors in the slots of their nodes.
    ///
    /// # Errors
    /// In words, if it cannot be a graph.
    pub(crate) fn of_flat(vectors: Arc<ExactScan>, flat: FlatGraph) -> Result<Self, String> {
        let params = flat.params.bounded();
        let rules = Rules::new(params);
        if !flat.is_closed() {
            return Err("links lead out of the graph".to_owned());
        }
        let FlatGraph { mut links, .. } = flat;
        if !links.count_children(rules.m) {
            return Err("a node has too many children".to_owned());
        }
        let hnsw = Self::empty(vectors, params);
        {
            let rows = hnsw.vectors.read();
            links.grow(rows.len());
            let nodes: Vec<Node> = (0..links.len() as u32).map(Node).filter(|&node| links.contains(node)).collect();
            if nodes.iter().any(|node| rows.owner(node.slot()).is_none()) || links.root().is_some() == nodes.is_empty()
            {
                return Err("nodes and vectors do not belong together".to_owned());
            }
            let mut graph = hnsw.graph.write();
            graph.links = links;
            graph.complete(hnsw.space(&rows), &nodes);
        }
        Ok(hnsw)
    }
}
