//! Writing a snapshot when a run of changes ends.

use std::io;
use std::sync::atomic::Ordering;

use super::file::write_file;
use super::{SnapshotSlot, owned};
use crate::IndexError;
use crate::hnsw::Hnsw;
use crate::index::Index;
use crate::index::graph::Graph;
use crate::store::links::SnapshotEntry;
use crate::store::missed::Steps;
use crate::store::{Batch, Store};
use crate::vectors::VectorIndex;

impl SnapshotSlot {
    /// Writes a snapshot of what there is at a revision, which counts from now on. A file that cannot be written is told
    /// ([`SnapshotSlot::fault`]), and costs nothing but time when it is missed. The caller holds the writer's lock.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::index) fn write(
        &self,
        store: &Store,
        revision: u64,
        graph: &Hnsw,
        owned: &[&[u8]],
    ) -> Result<(), IndexError> {
        let Some(mut entry) = store.graph_entry(self.graph)? else { return Ok(()) };
        // The store must not lack anything that the snapshot has.
        store.sync()?;
        let written = write_file(&self.dir, revision, graph, owned);
        *self.fault.lock() = written.as_ref().err().map(io::Error::to_string);
        let Ok(seal) = written else { return Ok(()) };
        let nodes = graph.nodes();
        entry.snapshot = Some(SnapshotEntry { revision, nodes, seal: seal.clone() });
        let mut batch = Batch::default();
        store.put_graph_entry(&mut batch, self.graph, &entry)?;
        store.apply(&batch)?;
        store.sync()?;
        self.count(&seal, nodes, Steps::default());
        store.forget_steps(self.graph, revision)
    }
}

impl Index {
    /// Writes a snapshot of images if there is a graph and none that is recent. The caller holds the writer's lock.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::index) fn finish_snapshot(&self) -> Result<(), IndexError> {
        let Some(Graph::Own(graph)) = self.graph.get() else { return Ok(()) };
        if self.scan.len() < self.options.graph_from || self.snapshot.is_fresh() || !self.is_whole(&graph) {
            return Ok(());
        }
        let flat = self.memory.read().to_flat();
        let mut sections = [&[][..]; owned::COUNT];
        sections[owned::NAMES] = &flat.names;
        sections[owned::IMAGES] = bytemuck::cast_slice(&flat.images);
        sections[owned::FILES] = bytemuck::cast_slice(&flat.files);
        self.snapshot.write(&self.store, self.revision(), &graph, &sections)
    }

    /// True if every image has facts, a vector and a node, and no value was damaged: a snapshot says that all is well.
    fn is_whole(&self, graph: &Hnsw) -> bool {
        let vectors = self.scan.len();
        self.damaged.load(Ordering::Acquire) == 0 && graph.nodes() == vectors && self.memory.read().images() == vectors
    }
}
