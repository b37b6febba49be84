//! Reading the snapshot of images, all its sections at once.

use std::path::Path;
use std::sync::Arc;

use super::replay::Replay;
use super::{SnapshotFile, owned};
use crate::IdSet;
use crate::hnsw::Hnsw;
use crate::index::loaded::Loaded;
use crate::index::memory::{FlatMemory, Memory};
use crate::snapshot::{SnapshotError, SnapshotManifest, require};
use crate::store::Store;
use crate::store::keys::GraphId;
use crate::store::missed::Steps;
use crate::vectors::{ExactScan, Rows, VectorIndex};

/// What opening gets from a snapshot and what happened since.
pub(in crate::index) struct Opened {
    pub(in crate::index) loaded: Loaded,
    pub(in crate::index) graph: Hnsw,
    pub(in crate::index) missed: Steps,
    pub(in crate::index) manifest: SnapshotManifest,
}

/// Reads the snapshot that counts into `scan` and what is returned, `limit` bytes of it into memory
/// if possible and given, and maps the rest; `None` if there is none.
///
/// # Errors
/// Whatever is doubtful: sled must be read. What `scan` holds then means nothing.
pub(in crate::index) fn open(
    store: &Store,
    dir: &Path,
    scan: &Arc<ExactScan>,
    limit: Option<u64>,
) -> Result<Option<Opened>, SnapshotError> {
    let file = SnapshotFile::open(store, dir, GraphId::IMAGES, scan.dim(), owned::COUNT)?;
    let Some(file) = file else { return Ok(None) };
    let replay = Replay::read(store, store.missed_since(GraphId::IMAGES, file.revision)?)?;
    let next_id = store.next_id()?;
    let (memory, (rows, graph)) = rayon::join(
        || read_memory(&file, &replay.stale, next_id),
        || rayon::join(|| read_rows(&file, scan, &replay, limit), || file.graph(file.params)),
    );
    let (mut memory, mut rows, mut graph) = (memory?, rows?, graph?);
    let missed = replay.steps;
    let revision = replay.apply(store, file.revision, &mut memory, &mut rows, &mut graph)?;
    scan.fill(rows);
    let graph = Hnsw::of_flat(Arc::clone(scan), graph).map_err(SnapshotError)?;
    let whole = graph.nodes() == scan.len() && memory.images() == scan.len();
    require(whole, "images, vectors and nodes do not belong together")?;
    Ok(Some(Opened {
        loaded: Loaded { memory, revision, next_id, damaged: 0 },
        graph,
        missed,
        manifest: file.manifest,
    }))
}

fn read_memory(file: &SnapshotFile, stale: &IdSet, next_id: u64) -> Result<Memory, SnapshotError> {
    let flat = FlatMemory {
        images: file.owned(owned::IMAGES)?,
        files: file.owned(owned::FILES)?,
        tags: file.owned(owned::TAGS)?,
        moments: file.owned(owned::MOMENTS)?,
        names: file.owned(owned::NAMES)?,
    };
    Memory::of_flat(&flat, stale, next_id).map_err(|damage| SnapshotError(damage.to_string()))
}

fn read_rows(
    file: &SnapshotFile,
    scan: &ExactScan,
    replay: &Replay,
    limit: Option<u64>,
) -> Result<Rows, SnapshotError> {
    let mut rows = scan.rows_like(file.slots())?;
    file.fill(&mut rows, limit, |id| replay.is_gone(id.image()))?;
    Ok(rows)
}
