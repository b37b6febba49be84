//! The only module that names sled: tables of small sealed values, changed in atomic steps.
//!
//! What sled 0.34 gives and what it does not (read in its source), and what we do about it:
//! - A transaction over several trees is written as one batch of the log: after a crash all of it
//!   is there or nothing.
//! - Writes first live in buffers of the process: a killed process loses what was written since the
//!   last [`Store::sync`], or since sled's own background flush, never part of a step.
//! - `flush` hands the buffers to the system by `sync_file_range`, which survives a killed process
//!   but not a power cut. [`Store::sync`] therefore ends with an `fsync` of the log file. Values
//!   stay far below the size (128 KiB a node) at which sled would put them into blob files, which
//!   it never fsyncs.
//! - When it opens a store, it reads the newest part of the log again and takes damage there for
//!   the place where a killed process stopped writing: it writes zeros over all that follows. What
//!   its notes of pages cover was whole once, so damage there is found before sled is asked
//!   ([`log::tip_is_sound`]).
//! - After a failed write (a full disk) sled refuses everything until it is opened again; what was
//!   synced is kept.
//! - The page cache defaults to 1 GiB and trees grow by 16 entries a leaf; we ask for 64
//!   MiB.
//! - Its log gives no room back, and takes all the less of what is free: a store whose values went
//!   elsewhere is written anew ([`pack`]).

pub(crate) mod codec;
mod exposure;
#[cfg(test)]
mod fuzz;
pub(crate) mod keys;
mod leftovers;
pub(crate) mod links;
mod log;
pub(crate) mod missed;
mod opened;
mod pack;
pub(crate) mod paths;
pub(crate) mod records;
pub(crate) mod region_cells;
mod salvage;
mod scan;

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use glimpse_encoder::files;
use parking_lot::{Mutex, RwLock};

use self::keys::{PathHash, Table};
use self::opened::{Opened, failure, unreadable};
pub(crate) use self::pack::{GoesOn, When};
pub(crate) use self::salvage::LogState;
use crate::fault;
use crate::{ContentHash, FileRecord, ImageId, ImageRecord, IndexError};

/// The file beside sled's that has the number of the process which opened the store last.
const HOLDER: &str = "process";

/// A key or value as it is read: bytes whose owner is sled's cache.
pub(crate) type Bytes = sled::IVec;

/// An open store.
pub(crate) struct Store {
    dir: PathBuf,
    /// Another one after [`Store::pack`].
    opened: RwLock<Arc<Opened>>,
    /// What is made to take its place. Who changes the store has this lock.
    copy: Mutex<Option<Arc<Opened>>>,
    /// Why it could not be written anew.
    unpacked: Mutex<Option<String>>,
}

/// Bytes of the largest value: some below those at which sled writes a value to a file of its own,
/// which it never fsyncs.
pub(crate) const LARGEST_VALUE: usize = 120 << 10;

/// Changes to several tables that are made together or not at all.
#[derive(Default)]
pub(crate) struct Batch {
    tables: [sled::Batch; Table::ALL.len()],
    /// The table of a value that is too large, and its bytes.
    too_large: Option<(Table, usize)>,
    #[cfg(test)]
    changes: usize,
}

#[cfg(test)]
thread_local! {
    /// Changes in each of the batches that this thread applied.
    pub(crate) static APPLIED: std::cell::RefCell<Vec<usize>> = const { std::cell::RefCell::new(Vec::new()) };
}

impl Batch {
    /// A value above [`LARGEST_VALUE`] makes [`Store::apply`] refuse the batch.
    pub(crate) fn put(&mut self, table: Table, key: &[u8], value: Vec<u8>) {
        if value.len() > LARGEST_VALUE {
            self.too_large = Some((table, value.len()));
        }
        self.note_change();
        self.tables[table as usize].insert(key, value);
    }

    pub(crate) fn remove(&mut self, table: Table, key: &[u8]) {
        self.note_change();
        self.tables[table as usize].remove(key);
    }

    #[cfg(test)]
    fn note_change(&mut self) {
        self.changes += 1;
    }

    #[cfg(not(test))]
    #[allow(clippy::unused_self)]
    fn note_change(&mut self) {}
}

impl Store {
    /// Opens the store in `dir`, or makes an empty one.
    pub(crate) fn open(dir: &Path) -> Result<Self, IndexError> {
        let failed = |source| IndexError::Io { path: dir.to_path_buf(), source };
        leftovers::clear(dir).map_err(failed)?;
        if !Self::is_open_somewhere(dir).map_err(failed)? && !log::tip_is_sound(dir).map_err(failed)? {
            return Err(unreadable(dir, "its newest part is not as it was written"));
        }
        let opened = Opened::at(dir)?;
        // Only a word to others: the store is as good without it.
        let _ = std::fs::write(dir.join(HOLDER), std::process::id().to_string());
        Ok(Self {
            dir: dir.to_path_buf(),
            opened: RwLock::new(Arc::new(opened)),
            copy: Mutex::default(),
            unpacked: Mutex::default(),
        })
    }

    /// The process that opened the store in `dir` last, if it left word.
    pub(crate) fn holder(dir: &Path) -> Option<u32> {
        files::read_to_string(&dir.join(HOLDER)).ok()?.parse().ok()
    }

    /// Checks that the store in `dir` has a log, without which nothing of it can be read.
    ///
    /// # Errors
    /// [`IndexError::Absent`] if folder or log certainly are not there, or the log is empty;
    /// [`IndexError::Io`] if the system does not tell: permissions, a drive that fails.
    pub(crate) fn require_log(dir: &Path) -> Result<(), IndexError> {
        let log = dir.join("db");
        let failed = |source| IndexError::Io { path: log.clone(), source };
        match std::fs::metadata(&log) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let path = if dir.try_exists().map_err(failed)? { log } else { dir.to_path_buf() };
                Err(IndexError::Absent { path, state: "is not there" })
            }
            Ok(facts) if facts.len() == 0 => Err(IndexError::Absent { path: log, state: "is empty" }),
            facts => facts.map(drop).map_err(failed),
        }
    }

    /// True if `dir` holds a store, false if there certainly is none.
    ///
    /// # Errors
    /// [`IndexError::Io`], as [`Store::require_log`].
    pub(crate) fn exists(dir: &Path) -> Result<bool, IndexError> {
        match Self::require_log(dir) {
            Err(IndexError::Absent { .. }) => Ok(false),
            checked => checked.map(|()| true),
        }
    }

    /// True if some process has the store in `dir` open.
    ///
    /// # Errors
    /// If the system does not tell: permissions, a drive that fails.
    pub(crate) fn is_open_somewhere(dir: &Path) -> std::io::Result<bool> {
        let log = match File::open(dir.join("db")) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            log => log?,
        };
        match log.try_lock() {
            Ok(()) => Ok(false),
            Err(std::fs::TryLockError::WouldBlock) => Ok(true),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// Bytes of the log of the store in `dir`.
    pub(crate) fn log_bytes(dir: &Path) -> u64 {
        std::fs::metadata(dir.join("db")).map_or(0, |log| log.len())
    }

    /// After the store in `dir` was closed, spares the next one who opens it a long read: sled
    /// notes where its pages are only when it is opened, and reads all of the log that was written
    /// since the last time.
    pub(crate) fn checkpoint(dir: &Path) {
        // Somebody else may have opened it meanwhile, which serves as well.
        drop(Self::open(dir));
    }

    // ---- values ----

    pub(crate) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, IndexError> {
        self.tree(table).get(key).map_err(|error| failure(&self.dir, "reading the store", error))
    }

    pub(crate) fn image(&self, id: ImageId) -> Result<Option<ImageRecord>, IndexError> {
        let value = self.get(Table::Images, &keys::image(id))?;
        value
            .map(|value| records::decode_image(id, &value))
            .transpose()
            .map_err(|damage| self.corrupt(format!("the record of image {id}"), damage))
    }

    /// A damaged record counts as none: the next index run reads the file again and writes it anew.
    pub(crate) fn file(&self, hash: PathHash) -> Result<Option<FileRecord>, IndexError> {
        let value = self.get(Table::Files, &hash.0)?;
        Ok(value.and_then(|value| records::decode_file(hash, &value).ok()))
    }

    /// Path hashes of the files of an image, rising; nothing is read ahead, for there may be very
    /// many.
    pub(crate) fn files_of(&self, id: ImageId) -> impl Iterator<Item = Result<PathHash, IndexError>> + '_ {
        let entries = self.tree(Table::FilesOfImage).scan_prefix(keys::image(id)).keys();
        let hashes = entries.filter_map(|key| key.map(|key| keys::parse_file_of_image(&key)).transpose());
        hashes.map(|parsed| match parsed {
            Ok((_, hash)) => Ok(hash),
            Err(error) => Err(failure(&self.dir, "reading the store", error)),
        })
    }

    /// True if an image has another file than this one that holds it; one whose record is damaged
    /// may.
    pub(crate) fn has_other_primary(&self, id: ImageId, file: PathHash) -> Result<bool, IndexError> {
        for other in self.files_of(id) {
            let other = other?;
            if other != file && self.file(other)?.is_none_or(|other| !other.role.is_companion()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The values of an image's regions by part, rising.
    pub(crate) fn region_parts(&self, id: ImageId) -> Result<Vec<(u8, Bytes)>, IndexError> {
        let parts = self.tree(Table::Regions).scan_prefix(keys::image(id)).map(|entry| {
            let (key, value) = entry.map_err(|error| failure(&self.dir, "reading the store", error))?;
            Ok(keys::parse_region(&key).map(|(_, part)| (part, value)))
        });
        parts.filter_map(Result::transpose).collect()
    }

    pub(crate) fn by_content(&self, content: &ContentHash) -> Result<Option<ImageId>, IndexError> {
        let value = self.get(Table::Content, &content.0)?;
        Ok(value.and_then(|value| records::decode_id(Table::Content, &content.0, &value).ok()))
    }

    /// The text of an entry of `meta`, which is called `what` in errors.
    pub(crate) fn json(&self, key: &[u8], what: &str) -> Result<Option<String>, IndexError> {
        let Some(value) = self.get(Table::Meta, key)? else { return Ok(None) };
        let json = records::decode_json(key, &value).map_err(|damage| self.corrupt(what.to_owned(), damage))?;
        Ok(Some(json.to_owned()))
    }

    /// The number of the next new image; 0 if none is recorded.
    pub(crate) fn next_id(&self) -> Result<u64, IndexError> {
        let key = keys::meta::NEXT_ID;
        let value = self.get(Table::Meta, key)?;
        Ok(value.and_then(|value| records::decode_id(Table::Meta, key, &value).ok()).map_or(0, |id| id.0))
    }

    /// All entries of a table, in order of keys.
    pub(crate) fn entries(&self, table: Table) -> impl Iterator<Item = Result<(Bytes, Bytes), IndexError>> + '_ {
        self.tree(table).iter().map(|entry| entry.map_err(|error| failure(&self.dir, "reading the store", error)))
    }

    /// Number of entries of a table, all of which are looked at.
    pub(crate) fn count(&self, table: Table) -> usize {
        self.tree(table).len()
    }

    /// Entries of a table with keys from `start` up to but not including `end`, in order of keys.
    pub(crate) fn range(
        &self,
        table: Table,
        start: &[u8],
        end: &[u8],
    ) -> impl Iterator<Item = Result<(Bytes, Bytes), IndexError>> + '_ {
        let entries = self.tree(table).range(start..end);
        entries.map(|entry| entry.map_err(|error| failure(&self.dir, "reading the store", error)))
    }

    /// The last entry of a table with a key from `start` up to but not including `end`.
    pub(crate) fn last_key(&self, table: Table, start: &[u8], end: &[u8]) -> Result<Option<Bytes>, IndexError> {
        let last = self.tree(table).range(start..end).next_back().transpose();
        Ok(last.map_err(|error| failure(&self.dir, "reading the store", error))?.map(|(key, _)| key))
    }

    /// Up to `most` changes after `revision`, oldest first. Unreadable entries are left out;
    /// `verify` names them.
    pub(crate) fn changes_after(&self, revision: u64, most: usize) -> Result<Vec<(u64, ImageId)>, IndexError> {
        let from = revision.saturating_add(1).to_be_bytes();
        let mut changes = Vec::new();
        for entry in self.tree(Table::Changes).range(from..) {
            if changes.len() == most {
                break;
            }
            let (key, value) = entry.map_err(|error| failure(&self.dir, "reading the store", error))?;
            let id = records::decode_id(Table::Changes, &key, &value).ok();
            changes.extend(keys::parse_revision(&key).zip(id));
        }
        Ok(changes)
    }

    /// The newest revision; 0 for an empty store.
    pub(crate) fn last_revision(&self) -> Result<u64, IndexError> {
        let last = self.tree(Table::Changes).last().map_err(|error| failure(&self.dir, "reading the store", error))?;
        Ok(last.and_then(|(key, _)| keys::parse_revision(&key)).unwrap_or(0))
    }

    // ---- writing ----

    /// Makes all changes of a batch in one atomic step.
    pub(crate) fn apply(&self, batch: &Batch) -> Result<(), IndexError> {
        if let Some((table, bytes)) = batch.too_large {
            let reason = format!("a value of {bytes} bytes in table {} is too large", table.name());
            return Err(IndexError::Store { dir: self.dir.clone(), what: "writing to the store", reason });
        }
        fault::point()?;
        #[cfg(test)]
        APPLIED.with(|applied| applied.borrow_mut().push(batch.changes));
        let mut copy = self.copy.lock();
        self.opened().apply(batch)?;
        // A copy that lacks a change is none.
        if copy.as_ref().is_some_and(|copy| copy.apply(batch).is_err()) {
            *copy = None;
        }
        Ok(())
    }

    /// Makes everything applied so far outlive this process and a power cut.
    pub(crate) fn sync(&self) -> Result<(), IndexError> {
        self.opened().sync()
    }

    /// An error for a value that cannot be read.
    pub(crate) fn corrupt(&self, what: String, reason: impl std::fmt::Display) -> IndexError {
        IndexError::Corrupt { dir: self.dir.clone(), what, reason: reason.to_string() }
    }

    fn opened(&self) -> Arc<Opened> {
        Arc::clone(&self.opened.read())
    }

    fn tree(&self, table: Table) -> sled::Tree {
        self.opened.read().tree(table).clone()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Names of the files in which sled noted where its pages are.
    fn notes(dir: &Path) -> Vec<std::ffi::OsString> {
        let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("snap.")).collect()
    }

    #[test]
    fn a_value_that_would_get_a_file_of_its_own_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let mut batch = Batch::default();
        batch.put(Table::Images, b"one", vec![1; LARGEST_VALUE]);
        store.apply(&batch).unwrap();
        batch.put(Table::Images, b"two", vec![1; LARGEST_VALUE + 1]);
        assert!(store.apply(&batch).unwrap_err().to_string().contains("too large"));
        assert_eq!(store.entries(Table::Images).count(), 1);
        store.sync().unwrap();
        let blobs = std::fs::read_dir(dir.path().join("blobs")).into_iter().flatten();
        assert_eq!(blobs.count(), 0);
    }

    #[test]
    fn a_tidy_store_has_noted_its_whole_log() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let before = Store::log_bytes(dir.path());
        for n in 0..2000u64 {
            let mut batch = Batch::default();
            batch.put(Table::Images, &n.to_be_bytes(), vec![7; 1000]);
            store.apply(&batch).unwrap();
        }
        store.sync().unwrap();
        assert!(Store::log_bytes(dir.path()) > before);
        let open = notes(dir.path());
        drop(store);
        assert_eq!(notes(dir.path()), open, "closing notes nothing");
        Store::checkpoint(dir.path());
        let tidy = notes(dir.path());
        assert_ne!(tidy, open);
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(store.entries(Table::Images).count(), 2000);
        drop(store);
        assert_eq!(notes(dir.path()), tidy, "there was nothing more to note");
    }
}
