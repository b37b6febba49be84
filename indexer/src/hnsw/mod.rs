//! Our own graph for nearest neighbours (HNSW) over the vectors of an [`ExactScan`]: visits some
//! hundred vectors where the scan reads all.
//!
//! It keeps the idea of Malkov and Yashunin (arXiv 1603.09320), a graph of near and diverse
//! neighbours that a search walks from above, and differs in four points:
//!
//! - **Links are mutual** ([`links`]): what a node's list says is all that must change when it
//!   goes, so removing is exact and leaves nothing behind ([`remove`]).
//! - **A tree of protected links** ([`links`]) runs through the graph: however clustered the
//!   vectors are, there is a path between any two.
//! - **The upper levels have no links; they are scanned** by one bit a component
//!   ([`entry_points`]). Between clusters that are equally far from each other links lead nowhere,
//!   and in hundreds of dimensions the levels of links gain nothing elsewhere either (arXiv
//!   2412.01940).
//! - **Nodes are inserted in batches** ([`insert`]), each step a map over nodes that write only
//!   their own list: no locks, and one graph for any number of threads (after ParlayANN, arXiv
//!   2305.04359).
//!
//! | file | idea |
//! |---|---|
//! | `node`, `rules`, `graph` | what all have in common: nodes, how they are linked, the lock-free whole |
//! | `links` | lists in fixed slots, and the tree among them |
//! | `levels`, `entry_points`, `binary_codes` | where a search starts |
//! | `search`, `scratch`, `frontier`, `visited` | the walk |
//! | `link` | vectors get their nodes, in turns with others who change the graph |
//! | `insert`, `select`, `connect`, `remove` | changes, and which links are worth keeping |
//! | `space` | distances |
//! | `plan` | walk or scan |
//! | `record` | what the store keeps of a node |
//! | `flat` | the whole as a snapshot keeps it |
//! | `validate` | what must hold at any time |

mod binary_codes;
mod connect;
mod entry_points;
mod flat;
mod frontier;
mod graph;
mod insert;
mod levels;
mod link;
mod links;
mod node;
mod params;
mod plan;
mod record;
mod remove;
mod rules;
mod scratch;
mod search;
mod select;
mod space;
mod validate;
mod visited;

#[cfg(test)]
mod index_tests;
#[cfg(test)]
mod plain;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use self::graph::Graph;
use self::node::{Level, Near};
use self::rules::Rules;
use self::space::{Query, Space};
use crate::vectors::{ExactScan, Rows, ScoredVector, Top, VectorIndex, candidates};
use crate::{IndexError, VectorId, VectorSet, fair};

pub(crate) use self::flat::FlatGraph;
pub use self::node::Node;
pub use self::params::{GraphStats, HnswParams};
pub(crate) use self::plan::Plan;
pub(crate) use self::record::{Change, NodeRecord};

/// Told how many of how many vectors have got their nodes; ends the work when it breaks.
pub type Progress<'a> = dyn FnMut(usize, usize) -> ControlFlow<()> + 'a;

/// The graph over the vectors of a scan. A vector's slot in the scan is its node in the graph.
/// Vectors may lack a node; a walk does not find them.
#[derive(Debug)]
pub struct Hnsw {
    params: HnswParams,
    vectors: Arc<ExactScan>,
    graph: RwLock<Graph>,
    /// Held through a change of the graph.
    writer: Mutex<()>,
}

impl Hnsw {
    /// A graph without nodes over the vectors of a scan.
    pub(crate) fn empty(vectors: Arc<ExactScan>, params: HnswParams) -> Self {
        let params = params.bounded();
        let graph = RwLock::new(Graph::new(Rules::new(params), vectors.dim()));
        Self { params, vectors, graph, writer: Mutex::new(()) }
    }

    /// Builds a graph over all vectors of a scan, on all threads of the current pool. It does not
    /// depend on their number.
    pub fn build(vectors: Arc<ExactScan>, params: HnswParams) -> Self {
        let graph = Self::empty(vectors, params);
        graph.link_all(&mut |_, _| ControlFlow::Continue(()), || Some(()));
        graph
    }

    /// The parameters.
    pub fn params(&self) -> HnswParams {
        self.params
    }

    /// The vectors, which every score comes from.
    pub fn vectors(&self) -> &Arc<ExactScan> {
        &self.vectors
    }

    /// Number of vectors that have a node.
    pub(crate) fn nodes(&self) -> usize {
        fair::read(&self.graph).len()
    }

    /// Numbers about the graph. Walks all lists.
    pub fn stats(&self) -> GraphStats {
        let graph = fair::read(&self.graph);
        let links: usize = (0..graph.links.len() as u32).map(|node| graph.links.of(Node(node)).count()).sum();
        let nodes = graph.len();
        GraphStats { nodes, dead: 0, unreachable: 0, links_per_node: links as f32 / nodes.max(1) as f32 }
    }

    // ---- changes ----

    /// Takes the nodes of images away; the scan still has their vectors. What the store must write
    /// is returned.
    pub(crate) fn unlink(&self, ids: &[VectorId]) -> Vec<Change> {
        let nodes: Vec<Node> = {
            let rows = self.vectors.read();
            ids.iter().filter_map(|&id| rows.slot(id)).map(Node::of).collect()
        };
        self.unlink_nodes(&nodes)
    }

    /// Takes nodes away, whether or not their vectors are still there. What the store must write is
    /// returned.
    pub(crate) fn unlink_nodes(&self, nodes: &[Node]) -> Vec<Change> {
        let changed = {
            let _writer = self.writer.lock();
            let rows = self.vectors.read();
            let graph = fair::read(&self.graph);
            let mut changed: Vec<Node> = nodes.iter().flat_map(|&node| graph.remove(self.space(&rows), node)).collect();
            changed.sort_unstable();
            changed.dedup();
            changed
        };
        self.describe(changed)
    }

    fn space<'a>(&self, rows: &'a Rows) -> Space<'a> {
        Space { arena: rows.arena(), kernel: self.vectors.kernel() }
    }

    // ---- searching ----

    /// The best `k` among `ef` candidates that the graph names: what it finds by itself, without
    /// the help of a scan. May be fewer than `k`.
    ///
    /// # Errors
    /// [`IndexError::WrongDimension`], or if the query has no direction.
    pub fn search_graph(
        &self,
        query: &[f32],
        k: usize,
        ef: usize,
        allowed: Option<&VectorSet>,
    ) -> Result<Vec<ScoredVector>, IndexError> {
        let planes = self.vectors.prepare(query)?;
        let rows = self.vectors.read();
        let space = self.space(&rows);
        let graph = fair::read(&self.graph);
        // What the walk finds by the rounded query is compared again with all that is known of
        // query and vectors.
        let again = candidates(k);
        let candidates: Vec<Near> = graph.with_scratch(|scratch| {
            let coarse = Query { probe: planes.coarse.clone(), scale: planes.coarse_scale };
            let Some(allowed) = allowed else {
                graph.search(space, &coarse, query, ef, scratch, |_| {});
                return scratch.found().take(again).collect();
            };
            // Whatever passes and was compared on the way is a candidate, wherever it stands in the
            // frontier.
            let mut passing = Vec::new();
            graph.search(space, &coarse, query, ef, scratch, |near| {
                if rows.owner(near.node.slot()).is_some_and(|id| allowed.contains(id)) {
                    passing.push(near);
                }
            });
            if passing.len() > again {
                passing.select_nth_unstable_by(again, Near::by_distance);
                passing.truncate(again);
            }
            passing
        });
        let mut top = Top::new(k);
        for Near { node, .. } in candidates {
            let score = rows.cosine(&planes, space.kernel, node.slot());
            rows.owner(node.slot()).into_iter().for_each(|id| top.push(ScoredVector { id, score }));
        }
        Ok(top.into_sorted())
    }
}

impl VectorIndex for Hnsw {
    fn add(&self, id: VectorId, vector: &[f32]) -> Result<(), IndexError> {
        self.unlink(&[id]);
        self.vectors.add(id, vector)?;
        self.link(&[id]);
        Ok(())
    }

    fn remove(&self, id: VectorId) -> bool {
        self.unlink(&[id]);
        self.vectors.remove(id)
    }

    fn search(&self, query: &[f32], k: usize, allowed: Option<&VectorSet>) -> Result<Vec<ScoredVector>, IndexError> {
        let nodes = self.nodes();
        let passing = allowed.map_or(nodes, |set| set.len().min(nodes));
        if let Plan::Graph { ef } = Plan::of(k, passing, nodes, self.params.ef_search) {
            let found = self.search_graph(query, k, ef, allowed)?;
            if found.len() == k {
                return Ok(found);
            }
        }
        self.vectors.search(query, k, allowed)
    }

    fn len(&self) -> usize {
        self.vectors.len()
    }

    fn memory(&self) -> usize {
        self.vectors.memory() + fair::read(&self.graph).memory()
    }
}
