//! Writing a file of sections on all threads, without a second copy of what they hold.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

use rayon::prelude::*;

use super::{ALIGN, CHUNK, Head, SectionEntry, SnapshotManifest, at};
use crate::folder::sync_dir;

/// What is written of a flat piece of memory.
pub(crate) enum Section<'a> {
    Bytes(&'a [u8]),
    /// As many bytes, and how to copy a range of them. They may change meanwhile, if whoever reads
    /// the file makes no use of those that did.
    Live(usize, Box<dyn Fn(Range<usize>) -> Vec<u8> + Sync + 'a>),
}

impl Section<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Live(len, _) => *len,
        }
    }

    fn chunk(&self, range: Range<usize>) -> Cow<'_, [u8]> {
        match self {
            Self::Bytes(bytes) => Cow::Borrowed(&bytes[range]),
            Self::Live(_, copy) => Cow::Owned(copy(range)),
        }
    }
}

/// Writes a file into `dir`, which is made if need be, and syncs it. It lies beside others and
/// counts as soon as its manifest does.
pub(crate) fn write(
    dir: &Path,
    facts: impl serde::Serialize,
    sections: &[Section<'_>],
) -> io::Result<SnapshotManifest> {
    crate::create_private_dir_all(dir)?;
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    let (mut start, mut entries) = (0u64, Vec::new());
    for section in sections {
        start = start.next_multiple_of(ALIGN);
        let chunks = write_section(file.as_file(), section, start)?;
        entries.push(SectionEntry { bytes: section.len() as u64, chunks });
        start += section.len() as u64;
    }
    let head = Head { little_endian: cfg!(target_endian = "little"), facts, sections: entries };
    let head = serde_json::to_vec(&head)?;
    at::write(file.as_file_mut(), &head, start)?;
    publish(file, dir, &head)
}

/// Gives a file that ends with its `head` the name that the head stands for, so that it outlives a
/// power cut.
pub(super) fn publish(file: tempfile::NamedTempFile, dir: &Path, head: &[u8]) -> io::Result<SnapshotManifest> {
    file.as_file().sync_all()?;
    let manifest = SnapshotManifest::of(head);
    file.persist(dir.join(manifest.name()))?;
    sync_dir(dir)?;
    dir.parent().map_or(Ok(()), sync_dir)?;
    Ok(manifest)
}

/// The BLAKE3 of each chunk.
fn write_section(file: &File, section: &Section<'_>, start: u64) -> io::Result<Vec<String>> {
    let write = |chunk: usize| {
        let bytes = section.chunk(chunk * CHUNK..section.len().min((chunk + 1) * CHUNK));
        at::write(file, &bytes, start + (chunk * CHUNK) as u64)?;
        Ok(blake3::hash(&bytes).to_hex().to_string())
    };
    (0..section.len().div_ceil(CHUNK)).into_par_iter().map(write).collect()
}
