//! Reading a mapped file, each block checked when it is first read.

use std::cell::RefCell;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use glimpse_encoder::files;

use super::super::{SnapshotError, SnapshotManifest, require};
use super::map::FileMap;
use super::{BLOCK, Head, Place};

thread_local! {
    /// The block that a thread checks.
    static READ: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Longest head that is looked for.
const LONGEST_HEAD: usize = 64 << 10;

/// The manifest of a file, by what stands in it; `None` if it does not bear the name of its head.
pub(crate) fn manifest_of(path: &Path) -> Option<SnapshotManifest> {
    let file = FileMap::of(&files::open(path).ok()?).ok()?;
    let name = path.file_name()?.to_str()?;
    let end = &file[file.len().saturating_sub(LONGEST_HEAD)..];
    let begins = |at: &usize| end[*at..].starts_with(b"{\"little_endian\":");
    let heads = (0..end.len()).rev().filter(begins).map(|at| SnapshotManifest::of(&end[at..]));
    heads.into_iter().find(|manifest| manifest.name() == name)
}

/// A mapped file whose head and checksums match its manifest.
pub(crate) struct MappedFile {
    map: FileMap,
    sections: Vec<Range<usize>>,
    /// Bytes that the checksums are of.
    bytes: usize,
    checksums: Vec<u32>,
    /// A bit for each block that was found to be sound.
    sound: Vec<AtomicU64>,
    is_damaged: AtomicBool,
}

impl MappedFile {
    /// Maps the file of a manifest, and reads the facts about the whole.
    pub(crate) fn open<F: serde::de::DeserializeOwned>(
        dir: &Path,
        manifest: &SnapshotManifest,
    ) -> Result<(Self, F), SnapshotError> {
        let map = FileMap::of(&files::open(&dir.join(manifest.name()))?)?;
        map.at_random();
        let head = usize::try_from(manifest.bytes).ok().and_then(|bytes| map.len().checked_sub(bytes));
        let (rest, head) = map.split_at(head.ok_or_else(|| SnapshotError("it was cut off".to_owned()))?);
        require(SnapshotManifest::of(head) == *manifest, "its head is not as it was written")?;
        let head: Head<F> = serde_json::from_slice(head).map_err(|error| SnapshotError(error.to_string()))?;
        require(head.little_endian == cfg!(target_endian = "little"), "it is from another machine")?;
        let bytes = usize::try_from(head.bytes).ok().filter(|&bytes| bytes <= rest.len());
        let bytes = bytes.ok_or_else(|| SnapshotError("it is shorter than its sections".to_owned()))?;
        let blocks = bytes.div_ceil(BLOCK);
        let checksums = &rest[bytes..];
        require(checksums.len() == 4 * blocks, "it has other checksums than blocks")?;
        require(blake3::hash(checksums).to_hex().as_str() == head.checksums, "its checksums are damaged")?;
        let place = |place: &Place| {
            let start = usize::try_from(place.start).ok()?;
            let end = start.checked_add(usize::try_from(place.bytes).ok()?)?;
            (end <= bytes && start.is_multiple_of(super::ALIGN)).then_some(start..end)
        };
        let sections: Option<Vec<Range<usize>>> = head.sections.iter().map(place).collect();
        let sections = sections.ok_or_else(|| SnapshotError("a section lies elsewhere".to_owned()))?;
        let checksums = checksums.as_chunks::<4>().0.iter().map(|sum| u32::from_ne_bytes(*sum)).collect();
        let sound = (0..blocks.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        let file = Self { sections, bytes, checksums, sound, is_damaged: AtomicBool::new(false), map };
        Ok((file, head.facts))
    }

    /// Bytes of a section.
    pub(crate) fn len(&self, section: usize) -> Result<usize, SnapshotError> {
        self.sections.get(section).map(Range::len).ok_or_else(|| SnapshotError("it lacks sections".to_owned()))
    }

    /// A part of a section; `None` if that is damaged, or there is none.
    #[inline]
    pub(crate) fn bytes(&self, section: usize, range: Range<usize>) -> Option<&[u8]> {
        let place = self.place(section, range)?;
        let blocks = place.start / BLOCK..place.end.div_ceil(BLOCK);
        blocks.into_iter().all(|block| self.is_sound(block)).then(|| &self.map[place])
    }

    /// A whole section, which must be sound.
    pub(crate) fn section(&self, section: usize) -> Result<&[u8], SnapshotError> {
        let whole = 0..self.len(section)?;
        self.prefetch(section, whole.clone());
        let bytes = self.bytes(section, whole);
        bytes.ok_or_else(|| SnapshotError("a part is not as it was written".to_owned()))
    }

    /// Says that a part of a section will be needed soon.
    pub(crate) fn prefetch(&self, section: usize, range: Range<usize>) {
        if let Some(place) = self.place(section, range) {
            self.map.prefetch(place);
        }
    }

    /// As [`MappedFile::prefetch`], unless this process has read it before: asking costs more than
    /// reading what is in memory.
    pub(crate) fn prefetch_unread(&self, section: usize, range: Range<usize>) {
        if let Some(place) = self.place(section, range) {
            let mut blocks = place.start / BLOCK..place.end.div_ceil(BLOCK);
            if blocks.any(|block| self.sound[block / 64].load(Relaxed) & 1 << (block % 64) == 0) {
                let start = place.start / BLOCK * BLOCK;
                self.map.prefetch(start..self.bytes.min(place.end.next_multiple_of(BLOCK)));
            }
        }
    }

    fn place(&self, section: usize, range: Range<usize>) -> Option<Range<usize>> {
        let whole = self.sections.get(section)?;
        let fits = range.start <= range.end && range.end <= whole.len();
        fits.then(|| whole.start + range.start..whole.start + range.end)
    }

    #[inline]
    fn is_sound(&self, block: usize) -> bool {
        let (word, bit) = (&self.sound[block / 64], 1 << (block % 64));
        word.load(Relaxed) & bit != 0 || self.check(block)
    }

    #[cold]
    fn check(&self, block: usize) -> bool {
        let range = block * BLOCK..self.bytes.min((block + 1) * BLOCK);
        self.map.prefetch(range.clone());
        let is_sound = READ.with_borrow_mut(|bytes| {
            self.map.read(range, bytes).is_ok() && crc32fast::hash(bytes) == self.checksums[block]
        });
        match is_sound {
            true => _ = self.sound[block / 64].fetch_or(1 << (block % 64), Relaxed),
            false => self.is_damaged.store(true, Relaxed),
        }
        is_sound
    }

    /// True if a block that was read was damaged.
    pub(crate) fn is_damaged(&self) -> bool {
        self.is_damaged.load(Relaxed)
    }

    /// Reads all blocks; how many of them are damaged.
    pub(crate) fn damaged_blocks(&self) -> usize {
        (0..self.checksums.len()).filter(|&block| !self.check(block)).count()
    }

    /// Bytes in memory, apart from what is mapped.
    pub(crate) fn memory(&self) -> usize {
        4 * self.checksums.len() + 8 * self.sound.len()
    }
}
