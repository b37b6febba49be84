//! Files that are written and read whole, at the speed of memory, and count only if every byte is
//! as it was written.
//!
//! ```text
//! | section | section | ... | head: JSON |
//! ```
//!
//! A section is what one flat piece of memory holds, in the byte order of this machine, and begins
//! at a multiple of [`ALIGN`], with zeros before it: so it may be mapped in place of that memory.
//! Sections are cut into chunks of [`CHUNK`], so that all threads write, read and check them at
//! once. The head has the lengths of the sections, the BLAKE3 of each chunk, and facts about the
//! whole. The [`SnapshotManifest`], which the owner keeps elsewhere, has the BLAKE3 of the head: it
//! stands for every byte of the file, and for no other file. So a file that is damaged, cut off,
//! half-written, restored from a copy or exchanged for another one is nobody's, and whoever wanted
//! it makes do without.

mod at;
#[cfg(test)]
mod fuzz;
pub(crate) mod mapped;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::path::Path;

pub(crate) use self::read::Reader;
pub(crate) use self::write::{Section, write};

/// Bytes of a chunk: enough for a disk, and few enough to stay in a core's cache between reading
/// and checking.
const CHUNK: usize = 1 << 20;
/// Sections begin at multiples of it: rows of vectors begin on cache lines.
const ALIGN: u64 = 64;

/// Length and checksum of the head of a snapshot file; the owner keeps them to verify it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct SnapshotManifest {
    /// Length of the head.
    bytes: u64,
    /// BLAKE3 of the head.
    blake3: String,
}

impl SnapshotManifest {
    pub(crate) fn of(head: &[u8]) -> Self {
        Self { bytes: head.len() as u64, blake3: blake3::hash(head).to_hex().to_string() }
    }

    /// The name of the file.
    pub(crate) fn name(&self) -> &str {
        self.blake3.get(..32).unwrap_or("none")
    }
}

/// Why a snapshot file cannot be used, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct SnapshotError(pub(crate) String);

impl From<std::io::Error> for SnapshotError {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<crate::IndexError> for SnapshotError {
    fn from(error: crate::IndexError) -> Self {
        Self(error.to_string())
    }
}

/// A [`SnapshotError`] unless something holds.
pub(crate) fn require(holds: bool, otherwise: &str) -> Result<(), SnapshotError> {
    if holds { Ok(()) } else { Err(SnapshotError(otherwise.to_owned())) }
}

/// The last part of the file.
#[derive(serde::Serialize, serde::Deserialize)]
struct Head<F> {
    /// Numbers are written as this machine holds them.
    little_endian: bool,
    facts: F,
    sections: Vec<SectionEntry>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct SectionEntry {
    bytes: u64,
    /// BLAKE3 of each chunk.
    chunks: Vec<String>,
}

/// Removes every file of a folder of snapshots but one.
pub(crate) fn sweep(dir: &Path, keep: Option<&SnapshotManifest>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if keep.is_none_or(|manifest| entry.file_name() != manifest.name()) {
            // What cannot be removed now is removed next time.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
