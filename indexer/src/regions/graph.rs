//! The graph over regions: what it holds, what it lacks, and how both are searched.
//!
//! Regions that come get no node at once. An image has some thirty, each new node changes as many
//! others, and to write all these with the image would take longer and more room than the image
//! itself. Until they are linked in bulk they are *unlinked*: compared one by one beside the walk.
//! Regions that go leave the graph in the step that removes them.

use std::sync::Arc;

use super::RegionIndex;
use super::linked::{Linked, Linking};
use crate::hnsw::{Change, Hnsw, HnswParams, Progress};
use crate::vectors::{ScoredVector, VectorIndex, by_rank};
use crate::{ImageId, IndexError, VectorId, VectorSet, fair};

/// A graph that lacks more than one in so many regions is brought up to date by the next
/// [`crate::Index::finish`].
pub(crate) const BEHIND: usize = 50;
/// A graph that lacks more than one in so many is not walked: comparing them one by one would take
/// most of a scan.
const HARDLY: usize = 16;

impl RegionIndex {
    /// Takes up a graph over some of the vectors, if there is one, or the reason why what is stored
    /// is none.
    pub(crate) fn install(&self, graph: Result<Option<Arc<Hnsw>>, String>) {
        *self.linked.write() = match graph {
            Ok(Some(graph)) => {
                let unlinked = graph.unlinked().into_iter().collect();
                Linked { unlinked, graph: Some(graph), ..Linked::default() }
            }
            Ok(None) => Linked::default(),
            Err(reason) => Linked { fault: Some(reason), ..Linked::default() },
        };
    }

    /// The graph.
    pub(crate) fn graph(&self) -> Option<Arc<Hnsw>> {
        fair::read(&self.linked).graph.clone()
    }

    /// Why the stored graph cannot be used, if that is so.
    pub(crate) fn fault(&self) -> Option<String> {
        fair::read(&self.linked).fault.clone()
    }

    /// True if the graph lacks so many regions that it should be brought up to date.
    pub(crate) fn is_behind(&self) -> bool {
        let linked = fair::read(&self.linked);
        linked.graph.is_none() || linked.unlinked.len() * BEHIND > self.len()
    }

    /// True while regions are being linked: then the store learns of nodes that change when that is
    /// done.
    pub(crate) fn is_linking(&self) -> bool {
        fair::read(&self.linked).linking.is_some()
    }

    /// True if nodes may have to leave with regions.
    pub(crate) fn may_have_nodes(&self) -> bool {
        let linked = fair::read(&self.linked);
        linked.graph.is_some() || linked.linking.is_some()
    }

    /// Gives nodes to all regions that have none, or to as many as `progress` allows, in a new
    /// graph if there is none. Each batch is done in a `turn`, in which nobody else changes
    /// regions; without a turn the work ends. `None` if nothing was done; else the store has to be
    /// told of the whole graph, and the turn is given in which that began to be true.
    pub(crate) fn link<T>(
        &self,
        params: HnswParams,
        progress: &mut Progress<'_>,
        mut turn: impl FnMut() -> Option<T>,
    ) -> Option<(Arc<Hnsw>, T)> {
        let graph = {
            let _turn = turn()?;
            let graph = self.graph().unwrap_or_else(|| Arc::new(Hnsw::empty(Arc::clone(&self.scan), params)));
            self.linked.write().linking = Some(Linking { graph: Arc::clone(&graph), is_changed: false });
            graph
        };
        let mut most = 0;
        let mut count = |done, all| {
            most = most.max(done);
            progress(done, all)
        };
        let last = graph.link_all(&mut count, &mut turn);
        let turn = last.or_else(turn)?;
        let linking = self.linked.write().linking.take();
        let is_changed = most > 0 || linking.is_some_and(|linking| linking.is_changed);
        is_changed.then(|| {
            self.install(Ok(Some(Arc::clone(&graph))));
            (graph, turn)
        })
    }

    /// Takes the nodes of images' regions away; what the store must write is returned. The regions
    /// are found as before until they are removed.
    pub(crate) fn unlink(&self, images: impl Iterator<Item = ImageId>) -> Vec<Change> {
        let keys: Vec<VectorId> = images.flat_map(|image| self.keys(image)).collect();
        let mut linked = self.linked.write();
        let Linked { graph, linking, unlinked, .. } = &mut *linked;
        if graph.is_some() {
            keys.iter().for_each(|&key| _ = unlinked.insert(key));
        }
        if let Some(linking) = linking {
            linking.is_changed = true;
        }
        let graph = graph.as_ref().or(linking.as_ref().map(|linking| &linking.graph)).cloned();
        drop(linked);
        graph.map_or_else(Vec::new, |graph| graph.unlink(&keys))
    }

    /// True if no region of an image lacks its node.
    pub(crate) fn is_linked(&self, image: ImageId) -> bool {
        let linked = fair::read(&self.linked);
        self.keys(image).all(|key| !linked.unlinked.contains(key))
    }

    /// Number of an image's regions that have a node.
    pub(crate) fn nodes_of(&self, image: ImageId) -> usize {
        let linked = fair::read(&self.linked);
        let has_node = |key: &VectorId| linked.graph.is_some() && !linked.unlinked.contains(*key);
        self.keys(image).filter(has_node).count()
    }

    /// What searches, in words.
    pub fn search_name(&self) -> String {
        let scan = format!("exact scan ({})", self.scan.kernel().name());
        let linked = fair::read(&self.linked);
        match (&linked.graph, &linked.fault) {
            (Some(graph), _) => {
                let (HnswParams { m, ef_search, .. }, unlinked) = (graph.params(), linked.unlinked.len());
                let nodes = graph.nodes();
                format!("hnsw (M {m}, ef {ef_search}, {nodes} nodes, {unlinked} regions beside it), else {scan}")
            }
            (None, Some(reason)) => format!("{scan}; {reason}"),
            (None, None) => scan,
        }
    }

    /// By the graph and among what it lacks, or by a scan of all.
    pub(super) fn search(
        &self,
        query: &[f32],
        k: usize,
        allowed: Option<&VectorSet>,
    ) -> Result<Vec<ScoredVector>, IndexError> {
        // Those not linked come first: a region that is linked meanwhile is then found twice, and
        // not missed.
        let Some((graph, unlinked)) = self.unlinked_beside_graph(query, allowed)? else {
            return self.scan.search(query, k, allowed);
        };
        let mut found = graph.search(query, k, allowed)?;
        if !unlinked.is_empty() {
            found.extend(unlinked);
            found.sort_unstable_by(by_rank);
            found.dedup_by_key(|scored| scored.id);
            found.truncate(k);
        }
        Ok(found)
    }

    /// The graph, and the scores of the regions that it lacks; `None` if it is not worth walking.
    #[allow(clippy::type_complexity)]
    fn unlinked_beside_graph(
        &self,
        query: &[f32],
        allowed: Option<&VectorSet>,
    ) -> Result<Option<(Arc<Hnsw>, Vec<ScoredVector>)>, IndexError> {
        let linked = fair::read(&self.linked);
        let Some(graph) = linked.graph.clone().filter(|_| linked.unlinked.len() * HARDLY <= self.len()) else {
            return Ok(None);
        };
        let passing = linked.unlinked.iter().filter(|&key| allowed.is_none_or(|allowed| allowed.contains(key)));
        let unlinked = if linked.unlinked.is_empty() { Vec::new() } else { self.scan.score_these(query, passing)? };
        Ok(Some((graph, unlinked)))
    }
}
