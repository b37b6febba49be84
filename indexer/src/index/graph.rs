//! The graph beside the scan: read in the background when an index is opened, built and saved when a run of changes ends.
//!
//! The scan answers until the graph is there, and whenever the graph is not made for the question, so nobody waits for
//! it; only the first change after opening does, since from then on every change goes through the graph.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::{Mutex, RwLock};

use super::Index;
use crate::IndexError;
use crate::store::keys::{self, Table};
use crate::store::{Batch, records};
use crate::vectors::{ExactScan, HnswGraph, HnswParams, VectorIndex};

/// Where the graph of an index stands.
pub(super) struct GraphSlot {
    dir: PathBuf,
    state: Arc<RwLock<State>>,
    loader: Mutex<Option<JoinHandle<()>>>,
}

enum State {
    /// None was built yet, or the library is small.
    Absent,
    Loading,
    Ready(Arc<HnswGraph>),
    /// The snapshot is damaged or of another version; the next [`Index::finish`] makes it anew.
    Unusable(String),
}

/// What the store knows of the snapshot: how far it is behind decides when it is written again.
#[derive(serde::Serialize, serde::Deserialize)]
struct Saved {
    nodes: usize,
    revision: u64,
}

/// A snapshot is written again when more than this share of its nodes is new: opening adds the others to it.
const NEW_NODES: f64 = 0.02;

impl GraphSlot {
    /// An empty slot for the graph in `dir`.
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir, state: Arc::new(RwLock::new(State::Absent)), loader: Mutex::new(None) }
    }

    /// Starts to read the snapshot.
    pub(super) fn load(&self, scan: &Arc<ExactScan>) {
        if !self.dir.exists() {
            return;
        }
        let (dir, scan, state) = (self.dir.clone(), Arc::clone(scan), Arc::clone(&self.state));
        *state.write() = State::Loading;
        *self.loader.lock() = Some(std::thread::spawn(move || {
            let loaded = HnswGraph::load(&dir, scan);
            *state.write() = match loaded {
                Ok(Some(graph)) => State::Ready(Arc::new(graph)),
                Ok(None) => State::Absent,
                Err(error) => State::Unusable(error.to_string()),
            };
        }));
    }

    /// Waits until the snapshot is read.
    pub(super) fn settle(&self) {
        let loader = self.loader.lock().take();
        if loader.is_some_and(|loader| loader.join().is_err()) {
            *self.state.write() = State::Unusable("reading it failed".to_owned());
        }
    }

    pub(super) fn get(&self) -> Option<Arc<HnswGraph>> {
        match &*self.state.read() {
            State::Ready(graph) => Some(Arc::clone(graph)),
            _ => None,
        }
    }

    /// Lets go of the graph; the scan serves.
    pub(super) fn clear(&self) {
        *self.state.write() = State::Absent;
    }

    /// Why the snapshot cannot be used, if that is so.
    pub(super) fn fault(&self) -> Option<String> {
        match &*self.state.read() {
            State::Unusable(reason) => Some(reason.clone()),
            _ => None,
        }
    }

    /// What searches, in words.
    pub(super) fn name(&self, scan: &ExactScan) -> String {
        let exact = format!("exact scan ({})", scan.kernel().name());
        match &*self.state.read() {
            State::Absent => exact,
            State::Loading => format!("{exact}, graph being read"),
            State::Ready(graph) => {
                let stats = graph.stats();
                let HnswParams { m, ef_search, .. } = graph.params();
                format!("hnsw (M {m}, ef {ef_search}, {} nodes), else {exact}", stats.nodes)
            }
            State::Unusable(reason) => format!("{exact}; {reason}"),
        }
    }
}

impl Index {
    /// Builds the graph if the library is large enough and has none that is good, and saves it when it has grown. The
    /// caller holds the writer's lock.
    pub(super) fn finish_graph(&self) -> Result<(), IndexError> {
        if self.scan.len() < self.options.graph_from {
            return Ok(());
        }
        self.graph.settle();
        let current = self.graph.get().filter(|graph| !graph.is_worn());
        let saved = self.saved_graph().filter(|_| current.is_some());
        let graph = match current {
            Some(graph) => graph,
            None => Arc::new(HnswGraph::build(Arc::clone(&self.scan), self.options.graph)?),
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
        *self.graph.state.write() = State::Ready(graph);
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
