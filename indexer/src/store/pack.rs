//! Writing a store anew. sled uses parts of its log again and gives none of them back, so a store
//! whose values went elsewhere keeps a log many times as large as what it holds.
//!
//! ```text
//! sled/new/          a copy of all tables is made, some entries at a time; what changes meanwhile
//!                    is changed in both, and in the end both are compared, entry by entry
//! sled/snap.*        go, for they tell where pages are in the old log; sled does without them
//! sled/new/db        is synced, and takes the place of sled/db in one rename
//! ```
//!
//! So whenever a process is killed, or the power goes, `sled/db` is the old log or the new one,
//! with all that was synced. Whoever has a handle of the old one reads what was there when it went.

use std::fs;
use std::ops::Bound::{self, Excluded, Included, Unbounded};
use std::path::Path;
use std::sync::Arc;

use super::keys::{Table, meta};
use super::opened::{Opened, failure};
use super::{Batch, Bytes, Store, records};
use crate::IndexError;
use crate::fault;
use crate::folder::sync_dir;
use crate::private::{create_private_dir_all, make_private};

/// The folder of the copy, in that of the store.
pub(super) const COPY: &str = "new";
/// The log, and sled's settings of it.
const LOG: &str = "db";
const SETTINGS: &str = "conf";
/// Entries that are copied, or compared, while others wait.
const AT_ONCE: usize = if cfg!(test) { 48 } else { 256 };
/// A log that is smaller is left as it is.
const LEAST: u64 = if cfg!(test) { 1 << 20 } else { 16 << 20 };
/// A log is written anew when it has so many times what it holds, of which a new one has less than
/// twice; and never before it has grown by half since the last time.
const TIMES: u64 = 3;
/// As [`TIMES`] in the middle of a run, which goes on to write what the store gives up again: its
/// log grows by some 80 KB for each image with regions, and to write it anew takes 5 KB for each
/// that is there.
const TIMES_IN_RUN: u64 = 6;

/// What is known of the size of a store.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct Size {
    /// Bytes of keys and values when they were counted last; 0 if they never were.
    held: u64,
    /// Bytes of the log when it was written anew last; 0 if it never was.
    log: u64,
}

/// When a store is written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    InRun,
    AtEnd,
}

/// Asked now and then: false if nobody wants the copy any more.
pub(crate) type GoesOn<'a> = dyn FnMut() -> bool + 'a;

/// Some entries of a tree, in order, and the bounds between which there are no others.
struct Part {
    entries: Vec<(Bytes, Bytes)>,
    bounds: (Bound<Bytes>, Bound<Bytes>),
}

impl Store {
    /// Writes the store anew if its log is much larger than what it holds; true if that was done.
    /// Others read and write meanwhile. If the copy cannot be made, or is not wanted any more,
    /// everything stays as it is; [`Store::unpacked`] tells why it cannot.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn pack_if_wasteful(&self, when: When, goes_on: &mut GoesOn<'_>) -> Result<bool, IndexError> {
        let log = Self::log_bytes(&self.dir);
        let times = if when == When::InRun { TIMES_IN_RUN } else { TIMES };
        let is_small =
            |size: &Size| log < LEAST || log <= size.held.saturating_mul(times) || log - log / TIMES <= size.log;
        let noted = self.noted_size()?;
        if is_small(&noted) {
            return Ok(false);
        }
        let size = Size { held: self.held()?, ..noted };
        self.note_size(&size)?;
        if is_small(&size) {
            return Ok(false);
        }
        let packed = self.pack(goes_on);
        *self.unpacked.lock() = packed.as_ref().err().map(ToString::to_string);
        if matches!(packed, Ok(true)) {
            self.note_size(&Size { log: Self::log_bytes(&self.dir), ..size })?;
        }
        Ok(packed.unwrap_or(false))
    }

    /// Why the store could not be written anew; `None` if all is well.
    pub(crate) fn unpacked(&self) -> Option<String> {
        self.unpacked.lock().clone()
    }

    /// Writes the store anew; false if somebody else is at it, or nobody wants it any more.
    ///
    /// # Errors
    /// If the store cannot be read, or the copy not be made. Then the store is as it was.
    pub(crate) fn pack(&self, goes_on: &mut GoesOn<'_>) -> Result<bool, IndexError> {
        if !self.begin_copy()? {
            return Ok(false);
        }
        let folder = self.dir.join(COPY);
        let taken = self.fill_copy(goes_on).and_then(|is_whole| match is_whole {
            true => self.take_copy(&folder).map(|()| true),
            false => Ok(false),
        });
        // Not while others wait for it: sled is closed.
        let given_up = self.copy.lock().take();
        drop(given_up);
        let _ = fs::remove_dir_all(&folder);
        taken
    }

    /// From now on an empty copy gets all changes; false if there is one.
    fn begin_copy(&self) -> Result<bool, IndexError> {
        let mut copy = self.copy.lock();
        if copy.is_some() {
            return Ok(false);
        }
        let folder = self.dir.join(COPY);
        let begun = match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => create_private_dir_all(&folder),
        };
        begun.map_err(|source| IndexError::Io { path: folder.clone(), source })?;
        *copy = Some(Arc::new(Opened::at(&folder)?));
        Ok(true)
    }

    /// Copies all trees, also those that only other programs know, and sees that the copy has what
    /// the store has; false if nobody wants it any more.
    fn fill_copy(&self, goes_on: &mut GoesOn<'_>) -> Result<bool, IndexError> {
        let is_copied = self.in_parts(goes_on, |tree, part| {
            let mut batch = sled::Batch::default();
            part.entries.iter().for_each(|(key, value)| batch.insert(key, value));
            tree.apply_batch(batch).map_err(|error| failure(&self.dir, "writing the store anew", error))
        })?;
        if !is_copied {
            return Ok(false);
        }
        self.in_parts(goes_on, |tree, part| {
            let copied = tree.range::<Bytes, _>(part.bounds.clone()).collect::<sled::Result<Vec<_>>>();
            let copied =
                copied.map_err(|error| failure(&self.dir, "reading the store that was written anew", error))?;
            if copied == part.entries { Ok(()) } else { Err(self.no_copy("the copy is not what it was made of")) }
        })
    }

    /// Calls `work` with all parts of all trees, each with the tree of the same name in the copy,
    /// while nobody writes; false if that was ended.
    fn in_parts(
        &self,
        goes_on: &mut GoesOn<'_>,
        work: impl Fn(&sled::Tree, &Part) -> Result<(), IndexError>,
    ) -> Result<bool, IndexError> {
        let opened = self.opened();
        let failed = |error| failure(&self.dir, "writing the store anew", error);
        for name in opened.db.tree_names() {
            let tree = opened.db.open_tree(&name).map_err(failed)?;
            let mut begin = Unbounded;
            loop {
                fault::point()?;
                fault::nobody_waits();
                if !goes_on() {
                    return Ok(false);
                }
                let copy = self.copy.lock();
                let target = copy.as_ref().ok_or_else(|| self.no_copy("a change could not be written to it"))?;
                let target = target.db.open_tree(&name).map_err(failed)?;
                let entries = tree.range::<Bytes, _>((begin.clone(), Unbounded)).take(AT_ONCE);
                let entries = entries.collect::<sled::Result<Vec<_>>>().map_err(failed)?;
                let last = entries.last().filter(|_| entries.len() == AT_ONCE).map(|(key, _)| key.clone());
                let end = last.clone().map_or(Unbounded, Included);
                work(&target, &Part { entries, bounds: (begin, end) })?;
                let Some(last) = last else { break };
                begin = Excluded(last);
            }
        }
        Ok(true)
    }

    /// Lets the copy take the store's place.
    fn take_copy(&self, folder: &Path) -> Result<(), IndexError> {
        let copy = self.copy.lock().clone();
        // The greater part, while others write.
        copy.iter().try_for_each(|copy| copy.sync())?;
        drop(copy);
        let mut copy = self.copy.lock();
        let new = copy.take().ok_or_else(|| self.no_copy("a change could not be written to it"))?;
        new.sync()?;
        let io = |source| IndexError::Io { path: folder.to_path_buf(), source };
        let settings = [folder, &self.dir].map(|dir| fs::read(dir.join(SETTINGS)));
        if !matches!(&settings, [Ok(new), Ok(old)] if new == old) {
            return Err(self.no_copy("it has other settings"));
        }
        make_private(folder).map_err(io)?;
        fault::point()?;
        Self::remove_notes(&self.dir)?;
        sync_dir(&self.dir).map_err(io)?;
        fault::point()?;
        fs::rename(folder.join(LOG), self.dir.join(LOG)).map_err(io)?;
        let old = std::mem::replace(&mut *self.opened.write(), new);
        drop(copy);
        drop(old);
        sync_dir(&self.dir).map_err(io)
    }

    #[cfg(test)]
    pub(crate) fn lose_copy(&self) {
        *self.copy.lock() = None;
    }

    fn no_copy(&self, reason: &str) -> IndexError {
        IndexError::Store { dir: self.dir.clone(), what: "writing the store anew", reason: reason.to_owned() }
    }

    // ---- what it holds ----

    /// As it was noted last.
    fn noted_size(&self) -> Result<Size, IndexError> {
        match self.json(meta::SIZE, "the size of the store") {
            // It is counted again.
            Err(IndexError::Corrupt { .. }) => Ok(Size::default()),
            json => Ok(json?.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default()),
        }
    }

    fn note_size(&self, size: &Size) -> Result<(), IndexError> {
        let json =
            serde_json::to_string(size).map_err(|error| self.corrupt("the size of the store".to_owned(), error))?;
        let mut batch = Batch::default();
        batch.put(Table::Meta, meta::SIZE, records::encode_json(meta::SIZE, &json));
        self.apply(&batch)
    }

    /// Bytes of all keys and values, each of which is read.
    fn held(&self) -> Result<u64, IndexError> {
        let mut held = 0;
        for table in Table::ALL {
            for entry in self.entries(table) {
                let (key, value) = entry?;
                held += (key.len() + value.len()) as u64;
            }
        }
        Ok(held)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_other_programs_come_along_and_readers_go_on() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        for n in 0..2000_u64 {
            let mut batch = Batch::default();
            batch.put(Table::Images, &n.to_be_bytes(), vec![7; 1000]);
            store.apply(&batch).unwrap();
        }
        store.opened().db.open_tree("of another program").unwrap().insert(b"key", b"value").unwrap();
        let mut reader = store.entries(Table::Images);
        assert_eq!(&reader.next().unwrap().unwrap().0[..], 0_u64.to_be_bytes());
        assert!(store.pack(&mut || true).unwrap());
        let mut batch = Batch::default();
        batch.put(Table::Images, b"newest", vec![1]);
        store.apply(&batch).unwrap();
        assert_eq!(reader.count(), 1999, "as it was when the reader began");
        store.sync().unwrap();
        drop(store);
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(store.count(Table::Images), 2001);
        let other = store.opened().db.open_tree("of another program").unwrap();
        assert_eq!(other.get(b"key").unwrap().unwrap(), b"value");
    }
}
