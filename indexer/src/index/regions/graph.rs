//! The graph of regions: read with them, left by those that go in the step that removes them, and
//! given the new ones when a run of changes ends.
//!
//! As long as nobody asks for regions, they are not in memory, and neither is their graph. A step
//! then only notes the image (`unlinked`), and whoever reads the regions next brings the graph in
//! step.

use std::collections::HashMap;
use std::sync::Arc;

use glimpse_encoder::dense::MAX_REGIONS;

use crate::fault;
use crate::hnsw::{Hnsw, HnswParams, Node, Progress};
use crate::index::graph::MOSTLY;
use crate::index::{GraphEngine, Index};
use crate::regions::RegionIndex;
use crate::regions::graph::BEHIND;
use crate::store::Batch;
use crate::store::keys::GraphId;
use crate::store::links::StoredGraph;
use crate::vectors::{Slot, VectorIndex};
use crate::{IdSet, ImageId, IndexError, VectorId};

/// The graph as the store has it, while the vectors are being read.
pub(super) struct Restored {
    stored: Result<Option<StoredGraph>, IndexError>,
    /// Slots of the vectors that own a node.
    slots: HashMap<VectorId, Slot>,
    /// Images whose nodes, if they have some, are not those of their regions.
    unlinked: IdSet,
}

impl Restored {
    pub(super) fn read(index: &Index) -> Result<Self, IndexError> {
        let stored = match index.options.engine {
            GraphEngine::Own => index.store.read_graph(GraphId::REGIONS),
            GraphEngine::HnswRs => Ok(None),
        };
        let nodes = stored.as_ref().ok().and_then(Option::as_ref).map_or(&[][..], |stored| &stored.nodes);
        let slots = nodes.iter().map(|(node, record)| (record.owner, node.slot())).collect();
        Ok(Self { slots, unlinked: index.store.unlinked()?, stored })
    }

    /// Number of slots that nodes have.
    pub(super) fn slots(&self) -> usize {
        self.slots.values().max().map_or(0, |last| last.index() + 1)
    }

    /// The slot of an image's region, by its key; `None` if it has no node.
    pub(super) fn slot(&self, image: ImageId, key: VectorId) -> Option<Slot> {
        self.slots.get(&key).copied().filter(|_| !self.unlinked.contains(image))
    }

    /// The graph of the regions that were read, and the nodes in it of those that are no longer
    /// there; `None` if there is none worth mending. Whatever is wrong costs the graph alone, and
    /// is said in words.
    pub(super) fn graph(self, index: &Index, regions: &RegionIndex) -> Result<Option<(Hnsw, Vec<Node>)>, String> {
        let Some(stored) = self.stored.map_err(|error| error.to_string())? else { return Ok(None) };
        let params = searched(index, stored.params);
        let restored = Hnsw::restore(Arc::clone(regions.vectors()), params, &stored.nodes);
        let (graph, dead) = restored.map_err(|reason| format!("the graph of regions is damaged ({reason})"))?;
        Ok((dead.len() * MOSTLY <= stored.nodes.len()).then_some((graph, dead)))
    }
}

/// How a graph that was built is searched now.
pub(super) fn searched(index: &Index, built: HnswParams) -> HnswParams {
    HnswParams { ef_search: index.options.region_graph.ef_search, ..built }
}

impl Index {
    /// What a step does to the graph, before the store takes it: the regions of these images, new
    /// or gone, lose their nodes, and `batch` learns which nodes changed, which are returned too.
    pub(in crate::index) fn prepare_regions(
        &self,
        new: &[ImageId],
        gone: &[ImageId],
        batch: &mut Batch,
    ) -> Result<Vec<Node>, IndexError> {
        let mut changed = Vec::new();
        if new.is_empty() && gone.is_empty() {
            return Ok(changed);
        }
        match self.regions.get().filter(|regions| regions.may_have_nodes()) {
            // The store has no graph, or has it as it was before regions were linked.
            Some(regions) if regions.is_linking() => {
                regions.unlink(new.iter().chain(gone).copied());
                fault::point()?;
                if !self.store.has_graph(GraphId::REGIONS)? {
                    return Ok(changed);
                }
                gone.iter().for_each(|&id| batch.put_unlinked(id));
            }
            Some(regions) => {
                let changes = regions.unlink(new.iter().chain(gone).copied());
                batch.put_nodes(GraphId::REGIONS, &changes);
                fault::point()?;
                changed.extend(changes.into_iter().map(|(node, _)| node));
                gone.iter().for_each(|&id| batch.remove_unlinked(id));
            }
            None if self.store.has_graph(GraphId::REGIONS)? => gone.iter().for_each(|&id| batch.put_unlinked(id)),
            None => return Ok(changed), // whoever builds a graph looks at all regions
        }
        new.iter().for_each(|&id| batch.put_unlinked(id));
        Ok(changed)
    }

    /// Builds the graph if there are regions enough, or brings it up to date if it lacks many, and
    /// writes a snapshot if none counts. Reads the regions only if there may be something to do,
    /// and lets go of them if nobody has asked for them.
    pub(in crate::index) fn finish_regions(&self, progress: &mut Progress<'_>) -> Result<(), IndexError> {
        let _regions = self.writer.lock_regions();
        self.finish_read_regions(progress)
    }

    /// As [`Index::finish_regions`]; the caller has the turn to read the regions.
    pub(in crate::index) fn finish_read_regions(&self, progress: &mut Progress<'_>) -> Result<(), IndexError> {
        if self.options.engine != GraphEngine::Own || self.regions.get().is_none() && !self.may_be_behind()? {
            return Ok(());
        }
        let regions = self.loaded_regions(&|| Some(self.writer.lock()))?;
        let done = self.link_regions(&regions, progress).and_then(|()| self.finish_region_snapshot(&regions));
        self.regions.release();
        done
    }

    fn may_be_behind(&self) -> Result<bool, IndexError> {
        Ok(match self.store.graph_entry(GraphId::REGIONS) {
            Ok(Some(entry)) if !entry.partial && self.region_snapshot.is_valid() => {
                self.store.unlinked()?.len() * BEHIND > self.scan.len()
            }
            Ok(None) => self.scan.len() * MAX_REGIONS >= self.options.regions_from,
            _ => true, // not finished, damaged, or without a snapshot
        })
    }

    fn link_regions(&self, regions: &Arc<RegionIndex>, progress: &mut Progress<'_>) -> Result<(), IndexError> {
        if !regions.is_behind() {
            return Ok(());
        }
        if regions.graph().is_none() && regions.len() < self.options.regions_from {
            let _writer = self.writer.lock();
            return self.invalidate_unusable(regions);
        }
        let turn = || Some(self.writer.lock()).filter(|_| self.regions.has(regions));
        let Some((graph, linked)) = regions.link(self.options.region_graph, progress, turn) else { return Ok(()) };
        // From here on steps write the nodes that they change; what the store has does not fit
        // them.
        self.region_snapshot.clear();
        let mut batch = Batch::default();
        batch.drop_graph(GraphId::REGIONS);
        self.store.apply(&batch)?;
        drop(linked);
        let written = self.store.write_graph(GraphId::REGIONS, &graph, turn, |last| {
            let known = self.store.unlinked()?;
            known.iter().filter(|&id| regions.is_linked(id)).for_each(|id| last.remove_unlinked(id));
            Ok(())
        });
        written.map(drop)
    }

    /// Gives the graph up, in memory and in the store.
    pub(in crate::index) fn drop_region_graph(&self) -> Result<(), IndexError> {
        self.regions.clear();
        self.region_snapshot.clear();
        self.store.clear_graph(GraphId::REGIONS)
    }

    /// A stored graph that was not taken up counts as none from now on, so that the next
    /// [`Index::finish`] builds one. The caller has the writer's turn.
    pub(super) fn invalidate_unusable(&self, regions: &RegionIndex) -> Result<(), IndexError> {
        let own = self.options.engine == GraphEngine::Own;
        if !own || regions.graph().is_some() || !self.store.has_graph(GraphId::REGIONS)? {
            return Ok(());
        }
        self.region_snapshot.clear();
        let mut batch = Batch::default();
        batch.drop_graph(GraphId::REGIONS);
        self.store.apply(&batch)
    }
}
