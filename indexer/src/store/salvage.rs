//! What can be had of a store that sled does not open, or not read to its end.
//!
//! Two kinds of damage are told apart by reading the log without sled ([`super::log`]). If the log
//! is sound, what sled derived from it is damaged: its notes of where pages are (`snap.*`) and its
//! settings (`conf`), which it makes anew. If the log is damaged, its sound entries go into a new
//! store. Left out are the tables that are made anew from the others: graphs, what their snapshots
//! missed, tags of regions, and the files of each image.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::{fs, io};

use super::codec::is_sealed;
use super::keys::{self, Table, meta};
use super::log::{Entry, Log};
use super::{Batch, Store, records};
use crate::IndexError;
use crate::vectors::{Residual, VectorStorage};

/// Entries that are written in one step.
const CHUNK: usize = 256;

/// The tables whose values are looked for, in the order in which that is done.
const TABLES: [Table; 8] = [
    Table::Regions,
    Table::Vectors,
    Table::Images,
    Table::Files,
    Table::Content,
    Table::Changes,
    Table::RegionLabels,
    Table::Meta,
];

/// The entries of `meta` that are taken: the others are of tables and files that are made anew.
const META: [&[u8]; 5] = [meta::MANIFEST, meta::NEXT_ID, meta::MOUNTS, meta::REGION_CELLS, meta::REGION_LABELS];

/// What a look at a log found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogState {
    Sound,
    /// So many places are not as they were written.
    Damaged(usize),
}

impl Store {
    /// Reads through the log of the store in `dir`, which nobody may have open.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub(crate) fn check_log(dir: &Path) -> Result<LogState, IndexError> {
        Ok(match log_of(dir)?.damaged {
            0 => LogState::Sound,
            places => LogState::Damaged(places),
        })
    }

    /// What the log of the store in `dir` says, without opening it: the text of the manifest, if it
    /// has one, and the number of images.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub(crate) fn manifest_in_log(dir: &Path) -> Result<(Option<String>, usize), IndexError> {
        let mut manifest: Option<Entry> = None;
        let mut images = HashSet::new();
        let read = log_of(dir)?.entries(|entry| {
            if entry.key == meta::MANIFEST && is_sealed(Table::Meta, &entry.key, &entry.value) {
                if manifest.as_ref().is_none_or(|known| known.order < entry.order) {
                    manifest = Some(entry);
                }
            } else if is_sealed(Table::Images, &entry.key, &entry.value) {
                images.insert(entry.key);
            }
            true
        });
        read.map_err(|source| IndexError::Io { path: dir.join("db"), source })?;
        let json = manifest.and_then(|entry| Some(records::decode_json(&entry.key, &entry.value).ok()?.to_owned()));
        Ok((json, images.len()))
    }

    /// Removes what sled derived from the log of the store in `dir`, which nobody may have open and
    /// whose log must be sound: sled takes damage for the place where a killed process stopped
    /// writing.
    ///
    /// # Errors
    /// If a file cannot be removed.
    pub(crate) fn remove_derived(dir: &Path) -> Result<(), IndexError> {
        let failed = |source| IndexError::Io { path: dir.to_path_buf(), source };
        remove_all(dir, |name| name.starts_with("snap.") || name == "conf").map_err(failed)
    }

    /// Removes sled's notes of where pages are in the log of the store in `dir`, which is sound.
    ///
    /// # Errors
    /// If a file cannot be removed.
    pub(super) fn remove_notes(dir: &Path) -> Result<(), IndexError> {
        let failed = |source| IndexError::Io { path: dir.to_path_buf(), source };
        remove_all(dir, |name| name.starts_with("snap.")).map_err(failed)
    }

    /// Copies the sound entries of the log in `damaged` into this store, which is empty; nothing,
    /// if there is no log. An image may come without what it needs; `verify` finds that.
    ///
    /// # Errors
    /// If the log cannot be read, or the store not written.
    pub(crate) fn salvage(&self, damaged: &Path) -> Result<(), IndexError> {
        if !Self::exists(damaged)? {
            return Ok(());
        }
        let log = log_of(damaged)?;
        let mut salvage = Salvage {
            store: self,
            batch: Batch::default(),
            waiting: 0,
            newest: HashMap::new(),
            hasher: RandomState::new(),
        };
        let mut failed = Ok(());
        let read = log.entries(|entry| {
            failed = salvage.take(entry);
            failed.is_ok()
        });
        read.map_err(|source| IndexError::Io { path: damaged.join("db"), source })?;
        failed?;
        salvage.write()?;
        self.list_files()
    }

    /// Lists every file among those of its image.
    fn list_files(&self) -> Result<(), IndexError> {
        let mut files = self.entries(Table::Files).peekable();
        while files.peek().is_some() {
            let mut batch = Batch::default();
            for entry in files.by_ref().take(CHUNK) {
                let (key, value) = entry?;
                let Some(hash) = keys::parse_path(&key) else { continue };
                if let Ok(file) = records::decode_file(hash, &value) {
                    batch.put(Table::FilesOfImage, &keys::file_of_image(file.image, hash), Vec::new());
                }
            }
            self.apply(&batch)?;
        }
        Ok(())
    }

    /// How the vectors of `dim` values are kept, by the first that can be read.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn vector_storage(&self, dim: usize) -> Result<Option<VectorStorage>, IndexError> {
        for entry in self.entries(Table::Vectors) {
            let (key, value) = entry?;
            let Some(id) = keys::parse_image(&key) else { continue };
            if let Ok(vector) = records::decode_vector(id, dim, &value) {
                let residual = Residual::of(vector.residual, dim);
                return Ok(VectorStorage::ALL.into_iter().find(|storage| Some(storage.residual()) == residual));
            }
        }
        Ok(None)
    }
}

/// Removes the files of a folder that have such names.
fn remove_all(dir: &Path, is_one: impl Fn(&str) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if is_one(&path.file_name().unwrap_or_default().to_string_lossy()) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn log_of(dir: &Path) -> Result<Log, IndexError> {
    let path = dir.join("db");
    Log::read(&path).map_err(|source| IndexError::Io { path, source })
}

struct Salvage<'a> {
    store: &'a Store,
    batch: Batch,
    /// Entries in the batch.
    waiting: usize,
    /// When what was taken for a key was written. A leaf that was split is found twice if its
    /// newest node is damaged.
    newest: HashMap<u64, u64>,
    hasher: RandomState,
}

impl Salvage<'_> {
    fn take(&mut self, entry: Entry) -> Result<(), IndexError> {
        let Entry { order, key, value } = entry;
        let Some(table) = TABLES.into_iter().find(|&table| is_sealed(table, &key, &value)) else { return Ok(()) };
        if table == Table::Meta && !META.contains(&&key[..]) {
            return Ok(());
        }
        let newest = self.newest.entry(self.hasher.hash_one((table as usize, &key))).or_default();
        if order < *newest {
            return Ok(());
        }
        *newest = order;
        self.batch.put(table, &key, value);
        self.waiting += 1;
        if self.waiting >= CHUNK { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), IndexError> {
        self.waiting = 0;
        self.store.apply(&std::mem::take(&mut self.batch))
    }
}
