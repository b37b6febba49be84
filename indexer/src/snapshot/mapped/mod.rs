//! Files that are mapped and read where they are needed, and checked where they are read.
//!
//! ```text
//! | section | ... | section | checksums | head: JSON |
//! ```
//!
//! Sections begin at multiples of [`ALIGN`]. Everything before the checksums is cut into blocks of
//! [`BLOCK`] bytes, each with a CRC-32; the head has the BLAKE3 of all of these, and the
//! [`SnapshotManifest`], which the owner keeps elsewhere, that of the head. So opening reads head
//! and checksums, and a block is checked when it is first read: one that is damaged is as good as
//! not there, and costs what stood in it.

mod map;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use map::FileMap;
pub(crate) use read::{MappedFile, manifest_of};
pub(crate) use write::MappedWriter;

/// Bytes of a block: few, since who needs a row of it reads it whole.
const BLOCK: usize = 32 << 10;
/// Sections begin at multiples of it.
const ALIGN: usize = 64;

/// The last part of the file.
#[derive(serde::Serialize, serde::Deserialize)]
struct Head<F> {
    /// Numbers are written as this machine holds them.
    little_endian: bool,
    facts: F,
    sections: Vec<Place>,
    /// Bytes of all sections with what is between them.
    bytes: u64,
    /// BLAKE3 of the checksums.
    checksums: String,
}

#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Place {
    start: u64,
    bytes: u64,
}
