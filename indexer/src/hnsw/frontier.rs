//! The best nodes that a search has found, in order, and which of them it has yet to expand.
//!
//! One sorted array is both the list of results and the queue of what to do next. An entry is one
//! number: distance in the upper half, node and a mark in the lower, so that order is the order of
//! numbers.

use super::{Near, Node};

#[derive(Debug, Default)]
pub(super) struct Frontier {
    entries: Vec<u64>,
    width: usize,
    /// Nothing before it is left to expand.
    cursor: usize,
}

const EXPANDED: u64 = 1;

impl Frontier {
    /// Empties it; it will keep the best `width` nodes.
    pub(super) fn reset(&mut self, width: usize) {
        self.entries.clear();
        self.width = width.max(1);
        self.cursor = 0;
    }

    /// Offers a node that was not offered before.
    #[inline]
    pub(super) fn push(&mut self, near: Near) {
        let entry = entry(near);
        if self.entries.len() >= self.width {
            if self.entries.last().is_some_and(|&last| entry >= last) {
                return;
            }
            self.entries.pop();
        }
        let at = self.entries.partition_point(|&other| other < entry);
        self.entries.insert(at, entry);
        self.cursor = self.cursor.min(at);
    }

    /// The nearest node that was not expanded, which it now is.
    #[inline]
    pub(super) fn expand_next(&mut self) -> Option<Node> {
        let next = self.peek_from_cursor()?;
        self.cursor = next + 1;
        self.entries[next] |= EXPANDED;
        Some(node(self.entries[next]))
    }

    /// What [`Frontier::expand_next`] would give now.
    #[inline]
    pub(super) fn peek(&self) -> Option<Node> {
        self.peek_from_cursor().map(|at| node(self.entries[at]))
    }

    #[inline]
    fn peek_from_cursor(&self) -> Option<usize> {
        let rest = &self.entries[self.cursor..];
        rest.iter().position(|entry| entry & EXPANDED == 0).map(|at| self.cursor + at)
    }

    /// The best nodes, nearest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = Near> + '_ {
        self.entries.iter().map(|&entry| Near { distance: distance(entry), node: node(entry) })
    }
}

/// The bits of a float, changed so that they sort as the floats do.
fn entry(near: Near) -> u64 {
    let bits = near.distance.to_bits();
    let ordered = if bits >> 31 == 0 { bits | 1 << 31 } else { !bits };
    u64::from(ordered) << 32 | u64::from(near.node.0) << 1
}

fn distance(entry: u64) -> f32 {
    let ordered = (entry >> 32) as u32;
    f32::from_bits(if ordered >> 31 == 1 { ordered & !(1 << 31) } else { !ordered })
}

fn node(entry: u64) -> Node {
    Node((entry & u64::from(u32::MAX)) as u32 >> 1)
}
