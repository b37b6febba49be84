//! Where one device ends and another begins: a folder whose drive is away is not a folder that was
//! emptied.
//!
//! Numbers of devices change when a machine starts anew, so none is kept. What is kept with the
//! index is which folders were mount points, each on another device than the folder above it. One
//! that is none any more has lost its drive.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::calls::Drives;
use crate::{Index, IndexError};

type NumberOf = dyn Fn(&Path) -> Option<u64> + Send + Sync;

/// Tells on which device (a drive, a partition, a network share) a folder is; by default, as the
/// system says.
#[derive(Clone, Default)]
pub struct Devices(Option<Arc<NumberOf>>);

impl Devices {
    /// Asks `number_of` instead of the system; `None` stands for a folder that is not there.
    pub fn new(number_of: impl Fn(&Path) -> Option<u64> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(number_of)))
    }

    /// True if the folder is there, and on another device than the folder above it.
    pub(crate) fn is_mount_point(&self, folder: &Path) -> bool {
        let above = folder.parent().and_then(|above| self.number_of(above));
        above.is_some_and(|above| self.number_of(folder).is_some_and(|number| number != above))
    }

    fn number_of(&self, folder: &Path) -> Option<u64> {
        match &self.0 {
            Some(number_of) => number_of(folder),
            None => system_number_of(folder),
        }
    }
}

impl fmt::Debug for Devices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Devices(set)" } else { "Devices(of the system)" })
    }
}

#[cfg(unix)]
fn system_number_of(folder: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(folder).ok().map(|facts| facts.dev())
}

/// Drives have letters here: one that is away takes its root with it.
#[cfg(not(unix))]
fn system_number_of(_: &Path) -> Option<u64> {
    None
}

/// The mount points of an index.
#[derive(Debug)]
pub(crate) struct Mounts<'a> {
    devices: &'a Devices,
    known: BTreeSet<PathBuf>,
}

impl<'a> Mounts<'a> {
    /// Those that earlier runs noted.
    ///
    /// # Errors
    /// If the store fails.
    pub fn of(index: &Index, devices: &'a Devices) -> Result<Self, IndexError> {
        Ok(Self { devices, known: index.mounts()? })
    }

    /// The mount point whose drive is away and with it the file, if there is one.
    pub fn away(&self, file: &Path, drives: &Drives<'_>) -> Option<&Path> {
        let mut above = self.known.iter().filter(|mount| file.starts_with(mount));
        let is_mounted = |mount: &Path| {
            let devices = self.devices.clone();
            drives.ask(mount, move |mount| devices.is_mount_point(mount)).unwrap_or(false)
        };
        above.find(|mount| !is_mounted(mount)).map(PathBuf::as_path)
    }

    /// Notes the mount points of a walk beside the known ones; those without files are forgotten.
    ///
    /// # Errors
    /// If the store fails.
    pub fn keep(self, index: &Index, found: &[PathBuf]) -> Result<(), IndexError> {
        let mut mounts = self.known;
        mounts.extend(found.iter().cloned());
        mounts.retain(|mount| index.has_files_under(mount));
        index.set_mounts(&mounts)
    }
}
