//! Reading regions into memory, on all threads: most of the bytes of an index. Others write
//! meanwhile, so what changed is read again at the end.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::TakeTurn;
use super::graph::Restored;
use crate::fault;
use crate::hnsw::{Hnsw, Node};
use crate::index::Index;
use crate::index::graph::NODES_AT_ONCE;
use crate::regions::{self, RegionIndex, Shapes, format};
use crate::store::keys::{self, GraphId, Table};
use crate::store::{Batch, Bytes};
use crate::vectors::{Rows, VectorStorage};
use crate::{ImageId, IndexError};

/// Images that are brought up to date in one turn: some 500 nodes, and as many thousands that are
/// their neighbours.
const IMAGES_AT_ONCE: usize = 16;

impl Index {
    /// Reads the regions of all images with their graph if there is one, by the snapshot if one
    /// counts, and shows them to everybody. `turn` gives the writer's turn.
    pub(super) fn read_regions(&self, turn: &TakeTurn<'_>) -> Result<Arc<RegionIndex>, IndexError> {
        // A snapshot that is doubtful in any way is as good as none.
        let opened = self.open_region_snapshot(turn).ok().flatten();
        if let Some(opened) = opened
            && let Ok(regions) = self.show_regions(opened.regions, opened.changed, turn)
        {
            return Ok(regions);
        }
        {
            let _turn = turn();
            self.regions.begin_reading();
            self.region_snapshot.clear();
        }
        let regions = self.read_stored_regions(turn)?;
        self.show_regions(regions, Vec::new(), turn)
    }

    /// As [`Index::read_regions`], as they are stored, and not shown yet. Regions that are damaged
    /// are left out.
    pub(in crate::index) fn read_stored_regions(&self, turn: &TakeTurn<'_>) -> Result<RegionIndex, IndexError> {
        let restored = Restored::read(self)?;
        let rows = Mutex::new(Rows::with_slots(VectorStorage::Int8, self.scan.dim(), restored.slots())?);
        let parts = self.store.par_images(Table::Regions, |start, end| self.read_part(start, end, &restored, &rows))?;
        let shapes: HashMap<ImageId, Shapes> = parts.into_iter().flatten().collect();
        let mut rows = rows.into_inner();
        rows.free_unowned();
        let regions = RegionIndex::of_rows(rows, shapes);
        let graph = restored.graph(self, &regions).and_then(|graph| match graph {
            Some((graph, dead)) => self.without(&dead, graph, turn).map(Some).map_err(|error| error.to_string()),
            None => Ok(None),
        });
        regions.install(graph);
        fault::nobody_waits();
        Ok(regions)
    }

    /// A graph without nodes whose regions are not there, which leave before their slots are used
    /// again.
    fn without(&self, dead: &[Node], graph: Hnsw, turn: &TakeTurn<'_>) -> Result<Arc<Hnsw>, IndexError> {
        for part in dead.chunks(NODES_AT_ONCE) {
            let _turn = turn();
            let mut batch = Batch::default();
            batch.put_nodes(GraphId::REGIONS, &graph.unlink_nodes(part));
            // No step says what changed here.
            self.store.invalidate_snapshot(&mut batch, GraphId::REGIONS)?;
            self.store.apply(&batch)?;
        }
        Ok(Arc::new(graph))
    }

    /// Brings regions that were read up to date with the store, of which these images, and those
    /// noted since reading began, changed, and shows them to everybody. Part by part: the nodes
    /// that change are hundreds for each image. What a killed process had not come to is done by
    /// the next one, since the images are still noted in the store.
    fn show_regions(
        &self,
        regions: RegionIndex,
        mut changed: Vec<ImageId>,
        turn: &TakeTurn<'_>,
    ) -> Result<Arc<RegionIndex>, IndexError> {
        loop {
            let _turn = turn();
            let mut part = changed.split_off(changed.len().saturating_sub(IMAGES_AT_ONCE));
            part.extend(self.regions.take_changed(IMAGES_AT_ONCE - part.len()));
            if part.is_empty() {
                self.forget_gone(&regions)?;
                return Ok(self.regions.install(regions));
            }
            self.read_again(&regions, &part)?;
        }
    }

    /// Makes the regions of some images, and the graph, what the store says now. The caller has the
    /// writer's turn.
    fn read_again(&self, regions: &RegionIndex, part: &[ImageId]) -> Result<(), IndexError> {
        let mut batch = Batch::default();
        let changes = regions.unlink(part.iter().copied());
        batch.put_nodes(GraphId::REGIONS, &changes);
        part.iter().for_each(|&id| regions.remove(id));
        let nodes: Vec<Node> = changes.into_iter().map(|(node, _)| node).collect();
        if !nodes.is_empty() {
            let is_noted =
                self.region_snapshot.is_valid() && self.store.extend_last_step(&mut batch, GraphId::REGIONS, &nodes)?;
            if !is_noted {
                self.region_snapshot.invalidate(&self.store, &mut batch)?;
            }
        }
        self.store.apply(&batch)?;
        for &id in part.iter().filter(|&&id| self.memory.read().contains(id)) {
            self.stored_regions(id)?.map_or(Ok(()), |stored| regions.put(id, &stored))?;
        }
        Ok(())
    }

    /// A graph has nothing to learn of images that have no regions any more. The caller has the
    /// writer's turn.
    fn forget_gone(&self, regions: &RegionIndex) -> Result<(), IndexError> {
        if regions.graph().is_none() {
            return Ok(());
        }
        let gone: Vec<_> = self.store.unlinked()?.iter().filter(|&id| regions.shapes(id).is_none()).collect();
        gone.chunks(NODES_AT_ONCE).try_for_each(|part| {
            let mut batch = Batch::default();
            part.iter().for_each(|&id| batch.remove_unlinked(id));
            self.store.apply(&batch)
        })
    }

    /// Reads the images between two keys; a vector goes into its node's slot, or into a new one.
    fn read_part(
        &self,
        start: &[u8],
        end: &[u8],
        restored: &Restored,
        rows: &Mutex<Rows>,
    ) -> Result<HashMap<ImageId, Shapes>, IndexError> {
        let dim = self.scan.dim();
        let mut shapes = HashMap::new();
        let mut take = |image: ImageId, parts: &[(u8, Bytes)]| {
            let known = self.memory.read().contains(image);
            let Some(stored) = known.then(|| format::decode(image, dim, parts).ok()).flatten() else { return Ok(()) };
            let mut rows = rows.lock();
            for (key, vector) in regions::keyed(image, &stored.vectors) {
                match restored.slot(image, key) {
                    Some(slot) => rows.place(key, slot, vector.planes()),
                    None => rows.put(key, vector)?,
                }
            }
            shapes.insert(image, regions::shapes(&stored.map));
            Ok::<(), IndexError>(())
        };
        let mut parts = Vec::new();
        let mut image = None;
        for entry in self.store.range(Table::Regions, start, end) {
            let (key, value) = entry?;
            let Some((id, part)) = keys::parse_region(&key) else { continue };
            if image != Some(id) {
                image.map_or(Ok(()), |image| take(image, &parts))?;
                parts.clear();
                image = Some(id);
            }
            parts.push((part, value));
        }
        image.map_or(Ok(()), |image| take(image, &parts))?;
        Ok(shapes)
    }
}
