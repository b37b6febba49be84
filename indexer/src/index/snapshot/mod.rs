//! The snapshot: what opening puts into memory, as it lies there, in one file.
//!
//! Reading a million pictures value by value from sled takes seconds, most of it to walk through sled's pages and to check and
//! decode four values a picture. The snapshot is read at the speed of memory. It is derived, as words are: sled remains the truth,
//! and whatever is doubtful about the file, its entry or the steps since then has the effect that opening reads sled.
//!
//! - **Which one counts** stands in the entry of the graph (`GraphEntry::snapshot`): the revision that it holds, and the seal of
//!   the file. The store is synced before the file is written, and the file before the entry, so a killed process leaves the
//!   entry of a whole file that the store has reached. Whoever replaces or drops the graph drops the entry with it.
//! - **What it has missed** is read from sled: `changes` names the pictures, `relinked` the nodes of the graph that each
//!   step changed, without a gap (`store/missed.rs`, [`replay`]).
//! - **It is bounded.** When steps have changed more than a part of the graph, reading it all costs no more: the step gives the
//!   snapshot up and none is noted any more. [`Index::finish`](super::Index::finish) writes a new one long before that.

mod open;
mod replay;
mod write;

use std::path::PathBuf;

use parking_lot::Mutex;

use super::Index;
use super::graph::Graph;
use crate::IndexError;
use crate::hnsw::{HnswParams, Node};
use crate::snapshot::{Seal, sweep};
use crate::store::Batch;
use crate::store::keys::GraphId;
use crate::store::links::GraphEntry;
use crate::store::missed::Steps;

pub(super) use self::open::{Opened, open};

/// Format of the sections. Another number is no snapshot to this program, and the next one is written anew.
const FORMAT: u32 = 1;

/// What is said of the whole file in its head.
#[derive(serde::Serialize, serde::Deserialize)]
struct Facts {
    format: u32,
    revision: u64,
    dim: usize,
    /// Slots of vectors.
    slots: usize,
    /// Nodes for which the graph has room.
    nodes: usize,
    /// The node without a parent.
    root: Option<u32>,
}

/// The sections, in their order.
mod section {
    pub(super) const NAMES: usize = 0;
    pub(super) const PICTURES: usize = 1;
    pub(super) const FILES: usize = 2;
    pub(super) const OWNERS: usize = 3;
    pub(super) const LISTS: usize = 4;
    pub(super) const PARENTS: usize = 5;
    /// As many as the vectors need.
    pub(super) const PLANES: usize = 6;
}

/// A new snapshot is written when the steps since the last one have changed more than one node in so many: each is read from
/// a page of sled of its own, which takes as long as reading some thirty from a snapshot.
const STALE: usize = 32;
/// A step gives the snapshot up when the steps since then have changed more than one node in so many, besides [`ROOM`].
const LOST: usize = 2;
/// Changes that any snapshot may lag behind.
const ROOM: usize = 4096;
/// What a step costs at opening beside its nodes, in nodes: the picture, its files and its vector.
const STEP: usize = 4;

/// Where the snapshot of an index stands.
pub(super) struct SnapshotSlot {
    dir: PathBuf,
    /// The steps since the snapshot that counts; `None` if none does.
    missed: Mutex<Option<Steps>>,
    /// Why the last one could not be written.
    fault: Mutex<Option<String>>,
}

impl SnapshotSlot {
    /// Of the snapshots in `dir`; `missed` are the steps since the one that was read, if one was.
    pub(super) fn new(dir: PathBuf, missed: Option<Steps>) -> Self {
        Self { dir, missed: Mutex::new(missed), fault: Mutex::default() }
    }

    /// True if a snapshot counts.
    #[cfg(test)]
    pub(super) fn counts(&self) -> bool {
        self.missed.lock().is_some()
    }

    /// No snapshot counts any more.
    pub(super) fn clear(&self) {
        *self.missed.lock() = None;
    }

    /// What is wrong, in words to follow the name of the search; empty if all is well.
    pub(super) fn fault(&self) -> String {
        let said = |reason: &String| format!("; no snapshot could be written, so opening takes longer ({reason})");
        self.fault.lock().as_ref().map_or(String::new(), said)
    }

    /// True if opening has little to read again.
    fn is_fresh(&self, nodes: usize) -> bool {
        self.missed.lock().is_some_and(|steps| cost(steps) * STALE <= nodes)
    }

    /// Removes files that do not count.
    pub(super) fn sweep(&self, keep: Option<&Seal>) {
        sweep(&self.dir, keep);
    }
}

fn cost(steps: Steps) -> usize {
    steps.nodes + steps.count * STEP
}

impl Index {
    /// Notes in a step, which leads from one revision to another, what it does to the graph of pictures, as long as there is
    /// a snapshot that it must be known for. The caller holds the writer's lock.
    pub(super) fn note_step(
        &self,
        batch: &mut Batch,
        before: u64,
        revision: u64,
        nodes: &[Node],
    ) -> Result<(), IndexError> {
        let mut missed = self.snapshot.missed.lock();
        let (Some(steps), Some(Graph::Own(graph))) = (missed.as_mut(), self.graph.get()) else { return Ok(()) };
        steps.add(nodes.len());
        if cost(*steps) > graph.nodes() / LOST + ROOM {
            *missed = None;
            return self.store.put_graph_entry(batch, GraphId::PICTURES, &without(graph.params()));
        }
        batch.put_step(GraphId::PICTURES, before, revision, nodes);
        Ok(())
    }
}

/// The entry of a graph of which no snapshot counts.
pub(super) fn without(params: HnswParams) -> GraphEntry {
    GraphEntry { params, partial: false, snapshot: None }
}
