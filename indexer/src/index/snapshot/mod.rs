//! Snapshots: what opening puts into memory, as it lies there, in one file.
//!
//! Reading a million images value by value from sled takes seconds, most of it to walk through
//! sled's pages and to check and decode four values an image. A snapshot is read at the speed of
//! memory. It is derived, as words are: sled remains the truth, and whatever is doubtful about the
//! file, its entry or the steps since then has the effect that sled is read.
//!
//! - **Which one is valid** stands in the entry of the graph (`GraphEntry::snapshot`): the revision
//!   that it holds, and the manifest of the file. The store is synced before the file is written,
//!   and the file before the entry, so a killed process leaves the entry of a whole file that the
//!   store has reached. Whoever replaces or drops the graph drops the entry with it.
//! - **What it has missed** is read from sled: `changes` names the images, `relinked` the nodes of
//!   the graph that each step changed, without a gap (`store/missed.rs`, [`replay`]).
//! - **Others write meanwhile.** What steps change while the file is written lies in it half old,
//!   half new. The steps since the revision at which it was begun are noted all the same, so that
//!   is read from sled as what came later is.
//! - **It may be mapped.** Rows of vectors that would take more than `IndexOptions::memory` are
//!   checked as all is, and mapped, copied on write, in place of the memory that they would be read
//!   to; a file that is replaced meanwhile keeps its room on disk until the index is closed.
//! - **It is bounded.** When steps have changed more than a part of the graph, reading it all costs
//!   no more: the step gives the snapshot up and none is noted any more.
//!   [`Index::finish`](super::Index::finish) writes a new one long before that.

mod file;
mod open;
mod replay;
mod write;

use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::IndexError;
use crate::hnsw::Node;
use crate::snapshot::{SnapshotManifest, sweep};
use crate::store::keys::GraphId;
use crate::store::missed::Steps;
use crate::store::{Batch, Store};

pub(super) use self::file::{Begun, SnapshotFile};
pub(super) use self::open::{Opened, open};

/// Sections about images, in their order.
mod owned {
    pub(super) const NAMES: usize = 0;
    pub(super) const IMAGES: usize = 1;
    pub(super) const FILES: usize = 2;
    pub(super) const TAGS: usize = 3;
    pub(super) const MOMENTS: usize = 4;
    pub(super) const COUNT: usize = 5;
}

/// A new snapshot is written when the steps since the last one have changed more than one node in
/// so many: each is read from a page of sled of its own, which takes as long as reading some thirty
/// from a snapshot.
const STALE: usize = 32;
/// A step gives the snapshot up when the steps since then have changed more than one node in so
/// many, besides [`ROOM`].
const LOST: usize = 2;
/// Changes that any snapshot may lag behind.
const ROOM: usize = 4096;
/// What a step costs at opening beside its nodes, in nodes: the image, its files and its vector.
const STEP: usize = 4;

/// Where the snapshot of a graph and its vectors stands.
pub(super) struct SnapshotSlot {
    graph: GraphId,
    dir: PathBuf,
    /// `None` if no snapshot counts.
    counted: Mutex<Option<Counted>>,
    /// What the one that is being written has, and has missed since it was begun.
    begun: Mutex<Option<Counted>>,
    /// Why the last one could not be written.
    fault: Mutex<Option<String>>,
}

/// What the snapshot that counts has, and what it has missed.
#[derive(Clone, Copy)]
struct Counted {
    nodes: usize,
    steps: Steps,
}

impl Counted {
    /// Of a snapshot that has missed nothing.
    fn new(nodes: usize) -> Self {
        Self { nodes, steps: Steps::default() }
    }

    fn cost(self) -> usize {
        self.steps.nodes + self.steps.count * STEP
    }
}

impl SnapshotSlot {
    /// Of the snapshots in `dir`, none of which counts.
    pub(super) fn new(graph: GraphId, dir: PathBuf) -> Self {
        Self { graph, dir, counted: Mutex::default(), begun: Mutex::default(), fault: Mutex::default() }
    }

    /// Marks a snapshot as valid, which has `nodes` nodes and has missed some steps.
    pub(super) fn count(&self, manifest: &SnapshotManifest, nodes: usize, steps: Steps) {
        *self.counted.lock() = Some(Counted { nodes, steps });
        self.sweep(Some(manifest));
    }

    /// True if there is a valid snapshot.
    #[cfg(test)]
    pub(super) fn is_valid(&self) -> bool {
        self.counted.lock().is_some()
    }

    /// No snapshot counts any more, and one that is being written will not.
    pub(super) fn clear(&self) {
        *self.counted.lock() = None;
        *self.begun.lock() = None;
    }

    /// The folder of the files.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// What is wrong, as a part of a sentence.
    pub(super) fn fault(&self) -> Option<String> {
        let said = |reason: &String| format!("no snapshot could be written, so opening takes longer ({reason})");
        self.fault.lock().as_ref().map(said)
    }

    /// True if opening has little to read again.
    fn is_fresh(&self) -> bool {
        self.counted.lock().is_some_and(|counted| counted.cost() * STALE <= counted.nodes)
    }

    /// Removes files that do not count.
    pub(super) fn sweep(&self, keep: Option<&SnapshotManifest>) {
        sweep(&self.dir, keep);
    }

    /// Notes in a step, which leads from one revision to another, which nodes of the graph it
    /// changes, as long as there is a snapshot that it must be known for. The caller holds the
    /// writer's lock.
    pub(super) fn note_step(
        &self,
        store: &Store,
        batch: &mut Batch,
        (before, revision): (u64, u64),
        nodes: &[Node],
    ) -> Result<(), IndexError> {
        let is_lost = |slot: &Mutex<Option<Counted>>| {
            let mut lock = slot.lock();
            let counted = lock.as_mut()?;
            counted.steps.add(nodes.len());
            Some(counted.cost() > counted.nodes / LOST + ROOM)
        };
        let (counted, begun) = (is_lost(&self.counted), is_lost(&self.begun));
        if counted == Some(true) {
            *self.counted.lock() = None;
            store.invalidate_snapshot(batch, self.graph)?;
        }
        if begun == Some(true) {
            *self.begun.lock() = None;
        }
        if counted == Some(false) || begun == Some(false) {
            batch.put_step(self.graph, before, revision, nodes);
        }
        Ok(())
    }
}
