//! The snapshot of regions: read when somebody first asks for them.
//!
//! Regions get their nodes in bulk, and each time the graph is written as a whole and a new
//! snapshot after it. So little can have happened since: regions went, or came without a node.
//! Their images stand among the changed ones and, if they are still there, in `unlinked`; and the
//! nodes that changed are neighbours of those that went.

use std::sync::Arc;

use super::TakeTurn;
use super::graph::searched;
use crate::fault;
use crate::hnsw::{Change, Hnsw};
use crate::index::Index;
use crate::index::graph::MOSTLY;
use crate::index::snapshot::SnapshotFile;
use crate::regions::RegionIndex;
use crate::regions::flat::FlatShapes;
use crate::snapshot::{SnapshotError, require};
use crate::store::Batch;
use crate::store::keys::GraphId;
use crate::vectors::{Rows, VectorStorage};
use crate::{ImageId, IndexError};

/// Sections about regions, in their order.
mod owned {
    pub(super) const IMAGES: usize = 0;
    pub(super) const SHAPES: usize = 1;
    pub(super) const COUNT: usize = 2;
}

/// What was read of a snapshot.
pub(in crate::index) struct Opened {
    pub regions: RegionIndex,
    /// Images whose regions are others since, or gone.
    pub changed: Vec<ImageId>,
}

impl Index {
    /// The regions by the snapshot that counts; `None` if there is none. `turn` gives the writer's
    /// turn.
    ///
    /// # Errors
    /// Whatever is doubtful: sled must be read.
    pub(in crate::index) fn open_region_snapshot(&self, turn: &TakeTurn<'_>) -> Result<Option<Opened>, SnapshotError> {
        let dim = self.scan.dim();
        let (file, missed, nodes, unlinked) = {
            let _turn = turn();
            self.regions.begin_reading();
            if !self.region_snapshot.is_valid() {
                return Ok(None);
            }
            let dir = self.region_snapshot.dir();
            let file = SnapshotFile::open(&self.store, dir, GraphId::REGIONS, dim, owned::COUNT)?;
            let Some(file) = file else { return Ok(None) };
            let missed = self.store.missed_since(GraphId::REGIONS, file.revision)?;
            let nodes = self.store.read_nodes(GraphId::REGIONS, &missed.nodes)?;
            (file, missed, nodes, self.store.unlinked()?)
        };
        let params = searched(self, file.params);
        let (regions, graph) = rayon::join(|| read_regions(&file, dim), || file.graph(params));
        let (regions, mut graph) = (regions?, graph?);
        require(are_of(&nodes, &regions.vectors().read()), "a slot has another owner than its node")?;
        require(graph.put(&nodes), "a node cannot be what its record says")?;
        let graph = Hnsw::of_flat(Arc::clone(regions.vectors()), graph).map_err(SnapshotError)?;
        regions.install(Ok(Some(Arc::new(graph))));
        fault::nobody_waits();
        // Nodes of regions that went while nobody had them in memory are still there.
        let changed: Vec<ImageId> = {
            let memory = self.facts();
            let gone: Vec<_> = regions.all_shapes().keys().copied().filter(|&id| !memory.contains(id)).collect();
            let replaced = missed.changes.iter().map(|(_, id)| *id);
            gone.into_iter().chain(replaced.filter(|&id| unlinked.contains(id) && memory.contains(id))).collect()
        };
        let dead: usize = changed.iter().map(|&id| regions.nodes_of(id)).sum();
        require(dead * MOSTLY <= regions.len(), "most of it is gone")?;
        Ok(Some(Opened { regions, changed }))
    }

    /// Writes a snapshot of regions if there is a graph that has nearly all, and no snapshot that
    /// counts.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) fn finish_region_snapshot(&self, regions: &Arc<RegionIndex>) -> Result<(), IndexError> {
        let Some(graph) = regions.graph().filter(|_| !regions.is_behind()) else { return Ok(()) };
        let turn = || Some(self.writer.lock()).filter(|_| self.regions.has(regions));
        let begun = {
            let Some(_turn) = turn().filter(|_| !self.region_snapshot.is_valid()) else { return Ok(()) };
            let flat = FlatShapes::of(regions);
            let owned = vec![bytemuck::cast_slice(&flat.images).to_vec(), bytemuck::cast_slice(&flat.shapes).to_vec()];
            self.region_snapshot.begin(self.revision(), &graph, owned)
        };
        self.region_snapshot.write(&self.store, &begun, turn)
    }

    /// No snapshot of regions counts any more.
    pub(in crate::index) fn invalidate_region_snapshot(&self) -> Result<(), IndexError> {
        let mut batch = Batch::default();
        self.region_snapshot.invalidate(&self.store, &mut batch)?;
        self.store.apply(&batch)
    }
}

fn read_regions(file: &SnapshotFile, dim: usize) -> Result<RegionIndex, SnapshotError> {
    let flat = FlatShapes { images: file.owned(owned::IMAGES)?, shapes: file.owned(owned::SHAPES)? };
    let shapes =
        flat.to_shapes().ok_or_else(|| SnapshotError("images and regions do not belong together".to_owned()))?;
    let mut rows = Rows::with_slots(VectorStorage::Int8, dim, file.slots())?;
    file.fill(&mut rows, |_| false)?;
    rows.free_unowned();
    let regions = RegionIndex::of_rows(rows, shapes);
    require(regions.is_whole(flat.shapes.len()), "regions and vectors do not belong together")?;
    Ok(regions)
}

/// True if the nodes that are there are those of the vectors in their slots, and none is behind all
/// slots.
fn are_of(nodes: &[Change], rows: &Rows) -> bool {
    nodes.iter().all(|(node, record)| {
        let owned = record.as_ref().is_none_or(|record| rows.owner(node.slot()) == Some(record.owner));
        node.slot().index() < rows.len() && owned
    })
}
