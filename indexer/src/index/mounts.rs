//! Folders of a library that are mount points, as the last walk found them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Index;
use crate::IndexError;
use crate::store::keys::meta;
use crate::store::{Batch, records};

impl Index {
    /// The mount points that are noted; none if the note is damaged.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn mounts(&self) -> Result<BTreeSet<PathBuf>, IndexError> {
        match self.store.json(meta::MOUNTS, "the mount points") {
            Err(IndexError::Corrupt { .. }) => Ok(BTreeSet::new()),
            json => Ok(json?.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default()),
        }
    }

    /// Notes mount points in place of those noted before. Paths that are not UTF-8 are left out.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn set_mounts(&self, mounts: &BTreeSet<PathBuf>) -> Result<(), IndexError> {
        let _writer = self.writer.lock();
        if self.mounts()? == *mounts {
            return Ok(());
        }
        let texts: Vec<&str> = mounts.iter().filter_map(|mount| mount.to_str()).collect();
        let json = serde_json::to_string(&texts);
        let json = json.map_err(|error| self.store.corrupt("the mount points".to_owned(), error))?;
        let mut batch = Batch::default();
        batch.put(crate::store::keys::Table::Meta, meta::MOUNTS, records::encode_json(meta::MOUNTS, &json));
        self.store.apply(&batch)
    }

    /// Notes the mount points of another generation beside those of this one. Images that a run
    /// into this one had encoded before it was stopped are then not given up in the next run
    /// because their drive is away by now.
    ///
    /// # Errors
    /// If a store fails.
    pub fn take_over_mounts(&self, of: &Self) -> Result<(), IndexError> {
        let mut mounts = self.mounts()?;
        mounts.extend(of.mounts()?);
        self.set_mounts(&mounts)
    }

    /// True if a file is known under `folder`.
    pub(crate) fn has_files_under(&self, folder: &Path) -> bool {
        !self.facts().files_under(folder).is_empty()
    }
}
