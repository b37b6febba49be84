//! sled, open in a folder.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sled::Transactional;
use sled::transaction::{ConflictableTransactionError, TransactionError};

use super::keys::Table;
use super::{Batch, Store};
use crate::IndexError;

/// Memory that sled may use to keep pages; a point read of a cold page costs one disk read.
const CACHE_BYTES: u64 = 64 << 20;

/// How often sled flushes and fsyncs by itself, between commits.
const FLUSH_EVERY_MS: u64 = 1000;

/// sled, and what it has open.
pub(super) struct Opened {
    dir: PathBuf,
    pub(super) db: sled::Db,
    /// In the order of [`Table::ALL`].
    trees: Vec<sled::Tree>,
    log: File,
}

impl Opened {
    /// Opens what is in `dir`, or begins it.
    pub(super) fn at(dir: &Path) -> Result<Self, IndexError> {
        let config = sled::Config::new().path(dir).cache_capacity(CACHE_BYTES).flush_every_ms(Some(FLUSH_EVERY_MS));
        // sled panics on some kinds of damage; a library that cannot be opened must not take a
        // server with it.
        let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| open_unlocked(&config)));
        let (db, trees) = opened.map_err(|_| unreadable(dir, "sled gave up"))?.map_err(|error| match error {
            sled::Error::Io(reason) if is_lock(&reason) => {
                IndexError::InUse { dir: dir.to_path_buf(), holder: Store::holder(dir) }
            }
            error => failure(dir, "opening the store", error),
        })?;
        let path = dir.join("db");
        // Some systems flush only what was opened for writing.
        let log =
            File::options().read(true).write(true).open(&path).map_err(|source| IndexError::Io { path, source })?;
        Ok(Self { dir: dir.to_path_buf(), db, trees, log })
    }

    pub(super) fn tree(&self, table: Table) -> &sled::Tree {
        &self.trees[table as usize]
    }

    /// Makes all changes of a batch in one atomic step.
    pub(super) fn apply(&self, batch: &Batch) -> Result<(), IndexError> {
        let step = |trees: &Vec<sled::transaction::TransactionalTree>| {
            trees.iter().zip(&batch.tables).try_for_each(|(tree, changes)| tree.apply_batch(changes))?;
            Ok::<(), ConflictableTransactionError<()>>(())
        };
        self.trees[..].transaction(step).map_err(|error| match error {
            TransactionError::Storage(error) => failure(&self.dir, "writing to the store", error),
            TransactionError::Abort(()) => {
                let (what, reason) = ("writing to the store", "aborted".to_owned());
                IndexError::Store { dir: self.dir.clone(), what, reason }
            }
        })
    }

    /// Makes everything applied so far outlive this process and a power cut.
    pub(super) fn sync(&self) -> Result<(), IndexError> {
        self.db.flush().map_err(|error| failure(&self.dir, "flushing the store", error))?;
        self.log.sync_all().map_err(|source| IndexError::Io { path: self.dir.join("db"), source })
    }
}

/// sled lets go of its lock a moment after its last handle is dropped, so a first refusal is not
/// yet an answer.
fn open_unlocked(config: &sled::Config) -> sled::Result<(sled::Db, Vec<sled::Tree>)> {
    const ATTEMPTS: usize = 10;
    const PAUSE: Duration = Duration::from_millis(30);
    let mut opened = config.open();
    for _ in 1..ATTEMPTS {
        match opened {
            Err(sled::Error::Io(reason)) if is_lock(&reason) => std::thread::sleep(PAUSE),
            _ => break,
        }
        opened = config.open();
    }
    let db = opened?;
    let trees = Table::ALL.iter().map(|table| db.open_tree(table.name())).collect::<Result<_, _>>()?;
    Ok((db, trees))
}

// sled has no kind of its own for this.
fn is_lock(error: &std::io::Error) -> bool {
    error.to_string().contains("could not acquire lock")
}

pub(super) fn failure(dir: &Path, what: &'static str, error: sled::Error) -> IndexError {
    let damaged = |error: &std::io::Error| matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof);
    match error {
        // Of settings that are not those of the log; nothing else that is not supported is asked
        // for.
        sled::Error::Unsupported(reason) => unreadable(dir, &reason),
        sled::Error::Corruption { .. } => unreadable(dir, "a part of its log is not as it was written"),
        sled::Error::CollectionNotFound(_) | sled::Error::ReportableBug(_) => {
            unreadable(dir, "its log contradicts itself")
        }
        sled::Error::Io(error) if damaged(&error) => unreadable(dir, &error.to_string()),
        sled::Error::Io(error) => IndexError::Store { dir: dir.to_path_buf(), what, reason: error.to_string() },
    }
}

pub(super) fn unreadable(dir: &Path, reason: &str) -> IndexError {
    IndexError::Lost { dir: dir.to_path_buf(), what: "the store", reason: reason.to_owned() }
}
