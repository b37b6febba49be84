//! Reading a file of sections on all threads, straight to where it is wanted.

use std::fs::File;
use std::path::Path;

use bytemuck::{Pod, Zeroable};
use glimpse_encoder::files;
use memmap2::MmapMut;
use rayon::prelude::*;

use super::mapped::FileMap;
use super::{ALIGN, CHUNK, Head, SnapshotError, SnapshotManifest, at, require};

/// A snapshot file whose head matches its manifest.
pub(crate) struct Reader {
    file: File,
    sections: Vec<Placed>,
}

/// A section, and where it is.
struct Placed {
    start: u64,
    bytes: usize,
    chunks: Vec<blake3::Hash>,
}

impl Reader {
    /// Opens the file of a manifest, and reads the facts about the whole.
    pub(crate) fn open<F: serde::de::DeserializeOwned>(
        dir: &Path,
        manifest: &SnapshotManifest,
    ) -> Result<(Self, F), SnapshotError> {
        let file = files::open(&dir.join(manifest.name()))?;
        let length = file.metadata()?.len();
        let end = length.checked_sub(manifest.bytes).ok_or_else(|| SnapshotError("it was cut off".to_owned()))?;
        let mut head =
            vec![0; usize::try_from(manifest.bytes).map_err(|_| SnapshotError("its head is too long".to_owned()))?];
        at::read(&file, &mut head, end)?;
        require(SnapshotManifest::of(&head) == *manifest, "its head is not as it was written")?;
        let head: Head<F> = serde_json::from_slice(&head).map_err(|error| SnapshotError(error.to_string()))?;
        require(head.little_endian == cfg!(target_endian = "little"), "it is from another machine")?;
        let (mut start, mut sections) = (0u64, Vec::new());
        for entry in head.sections {
            let mut gap = [0; ALIGN as usize];
            let gap = &mut gap[..(start.next_multiple_of(ALIGN) - start) as usize];
            at::read(&file, gap, start)?;
            require(gap.iter().all(|&byte| byte == 0), "what is between its sections is not as it was written")?;
            start += gap.len() as u64;
            let bytes = usize::try_from(entry.bytes).ok().filter(|_| end.checked_sub(start) >= Some(entry.bytes));
            let bytes = bytes.ok_or_else(|| SnapshotError("it is shorter than its sections".to_owned()))?;
            require(entry.chunks.len() == bytes.div_ceil(CHUNK), "it has other chunks than its sections")?;
            let chunks = entry.chunks.iter().map(blake3::Hash::from_hex).collect::<Result<_, _>>();
            sections.push(Placed { start, bytes, chunks: chunks.map_err(|error| SnapshotError(error.to_string()))? });
            start += entry.bytes;
        }
        require(start == end, "it is longer than its sections")?;
        Ok((Self { file, sections }, head.facts))
    }

    fn section(&self, section: usize) -> Result<&Placed, SnapshotError> {
        self.sections.get(section).ok_or_else(|| SnapshotError("it lacks sections".to_owned()))
    }

    fn read_chunk(&self, placed: &Placed, chunk: usize, to: &mut [u8]) -> Result<(), SnapshotError> {
        at::read(&self.file, to, placed.start + (chunk * CHUNK) as u64)?;
        require(placed.chunks.get(chunk) == Some(&blake3::hash(to)), "a part is not as it was written")
    }

    /// Reads a section to memory that is exactly as long.
    pub(crate) fn fill<T: Pod>(&self, section: usize, to: &mut [T]) -> Result<(), SnapshotError> {
        let placed = self.section(section)?;
        let to: &mut [u8] = bytemuck::cast_slice_mut(to);
        require(to.len() == placed.bytes, "a section has another length")?;
        let chunks = to.par_chunks_mut(CHUNK).enumerate();
        chunks.into_par_iter().try_for_each(|(chunk, to)| self.read_chunk(placed, chunk, to))
    }

    /// Maps a section that is as it was written. What is changed in the map stays in memory.
    pub(crate) fn map(&self, section: usize) -> Result<MmapMut, SnapshotError> {
        let placed = self.section(section)?;
        let check = |buffer: &mut Vec<u8>, chunk: usize| {
            buffer.resize(CHUNK.min(placed.bytes - chunk * CHUNK), 0);
            self.read_chunk(placed, chunk, buffer)
        };
        (0..placed.chunks.len()).into_par_iter().map_init(Vec::new, check).collect::<Result<(), _>>()?;
        Ok(FileMap::copied_on_write(&self.file, placed.start, placed.bytes)?)
    }

    /// Bytes of all sections.
    pub(crate) fn bytes(&self) -> u64 {
        self.sections.iter().map(|placed| placed.bytes as u64).sum()
    }

    /// Reads a section of values.
    pub(crate) fn values<T: Pod>(&self, section: usize) -> Result<Vec<T>, SnapshotError> {
        let bytes = self.section(section)?.bytes;
        require(bytes.is_multiple_of(size_of::<T>()), "a section ends within a value")?;
        let mut values = vec![T::zeroed(); bytes / size_of::<T>()];
        self.fill(section, &mut values)?;
        Ok(values)
    }

    /// Hands out a section of values in pieces, in no order: `take` is told where in the section a
    /// piece begins. For values whose size divides that of a chunk.
    pub(crate) fn each_piece<T: Pod + Zeroable>(
        &self,
        section: usize,
        take: impl Fn(usize, &[T]) -> Result<(), SnapshotError> + Sync,
    ) -> Result<(), SnapshotError> {
        let placed = self.section(section)?;
        require(placed.bytes.is_multiple_of(size_of::<T>()), "a section ends within a value")?;
        let (all, most) = (placed.bytes / size_of::<T>(), CHUNK / size_of::<T>());
        let read = |buffer: &mut Vec<T>, chunk: usize| {
            let first = chunk * most;
            buffer.resize(most.min(all - first), T::zeroed());
            self.read_chunk(placed, chunk, bytemuck::cast_slice_mut(buffer))?;
            take(first, buffer)
        };
        (0..all.div_ceil(most)).into_par_iter().map_init(Vec::new, read).collect()
    }

    /// Values of a section.
    pub(crate) fn len<T>(&self, section: usize) -> Result<usize, SnapshotError> {
        Ok(self.section(section)?.bytes / size_of::<T>())
    }
}
