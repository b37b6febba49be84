//! The graph beside the scan: opened with the index, kept in step with it, built when a run of
//! changes ends.
//!
//! The scan answers until there is a graph, and whenever the graph is not made for the question.

use std::sync::Arc;

use parking_lot::RwLock;
use serde::Serialize;

use super::Index;
use crate::fault;
use crate::hnsw::{Change, Hnsw, HnswParams, Node, Progress};
use crate::store::keys::GraphId;
use crate::store::links::StoredGraph;
use crate::store::{Batch, Store};
use crate::vectors::{ExactScan, Quantised, VectorIndex};
use crate::{ImageId, IndexError, VectorId};

/// Where the graph of an index stands.
#[derive(Default)]
pub(super) struct GraphSlot(RwLock<State>);

#[derive(Default)]
enum State {
    /// None was built yet, or the library is small.
    #[default]
    Absent,
    /// Vectors get their nodes; the store has none yet.
    Building(Arc<Hnsw>),
    Ready(Arc<Hnsw>),
    /// What is stored is damaged or of another version; the next [`Index::finish`] makes it anew.
    Unusable(String),
}

/// What compares a query with the vectors of a library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchedBy {
    /// A scan of all vectors.
    Scan,
    /// The same, until a graph is built.
    ScanWhileGraphIsBuilt,
    /// The same, since the stored graph cannot be used.
    ScanInPlaceOfGraph,
    /// A graph of neighbours; with narrow filters, a scan.
    Graph,
    /// A server of vectors.
    Server,
}

/// A graph of which more than one node in so many is to come or go is built anew instead: that
/// takes less time.
pub(super) const MOSTLY: usize = 16;

/// Nodes that leave a graph, or come to it, in one batch: each changes some dozens of others.
pub(super) const NODES_AT_ONCE: usize = 64;

impl GraphSlot {
    /// Makes the graph of its stored nodes, in step with the vectors. Whatever is wrong costs the
    /// graph alone.
    pub(super) fn restore(
        &self,
        store: &Store,
        scan: &Arc<ExactScan>,
        stored: Result<Option<StoredGraph>, IndexError>,
    ) {
        *self.0.write() = match stored {
            Ok(None) => State::Absent,
            Ok(Some(stored)) => match restored(store, scan, &stored) {
                Ok(graph) => State::Ready(Arc::new(graph)),
                Err(reason) => State::Unusable(format!("the graph is damaged ({reason})")),
            },
            Err(error) => State::Unusable(error.to_string()),
        };
    }

    /// Takes up a graph that was read with a snapshot.
    pub(super) fn install(&self, graph: Hnsw) {
        *self.0.write() = State::Ready(Arc::new(graph));
    }

    pub(super) fn get(&self) -> Option<Arc<Hnsw>> {
        match &*self.0.read() {
            State::Ready(graph) => Some(Arc::clone(graph)),
            _ => None,
        }
    }

    /// A graph is being built; the caller has the writer's turn.
    pub(super) fn build(&self, graph: &Arc<Hnsw>) {
        *self.0.write() = State::Building(Arc::clone(graph));
    }

    /// Every vector has its node: from now on steps write the nodes that they change. The caller
    /// has the writer's turn.
    pub(super) fn is_built(&self, graph: &Arc<Hnsw>) {
        *self.0.write() = State::Ready(Arc::clone(graph));
    }

    /// True if this graph is the one that steps change, built or being built.
    pub(super) fn has(&self, graph: &Arc<Hnsw>) -> bool {
        match &*self.0.read() {
            State::Building(own) | State::Ready(own) => Arc::ptr_eq(own, graph),
            _ => false,
        }
    }

    /// Lets go of the graph; the scan serves.
    pub(super) fn clear(&self) {
        *self.0.write() = State::Absent;
    }

    /// Why what is stored cannot be used, if that is so.
    pub(super) fn fault(&self) -> Option<String> {
        match &*self.0.read() {
            State::Unusable(reason) => Some(reason.clone()),
            _ => None,
        }
    }

    /// What searches.
    pub(super) fn searched_by(&self) -> SearchedBy {
        match &*self.0.read() {
            State::Absent => SearchedBy::Scan,
            State::Building(_) => SearchedBy::ScanWhileGraphIsBuilt,
            State::Ready(_) => SearchedBy::Graph,
            State::Unusable(_) => SearchedBy::ScanInPlaceOfGraph,
        }
    }

    /// What searches, in words.
    pub(super) fn name(&self, scan: &ExactScan) -> String {
        let exact = format!("exact scan ({})", scan.kernel().name());
        match &*self.0.read() {
            State::Absent => exact,
            State::Building(_) => format!("{exact}, graph being built"),
            State::Ready(graph) => {
                let HnswParams { m, ef_search, .. } = graph.params();
                format!("hnsw (M {m}, ef {ef_search}, {} nodes), else {exact}", graph.len())
            }
            State::Unusable(reason) => format!("{exact}; {reason}"),
        }
    }

    /// The vector side of a step, before the store takes it: new vectors come in, vectors that will
    /// go lose their nodes, and `batch` learns which nodes changed, which are returned too. Vectors
    /// go only after the step ([`GraphSlot::forget`]), since until then their images can be found.
    pub(super) fn prepare(
        &self,
        scan: &ExactScan,
        new: &[(ImageId, &Quantised)],
        gone: &[ImageId],
        batch: &mut Batch,
    ) -> Result<Vec<Node>, IndexError> {
        let gone: Vec<VectorId> = gone.iter().map(|&id| id.into()).collect();
        let add = |(id, vector): &(ImageId, &Quantised)| scan.add_quantised((*id).into(), vector);
        match &*self.0.read() {
            State::Ready(graph) => {
                let mut changes = graph.unlink(&gone);
                batch.put_nodes(GraphId::IMAGES, &changes);
                fault::point()?;
                new.iter().try_for_each(add)?;
                let ids: Vec<VectorId> = new.iter().map(|(id, _)| (*id).into()).collect();
                let linked = graph.link(&ids);
                fault::point()?;
                batch.put_nodes(GraphId::IMAGES, &linked);
                changes.extend(linked);
                return Ok(changes.into_iter().map(|(node, _)| node).collect());
            }
            State::Absent => {
                new.iter().try_for_each(add)?;
            }
            State::Building(graph) => {
                graph.unlink(&gone);
                batch.drop_graph(GraphId::IMAGES);
                new.iter().try_for_each(add)?;
            }
            State::Unusable(_) => {
                // Whatever is stored would no longer fit the vectors.
                batch.drop_graph(GraphId::IMAGES);
                new.iter().try_for_each(add)?;
            }
        }
        Ok(Vec::new())
    }

    /// Takes back what [`GraphSlot::prepare`] did: the store refused the step, and will refuse all
    /// others until the index is opened again. The scan serves meanwhile.
    pub(super) fn undo(&self, scan: &ExactScan, new: &[(ImageId, &Quantised)]) {
        for (id, _) in new {
            scan.remove((*id).into());
        }
        *self.0.write() = State::Unusable("the store refused a change".to_owned());
    }

    /// Drops the vectors of images that went with a step.
    pub(super) fn forget(&self, scan: &ExactScan, gone: &[ImageId]) {
        for &id in gone {
            scan.remove(id.into());
        }
    }
}

/// Nodes without a vector leave (a vector may have become unreadable), and vectors without a node
/// get one (an older program may have added them), unless there are so many that building the graph
/// anew takes less time.
fn restored(store: &Store, scan: &Arc<ExactScan>, stored: &StoredGraph) -> Result<Hnsw, String> {
    let nodes = stored.nodes.len();
    let (graph, dead) = Hnsw::restore(Arc::clone(scan), stored.params, &stored.nodes)?;
    let lacking = graph.unlinked();
    if (dead.len() + lacking.len()) * MOSTLY > nodes {
        return Err(format!("{} of {nodes} nodes have no vector, {} vectors no node", dead.len(), lacking.len()));
    }
    // Whatever a killed process had not come to is found again by the next one.
    let write = |changes: &[Change]| {
        let mut batch = Batch::default();
        batch.put_nodes(GraphId::IMAGES, changes);
        // No step says what changed here.
        let invalidated = store.invalidate_snapshot(&mut batch, GraphId::IMAGES);
        invalidated.and_then(|()| store.apply(&batch)).map_err(|error| error.to_string())
    };
    dead.chunks(NODES_AT_ONCE).try_for_each(|part| write(&graph.unlink_nodes(part)))?;
    lacking.chunks(NODES_AT_ONCE).try_for_each(|part| write(&graph.link(part)))?;
    Ok(graph)
}

impl Index {
    /// Gives the graph up, in memory and in the store, with its snapshot. The caller has the
    /// writer's turn.
    pub(super) fn drop_graph(&self) -> Result<(), IndexError> {
        self.graph.clear();
        self.snapshot.clear();
        self.store.clear_graph(GraphId::IMAGES)
    }

    /// Builds the graph if the library is large enough and has none that is good.
    pub(super) fn finish_graph(&self, progress: &mut Progress<'_>) -> Result<(), IndexError> {
        let Some(graph) = self.begin_graph() else { return Ok(()) };
        let turn = || Some(self.writer.lock()).filter(|_| self.graph.has(&graph));
        let Some(last) = graph.link_all(progress, turn) else {
            let _turn = self.writer.lock();
            if self.graph.has(&graph) {
                self.graph.clear(); // the work was ended early
            }
            return Ok(());
        };
        self.graph.is_built(&graph);
        drop(last);
        let written = self.store.write_graph(GraphId::IMAGES, &graph, turn);
        if written.is_err() {
            self.graph.clear();
        }
        written.map(drop)
    }

    /// An empty graph that steps take part in from now on; `None` if none is to be built.
    fn begin_graph(&self) -> Option<Arc<Hnsw>> {
        let _turn = self.writer.lock();
        // Of one that is there the nodes were written with the changes.
        if self.graph.get().is_some() || self.scan.len() < self.options.graph_from {
            return None;
        }
        let graph = Arc::new(Hnsw::empty(Arc::clone(&self.scan), self.options.graph));
        self.snapshot.clear();
        self.graph.build(&graph);
        Some(graph)
    }
}
