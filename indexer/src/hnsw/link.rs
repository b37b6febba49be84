//! Building the graph: inserts the vectors that have no node yet. Of all vectors that takes
//! minutes, so it is done batch by batch: between two of them others may change vectors and graph.

use super::{Change, Hnsw, Node, Progress};
use crate::vectors::Slot;
use crate::{VectorId, fair};

impl Hnsw {
    /// Gives nodes to images whose vectors the scan has. What the store must write is returned.
    pub(crate) fn link(&self, ids: &[VectorId]) -> Vec<Change> {
        let mut nodes: Vec<Node> = {
            let rows = self.vectors.read();
            ids.iter().filter_map(|&id| rows.slot(id)).map(Node::of).collect()
        };
        nodes.sort_unstable();
        nodes.dedup();
        let mut changed = Vec::new();
        let parts = fair::read(&self.graph).in_order(&nodes);
        for part in &parts {
            let mut rest = &part[..];
            while !rest.is_empty() {
                changed.append(&mut self.link_next(&mut rest));
            }
        }
        changed.sort_unstable();
        changed.dedup();
        self.describe(changed)
    }

    /// Gives nodes to all vectors that have none, on all threads of the current pool, or to as many
    /// as `progress` allows; it is told how many of how many are done. Each batch begins with a
    /// `turn`, which is held until it ends; without one the work ends. What `turn` gave last is
    /// returned if every vector has its node, and is held since before that was looked at. The
    /// store has to be told of the whole graph.
    pub(crate) fn link_all<T>(&self, progress: &mut Progress<'_>, mut turn: impl FnMut() -> Option<T>) -> Option<T> {
        let mut last = turn()?;
        let mut done = 0;
        loop {
            let nodes = self.vectors_without_node();
            if nodes.is_empty() {
                return Some(last);
            }
            drop(last);
            let all = done + nodes.len();
            let parts = fair::read(&self.graph).in_order(&nodes);
            for part in &parts {
                let mut rest = &part[..];
                while !rest.is_empty() {
                    if progress(done, all).is_break() {
                        return None;
                    }
                    let _turn = turn()?;
                    let before = rest.len();
                    self.link_next(&mut rest);
                    done += before - rest.len();
                }
            }
            let _ = progress(done, all);
            last = turn()?;
        }
    }

    /// Links the first nodes of `rest`, which then is what comes after them. Gives the nodes that
    /// changed.
    fn link_next(&self, rest: &mut &[Node]) -> Vec<Node> {
        let _writer = self.writer.lock();
        let rows = self.vectors.read();
        if rows.len() > fair::read(&self.graph).links.len() {
            self.graph.write().grow(rows.len());
        }
        let graph = fair::read(&self.graph);
        let (batch, later) = rest.split_at(graph.batch_size().min(rest.len()));
        *rest = later;
        // Others may have come first.
        let lacks = |node: &Node| rows.owner(node.slot()).is_some() && !graph.links.contains(*node);
        let batch: Vec<Node> = batch.iter().copied().filter(lacks).collect();
        graph.insert_batch(self.space(&rows), &batch)
    }

    /// Vectors that have no node, in no order.
    pub(crate) fn unlinked(&self) -> Vec<VectorId> {
        let nodes = self.vectors_without_node();
        let rows = self.vectors.read();
        nodes.into_iter().filter_map(|node| rows.owner(node.slot())).collect()
    }

    /// The nodes that vectors would have which have none, rising.
    fn vectors_without_node(&self) -> Vec<Node> {
        let rows = self.vectors.read();
        let graph = fair::read(&self.graph);
        let nodes = (0..rows.len()).map(Slot::at).filter(|&slot| rows.owner(slot).is_some()).map(Node::of);
        nodes.filter(|&node| !graph.links.contains(node)).collect()
    }
}
