//! Where a search starts: the nodes of the upper levels, scanned by one bit a component.
//!
//! Links lead from near to nearer, but between clusters that are all equally far from each other
//! nothing leads. So a search does not climb down level by level: it compares the query with all
//! nodes of the lowest level that is small enough, by the signs of their components around the
//! mean, and starts from the best of them.

use super::binary_codes::BinaryCodes;
use super::levels::level_of;
use super::rules::require;
use super::{Level, Node, Rules, Space};
use crate::vectors::{Kernel, LikeBits};

#[derive(Debug)]
pub(super) struct EntryPoints {
    dim: usize,
    /// Entry points are the nodes of this level and above; that of the rules while they are few.
    level: Option<Level>,
    nodes: Vec<Node>,
    codes: BinaryCodes,
    mean: Vec<f32>,
    /// Number of entry points from which the mean is taken anew.
    refresh_at: usize,
}

impl EntryPoints {
    pub(super) fn new(dim: usize) -> Self {
        let (codes, mean) = (BinaryCodes::new(dim), vec![0.0; dim]);
        Self { dim, level: None, nodes: Vec::new(), codes, mean, refresh_at: 16 }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Bytes in memory.
    pub(super) fn memory(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>() + self.codes.memory()
    }

    /// Adds those of the nodes that are high enough.
    pub(super) fn add(&mut self, space: Space<'_>, rules: &Rules, nodes: &[Node]) {
        let (before, level) = (self.nodes.len(), self.level(rules));
        self.nodes.extend(nodes.iter().filter(|&&node| level_of(node, rules.seed) >= level));
        while self.nodes.len() > rules.entry_points && self.level(rules) < rules.highest {
            let level = Level(self.level(rules).0 + 1);
            self.level = Some(level);
            self.nodes.retain(|&node| level_of(node, rules.seed) >= level);
        }
        if self.level(rules) > level || self.nodes.len() >= self.refresh_at {
            self.refresh(space);
        } else {
            (before..self.nodes.len()).for_each(|at| self.add_code(space, self.nodes[at]));
        }
    }

    fn level(&self, rules: &Rules) -> Level {
        self.level.unwrap_or(rules.lowest)
    }

    /// Removes a node; true if it was an entry point.
    pub(super) fn remove(&mut self, node: Node) -> bool {
        let Some(at) = self.nodes.iter().position(|&other| other == node) else { return false };
        self.nodes.swap_remove(at);
        self.codes.swap_remove(at);
        true
    }

    fn add_code(&mut self, space: Space<'_>, node: Node) {
        let vector = space.arena.get(node.slot()).decode();
        self.codes.push(&vector, &self.mean);
    }

    /// Takes the mean of the entry points and encodes them anew.
    fn refresh(&mut self, space: Space<'_>) {
        self.refresh_at = 2 * self.nodes.len().max(8);
        let mut sum = vec![0f64; self.dim];
        for &node in &self.nodes {
            let vector = space.arena.get(node.slot()).decode();
            sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += f64::from(value));
        }
        let count = self.nodes.len().max(1) as f64;
        self.mean = sum.into_iter().map(|sum| (sum / count) as f32).collect();
        self.codes.clear();
        for node in self.nodes.clone() {
            self.add_code(space, node);
        }
    }

    pub(super) fn validate(&self, space: Space<'_>, rules: &Rules, nodes: &[Node]) -> Result<(), String> {
        let high = |&&node: &&Node| level_of(node, rules.seed) >= self.level(rules);
        let mut expected: Vec<Node> = nodes.iter().filter(high).copied().collect();
        let mut found = self.nodes.clone();
        expected.sort_unstable();
        found.sort_unstable();
        require(expected == found, || "the entry points are not the nodes of the upper levels".to_owned())?;
        let mut fresh = Self { mean: self.mean.clone(), ..Self::new(self.dim) };
        self.nodes.iter().for_each(|&node| fresh.add_code(space, node));
        require(fresh.codes == self.codes, || "a code is not that of its vector".to_owned())
    }

    /// Appends the `count` entry points whose codes are most like the query's.
    pub(super) fn nearest(
        &self,
        kernel: Kernel,
        vector: &[f32],
        count: usize,
        scratch: &mut LikeBits,
        out: &mut Vec<Node>,
    ) {
        self.codes.nearest(kernel, vector, &self.mean, count, scratch);
        out.extend(scratch.rows().map(|at| self.nodes[at]));
    }
}
