//! The snapshot of regions: read when somebody first asks for them.
//!
//! Regions get their nodes in bulk, and each time the graph is written as a whole and a new snapshot after it. So little can
//! have happened since: regions went, or came without a node. Their images stand among the changed ones and, if they are
//! still there, in `unlinked`; and the nodes that changed are neighbours of those that went.

use std::sync::Arc;

use super::graph::{IMAGES_AT_ONCE, forget_gone, searched};
use crate::hnsw::{Change, Hnsw, Node};
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

impl Index {
    /// The regions by the snapshot that counts and what happened since; `None` if there is none. The caller holds the
    /// writer's lock.
    ///
    /// # Errors
    /// Whatever is doubtful: sled must be read.
    pub(in crate::index) fn open_region_snapshot(&self) -> Result<Option<RegionIndex>, SnapshotError> {
        if !self.region_snapshot.is_valid() {
            return Ok(None);
        }
        let (dir, dim) = (self.region_snapshot.dir(), self.scan.dim());
        let file = SnapshotFile::open(&self.store, dir, GraphId::REGIONS, dim, owned::COUNT)?;
        let Some(file) = file else { return Ok(None) };
        let missed = self.store.missed_since(GraphId::REGIONS, file.revision)?;
        let nodes = self.store.read_nodes(GraphId::REGIONS, &missed.nodes)?;
        let params = searched(self, file.params);
        let (regions, graph) = rayon::join(|| read_regions(&file, dim), || file.graph(params));
        let (regions, mut graph) = (regions?, graph?);
        require(are_of(&nodes, &regions.vectors().read()), "a slot has another owner than its node")?;
        require(graph.put(&nodes), "a node cannot be what its record says")?;
        let graph = Hnsw::of_flat(Arc::clone(regions.vectors()), graph).map_err(SnapshotError)?;
        regions.install(Ok(Some(Arc::new(graph))));
        self.catch_up(&regions, missed.changes.iter().map(|(_, id)| *id))?;
        Ok(Some(regions))
    }

    /// Brings regions, of which a snapshot was read and all steps since then are known, up to date with the store, and
    /// the store's graph with them: nodes of regions that went while nobody had them in memory are still there.
    fn catch_up(&self, regions: &RegionIndex, changed: impl Iterator<Item = ImageId>) -> Result<(), SnapshotError> {
        let unlinked = self.store.unlinked()?;
        let (gone, replaced): (Vec<_>, Vec<_>) = {
            let memory = self.memory.read();
            let gone = regions.all_shapes().keys().copied().filter(|&id| !memory.contains(id)).collect();
            (gone, changed.filter(|&id| unlinked.contains(id) && memory.contains(id)).collect())
        };
        let leaving = || gone.iter().chain(&replaced).copied();
        let dead: usize = leaving().map(|id| regions.nodes_of(id)).sum();
        require(dead * MOSTLY <= regions.len(), "most of it is gone")?;
        // Part by part: the nodes that change are hundreds for each image. What a killed process had
        // not come to is done by the next one, since the images are still noted.
        for part in leaving().collect::<Vec<_>>().chunks(IMAGES_AT_ONCE) {
            let mut batch = Batch::default();
            let changes = regions.unlink(part.iter().copied());
            batch.put_nodes(GraphId::REGIONS, &changes);
            part.iter().for_each(|&id| regions.remove(id));
            let nodes: Vec<Node> = changes.into_iter().map(|(node, _)| node).collect();
            if !nodes.is_empty() && self.region_snapshot.is_valid() {
                let is_noted = self.store.extend_last_step(&mut batch, GraphId::REGIONS, &nodes)?;
                if !is_noted {
                    self.region_snapshot.invalidate(&self.store, &mut batch)?;
                }
            }
            self.store.apply(&batch)?;
        }
        for &id in &replaced {
            self.stored_regions(id)?.map_or(Ok(()), |stored| regions.put(id, &stored))?;
        }
        Ok(forget_gone(&self.store, &unlinked, regions)?)
    }

    /// Writes a snapshot of regions if there is a graph that has nearly all, and no snapshot that counts. The caller holds
    /// the writer's lock.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) fn finish_region_snapshot(&self, regions: &RegionIndex) -> Result<(), IndexError> {
        let Some(graph) = regions.graph().filter(|_| !regions.is_behind()) else { return Ok(()) };
        if self.region_snapshot.is_valid() {
            return Ok(());
        }
        let flat = FlatShapes::of(regions);
        let mut sections = [&[][..]; owned::COUNT];
        sections[owned::IMAGES] = bytemuck::cast_slice(&flat.images);
        sections[owned::SHAPES] = bytemuck::cast_slice(&flat.shapes);
        self.region_snapshot.write(&self.store, self.revision(), &graph, &sections)
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

/// True if the nodes that are there are those of the vectors in their slots, and none is behind all slots.
fn are_of(nodes: &[Change], rows: &Rows) -> bool {
    nodes.iter().all(|(node, record)| {
        let owned = record.as_ref().is_none_or(|record| rows.owner(node.slot()) == Some(record.owner));
        node.slot().index() < rows.len() && owned
    })
}
