//! Creating a generation, and opening one: everything that readers need goes into memory.

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, OnceLock};

use glimpse_encoder::ModelInfo;
use parking_lot::RwLock;
use tempfile::TempDir;

use super::graph::GraphSlot;
use super::loaded::Loaded;
use super::outside::Outside;
use super::region_tags::RegionTagSlot;
use super::regions::RegionSlot;
use super::snapshot::{self, Opened, SnapshotSlot};
use super::turn::{Turns, Writer};
use super::{Copied, Folder, Index};
use crate::folder::sync_dir;
use crate::private::{create_private_dir_all, make_private};
use crate::store::keys::{self, GraphId, Table};
use crate::store::{Batch, Store, records};
use crate::vectors::ExactScan;
use crate::words::WordIndex;
use crate::{IndexError, IndexOptions, Manifest};

impl Index {
    /// Makes an empty generation in `dir`.
    pub(crate) fn create(dir: &Path, model: &ModelInfo, options: &IndexOptions) -> Result<Self, IndexError> {
        let path = dir.join("sled");
        create_private_dir_all(&path).map_err(|source| IndexError::Io { path: path.clone(), source })?;
        let store = Store::open(&path)?;
        let manifest = Manifest {
            vectors_at: options.vectors_at.as_ref().map(Outside::named),
            ..Manifest::new(model, options.vectors.unwrap_or_default())
        };
        write_manifest(&store, &manifest)?;
        store.sync()?;
        for folder in [&path, dir] {
            sync_dir(folder).map_err(|source| IndexError::Io { path: folder.to_path_buf(), source })?;
        }
        let index = Self::with(store, manifest, dir, options)?;
        make_private(dir).map_err(|source| IndexError::Io { path: dir.to_path_buf(), source })?;
        Ok(index)
    }

    /// Opens the generation in `dir`.
    pub(crate) fn open(dir: &Path, options: &IndexOptions) -> Result<Self, IndexError> {
        let store = Self::open_store(dir)?;
        let manifest = read_manifest(&store, dir)?;
        Self::with(store, manifest, dir, options)
    }

    /// Opens `copy`, a copy of the generation in `dir`, which cannot be written for this `reason`.
    pub(crate) fn open_copy(
        dir: &Path,
        copy: TempDir,
        reason: &str,
        options: &IndexOptions,
    ) -> Result<Self, IndexError> {
        let mut index = Self::open(copy.path(), options)?;
        index.copy = Some(Copied { of: dir.to_path_buf(), reason: reason.to_owned(), _folder: copy });
        Ok(index)
    }

    /// The manifest of the generation in `dir`, and how many images it has; `None` for one that a
    /// process was killed over before it wrote anything.
    pub(crate) fn account_of(dir: &Path) -> Result<Option<(Manifest, usize)>, IndexError> {
        let store = Self::open_store(dir)?;
        let made = store.get(Table::Meta, keys::meta::MANIFEST)?.is_some() || store.last_revision()? > 0;
        if !made {
            return Ok(None);
        }
        Ok(Some((read_manifest(&store, dir)?, store.count(Table::Images))))
    }

    /// As [`Index::account_of`], read from the log of the store, which stays as it is: for one that
    /// cannot be written, or may be damaged.
    pub(crate) fn account_in_log(dir: &Path) -> Result<Option<(Manifest, usize)>, IndexError> {
        let (json, images) = Store::manifest_in_log(&dir.join("sled"))?;
        if json.is_none() && images == 0 {
            return Ok(None);
        }
        Ok(Some((parse_manifest(json, dir)?, images)))
    }

    /// Opens what a generation that was made must have; a new store is never made in its place.
    fn open_store(dir: &Path) -> Result<Store, IndexError> {
        let path = dir.join("sled");
        let failed = |source| IndexError::Io { path: path.clone(), source };
        if !dir.try_exists().map_err(failed)? {
            return Err(IndexError::NoIndex { dir: dir.to_path_buf() });
        }
        Store::require_log(&path)?;
        Store::open(&path)
    }

    fn with(store: Store, manifest: Manifest, dir: &Path, options: &IndexOptions) -> Result<Self, IndexError> {
        let scan = Arc::new(ExactScan::stored_as(manifest.vectors, manifest.model.dim));
        let graph = GraphSlot::default();
        let at = manifest.vectors_at.as_ref();
        let outside = at.map(|at| Outside::open(&store, at, manifest.model.dim)).transpose()?;
        let (loaded, snapshot) = match &outside {
            Some(_) => (Loaded::read_facts(&store)?, SnapshotSlot::new(GraphId::IMAGES, dir.join("snapshot"))),
            None => read(&store, &scan, &graph, dir, options)?,
        };
        let index = Self {
            dir: dir.to_path_buf(),
            options: options.clone(),
            manifest: RwLock::new(manifest),
            writer: Turns::new(Writer { next_id: loaded.next_id }),
            memory: RwLock::new(loaded.memory),
            scan,
            graph,
            snapshot,
            regions: RegionSlot::default(),
            region_tags: RegionTagSlot::default(),
            collections: OnceLock::new(),
            revision: AtomicU64::new(loaded.revision),
            damaged: AtomicUsize::new(loaded.damaged),
            outside,
            words: WordIndex::open_or_create(&dir.join("words"))?,
            folder: Folder::of(dir),
            copy: None,
            store,
        };
        if index.words.committed_revision() != index.revision() {
            // A killed process left them behind.
            index.sync_words()?;
            index.words.close_writer()?;
        }
        Ok(index)
    }
}

impl Index {
    /// What readers need, of the store.
    pub(super) fn load_again(&self) -> Result<Loaded, IndexError> {
        self.forget_all_read();
        match self.vectors_at() {
            Some(_) => Loaded::read_facts(&self.store),
            None => Loaded::read(&self.store, &self.scan, &[]),
        }
    }
}

/// Reads what readers need: from the snapshot if there is one that counts, else from the store.
fn read(
    store: &Store,
    scan: &Arc<ExactScan>,
    graph: &GraphSlot,
    dir: &Path,
    options: &IndexOptions,
) -> Result<(Loaded, SnapshotSlot), IndexError> {
    let slot = SnapshotSlot::new(GraphId::IMAGES, dir.join("snapshot"));
    // A snapshot that is doubtful in any way is as good as none.
    if let Ok(Some(Opened { loaded, graph: own, missed, manifest })) =
        snapshot::open(store, slot.dir(), scan, options.memory)
    {
        slot.count(&manifest, own.nodes(), missed);
        graph.install(own);
        return Ok((loaded, slot));
    }
    // The nodes of a graph say which slots its vectors have.
    let stored = store.read_graph(GraphId::IMAGES);
    let nodes = stored.as_ref().ok().and_then(Option::as_ref).map_or(&[][..], |stored| &stored.nodes);
    let loaded = Loaded::read(store, scan, nodes)?;
    graph.restore(store, scan, stored);
    slot.sweep(None);
    Ok((loaded, slot))
}

/// Writes the manifest; not synced yet.
pub(super) fn write_manifest(store: &Store, manifest: &Manifest) -> Result<(), IndexError> {
    let json = serde_json::to_string(manifest).map_err(|error| store.corrupt("the manifest".to_owned(), error))?;
    let mut batch = Batch::default();
    batch.put(Table::Meta, keys::meta::MANIFEST, records::encode_json(keys::meta::MANIFEST, &json));
    store.apply(&batch)
}

/// Reads the manifest of the generation in `dir`.
pub(super) fn read_manifest(store: &Store, dir: &Path) -> Result<Manifest, IndexError> {
    let json = store.json(keys::meta::MANIFEST, "the manifest").map_err(|error| match error {
        IndexError::Corrupt { reason, .. } => lost(dir, reason),
        error => error,
    })?;
    parse_manifest(json, dir)
}

/// Nothing else says which model made the vectors.
fn lost(dir: &Path, reason: String) -> IndexError {
    IndexError::Lost { dir: dir.to_path_buf(), what: "the manifest", reason }
}

fn parse_manifest(json: Option<String>, dir: &Path) -> Result<Manifest, IndexError> {
    // The format is read first, by itself: the other fields may be other ones in a newer format.
    #[derive(serde::Deserialize)]
    struct Format {
        format: u32,
    }
    let json = json.ok_or_else(|| lost(dir, "it is not there".to_owned()))?;
    let damaged = |error: serde_json::Error| lost(dir, error.to_string());
    let Format { format } = serde_json::from_str(&json).map_err(damaged)?;
    if format > Index::FORMAT {
        return Err(IndexError::NewerFormat { dir: dir.to_path_buf(), found: format, supported: Index::FORMAT });
    }
    let manifest: Manifest = serde_json::from_str(&json).map_err(damaged)?;
    if !(1..=65_536).contains(&manifest.model.dim) {
        return Err(lost(dir, format!("vectors of {} values", manifest.model.dim)));
    }
    Ok(manifest)
}
