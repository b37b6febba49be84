//! What the store keeps of a node, and a graph made of it again.

use std::sync::Arc;

use super::{Hnsw, HnswParams, Node};
use crate::vectors::ExactScan;
use crate::{VectorId, fair};

/// A node as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeRecord {
    pub(crate) owner: VectorId,
    /// `None` for the root.
    pub(crate) parent: Option<Node>,
    pub(crate) links: Vec<Node>,
}

/// A node that changed, and what it is now; `None` if it went.
pub(crate) type Change = (Node, Option<NodeRecord>);

impl Hnsw {
    /// What nodes are now.
    pub(super) fn describe(&self, nodes: Vec<Node>) -> Vec<Change> {
        let rows = self.vectors.read();
        let graph = fair::read(&self.graph);
        let describe = |node: Node| {
            let owner = rows.owner(node.slot()).filter(|_| graph.links.contains(node))?;
            let links = graph.links.of(node).collect();
            Some(NodeRecord { owner, parent: graph.links.parent(node), links })
        };
        nodes.into_iter().map(|node| (node, describe(node))).collect()
    }

    /// What some of the nodes are, `count` from `first` on; `None` behind the last one.
    pub(crate) fn records(&self, first: Node, count: u32) -> Option<Vec<(Node, NodeRecord)>> {
        let end = fair::read(&self.graph).links.len() as u32;
        let nodes = (first.0 < end).then(|| (first.0..end.min(first.0.saturating_add(count))).map(Node).collect())?;
        Some(self.describe(nodes).into_iter().filter_map(|(node, record)| Some((node, record?))).collect())
    }

    /// Makes a graph of its records again. The scan has the vectors in the slots of their nodes.
    /// Nodes whose vectors are gone are returned too: they must leave ([`Hnsw::unlink_nodes`])
    /// before their slots are used again.
    ///
    /// # Errors
    /// In words, if records and vectors do not belong together.
    pub(crate) fn restore(
        vectors: Arc<ExactScan>,
        params: HnswParams,
        records: &[(Node, NodeRecord)],
    ) -> Result<(Self, Vec<Node>), String> {
        let hnsw = Self::empty(vectors, params);
        let nodes: Vec<Node> = records.iter().map(|(node, _)| *node).collect();
        let dead = {
            let rows = hnsw.vectors.read();
            let mut graph = hnsw.graph.write();
            graph.grow(rows.len());
            let mut known = vec![false; rows.len()];
            for node in &nodes {
                known.get_mut(node.index()).into_iter().for_each(|known| *known = true);
            }
            let known = |node: &Node| known.get(node.index()) == Some(&true);
            for (node, NodeRecord { owner, parent, links }) in records {
                let fits =
                    links.len() <= graph.links.slots() && rows.owner(node.slot()).is_none_or(|other| other == *owner);
                if !fits || ![*node].iter().chain(parent).chain(links).all(known) {
                    return Err(format!("node {} does not belong to image {owner}", node.0));
                }
                graph.links.set(*node, links);
                graph.links.set_parent(*node, *parent);
            }
            graph.complete(hnsw.space(&rows), &nodes);
            nodes.into_iter().filter(|node| rows.owner(node.slot()).is_none()).collect()
        };
        Ok((hnsw, dead))
    }
}
