//! What happened since a snapshot, read again from sled. A step that changes something of an image
//! names it in `changes`, and an image's vector never changes: so those images' facts and files are
//! read anew, as are the nodes that steps changed, and a new image's vector goes into the slot of
//! its node.

use rayon::prelude::*;

use crate::hnsw::{Change, FlatGraph};
use crate::index::memory::Memory;
use crate::snapshot::{SnapshotError, require};
use crate::store::keys::{self, GraphId, Table};
use crate::store::missed::{Missed, Steps};
use crate::store::{Store, records};
use crate::vectors::{Rows, Slot};
use crate::{FileRecord, IdSet, ImageId, ImageRecord};

pub(super) struct Replay {
    pub(super) steps: Steps,
    /// Images of which the snapshot knows nothing, or nothing that still is so.
    pub(super) stale: IdSet,
    /// Those of them that are there now.
    there: IdSet,
    changes: Vec<(u64, ImageId)>,
    images: Vec<(ImageRecord, Vec<FileRecord>)>,
    nodes: Vec<Change>,
}

impl Replay {
    /// Reads what changed, on all threads of the current pool.
    pub(super) fn read(store: &Store, missed: Missed) -> Result<Self, SnapshotError> {
        let Missed { changes, nodes, steps } = missed;
        let images = changes.par_iter().filter_map(|&(_, id)| image(store, id).transpose());
        let images: Vec<(ImageRecord, Vec<FileRecord>)> = images.collect::<Result<_, _>>()?;
        let stale: IdSet = changes.iter().map(|(_, id)| *id).collect();
        require(stale.len() == changes.len(), "an image has more than one newest change")?;
        let there = images.iter().map(|(record, _)| record.id).collect();
        let nodes = store.read_nodes(GraphId::IMAGES, &nodes)?;
        Ok(Self { steps, stale, there, changes, images, nodes })
    }

    /// True if an image went.
    pub(super) fn is_gone(&self, id: ImageId) -> bool {
        self.stale.contains(id) && !self.there.contains(id)
    }

    /// Brings what the snapshot says up to date; the revision that it then has.
    pub(super) fn apply(
        self,
        store: &Store,
        revision: u64,
        memory: &mut Memory,
        rows: &mut Rows,
        graph: &mut FlatGraph,
    ) -> Result<u64, SnapshotError> {
        self.apply_nodes(store, rows, graph)?;
        for (record, files) in &self.images {
            memory.put_image(record, rows.slot(record.id.into()).is_some());
            files.iter().for_each(|file| memory.put_file(file));
        }
        for &(revision, id) in &self.changes {
            memory.set_revision(id, revision);
        }
        Ok(self.changes.last().map_or(revision, |&(last, _)| last))
    }

    fn apply_nodes(&self, store: &Store, rows: &mut Rows, graph: &mut FlatGraph) -> Result<(), SnapshotError> {
        let slots = self.nodes.last().map_or(0, |(node, _)| node.slot().index() + 1);
        rows.reach(slots)?;
        require(graph.put(&self.nodes), "a node cannot be what its record says")?;
        for (node, record) in &self.nodes {
            let Some(record) = record else { continue };
            match rows.owner(node.slot()) {
                Some(owner) => require(owner == record.owner, "a slot has another owner than its node")?,
                None => self.place(store, rows, record.owner.image(), node.slot())?,
            }
        }
        rows.free_unowned();
        Ok(())
    }

    /// Reads the vector of a new image into the slot of its node.
    fn place(&self, store: &Store, rows: &mut Rows, id: ImageId, slot: Slot) -> Result<(), SnapshotError> {
        require(self.there.contains(id) && rows.slot(id.into()).is_none(), "a new node is not that of a new image")?;
        let value = store.get(Table::Vectors, &keys::image(id))?;
        let value = value.ok_or_else(|| SnapshotError(format!("image {id} has no vector")))?;
        let vector =
            records::decode_vector(id, rows.dim(), &value).map_err(|damage| SnapshotError(damage.to_string()))?;
        rows.place(id.into(), slot, vector);
        Ok(())
    }
}

/// An image with its files; `None` if it went.
fn image(store: &Store, id: ImageId) -> Result<Option<(ImageRecord, Vec<FileRecord>)>, SnapshotError> {
    let Some(record) = store.image(id)? else { return Ok(None) };
    let files = store.files_of(id).map(|hash| {
        let file = store.file(hash?)?.filter(|file| file.image == id);
        file.ok_or_else(|| SnapshotError(format!("a file of image {id} is not there")))
    });
    let files = files.collect::<Result<_, _>>()?;
    Ok(Some((record, files)))
}
