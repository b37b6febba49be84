//! The graph of hnsw_rs over the vectors of an [`ExactScan`], built in memory when it is asked for:
//! the second implementation, for comparison.
//!
//! The scan stays the owner of the vectors and the judge of every score; the graph only names
//! candidates. hnsw_rs knows neither deletion nor change, and does not promise that a node can be
//! reached, so here
//!
//! - a node is a number of our own, whose owner is looked up; a removed or changed image leaves a
//!   dead node behind;
//! - every node is looked for after a build and after it was added; images that their own vector
//!   does not find are unreachable, and are compared one by one in every search;
//! - a search that the graph is not made for (a narrow filter, many results, few vectors) is a
//!   scan.

mod links;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};
use rayon::prelude::*;

use self::links::{Links, Point, point};
use super::{ExactScan, Quantised, ScoredVector, Top, VectorIndex, check_width, no_direction};
use crate::hnsw::{GraphStats, HnswParams, Plan};
use crate::{IndexError, VectorId, VectorSet};

/// Nodes that are handed to the builder at once: bounds the copies of vectors in memory.
const BATCH: usize = 8192;
/// Width of the search by which a node must be found to count as reachable: less than any query
/// uses.
const PROBE_EF: usize = 32;

/// The graph, and who owns its nodes.
pub struct HnswRs {
    params: HnswParams,
    vectors: Arc<ExactScan>,
    /// Made with the first vector.
    links: OnceLock<Links>,
    nodes: RwLock<Nodes>,
    /// Held through a change, so that nodes are numbered in the order in which they enter.
    writer: Mutex<()>,
}

#[derive(Default)]
struct Nodes {
    /// Who owns a node; `None` for a dead one.
    owners: Vec<Option<VectorId>>,
    of: HashMap<VectorId, usize>,
    unreachable: VectorSet,
    links_per_node: f32,
}

impl HnswRs {
    /// Builds a graph over all vectors of a scan, on all threads of the current pool.
    ///
    /// # Errors
    /// If the temporary folder cannot be written.
    pub fn build(vectors: Arc<ExactScan>, params: HnswParams) -> Result<Self, IndexError> {
        let graph = Self::empty(vectors, params);
        graph.adopt(&graph.vectors.ids())?;
        graph.probe();
        Ok(graph)
    }

    fn empty(vectors: Arc<ExactScan>, params: HnswParams) -> Self {
        let (links, nodes, writer) = (OnceLock::new(), RwLock::default(), Mutex::new(()));
        Self { params: params.bounded(), vectors, links, nodes, writer }
    }

    /// The parameters.
    pub fn params(&self) -> HnswParams {
        self.params
    }

    /// The vectors, which every score comes from.
    pub fn vectors(&self) -> &Arc<ExactScan> {
        &self.vectors
    }

    /// Numbers about the graph.
    pub fn stats(&self) -> GraphStats {
        let nodes = self.nodes.read();
        GraphStats {
            nodes: nodes.owners.len(),
            dead: nodes.owners.len() - nodes.of.len(),
            unreachable: nodes.unreachable.len(),
            links_per_node: nodes.links_per_node,
        }
    }

    /// Looks for every image by its own vector and notes the unreachable ones.
    fn probe(&self) {
        let _writer = self.writer.lock();
        let all = self.nodes.read().of.keys().copied().collect();
        self.find_unreachable(all);
        let links = self.links.get().map_or(0, Links::count);
        let mut nodes = self.nodes.write();
        nodes.links_per_node = links as f32 / nodes.owners.len().max(1) as f32;
    }

    /// Looks for some images. The caller holds the writer's lock.
    fn find_unreachable(&self, ids: Vec<VectorId>) {
        let Some(links) = self.links.get() else { return };
        let is_lost = |&id: &VectorId| {
            let node = self.nodes.read().of.get(&id).copied();
            let known = node.zip(self.vectors.get(id));
            known.is_some_and(|(node, vector)| !reaches(links, node, &point(&vector)))
        };
        let (lost, found): (Vec<VectorId>, Vec<VectorId>) = ids.into_par_iter().partition(is_lost);
        let mut nodes = self.nodes.write();
        for id in found {
            nodes.unreachable.remove(id);
        }
        for id in lost {
            nodes.unreachable.insert(id);
        }
    }

    fn add_quantised(&self, id: VectorId, vector: &Quantised) -> Result<(), IndexError> {
        let _writer = self.writer.lock();
        self.vectors.add_quantised(id, vector)?;
        let point = point(vector);
        let node = self.nodes.write().enter(id);
        let links = self.links_or_start(node, &point)?;
        if reaches(links, node, &point) {
            self.nodes.write().unreachable.remove(id);
        }
        Ok(())
    }

    /// Gives nodes to images that have a vector but no node. They are unreachable until they are
    /// looked for. The caller holds the writer's lock, or the only handle.
    fn adopt(&self, ids: &[VectorId]) -> Result<(), IndexError> {
        for ids in ids.chunks(BATCH) {
            let points: Vec<(VectorId, Point)> =
                ids.iter().filter_map(|&id| Some((id, point(&self.vectors.get(id)?)))).collect();
            let mut points: Vec<(usize, Point)> = {
                let mut nodes = self.nodes.write();
                points.into_iter().map(|(id, point)| (nodes.enter(id), point)).collect()
            };
            if self.links.get().is_none() && !points.is_empty() {
                let (node, first) = points.remove(0);
                self.links_or_start(node, &first)?;
            }
            if let Some(links) = self.links.get() {
                links.insert_many(&points);
            }
        }
        Ok(())
    }

    /// Inserts a node, the first one by making the graph.
    fn links_or_start(&self, node: usize, point: &Point) -> Result<&Links, IndexError> {
        if let Some(links) = self.links.get() {
            links.insert(node, point);
            return Ok(links);
        }
        let links = Links::start(&self.params, point).map_err(|reason| {
            // No graph, no nodes; the vector itself is in the scan.
            *self.nodes.write() = Nodes::default();
            IndexError::Store { dir: std::env::temp_dir(), what: "starting a graph", reason }
        })?;
        Ok(self.links.get_or_init(|| links))
    }

    /// The best `k` among `ef` candidates that the graph names and the unreachable: what it finds
    /// by itself, without the help of a scan, for measurements. May be fewer than `k`.
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
        let dim = self.vectors.dim();
        check_width(dim, query.len())?;
        let Some(links) = self.links.get() else { return Ok(Vec::new()) };
        let coarse = Quantised::encode(query).ok_or_else(|| no_direction(dim))?;
        let found = links.nearest(&point(&coarse), ef);
        let candidates = {
            let nodes = self.nodes.read();
            let owners = found.into_iter().filter_map(|node| nodes.owners.get(node).copied().flatten());
            let passing = |id: &VectorId| allowed.is_none_or(|set| set.contains(*id));
            let mut candidates: Vec<VectorId> = owners.chain(nodes.unreachable.iter()).filter(passing).collect();
            candidates.sort_unstable();
            candidates.dedup();
            candidates
        };
        let mut top = Top::new(k);
        self.vectors.score_these(query, candidates)?.into_iter().for_each(|scored| top.push(scored));
        Ok(top.into_sorted())
    }
}

impl VectorIndex for HnswRs {
    fn add(&self, id: VectorId, vector: &[f32]) -> Result<(), IndexError> {
        let dim = self.vectors.dim();
        check_width(dim, vector.len())?;
        self.add_quantised(id, &Quantised::encode(vector).ok_or_else(|| no_direction(dim))?)
    }

    fn remove(&self, id: VectorId) -> bool {
        let _writer = self.writer.lock();
        self.nodes.write().leave(id);
        self.vectors.remove(id)
    }

    fn search(&self, query: &[f32], k: usize, allowed: Option<&VectorSet>) -> Result<Vec<ScoredVector>, IndexError> {
        let GraphStats { nodes, dead, .. } = self.stats();
        let live = nodes - dead;
        let passing = allowed.map_or(live, |set| set.len().min(live));
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

    /// Links and the graph's own copies of the vectors are estimated from the sizes of hnsw_rs's
    /// structures.
    fn memory(&self) -> usize {
        /// A point, its shared lists for 16 layers, and what the allocator adds.
        const NODE: usize = 560;
        /// A shared link and the pointer to it.
        const LINK: f32 = 58.0;
        let nodes = self.nodes.read();
        let per_node = self.vectors.dim() + NODE + (nodes.links_per_node * LINK) as usize;
        let owners = nodes.owners.capacity() * size_of::<Option<VectorId>>() + nodes.of.capacity() * 20;
        self.vectors.memory() + nodes.owners.len() * per_node + owners
    }
}

impl Nodes {
    /// The next node, for `id`, whose former node dies. It is unreachable until it was found.
    fn enter(&mut self, id: VectorId) -> usize {
        self.leave(id);
        let node = self.owners.len();
        self.owners.push(Some(id));
        self.of.insert(id, node);
        self.unreachable.insert(id);
        node
    }

    fn leave(&mut self, id: VectorId) {
        if let Some(node) = self.of.remove(&id) {
            self.owners[node] = None;
            self.unreachable.remove(id);
        }
    }
}

/// True if a search for the point of a node finds the node.
fn reaches(links: &Links, node: usize, point: &Point) -> bool {
    links.nearest(point, PROBE_EF).contains(&node)
}
