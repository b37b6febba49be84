//! Reading a snapshot, all its sections at once.

use std::path::Path;
use std::sync::Arc;

use super::replay::Replay;
use super::{FORMAT, Facts, section};
use crate::IdSet;
use crate::hnsw::{FlatGraph, Hnsw, HnswParams, Node};
use crate::index::load::Loaded;
use crate::index::memory::{FlatMemory, Memory};
use crate::snapshot::{Doubt, Reader, Seal, require};
use crate::store::Store;
use crate::store::keys::GraphId;
use crate::store::links::{GraphEntry, SnapshotEntry};
use crate::store::missed::Steps;
use crate::vectors::{ExactScan, Rows, VectorIndex};

/// What opening gets from a snapshot and what happened since.
pub(in crate::index) struct Opened {
    pub(in crate::index) loaded: Loaded,
    pub(in crate::index) graph: Hnsw,
    pub(in crate::index) missed: Steps,
    pub(in crate::index) seal: Seal,
}

/// Reads the snapshot that counts into `scan` and what is returned; `None` if there is none.
///
/// # Errors
/// Whatever is doubtful: sled must be read. What `scan` holds then means nothing.
pub(in crate::index) fn open(store: &Store, dir: &Path, scan: &Arc<ExactScan>) -> Result<Option<Opened>, Doubt> {
    let entry = store.graph_entry(GraphId::PICTURES)?;
    let Some(GraphEntry { params, snapshot: Some(SnapshotEntry { revision, seal }), .. }) = entry else {
        return Ok(None);
    };
    let (reader, facts): (_, Facts) = Reader::open(dir, &seal)?;
    require((facts.format, facts.revision, facts.dim) == (FORMAT, revision, scan.dim()), "it is of another kind")?;
    let replay = Replay::read(store, store.missed_since(GraphId::PICTURES, revision)?)?;
    let next_id = store.next_id()?;
    let (memory, (rows, graph)) = rayon::join(
        || read_memory(&reader, &replay.stale, next_id),
        || rayon::join(|| read_rows(&reader, &facts, scan, &replay), || read_graph(&reader, &facts, params)),
    );
    let (mut memory, mut rows, mut graph) = (memory?, rows?, graph?);
    let missed = replay.steps;
    let revision = replay.apply(store, revision, &mut memory, &mut rows, &mut graph)?;
    scan.fill(rows);
    let graph = Hnsw::of_flat(Arc::clone(scan), graph).map_err(Doubt)?;
    let whole = graph.nodes() == scan.len() && memory.pictures() == scan.len();
    require(whole, "pictures, vectors and nodes do not belong together")?;
    Ok(Some(Opened { loaded: Loaded { memory, revision, next_id, damaged: 0 }, graph, missed, seal }))
}

fn read_memory(reader: &Reader, stale: &IdSet, next_id: u64) -> Result<Memory, Doubt> {
    let flat = FlatMemory {
        pictures: reader.values(section::PICTURES)?,
        files: reader.values(section::FILES)?,
        names: reader.values(section::NAMES)?,
    };
    Memory::of_flat(&flat, stale, next_id).map_err(|damage| Doubt(damage.to_string()))
}

fn read_rows(reader: &Reader, facts: &Facts, scan: &ExactScan, replay: &Replay) -> Result<Rows, Doubt> {
    let owners = reader.values(section::OWNERS)?;
    require(owners.len() == facts.slots, "it has other slots than owners")?;
    let mut rows = scan.rows_like(facts.slots)?;
    for (plane, to) in rows.planes_mut().into_iter().enumerate() {
        reader.fill(section::PLANES + plane, to)?;
    }
    require(rows.give_slots(&owners, |id| replay.is_gone(id)), "owners and vectors do not belong together")?;
    Ok(rows)
}

fn read_graph(reader: &Reader, facts: &Facts, params: HnswParams) -> Result<FlatGraph, Doubt> {
    let nodes = reader.len::<u32>(section::PARENTS)?;
    require(nodes == facts.nodes && nodes <= facts.slots, "it has other nodes than slots")?;
    let graph = FlatGraph::new(params, nodes);
    require(reader.len::<u32>(section::LISTS)? == graph.list_words(), "its lists have another length")?;
    reader.each_piece(section::LISTS, |first, words| {
        graph.set_lists(first, words);
        Ok(())
    })?;
    reader.each_piece(section::PARENTS, |first, words| {
        graph.set_parents(first, words);
        Ok(())
    })?;
    graph.set_root(facts.root.map(Node));
    Ok(graph)
}
