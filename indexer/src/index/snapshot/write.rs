//! Writing a snapshot when a run of changes ends.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{FORMAT, Facts, section};
use crate::IndexError;
use crate::hnsw::Hnsw;
use crate::index::Index;
use crate::index::graph::Graph;
use crate::snapshot::{Seal, Section, write};
use crate::store::Batch;
use crate::store::keys::GraphId;
use crate::store::links::{GraphEntry, SnapshotEntry};
use crate::store::missed::Steps;
use crate::vectors::VectorIndex;

impl Index {
    /// Writes a snapshot if there is a graph and none that is recent. A file that cannot be written is told
    /// ([`Stats::search`](crate::Stats)), and costs nothing but time when the index is opened. The caller holds the writer's lock.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::index) fn finish_snapshot(&self) -> Result<(), IndexError> {
        let Some(Graph::Own(graph)) = self.graph.get() else { return Ok(()) };
        if self.scan.len() < self.options.graph_from || self.snapshot.is_fresh(graph.nodes()) || !self.is_whole(&graph)
        {
            return Ok(());
        }
        // The store must not lack anything that the snapshot has.
        self.store.sync()?;
        let revision = self.revision();
        let written = self.write_snapshot(&graph, revision);
        *self.snapshot.fault.lock() = written.as_ref().err().map(io::Error::to_string);
        let Ok(seal) = written else { return Ok(()) };
        let entry = SnapshotEntry { revision, seal: seal.clone() };
        let entry = GraphEntry { params: graph.params(), partial: false, snapshot: Some(entry) };
        let mut batch = Batch::default();
        self.store.put_graph_entry(&mut batch, GraphId::PICTURES, &entry)?;
        self.store.apply(&batch)?;
        self.store.sync()?;
        *self.snapshot.missed.lock() = Some(Steps::default());
        self.snapshot.sweep(Some(&seal));
        self.store.forget_steps(GraphId::PICTURES, revision)
    }

    /// True if every picture has facts, a vector and a node, and no value was damaged: a snapshot says that all is well.
    fn is_whole(&self, graph: &Hnsw) -> bool {
        let vectors = self.scan.len();
        self.damaged.load(Ordering::Acquire) == 0
            && graph.nodes() == vectors
            && self.memory.read().pictures() == vectors
    }

    fn write_snapshot(&self, graph: &Arc<Hnsw>, revision: u64) -> io::Result<Seal> {
        let flat = self.memory.read().to_flat();
        let rows = self.scan.read();
        let owners = rows.owners();
        graph.with_flat(|[lists, parents], root| {
            let facts = Facts {
                format: FORMAT,
                revision,
                dim: self.scan.dim(),
                slots: rows.len(),
                nodes: parents.len(),
                root: root.map(|node| node.0),
            };
            let mut sections = [Section::Bytes(&[]); section::PLANES];
            sections[section::NAMES] = Section::Bytes(&flat.names);
            sections[section::PICTURES] = Section::Bytes(bytemuck::cast_slice(&flat.pictures));
            sections[section::FILES] = Section::Bytes(bytemuck::cast_slice(&flat.files));
            sections[section::OWNERS] = Section::Bytes(bytemuck::cast_slice(&owners));
            sections[section::LISTS] = Section::Words(lists);
            sections[section::PARENTS] = Section::Words(parents);
            let planes = rows.planes().into_iter().map(Section::Bytes);
            write(&self.snapshot.dir, facts, &sections.into_iter().chain(planes).collect::<Vec<_>>())
        })
    }
}
