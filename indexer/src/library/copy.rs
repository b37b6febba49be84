//! Searching a library that cannot be written: on a read-only drive, a full one, or without
//! permission.
//!
//! The store writes when it is opened. So what answers then is a copy of the generation in the
//! folder for temporary files, which is removed with its last reader and refuses every change.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Weak};

use tempfile::TempDir;

use super::catalogue::Catalogue;
use super::{Library, folders, io as io_error};
use crate::{Index, IndexError};

/// What is written to see whether there is room.
static PROBE: [u8; 64 << 10] = [0; 64 << 10];

impl Library {
    /// Why nothing can be written to the library's folder, as the system says it; `None` if it can
    /// be, or if there is no such folder.
    pub fn obstacle(&self) -> Option<String> {
        let probed = tempfile::tempfile_in(&self.home).and_then(|mut file| file.write_all(&PROBE));
        let error = probed.err()?;
        (error.kind() != io::ErrorKind::NotFound).then(|| error.to_string())
    }

    /// Opens a copy of the generation that serves, since the library cannot be written for this
    /// reason.
    ///
    /// # Errors
    /// As [`Library::open`], and if there is no room for the copy.
    pub(crate) fn open_copy(&self, reason: &str) -> Result<Arc<Index>, IndexError> {
        let mut copy = self.copy.lock();
        if let Some(index) = copy.as_ref().and_then(Weak::upgrade) {
            return Ok(index);
        }
        let catalogue = Catalogue::read(&self.home)?;
        let serving = catalogue.and_then(|catalogue| catalogue.serving);
        let serving = serving.ok_or_else(|| IndexError::NoIndex { dir: self.home.clone() })?;
        let dir = folders::dir_of(&self.home, serving.number);
        let target = copied(&dir).map_err(|error| IndexError::Store {
            dir: self.home.clone(),
            what: "it cannot be written, and is searched by a copy then, which could not be made",
            reason: format!("{reason}; {error}"),
        })?;
        let index = Arc::new(Index::open_copy(&dir, target, reason, &self.options)?);
        index.share_collections(self.collections());
        *copy = Some(Arc::downgrade(&index));
        Ok(index)
    }

    /// Makes room on a full drive: gives up what can be made anew of a generation that nobody
    /// reads.
    ///
    /// # Errors
    /// If a file cannot be removed.
    pub(super) fn make_room(&self, number: u32) -> Result<(), IndexError> {
        for name in ["snapshot", "region-snapshot"] {
            let dir = folders::dir_of(&self.home, number).join(name);
            match fs::remove_dir_all(&dir) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(&dir, error)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// A copy of a folder and all below it.
fn copied(from: &Path) -> io::Result<TempDir> {
    let target = tempfile::Builder::new().prefix("glimpse-").tempdir()?;
    copy_all(from, target.path())?;
    Ok(target)
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy_all(&entry.path(), &target)?,
            // Not `fs::copy`: files of a read-only drive may be marked as read-only.
            false => drop(io::copy(&mut fs::File::open(entry.path())?, &mut fs::File::create(target)?)?),
        }
    }
    Ok(())
}
