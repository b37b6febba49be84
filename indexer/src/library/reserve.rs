//! The reserve: some megabytes that a library holds back, so that images can be forgotten and
//! damage can be mended on a drive that is full. Both write before they free anything.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::{Library, io as io_error};
use crate::IndexError;
use crate::private::create_private_file;

/// Bytes held back: some thousand changes of the store and a commit of words.
const BYTES: u64 = 4 << 20;

/// Bytes that are written at once.
const BLOCK: usize = 64 << 10;

impl Library {
    /// Gives the reserve back to the drive if less than twice its size is free there. To be called
    /// before images are forgotten, or damage is mended, on a drive that may be full. The next run
    /// of changes that succeeds makes it again ([`Library::promote`]).
    ///
    /// # Errors
    /// If it is there and cannot be removed.
    pub fn release_reserve(&self) -> Result<(), IndexError> {
        let path = self.reserve();
        let is_there = path.try_exists().map_err(|source| io_error(&path, source))?;
        if is_there && self.lacks_room() {
            fs::remove_file(&path).map_err(|source| io_error(&path, source))?;
        }
        Ok(())
    }

    /// True if the drive, or a quota, has no room for twice the reserve.
    fn lacks_room(&self) -> bool {
        let written = tempfile::tempfile_in(&self.home).and_then(|mut file| write_noise(&mut file, 2 * BYTES));
        written.is_err_and(|error| matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
    }

    /// Makes the reserve unless it is there. Where less than twice its size is free there is none,
    /// which is no error.
    pub(super) fn keep_reserve(&self) {
        let path = self.reserve();
        if self.reserve_bytes() != BYTES && make(&path).is_err() {
            let _ = fs::remove_file(&path);
        }
    }

    /// Bytes that the reserve takes on the drive.
    pub fn reserve_bytes(&self) -> u64 {
        fs::metadata(self.reserve()).map_or(0, |facts| facts.len())
    }

    fn reserve(&self) -> PathBuf {
        self.home.join("reserve")
    }
}

fn make(path: &Path) -> io::Result<()> {
    let mut file = create_private_file(path)?;
    write_noise(&mut file, 2 * BYTES)?;
    file.set_len(BYTES)
}

/// Noise, because a drive that compresses would keep no room for zeros.
fn write_noise(file: &mut File, bytes: u64) -> io::Result<()> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut block = vec![0; BLOCK];
    for _ in 0..bytes / BLOCK as u64 {
        for word in block.as_chunks_mut::<8>().0 {
            // Marsaglia, "Xorshift RNGs" (2003).
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *word = state.to_le_bytes();
        }
        file.write_all(&block)?;
    }
    Ok(())
}
