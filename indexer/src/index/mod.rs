//! One generation of an index: the only door to records, vectors and words.
//!
//! sled is the truth. Everything else (rows and vectors in memory, the word index, the graph) is
//! derived from it and can be built anew. Writers take turns; a step is first written to sled as a
//! whole and then shown to readers, who wait for nobody longer than a row takes to copy.

mod compare;
mod frames;
mod graph;
mod kept;
mod load;
mod loaded;
mod memory;
mod mounts;
mod outside;
mod read;
mod region_tags;
mod regions;
mod roots;
mod salvage;
mod search;
mod snapshot;
mod step;
mod tiles;
mod turn;
mod verify;
mod words;
mod write;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;
use tempfile::TempDir;

pub use self::compare::MeasuredSearch;
use self::graph::GraphSlot;
pub use self::graph::SearchedBy;
use self::memory::Memory;
use self::outside::Outside;
use self::region_tags::RegionTagSlot;
pub(crate) use self::regions::REGION_FILES;
use self::regions::RegionSlot;
use self::snapshot::SnapshotSlot;
use self::turn::Turns;
pub use self::verify::VerifyReport;
use crate::backend::VectorsAt;
use crate::collections::Collections;
use crate::hnsw::HnswParams;
use crate::library::folders;
use crate::store::Store;
use crate::vectors::{ExactScan, VectorIndex, VectorStorage};
use crate::words::WordIndex;
use crate::{ImageId, IndexError, Manifest};

/// One generation, open in this process. All methods may be called from any thread. Writers take
/// turns; readers wait for a writer only while it changes a row in memory, never while it writes to
/// disk.
pub struct Index {
    dir: PathBuf,
    options: IndexOptions,
    store: Store,
    manifest: RwLock<Manifest>,
    /// Held through a whole step, so that what a step read is still true when it is written.
    writer: Turns,
    memory: RwLock<Memory>,
    scan: Arc<ExactScan>,
    graph: GraphSlot,
    snapshot: SnapshotSlot,
    regions: RegionSlot,
    region_tags: RegionTagSlot,
    words: WordIndex,
    /// The server that searches the vectors, if one does. Then there are none in memory.
    outside: Option<Outside>,
    /// What people keep of the library; shared by its generations.
    collections: OnceLock<Arc<Collections>>,
    revision: AtomicU64,
    /// Values that could not be read; their images are not found until `verify` mends them.
    damaged: AtomicUsize,
    // Dropped last, when the stores have let go of the folder.
    folder: Folder,
    /// Of a copy: the folder that is removed with it, and why nothing may be written.
    copy: Option<Copied>,
}

/// What an index is a copy of, since that cannot be written.
#[derive(Debug)]
struct Copied {
    of: PathBuf,
    reason: String,
    _folder: TempDir,
}

/// How an index works; the defaults serve any library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexOptions {
    /// Images from which [`Index::finish`] builds a graph. Below, the exact scan answers in a few
    /// milliseconds and needs no building.
    pub graph_from: usize,
    /// Regions from which [`Index::finish`] writes files for them, which searches read instead of
    /// memory. A question about regions asks for thousands of them, which a scan of fewer gives
    /// sooner.
    pub regions_from: usize,
    /// How the graph of images is built and searched.
    pub graph: HnswParams,
    /// Bytes of memory that vectors, graph and facts of images may take when an index is opened
    /// that has a snapshot; vectors that do not fit are mapped from its file. `None` stands for
    /// all.
    pub memory: Option<u64>,
    /// How a new generation keeps its vectors; one that is there keeps them as it does, and is not
    /// written for another.
    pub vectors: Option<VectorStorage>,
    /// Where the vectors of a new generation are searched, if not in this process; one that is
    /// there has them where it has them.
    pub vectors_at: Option<VectorsAt>,
}

impl Default for IndexOptions {
    fn default() -> Self {
        Self {
            graph_from: 20_000,
            regions_from: 100_000,
            graph: HnswParams::default(),
            memory: None,
            vectors: None,
            vectors_at: None,
        }
    }
}

/// Numbers about an index.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Stats {
    /// Distinct images with a vector, a video being one.
    pub images: usize,
    /// Further frames of videos and animations, each with a vector of its own.
    pub frames: usize,
    /// Files that hold them or belong to them as companions.
    pub files: usize,
    /// Files that were missing when last looked for.
    pub missing: usize,
    /// Stored values that could not be read when the index was opened; `verify` names them.
    pub damaged: usize,
    /// Bytes on disk, of this generation.
    pub disk_bytes: u64,
    /// Bytes of vectors, graph and facts in memory.
    pub memory_bytes: usize,
    /// Bytes of vectors that are mapped from a file instead ([`IndexOptions::memory`]).
    pub mapped_bytes: usize,
    /// Width of vectors.
    pub dim: usize,
    /// How the vectors of images are kept.
    pub vectors: VectorStorage,
    /// How vectors are searched now: `exact scan (avx512)`, `hnsw`, ..., and whether opening will
    /// take longer than it need.
    pub search: String,
    /// The same, for programs and translations.
    pub searched_by: SearchedBy,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").field("dir", &self.dir).field("revision", &self.revision()).finish_non_exhaustive()
    }
}

impl Index {
    /// The newest format that this program reads and the one that it writes. Format 2 has numbers
    /// for more image formats, format 3 for videos and has frames of them, and in format 4 vectors
    /// of regions may be in files alone: a library of an older format becomes one of a newer with
    /// the first image, or the first file of regions, that needs it.
    pub const FORMAT: u32 = 4;

    // ---- facts ----

    /// The manifest.
    pub fn manifest(&self) -> Manifest {
        self.manifest.read().clone()
    }

    /// The generation's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Grows with every change; equal numbers mean equal answers.
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    /// Number of images that can be found (with a vector and a file that is present).
    pub fn len(&self) -> usize {
        self.memory.read().whole().len()
    }

    /// True if nothing can be found.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Numbers about the index.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn stats(&self) -> Result<Stats, IndexError> {
        let memory = self.facts();
        Ok(Stats {
            images: self.vector_count().saturating_sub(memory.frames()),
            frames: memory.frames(),
            files: memory.files(),
            missing: memory.missing(),
            damaged: self.damaged.load(Ordering::Acquire),
            disk_bytes: disk_bytes(&self.dir)?,
            memory_bytes: memory.bytes()
                + self.region_tags.bytes()
                + self.outside_memory()
                + self.regions.get().map_or(0, |regions| regions.memory())
                + self.graph.get().map_or_else(|| self.scan.memory(), |graph| graph.memory()),
            mapped_bytes: self.scan.mapped(),
            dim: self.scan.dim(),
            vectors: self.scan.storage(),
            search: self.search_name(),
            searched_by: if self.outside.is_some() { SearchedBy::Server } else { self.graph.searched_by() },
        })
    }

    /// What could not be written, or was lost by damage, since the index was opened: each as a part
    /// of a sentence.
    pub(crate) fn faults(&self) -> Vec<String> {
        [self.snapshot.fault(), self.regions.fault(), self.store_fault()].into_iter().flatten().collect()
    }

    /// What searches, and what is wrong with what it searches.
    fn search_name(&self) -> String {
        let (name, faults) = match self.outside_name() {
            Some(name) => (name, self.store_fault().into_iter().collect()),
            None => (self.graph.name(&self.scan), self.faults()),
        };
        faults.into_iter().fold(name, |name, fault| name + "; " + &fault)
    }

    /// Why the store takes more room than it needs, as a part of a sentence.
    fn store_fault(&self) -> Option<String> {
        self.store.unpacked().map(|fault| format!("the store keeps room that it does not need ({fault})"))
    }

    /// Lets the folder be retired as soon as this process closes the index.
    pub(crate) fn retire(&self) {
        self.folder.retired.store(true, Ordering::Release);
    }

    /// True if another generation took this one's place.
    pub(crate) fn is_retired(&self) -> bool {
        self.folder.retired.load(Ordering::Acquire)
    }

    fn require(&self, id: ImageId) -> Result<(), IndexError> {
        if self.memory.read().contains(id) { Ok(()) } else { Err(IndexError::NoSuchImage(id)) }
    }
}

/// The folder of a generation at the end of its last use: retired if another generation took its
/// place, else left so that opening it takes little time.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    retired: AtomicBool,
    /// Bytes of the store's log when it was opened; 0 if that is another one now.
    log_bytes: AtomicU64,
}

/// Bytes of a log that take a tenth of a second to read.
const LONG_LOG: u64 = 128 << 20;

impl Folder {
    /// Of a generation whose store was just opened.
    fn of(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            retired: AtomicBool::new(false),
            log_bytes: AtomicU64::new(Store::log_bytes(&path.join("sled"))),
        }
    }

    /// Nothing of the store's log has been read yet.
    fn note_new_log(&self) {
        self.log_bytes.store(0, Ordering::Relaxed);
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if *self.retired.get_mut() {
            // What cannot be renamed now is renamed when the library is opened next.
            let _ = folders::rename_retired(&self.path);
        } else if Store::log_bytes(&self.path.join("sled")) > *self.log_bytes.get_mut() + LONG_LOG {
            Store::checkpoint(&self.path.join("sled"));
        }
    }
}

/// Bytes of all files below a folder. Files that vanish while they are counted (segments being
/// merged) count as nothing.
fn disk_bytes(dir: &Path) -> Result<u64, IndexError> {
    let entries = std::fs::read_dir(dir).map_err(|source| IndexError::Io { path: dir.to_path_buf(), source })?;
    let mut sum = 0;
    for entry in entries.flatten() {
        match entry.metadata() {
            Ok(facts) if facts.is_dir() => sum += disk_bytes(&entry.path()).unwrap_or(0),
            Ok(facts) => sum += facts.len(),
            Err(_) => {}
        }
    }
    Ok(sum)
}

#[cfg(test)]
pub(crate) mod tests;
