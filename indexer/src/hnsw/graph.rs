//! The graph itself: numbers of nodes and the links between them. Vectors are lent to it with every call.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use parking_lot::{Mutex, RwLock};

use super::entry_points::EntryPoints;
use super::links::Links;
use super::search::Scratch;
use super::{HnswParams, Space};
use crate::vectors::Slot;

/// A vector's place in the graph: the slot of its row in the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node(pub u32);

/// How high a node stands: one in two nodes of a level also belongs to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Level(pub(super) u8);

impl Node {
    /// The node of the vector in a slot.
    #[inline]
    pub(crate) fn of(slot: Slot) -> Self {
        Self(slot.0)
    }

    /// Where its vector is.
    #[inline]
    pub(crate) fn slot(self) -> Slot {
        Slot(self.0)
    }

    #[inline]
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A node and its distance, `1 - cosine`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Near {
    pub(super) distance: f32,
    pub(super) node: Node,
}

impl Near {
    /// Nearest first; equal distances by node, so that every order is the same on every run.
    pub(super) fn by_distance(&self, other: &Self) -> std::cmp::Ordering {
        self.distance.total_cmp(&other.distance).then(self.node.cmp(&other.node))
    }
}

/// How a graph is built, derived from what users set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rules {
    /// Children of a node in the tree at most.
    pub(super) m: usize,
    /// Candidates for the links of a new node.
    pub(super) ef_construction: usize,
    /// Draws the levels.
    pub(super) seed: u64,
    /// How much nearer to a neighbour than to the node a candidate must be to be passed over (Vamana's alpha). A little
    /// above 1 keeps more of the long links.
    pub(super) alpha: f32,
    /// Links of a new node at most, and the number up to which passed over ones fill them up.
    pub(super) new_links: usize,
    pub(super) new_fill: usize,
    /// Links that stay when a list overflows: fewer than fit, so that it does not overflow again at once.
    pub(super) prune_to: usize,
    /// Level of the entry points of a small graph: one in `M` nodes.
    pub(super) lowest: Level,
    /// Entry points of a search at most; above, every second one goes, down to this level: with
    /// fewer, clusters without an entry point are hard to find.
    pub(super) entry_points: usize,
    pub(super) highest: Level,
    /// Entry points that a search starts from.
    pub(super) starts: usize,
}

impl Rules {
    pub(super) fn new(params: HnswParams) -> Self {
        let m = params.m;
        Self {
            m,
            ef_construction: params.ef_construction,
            seed: 1,
            alpha: 1.1,
            new_links: 2 * m,
            new_fill: m,
            prune_to: (2 * m - m / 4).max(m + 1),
            lowest: Level(m.ilog2() as u8),
            entry_points: 1 << 15,
            highest: Level(m.ilog2() as u8 + 2),
            starts: 8,
        }
    }
}

/// Nodes, links and entry points. Searches may go on while a node is inserted or removed;
/// insertions and removals take turns, which is the caller's to see to.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) rules: Rules,
    pub(super) links: Links,
    pub(super) entry_points: RwLock<EntryPoints>,
    /// Nodes in the graph.
    pub(super) count: AtomicUsize,
    pool: Mutex<Vec<Scratch>>,
}

impl Graph {
    pub(super) fn new(rules: Rules, dim: usize) -> Self {
        Self {
            rules,
            links: Links::new(2 * rules.m),
            entry_points: RwLock::new(EntryPoints::new(dim)),
            count: AtomicUsize::new(0),
            pool: Mutex::default(),
        }
    }

    /// Makes room for `nodes` nodes.
    pub(super) fn grow(&mut self, nodes: usize) {
        self.links.grow(nodes);
    }

    /// Number of nodes.
    pub(super) fn len(&self) -> usize {
        self.count.load(Relaxed)
    }

    /// Completes a graph whose links were restored: finds the root, counts, and takes up the entry points.
    pub(super) fn complete(&mut self, space: Space<'_>, nodes: &[Node]) {
        self.links.set_root(nodes.iter().copied().find(|&node| self.links.parent(node).is_none()));
        self.count = AtomicUsize::new(nodes.len());
        self.entry_points.write().add(space, &self.rules, nodes);
    }

    /// Lends a scratch from the pool.
    pub(super) fn with_scratch<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        let mut scratch = self.pool.lock().pop().unwrap_or_default();
        let result = work(&mut scratch);
        self.pool.lock().push(scratch);
        result
    }

    /// Bytes in memory.
    pub(super) fn memory(&self) -> usize {
        self.links.memory() + self.entry_points.read().memory()
    }
}
