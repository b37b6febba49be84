//! The links of all nodes in fixed slots of one flat array, and the tree among them that holds the
//! graph together.
//!
//! Every link is mutual: a node is in the list of each of its neighbours. So all that must change
//! when a node goes is in its own list.
//!
//! Every node but the root has a parent, which is one of its neighbours; a link between parent and
//! child is never dropped. As long as following parents always ends at the root, there is a path
//! between any two nodes.
//!
//! Lists are read while they change. A reader may then miss a link or see one twice, which costs a
//! search nothing.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed};

use super::Node;

/// No node: behind the last link of a list, and the parent of the root.
pub(super) const NONE: u32 = u32::MAX;

#[derive(Debug)]
pub(super) struct Links {
    /// Slots of a node.
    slots: usize,
    lists: Vec<AtomicU32>,
    parents: Vec<AtomicU32>,
    children: Vec<AtomicU8>,
    root: AtomicU32,
}

impl Links {
    pub(super) fn new(slots: usize) -> Self {
        Self { slots, lists: Vec::new(), parents: Vec::new(), children: Vec::new(), root: AtomicU32::new(NONE) }
    }

    /// Slots of a node: it has that many links at most.
    pub(super) fn slots(&self) -> usize {
        self.slots
    }

    /// Nodes for which there is room.
    pub(super) fn len(&self) -> usize {
        self.parents.len()
    }

    /// Makes room for `nodes` nodes.
    pub(super) fn grow(&mut self, nodes: usize) {
        let more = nodes.max(self.len()) - self.len();
        // An eighth at a time: doubling would waste half of the memory.
        let room = |capacity: usize, len: usize, more: usize| if capacity - len < more { more.max(len / 8) } else { 0 };
        let nodes = self.len() + more;
        let (more, links) = (room(self.parents.capacity(), self.len(), more), self.slots);
        self.lists.reserve_exact(more * links);
        self.parents.reserve_exact(more);
        self.children.reserve_exact(more);
        self.lists.resize_with(nodes * self.slots, || AtomicU32::new(NONE));
        self.parents.resize_with(nodes, || AtomicU32::new(NONE));
        self.children.resize_with(nodes, AtomicU8::default);
    }

    #[inline]
    fn list(&self, node: Node) -> &[AtomicU32] {
        &self.lists[node.index() * self.slots..][..self.slots]
    }

    /// The slots of a node, to be asked for early.
    #[inline]
    pub(super) fn memory_of(&self, node: Node) -> &[AtomicU32] {
        self.list(node)
    }

    /// The neighbours of a node.
    #[inline]
    pub(super) fn of(&self, node: Node) -> impl Iterator<Item = Node> + '_ {
        self.list(node).iter().map(|link| link.load(Relaxed)).take_while(|&link| link != NONE).map(Node)
    }

    /// Replaces the neighbours of a node.
    pub(super) fn set(&self, node: Node, neighbours: &[Node]) {
        debug_assert!(neighbours.len() <= self.slots);
        let links = neighbours.iter().map(|node| node.0).chain(std::iter::repeat(NONE));
        self.list(node).iter().zip(links).for_each(|(slot, link)| slot.store(link, Relaxed));
    }

    /// Takes one neighbour off a list; the last one takes its place.
    pub(super) fn take(&self, node: Node, neighbour: Node) -> bool {
        let mut neighbours: Vec<Node> = self.of(node).collect();
        let Some(at) = neighbours.iter().position(|&other| other == neighbour) else { return false };
        neighbours.swap_remove(at);
        self.set(node, &neighbours);
        true
    }

    // ---- as flat memory, for snapshots ----

    /// The slots of all nodes, one node after the other, and the parent of each.
    pub(super) fn flat(&self) -> [&[AtomicU32]; 2] {
        [&self.lists, &self.parents]
    }

    /// Counts the children of each node, whose parent was written as it lies; false if one has more
    /// than `most`.
    pub(super) fn count_children(&mut self, most: usize) -> bool {
        self.children.iter_mut().for_each(|count| *count.get_mut() = 0);
        let parents = self.parents.iter().filter_map(|parent| some(parent.load(Relaxed)));
        let mut counts =
            parents.map(|parent| self.children.get(parent.index()).map(|count| count.fetch_add(1, Relaxed)));
        counts.all(|before| before.is_some_and(|before| usize::from(before) < most))
    }

    // ---- the tree ----

    pub(super) fn root(&self) -> Option<Node> {
        some(self.root.load(Relaxed))
    }

    pub(super) fn set_root(&self, root: Option<Node>) {
        self.root.store(root.map_or(NONE, |node| node.0), Relaxed);
    }

    pub(super) fn parent(&self, node: Node) -> Option<Node> {
        some(self.parents[node.index()].load(Relaxed))
    }

    /// Number of nodes whose parent this one is.
    pub(super) fn children(&self, node: Node) -> usize {
        self.children[node.index()].load(Relaxed).into()
    }

    /// Gives a node another parent. The link itself is the caller's to make.
    pub(super) fn set_parent(&self, node: Node, parent: Option<Node>) {
        if let Some(old) = self.parent(node) {
            self.children[old.index()].fetch_sub(1, Relaxed);
        }
        if let Some(new) = parent {
            self.children[new.index()].fetch_add(1, Relaxed);
        }
        self.parents[node.index()].store(parent.map_or(NONE, |node| node.0), Relaxed);
    }

    /// True if the link between two nodes belongs to the tree.
    pub(super) fn holds(&self, a: Node, b: Node) -> bool {
        self.parent(a) == Some(b) || self.parent(b) == Some(a)
    }

    /// True if the node has a place in the graph.
    pub(super) fn contains(&self, node: Node) -> bool {
        self.parents.get(node.index()).is_some_and(|parent| parent.load(Relaxed) != NONE) || self.root() == Some(node)
    }

    /// Bytes in memory.
    pub(super) fn memory(&self) -> usize {
        self.lists.capacity() * 4 + self.parents.capacity() * 4 + self.children.capacity()
    }
}

fn some(node: u32) -> Option<Node> {
    (node != NONE).then_some(Node(node))
}
