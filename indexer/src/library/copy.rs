//! Searching a library that cannot be written: on a read-only drive, a full one, or without
//! permission.
//!
//! The store writes when it is opened. So what answers then is a copy of the generation in the
//! folder for temporary files, which is removed with its last reader and refuses every change.
//! Where that has no room, only the store is copied, and last of all into memory.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use tempfile::TempDir;

use super::catalogue::Catalogue;
use super::{Library, folders, io as io_error};
use crate::index::REGION_FILES;
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
        self.open_copy_in(reason, &places())
    }

    /// As [`Library::open_copy`], in the first of these folders that has room.
    pub(crate) fn open_copy_in(&self, reason: &str, places: &[Place]) -> Result<Arc<Index>, IndexError> {
        let mut copy = self.copy.lock();
        if let Some(index) = copy.as_ref().and_then(Weak::upgrade) {
            return Ok(index);
        }
        let dir = self.served_dir()?;
        let index = Arc::new(self.copied(&dir, reason, places)?);
        index.share_collections(self.collections());
        *copy = Some(Arc::downgrade(&index));
        Ok(index)
    }

    /// The folder of the generation that serves.
    fn served_dir(&self) -> Result<PathBuf, IndexError> {
        let catalogue = match Catalogue::read(&self.home)? {
            Some(catalogue) => catalogue,
            None => self.catalogue_of_logs()?,
        };
        if let Some(serving) = catalogue.serving {
            return Ok(folders::dir_of(&self.home, serving.number));
        }
        let begun = folders::numbers(&self.home)?.first().map(|&number| folders::dir_of(&self.home, number));
        Err(match begun {
            None => IndexError::NoIndex { dir: self.home.clone() },
            Some(dir) => IndexError::Lost { dir, what: "the manifest", reason: "it is not there".to_owned() },
        })
    }

    fn copied(&self, dir: &Path, reason: &str, places: &[Place]) -> Result<Index, IndexError> {
        let mut failed = Vec::new();
        for place in places {
            let mut last = None;
            for what in [CopiedPart::All, CopiedPart::Store] {
                let open = |target| Index::open_copy(dir, target, reason, &self.options);
                match copy_to(place, dir, what).map_err(|error| no_room(place, dir, error)).and_then(open) {
                    // There is no room, as far as anybody can tell.
                    Err(error @ (IndexError::Io { .. } | IndexError::Store { .. })) => last = Some(error),
                    opened => return opened,
                }
            }
            failed.extend(last.map(|error| format!("; {error}")));
        }
        let error = failed.concat();
        Err(IndexError::Store {
            dir: self.home.clone(),
            what: "it cannot be written, and is searched by a copy then, which could not be made",
            reason: format!(
                "{reason}{error}. Set {} to a folder of a drive with {} MB free",
                if cfg!(windows) { "TMP" } else { "TMPDIR" },
                ROOM * bytes_of(&dir.join(STORE)).unwrap_or(0) / 1_000_000 + 1
            ),
        })
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

/// Where a copy may be made.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Folder(PathBuf),
    /// A folder that takes memory.
    Memory(PathBuf),
}

impl Place {
    fn folder(&self) -> &Path {
        match self {
            Self::Folder(folder) | Self::Memory(folder) => folder,
        }
    }
}

/// How much of a generation is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CopiedPart {
    /// All but the files of regions, which are only read, and are read where they are.
    All,
    /// Without words and snapshots, which are made anew, so that opening takes longer.
    Store,
}

/// The folder of a generation's store.
const STORE: &str = "sled";

/// The copy of a store, with the words that are made of it, takes no more than so many times its
/// bytes.
const ROOM: u64 = 2;

/// The folder for temporary files, and memory where that is on the same full drive.
fn places() -> Vec<Place> {
    let memory = cfg!(target_os = "linux").then(|| Place::Memory(PathBuf::from("/dev/shm")));
    [Place::Folder(std::env::temp_dir())].into_iter().chain(memory).collect()
}

fn copy_to(place: &Place, from: &Path, what: CopiedPart) -> io::Result<TempDir> {
    let full = || io::Error::from(io::ErrorKind::StorageFull);
    if let Place::Memory(_) = place {
        let needed = match what {
            CopiedPart::All => bytes_of(from)? - if_there(bytes_of(&from.join(REGION_FILES)))?.unwrap_or(0),
            CopiedPart::Store => ROOM * bytes_of(&from.join(STORE))?,
        };
        // The index itself takes about as much again.
        if available_memory().is_none_or(|available| available < 2 * needed) {
            return Err(full());
        }
    }
    let target = tempfile::Builder::new().prefix("glimpse-").tempdir_in(place.folder())?;
    match what {
        CopiedPart::All => copy_all(from, target.path(), &[REGION_FILES])?,
        CopiedPart::Store => copy_all(&from.join(STORE), &target.path().join(STORE), &[])?,
    }
    Ok(target)
}

fn no_room(place: &Place, dir: &Path, source: io::Error) -> IndexError {
    let reason = format!("{}: {source}", place.folder().display());
    IndexError::Store { dir: dir.to_path_buf(), what: "copying it", reason }
}

/// Bytes of memory that programs may still take, as Linux says it.
fn available_memory() -> Option<u64> {
    let facts = fs::read_to_string("/proc/meminfo").ok()?;
    let kilobytes = facts.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(kilobytes.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

/// `None` for what is not there.
fn if_there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

/// Bytes of all files in a folder and below.
fn bytes_of(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() { bytes_of(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}

/// Copies a file. Whoever closed the store a moment ago may still replace sled's notes, which sled
/// does without: one that has gone since it was seen is left out.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let is_note = from.file_name().is_some_and(|name| name.to_string_lossy().starts_with("snap."));
    // Not `fs::copy`: files of a read-only drive may be marked as read-only.
    match fs::File::open(from) {
        Err(error) if is_note && error.kind() == io::ErrorKind::NotFound => Ok(()),
        file => io::copy(&mut file?, &mut fs::File::create(to)?).map(drop),
    }
}

/// Copies a folder without these of its entries.
fn copy_all(from: &Path, to: &Path, without: &[&str]) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if without.iter().any(|&name| entry.file_name() == name) {
            continue;
        }
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy_all(&entry.path(), &target, &[])?,
            false => copy_file(&entry.path(), &target)?,
        }
    }
    Ok(())
}
