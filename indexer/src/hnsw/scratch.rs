//! What searches leave to the next one, so that none makes room anew.

use super::frontier::Frontier;
use super::visited::Visited;
use super::{Near, Node};
use crate::vectors::LikeBits;

/// What a search needs besides the graph; lent from a pool.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) visited: Visited,
    pub(super) frontier: Frontier,
    pub(super) alike: LikeBits,
    pub(super) batch: Vec<Node>,
    pub(super) distances: Vec<f32>,
}

impl Scratch {
    /// What the last search found, nearest first.
    pub(super) fn found(&self) -> impl Iterator<Item = Near> + '_ {
        self.frontier.iter()
    }
}
