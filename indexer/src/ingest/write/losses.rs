//! What a new generation lacks of the old one, to be known before it takes the old one's place.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use crate::ingest::drives::calls::Drives;
use crate::ingest::drives::devices::{Devices, Mounts};
use crate::{Index, IndexError};

/// One file in so many may be gone with its whole folder.
const SHARE: usize = 10;
/// So many files may be gone.
const MOST: usize = 1000;

/// Files of an old generation that a new one lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Losses {
    /// Present files of the old generation.
    pub files: usize,
    /// Files that are still on disk, or may be: they could not be read or looked at.
    pub unread: Vec<PathBuf>,
    /// Files on drives that are away: below folders that were mount points when the old generation
    /// last looked at them, and are none now; by mount point.
    pub away: BTreeMap<PathBuf, usize>,
    /// Files that are gone together with all that was known in their folders, by folder.
    pub folders: BTreeMap<PathBuf, usize>,
    /// Roots of which nothing is left.
    pub roots: BTreeSet<PathBuf>,
}

impl Losses {
    /// True if the new generation should not take the old one's place unless the user insists:
    /// files that are there were not read, a drive is away, or so much is gone that one may be.
    pub fn are_suspicious(&self) -> bool {
        let gone: usize = self.folders.values().sum();
        let is_certain = !self.unread.is_empty() || !self.away.is_empty() || !self.roots.is_empty();
        is_certain || gone * SHARE > self.files || gone > MOST
    }
}

/// Compares generations. An image that was found again under another path is not lost, nor is a
/// file that was deleted from a folder where others are left. `devices` tells which drives are
/// there.
///
/// # Errors
/// If a store fails.
pub fn losses(old: &Index, new: &Index, devices: &Devices) -> Result<Losses, IndexError> {
    let present = |index: &Index| -> Result<Vec<PathBuf>, IndexError> {
        let files = index.files_under(Path::new(""))?;
        Ok(files.into_iter().filter(|file| !file.missing).map(|file| file.path).collect())
    };
    let (before, now) = (present(old)?, present(new)?);
    let paths: HashSet<&Path> = now.iter().map(PathBuf::as_path).collect();
    let living: HashSet<&Path> = now.iter().flat_map(|path| path.ancestors().skip(1)).collect();
    let mut losses = Losses { files: before.len(), ..Losses::default() };
    let roots = old.manifest().roots;
    let (cancel, known) = (AtomicBool::new(false), roots.clone());
    let drives = Drives::new(known, &cancel);
    let mounts = Mounts::of(old, devices)?;
    for path in before.iter().filter(|path| !paths.contains(path.as_path())) {
        if found_elsewhere(old, new, path)? {
            continue;
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        if !drives.is_gone(path) {
            losses.unread.push(path.clone());
        } else if let Some(mount) = mounts.away(path, &drives) {
            *losses.away.entry(mount.to_path_buf()).or_default() += 1;
        } else if !living.contains(folder) {
            *losses.folders.entry(folder.to_path_buf()).or_default() += 1;
            losses.roots.extend(
                roots.iter().filter(|root| path.starts_with(root) && !living.contains(root.as_path())).cloned(),
            );
        }
    }
    Ok(losses)
}

/// True if the new generation has the image that `path` held in the old one.
fn found_elsewhere(old: &Index, new: &Index, path: &Path) -> Result<bool, IndexError> {
    let Some(file) = old.file(path)? else { return Ok(true) };
    let Ok(Some(record)) = old.image(file.image) else { return Ok(false) };
    let Some(id) = new.by_content(&record.content)? else { return Ok(false) };
    Ok(new.has_present_file(id))
}
