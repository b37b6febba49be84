//! A file mapped into memory.
#![allow(unsafe_code, reason = "mapping a file is unsafe by nature; this is the one place here that does it")]

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};

use memmap2::{Mmap, MmapMut, MmapOptions};

/// The bytes of a file, read by the system when they are touched.
#[derive(Debug)]
pub(crate) struct FileMap {
    map: Mmap,
    #[cfg(unix)]
    file: File,
}

impl FileMap {
    /// Maps a file for reading.
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        // SAFETY: the map is read-only, and all reads stay inside its length. The file is in a
        // folder that only its owner may enter, is written before it gets its name and never after
        // that, so nothing of this program changes bytes under our slices. Another program that
        // writes into it could, which the checksums are there to notice, and one that shortens it
        // ends this process by SIGBUS, which is beyond what we promise.
        let map = unsafe { Mmap::map(file) }?;
        Ok(Self {
            map,
            #[cfg(unix)]
            file: file.try_clone()?,
        })
    }

    /// Reads bytes as from any file: what a disk cannot read is an error, where touching it would
    /// end the process. The map then has them from the system's cache.
    pub(crate) fn read(&self, range: Range<usize>, into: &mut Vec<u8>) -> io::Result<()> {
        into.resize(range.len(), 0);
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::read_exact_at(&self.file, into, range.start as u64);
        #[cfg(not(unix))]
        return match self.map.get(range) {
            Some(bytes) => Ok(into.copy_from_slice(bytes)),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        };
    }

    /// Maps a part of a file so that it can be changed in memory and stays as it is on disk.
    pub(crate) fn copied_on_write(file: &File, start: u64, bytes: usize) -> io::Result<MmapMut> {
        // SAFETY: as above; what is written goes to pages of this process alone.
        let map = unsafe { MmapOptions::new().offset(start).len(bytes).map_copy(file) }?;
        #[cfg(unix)]
        let _ = map.advise(memmap2::Advice::Random);
        Ok(map)
    }

    /// Says that bytes will be needed soon, so that the system reads them all at once.
    pub(crate) fn prefetch(&self, range: Range<usize>) {
        #[cfg(unix)]
        let _ = self.map.advise_range(memmap2::Advice::WillNeed, range.start, range.len());
        #[cfg(not(unix))]
        let _ = range;
    }

    /// Says that reads come here and there, so that the system reads no more than asked for.
    pub(crate) fn at_random(&self) {
        #[cfg(unix)]
        let _ = self.map.advise(memmap2::Advice::Random);
    }
}

impl Deref for FileMap {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.map
    }
}
