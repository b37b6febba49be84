//! The graph itself: the links between nodes. Vectors are lent to it with every call.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use parking_lot::{Mutex, RwLock};

use super::entry_points::EntryPoints;
use super::links::Links;
use super::scratch::Scratch;
use super::{Node, Rules, Space};

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

    /// Completes a graph whose links were restored: finds the root, counts, and takes up the entry
    /// points.
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
