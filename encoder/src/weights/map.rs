//! A file mapped into memory.
#![allow(unsafe_code, reason = "mapping a file is unsafe by nature; this is the one place that does it")]

use std::ops::Deref;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use crate::{EncodeError, files};

/// The bytes of a file, read by the system when they are touched.
#[derive(Debug)]
pub(crate) struct FileMap {
    path: PathBuf,
    map: Mmap,
}

impl FileMap {
    /// Maps a whole file for reading.
    ///
    /// # Errors
    /// [`EncodeError::Io`].
    pub fn open(path: &Path) -> Result<Self, EncodeError> {
        let io = |source| EncodeError::Io { path: path.to_owned(), source };
        let file = files::open(path).map_err(io)?;
        // SAFETY: the map is read-only, and all reads stay inside its length. It shares the file's
        // pages: a program that writes into the file while it is mapped changes bytes under our
        // slices, which no check can rule out, and one that shortens it ends this process by
        // SIGBUS. Downloads rename whole files into place, as every writer of the shared cache
        // does, and a checkpoint that is written in place while it is loaded is beyond what we
        // promise.
        let map = unsafe { Mmap::map(&file) }.map_err(io)?;
        Ok(Self { path: path.to_owned(), map })
    }

    /// Gives the memory of pages that were read back to the system; they are read again when they
    /// are touched again.
    pub fn release(&self) {
        #[cfg(target_os = "linux")]
        // SAFETY: the map is read-only and backed by its file, so that its pages hold nothing that
        // could be lost.
        let _ = unsafe { self.map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
    }

    /// Where the file is.
    pub fn path(&self) -> &PathBuf {
        &self.path
    }
}

impl Deref for FileMap {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.map
    }
}
