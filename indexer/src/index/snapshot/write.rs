//! Writing a snapshot when a run of changes ends. Others write meanwhile: only its beginning and
//! its end take a turn.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Begun, Counted, SnapshotSlot, owned};
use crate::hnsw::Hnsw;
use crate::index::Index;
use crate::store::links::SnapshotEntry;
use crate::store::{Batch, Store};
use crate::vectors::VectorIndex;
use crate::{IndexError, fault};

impl SnapshotSlot {
    /// Begins a snapshot of what there is at a revision: from here on steps are noted for it. The
    /// caller has the writer's turn.
    pub(in crate::index) fn begin(&self, revision: u64, graph: &Arc<Hnsw>, owned: Vec<Vec<u8>>) -> Begun {
        *self.begun.lock() = Some(Counted::new(graph.nodes()));
        Begun::at(revision, graph, owned)
    }

    /// Writes a snapshot that was begun, which counts from now on, unless steps have changed too
    /// much meanwhile. A file that cannot be written is told ([`SnapshotSlot::fault`]), and costs
    /// nothing but time when it is missed. `turn` gives the writer's turn; without one the snapshot
    /// counts for nothing.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::index) fn write<T>(
        &self,
        store: &Store,
        begun: &Begun,
        turn: impl FnOnce() -> Option<T>,
    ) -> Result<(), IndexError> {
        let done = self.write_begun(store, begun, turn);
        *self.begun.lock() = None;
        done
    }

    fn write_begun<T>(&self, store: &Store, begun: &Begun, turn: impl FnOnce() -> Option<T>) -> Result<(), IndexError> {
        // The store must not lack anything that the snapshot has. What comes later is lost before
        // the entry that names it.
        store.sync()?;
        fault::nobody_waits();
        let written = begun.write(&self.dir);
        *self.fault.lock() = written.as_ref().err().map(io::Error::to_string);
        let (Ok(manifest), Some(_turn)) = (written, turn()) else { return Ok(()) };
        let Some(counted) = *self.begun.lock() else { return Ok(()) };
        let Some(mut entry) = store.graph_entry(self.graph)? else { return Ok(()) };
        let revision = begun.revision();
        entry.snapshot = Some(SnapshotEntry { revision, nodes: counted.nodes, manifest: manifest.clone() });
        let mut batch = Batch::default();
        store.put_graph_entry(&mut batch, self.graph, &entry)?;
        store.apply(&batch)?;
        store.sync()?;
        self.count(&manifest, counted.nodes, counted.steps);
        store.forget_steps(self.graph, revision)
    }
}

impl Index {
    /// Writes a snapshot of images if there is a graph and none that is recent.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::index) fn finish_snapshot(&self) -> Result<(), IndexError> {
        let Some(graph) = self.graph.get() else { return Ok(()) };
        let turn = || Some(self.writer.lock()).filter(|_| self.graph.has(&graph));
        let begun = {
            let Some(_turn) = turn() else { return Ok(()) };
            if self.scan.len() < self.options.graph_from || self.snapshot.is_fresh() || !self.is_whole(&graph) {
                return Ok(());
            }
            let flat = self.facts().to_flat();
            let mut sections = vec![Vec::new(); owned::COUNT];
            sections[owned::IMAGES] = bytemuck::cast_slice(&flat.images).to_vec();
            sections[owned::FILES] = bytemuck::cast_slice(&flat.files).to_vec();
            sections[owned::TAGS] = bytemuck::cast_slice(&flat.tags).to_vec();
            sections[owned::MOMENTS] = bytemuck::cast_slice(&flat.moments).to_vec();
            sections[owned::NAMES] = flat.names;
            self.snapshot.begin(self.revision(), &graph, sections)
        };
        self.snapshot.write(&self.store, &begun, turn)
    }

    /// True if every image has facts, a vector and a node, and no value was damaged: a snapshot
    /// says that all is well.
    fn is_whole(&self, graph: &Hnsw) -> bool {
        let vectors = self.scan.len();
        self.damaged.load(Ordering::Acquire) == 0 && graph.nodes() == vectors && self.memory.read().images() == vectors
    }
}
