//! What opening puts into memory, and reading it from the store.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::memory::Memory;
use crate::hnsw::{Node, NodeRecord};
use crate::store::keys::{self, Table};
use crate::store::{Store, records};
use crate::vectors::{ExactScan, Slot, VectorIndex};
use crate::{FileRecord, IdSet, ImageId, ImageRecord, IndexError, VectorId};

/// What opening finds out.
pub(super) struct Loaded {
    pub(super) memory: Memory,
    pub(super) revision: u64,
    pub(super) next_id: u64,
    pub(super) damaged: usize,
}

impl Loaded {
    /// Reads all tables at once; vectors go into `scan`, those that own a node into its slot.
    pub(super) fn read(store: &Store, scan: &ExactScan, nodes: &[(Node, NodeRecord)]) -> Result<Self, IndexError> {
        let (images, files, vectors) = std::thread::scope(|scope| {
            let vectors = scope.spawn(|| read_vectors(store, scan, nodes));
            let files = scope.spawn(|| read_files(store));
            (read_images(store), join(files), join(vectors))
        });
        let (images, damaged_images) = images?;
        let (files, damaged_files) = files?;
        let damaged_vectors = vectors?;
        let known: IdSet = images.iter().map(|record| record.id).collect();
        scan.ids().into_iter().filter(|id| !known.contains(id.image())).for_each(|id| {
            scan.remove(id);
        });
        let damaged = damaged_images + damaged_files + damaged_vectors;
        Self::of(store, &images, &files, damaged, |id| scan.contains(id.into()))
    }

    /// As [`Loaded::read`], without vectors: an image that has one counts as having one that can be
    /// read.
    pub(super) fn read_facts(store: &Store) -> Result<Self, IndexError> {
        let (images, files) = std::thread::scope(|scope| {
            let files = scope.spawn(|| read_files(store));
            (read_images(store), join(files))
        });
        let ((images, damaged_images), (files, damaged_files)) = (images?, files?);
        Self::of(store, &images, &files, damaged_images + damaged_files, |_| true)
    }

    fn of(
        store: &Store,
        images: &[ImageRecord],
        files: &[FileRecord],
        damaged: usize,
        has_vector: impl Fn(ImageId) -> bool,
    ) -> Result<Self, IndexError> {
        let mut memory = Memory::default();
        for record in images {
            memory.put_image(record, has_vector(record.id));
        }
        for file in files {
            memory.put_file(file);
        }
        for (revision, id) in store.changes_after(0, usize::MAX)? {
            memory.set_revision(id, revision);
        }
        let stored = store.next_id()?;
        let used = images.iter().map(|record| record.id.0 + 1).max().unwrap_or(0);
        Ok(Self { memory, revision: store.last_revision()?, next_id: stored.max(used), damaged })
    }
}

fn read_images(store: &Store) -> Result<(Vec<ImageRecord>, usize), IndexError> {
    let (mut images, mut damaged) = (Vec::new(), 0);
    for entry in store.entries(Table::Images) {
        let (key, value) = entry?;
        match keys::parse_image(&key).and_then(|id| records::decode_image(id, &value).ok()) {
            Some(mut record) => {
                // Only facts for filters are kept; other words stay in the store.
                record.caption = None;
                record.model_caption = None;
                images.push(record);
            }
            None => damaged += 1,
        }
    }
    Ok((images, damaged))
}

fn read_files(store: &Store) -> Result<(Vec<FileRecord>, usize), IndexError> {
    let (mut files, mut damaged) = (Vec::new(), 0);
    for entry in store.entries(Table::Files) {
        let (key, value) = entry?;
        match keys::parse_path(&key).and_then(|hash| records::decode_file(hash, &value).ok()) {
            Some(file) => files.push(file),
            None => damaged += 1,
        }
    }
    Ok((files, damaged))
}

/// Reads vectors on all threads of the current pool: those that own a node straight into its slot,
/// the others behind all nodes, in their order.
fn read_vectors(store: &Store, scan: &ExactScan, nodes: &[(Node, NodeRecord)]) -> Result<usize, IndexError> {
    let slots: HashMap<VectorId, Slot> = nodes.iter().map(|(node, record)| (record.owner, node.slot())).collect();
    let rows = Mutex::new(scan.rows_like(slots.values().max().map_or(0, |last| last.index() + 1))?);
    let parts: Vec<(Vec<_>, usize)> = store.par_images(Table::Vectors, |start, end| {
        let (mut others, mut damaged) = (Vec::new(), 0);
        for entry in store.range(Table::Vectors, start, end) {
            let (key, value) = entry?;
            let decoded = |id| records::decode_vector(id, scan.dim(), &value).ok().map(|vector| (id, vector));
            match keys::parse_image(&key).and_then(decoded) {
                Some((id, vector)) => match slots.get(&id.into()) {
                    Some(&slot) => rows.lock().place(id.into(), slot, vector),
                    None => others.push((VectorId::from(id), vector.quantised())),
                },
                None => damaged += 1,
            }
        }
        Ok((others, damaged))
    })?;
    let mut rows = rows.into_inner();
    for (id, vector) in parts.iter().flat_map(|(others, _)| others) {
        rows.put(*id, vector)?;
    }
    rows.free_unowned();
    scan.fill(rows);
    Ok(parts.iter().map(|(_, damaged)| damaged).sum())
}

fn join<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
