//! The graph beside the scan: opened with the index, kept in step with it, built when a run of
//! changes ends.
//!
//! The scan answers until there is a graph, and whenever the graph is not made for the question.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::{Mutex, RwLock};
use serde::Serialize;

use super::{GraphEngine, Index};
use crate::fault;
use crate::hnsw::{Change, Hnsw, HnswParams, Node, Progress};
use crate::store::keys::{self, GraphId, Table};
use crate::store::links::StoredGraph;
use crate::store::{Batch, Store, records};
use crate::vectors::{ExactScan, HnswRs, Quantised, VectorIndex};
use crate::{ImageId, IndexError, VectorId};

/// Where the graph of an index stands.
pub(super) struct GraphSlot {
    /// Of the snapshots of hnsw_rs.
    dir: PathBuf,
    state: Arc<RwLock<State>>,
    loader: Mutex<Option<JoinHandle<()>>>,
}

enum State {
    /// None was built yet, or the library is small.
    Absent,
    Loading,
    /// Vectors get their nodes; the store has none yet.
    Building(Arc<Hnsw>),
    Ready(Graph),
    /// What is stored is damaged or of another version; the next [`Index::finish`] makes it anew.
    Unusable(String),
}

/// What compares a query with the vectors of a library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchedBy {
    /// A scan of all vectors.
    Scan,
    /// The same, until the stored graph is read.
    ScanWhileGraphIsRead,
    /// The same, until a graph is built.
    ScanWhileGraphIsBuilt,
    /// The same, since the stored graph cannot be used.
    ScanInPlaceOfGraph,
    /// A graph of neighbours; with narrow filters, a scan.
    Graph,
    /// A server of vectors.
    Server,
}

/// A graph that can be searched.
#[derive(Clone)]
pub(super) enum Graph {
    Own(Arc<Hnsw>),
    HnswRs(Arc<HnswRs>),
}

impl Graph {
    pub(super) fn as_index(&self) -> &dyn VectorIndex {
        match self {
            Self::Own(graph) => graph.as_ref(),
            Self::HnswRs(graph) => graph.as_ref(),
        }
    }

    fn engine(&self) -> GraphEngine {
        match self {
            Self::Own(_) => GraphEngine::Own,
            Self::HnswRs(_) => GraphEngine::HnswRs,
        }
    }
}

/// What the store knows of the snapshot of hnsw_rs: how far it is behind decides when it is written
/// again.
#[derive(serde::Serialize, serde::Deserialize)]
struct Saved {
    nodes: usize,
    revision: u64,
}

/// A graph of which more than one node in so many is to come or go is built anew instead: that
/// takes less time.
pub(super) const MOSTLY: usize = 16;

/// Nodes that leave a graph, or come to it, in one batch: each changes some dozens of others.
pub(super) const NODES_AT_ONCE: usize = 64;

/// A snapshot is written again when more than this share of its nodes is new: opening adds the
/// others to it.
const NEW_NODES: f64 = 0.02;

impl GraphSlot {
    /// An empty slot; snapshots of hnsw_rs are in `dir`.
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir, state: Arc::new(RwLock::new(State::Absent)), loader: Mutex::new(None) }
    }

    /// Makes the graph of its stored nodes, in step with the vectors. Whatever is wrong costs the
    /// graph alone.
    pub(super) fn restore(
        &self,
        store: &Store,
        scan: &Arc<ExactScan>,
        stored: Result<Option<StoredGraph>, IndexError>,
    ) {
        *self.state.write() = match stored {
            Ok(None) => State::Absent,
            Ok(Some(stored)) => match restored(store, scan, &stored) {
                Ok(graph) => State::Ready(Graph::Own(Arc::new(graph))),
                Err(reason) => State::Unusable(format!("the graph is damaged ({reason})")),
            },
            Err(error) => State::Unusable(error.to_string()),
        };
    }

    /// Takes up a graph that was read with a snapshot.
    pub(super) fn install(&self, graph: Hnsw) {
        *self.state.write() = State::Ready(Graph::Own(Arc::new(graph)));
    }

    /// Starts to read the snapshot of hnsw_rs.
    pub(super) fn load(&self, scan: &Arc<ExactScan>) {
        if !self.dir.exists() {
            return;
        }
        let (dir, scan, state) = (self.dir.clone(), Arc::clone(scan), Arc::clone(&self.state));
        *state.write() = State::Loading;
        *self.loader.lock() = Some(std::thread::spawn(move || {
            let loaded = HnswRs::load(&dir, scan);
            *state.write() = match loaded {
                Ok(Some(graph)) => State::Ready(Graph::HnswRs(Arc::new(graph))),
                Ok(None) => State::Absent,
                Err(error) => State::Unusable(error.to_string()),
            };
        }));
    }

    /// Waits until the snapshot is read.
    pub(super) fn join_loader(&self) {
        let loader = self.loader.lock().take();
        if loader.is_some_and(|loader| loader.join().is_err()) {
            *self.state.write() = State::Unusable("reading it failed".to_owned());
        }
    }

    pub(super) fn get(&self) -> Option<Graph> {
        match &*self.state.read() {
            State::Ready(graph) => Some(graph.clone()),
            _ => None,
        }
    }

    /// A graph is being built; the caller has the writer's turn.
    pub(super) fn build(&self, graph: &Arc<Hnsw>) {
        *self.state.write() = State::Building(Arc::clone(graph));
    }

    /// Every vector has its node: from now on steps write the nodes that they change. The caller
    /// has the writer's turn.
    pub(super) fn is_built(&self, graph: &Arc<Hnsw>) {
        *self.state.write() = State::Ready(Graph::Own(Arc::clone(graph)));
    }

    /// True if this graph is the one that steps change, built or being built.
    pub(super) fn has(&self, graph: &Arc<Hnsw>) -> bool {
        match &*self.state.read() {
            State::Building(own) | State::Ready(Graph::Own(own)) => Arc::ptr_eq(own, graph),
            _ => false,
        }
    }

    /// Lets go of the graph; the scan serves.
    pub(super) fn clear(&self) {
        *self.state.write() = State::Absent;
    }

    /// Why what is stored cannot be used, if that is so.
    pub(super) fn fault(&self) -> Option<String> {
        match &*self.state.read() {
            State::Unusable(reason) => Some(reason.clone()),
            _ => None,
        }
    }

    /// What searches.
    pub(super) fn searched_by(&self) -> SearchedBy {
        match &*self.state.read() {
            State::Absent => SearchedBy::Scan,
            State::Loading => SearchedBy::ScanWhileGraphIsRead,
            State::Building(_) => SearchedBy::ScanWhileGraphIsBuilt,
            State::Ready(_) => SearchedBy::Graph,
            State::Unusable(_) => SearchedBy::ScanInPlaceOfGraph,
        }
    }

    /// What searches, in words.
    pub(super) fn name(&self, scan: &ExactScan) -> String {
        let exact = format!("exact scan ({})", scan.kernel().name());
        let graph = |name: &str, HnswParams { m, ef_search, .. }: HnswParams, nodes: usize| {
            format!("{name} (M {m}, ef {ef_search}, {nodes} nodes), else {exact}")
        };
        match &*self.state.read() {
            State::Absent => exact,
            State::Loading => format!("{exact}, graph being read"),
            State::Building(_) => format!("{exact}, graph being built"),
            State::Ready(Graph::Own(own)) => graph("hnsw", own.params(), own.len()),
            State::Ready(Graph::HnswRs(theirs)) => graph("hnsw_rs", theirs.params(), theirs.stats().nodes),
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
        match &*self.state.read() {
            State::Ready(Graph::Own(graph)) => {
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
            State::Ready(Graph::HnswRs(graph)) => {
                new.iter().try_for_each(|(id, vector)| graph.add_quantised((*id).into(), vector))?;
            }
            State::Absent | State::Loading => {
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
        *self.state.write() = State::Unusable("the store refused a change".to_owned());
    }

    /// Drops the vectors of images that went with a step.
    pub(super) fn forget(&self, scan: &ExactScan, gone: &[ImageId]) {
        let graph = self.get();
        for &id in gone {
            match &graph {
                Some(Graph::HnswRs(graph)) => graph.remove(id.into()),
                _ => scan.remove(id.into()),
            };
        }
    }
}

/// Nodes without a vector leave (a vector may have become unreadable), and vectors without a node
/// get one (another engine may have added them), unless there are so many that building the graph
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
        let Some(graph) = self.begin_graph()? else { return Ok(()) };
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
    fn begin_graph(&self) -> Result<Option<Arc<Hnsw>>, IndexError> {
        let _turn = self.writer.lock();
        self.graph.join_loader();
        let current = self.graph.get();
        let wanted = self.scan.len() >= self.options.graph_from;
        match (self.options.engine, current) {
            (engine, Some(graph)) if graph.engine() != engine && !wanted => Ok(None),
            // Its nodes were written with the changes.
            (GraphEngine::Own, Some(Graph::Own(_))) => Ok(None),
            (GraphEngine::Own, _) if wanted => {
                let graph = Arc::new(Hnsw::empty(Arc::clone(&self.scan), self.options.graph));
                self.snapshot.clear();
                self.graph.build(&graph);
                Ok(Some(graph))
            }
            (GraphEngine::HnswRs, current) if wanted => self.finish_hnsw_rs(current).map(|()| None),
            _ => Ok(None),
        }
    }

    /// Builds the graph of hnsw_rs unless there is a good one, and saves it when it has grown. The
    /// caller has the writer's turn.
    fn finish_hnsw_rs(&self, current: Option<Graph>) -> Result<(), IndexError> {
        self.snapshot.clear();
        self.store.clear_graph(GraphId::IMAGES)?;
        let current = match current {
            Some(Graph::HnswRs(graph)) if !graph.is_worn() => Some(graph),
            _ => None,
        };
        let saved = self.saved_graph().filter(|_| current.is_some());
        let graph = match current {
            Some(graph) => graph,
            None => Arc::new(HnswRs::build(Arc::clone(&self.scan), self.options.graph)?),
        };
        let nodes = graph.stats().nodes;
        let new_nodes = nodes.abs_diff(saved.as_ref().map_or(0, |saved| saved.nodes));
        if new_nodes as f64 > nodes as f64 * NEW_NODES {
            if saved.is_some() {
                // Many additions may have pushed older links out.
                graph.probe();
            }
            graph.save(&self.graph.dir)?;
            self.record_graph(&Saved { nodes, revision: self.revision() })?;
        }
        *self.graph.state.write() = State::Ready(Graph::HnswRs(graph));
        Ok(())
    }

    /// A damaged entry counts as none: the snapshot is written again.
    fn saved_graph(&self) -> Option<Saved> {
        let json = self.store.json(keys::meta::GRAPH, "the graph's entry").ok().flatten();
        json.and_then(|json| serde_json::from_str(&json).ok())
    }

    fn record_graph(&self, saved: &Saved) -> Result<(), IndexError> {
        let key = keys::meta::GRAPH;
        let json =
            serde_json::to_string(saved).map_err(|error| self.store.corrupt("the graph's entry".to_owned(), error))?;
        let mut batch = Batch::default();
        batch.put(Table::Meta, key, records::encode_json(key, &json));
        self.store.apply(&batch)?;
        self.store.sync()
    }
}
