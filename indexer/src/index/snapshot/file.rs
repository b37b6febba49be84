//! The file of a snapshot. Each has vectors in their slots and the graph over them; what else there
//! is to know of their owners is up to whose snapshot it is.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytemuck::Pod;

use crate::VectorId;
use crate::hnsw::{FlatGraph, Hnsw, HnswParams, Node};
use crate::snapshot::{Reader, Section, SnapshotError, SnapshotManifest, require, write};
use crate::store::Store;
use crate::store::keys::GraphId;
use crate::store::links::{GraphEntry, SnapshotEntry};
use crate::vectors::{Plane, Rows};

/// Format of the sections. Another number is no snapshot to this program, and the next one is
/// written anew.
const FORMAT: u32 = 7;

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
    /// Sections about the owners.
    owned: usize,
}

/// The sections, in their order.
mod section {
    pub(super) const OWNERS: usize = 0;
    pub(super) const LISTS: usize = 1;
    pub(super) const PARENTS: usize = 2;
    /// About the owners; behind these the planes, as many as the vectors need.
    pub(super) const OWNED: usize = 3;
}

/// What a snapshot has of a moment; the rest is copied while it is written.
pub(in crate::index) struct Begun {
    facts: Facts,
    graph: Arc<Hnsw>,
    /// Who owns which slot.
    owners: Vec<u64>,
    /// What else there is to know of the owners.
    owned: Vec<Vec<u8>>,
    /// Words of lists and parents.
    words: [usize; 2],
    planes: Vec<(Plane, usize)>,
}

impl Begun {
    /// At a revision, which the caller keeps from changing.
    pub(super) fn at(revision: u64, graph: &Arc<Hnsw>, owned: Vec<Vec<u8>>) -> Self {
        let rows = graph.vectors().read();
        let (words, root) = graph.flat_sizes();
        let facts = Facts {
            format: FORMAT,
            revision,
            dim: rows.dim(),
            slots: rows.len(),
            nodes: words[1],
            root: root.map(|node| node.0),
            owned: owned.len(),
        };
        Self { facts, owners: rows.owners(), owned, words, planes: rows.planes(), graph: Arc::clone(graph) }
    }

    /// The revision of that moment.
    pub(super) fn revision(&self) -> u64 {
        self.facts.revision
    }

    /// Writes the file. Others change vectors and graph meanwhile: of what they change since the
    /// revision, the file has any mixture of old and new.
    pub(super) fn write(&self, dir: &Path) -> io::Result<SnapshotManifest> {
        let words = |part: usize| {
            let copy = move |range: Range<usize>| {
                let words = self.graph.flat_words(part, range.start / 4..range.end / 4);
                bytemuck::cast_slice(&words).to_vec()
            };
            Section::Live(4 * self.words[part], Box::new(copy))
        };
        let plane = |&(plane, bytes): &(Plane, usize)| {
            Section::Live(bytes, Box::new(move |range| self.graph.vectors().read().plane(plane)[range].to_vec()))
        };
        let owners = Section::Bytes(bytemuck::cast_slice(&self.owners));
        let owned = self.owned.iter().map(|bytes| Section::Bytes(bytes));
        let sections: Vec<_> =
            [owners, words(0), words(1)].into_iter().chain(owned).chain(self.planes.iter().map(plane)).collect();
        write(dir, &self.facts, &sections)
    }
}

/// The file of a snapshot that counts.
pub(in crate::index) struct SnapshotFile {
    reader: Reader,
    facts: Facts,
    /// How the graph was built.
    pub(in crate::index) params: HnswParams,
    /// It holds what there was at this revision.
    pub(in crate::index) revision: u64,
    pub(in crate::index) manifest: SnapshotManifest,
}

impl SnapshotFile {
    /// The file that counts, with `owned` sections about owners of vectors of `dim` components;
    /// `None` if none counts.
    pub(in crate::index) fn open(
        store: &Store,
        dir: &Path,
        graph: GraphId,
        dim: usize,
        owned: usize,
    ) -> Result<Option<Self>, SnapshotError> {
        let entry = store.graph_entry(graph)?;
        let Some(GraphEntry { params, snapshot: Some(SnapshotEntry { revision, manifest, .. }), .. }) = entry else {
            return Ok(None);
        };
        let (reader, facts): (_, Facts) = Reader::open(dir, &manifest)?;
        let kind = (facts.format, facts.revision, facts.dim, facts.owned);
        require(kind == (FORMAT, revision, dim, owned), "it is of another kind")?;
        // Before anybody makes room for them.
        require(reader.len::<u64>(section::OWNERS)? == facts.slots, "it has other slots than owners")?;
        Ok(Some(Self { reader, facts, params, revision, manifest }))
    }

    /// Number of slots.
    pub(in crate::index) fn slots(&self) -> usize {
        self.facts.slots
    }

    /// A section about the owners.
    pub(in crate::index) fn owned<T: Pod>(&self, section: usize) -> Result<Vec<T>, SnapshotError> {
        self.reader.values(section::OWNED + section)
    }

    /// Reads the vectors into rows that have a slot for each; slots of owners that are gone become
    /// free. If more than `memory` bytes were then in memory, residuals are mapped instead, and
    /// first planes too if that is not enough.
    pub(in crate::index) fn fill(
        &self,
        rows: &mut Rows,
        memory: Option<u64>,
        gone: impl Fn(VectorId) -> bool,
    ) -> Result<(), SnapshotError> {
        let owners = self.reader.values(section::OWNERS)?;
        let planes = rows.planes();
        let residuals = planes.iter().filter(|(plane, _)| plane.is_residual()).map(|(_, bytes)| *bytes as u64);
        let beyond = self.reader.bytes().saturating_sub(memory.unwrap_or(u64::MAX));
        let is_mapped = |plane: Plane| beyond > 0 && (plane.is_residual() || beyond > residuals.clone().sum());
        for (number, &(plane, _)) in planes.iter().enumerate() {
            let section = section::OWNED + self.facts.owned + number;
            if is_mapped(plane) && rows.may_be_mapped(plane) {
                rows.map_plane(plane, self.reader.map(section)?);
            } else {
                self.reader.fill(section, rows.plane_mut(plane))?;
            }
        }
        require(rows.give_slots(&owners, gone), "owners and vectors do not belong together")
    }

    /// Reads the graph, to be searched with other parameters perhaps.
    pub(in crate::index) fn graph(&self, params: HnswParams) -> Result<FlatGraph, SnapshotError> {
        let nodes = self.reader.len::<u32>(section::PARENTS)?;
        require(nodes == self.facts.nodes && nodes <= self.facts.slots, "it has other nodes than slots")?;
        let graph = FlatGraph::new(params, nodes);
        require(self.reader.len::<u32>(section::LISTS)? == graph.list_words(), "its lists have another length")?;
        self.reader.each_piece(section::LISTS, |first, words| {
            graph.set_lists(first, words);
            Ok(())
        })?;
        self.reader.each_piece(section::PARENTS, |first, words| {
            graph.set_parents(first, words);
            Ok(())
        })?;
        graph.set_root(self.facts.root.map(Node));
        Ok(graph)
    }
}
