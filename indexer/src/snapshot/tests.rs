#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use glimpse_nonempty::each;

use super::*;

const WORDS: u32 = 300_000;

/// Three sections: none, some bytes, and more words than a chunk holds.
fn written(dir: &Path, salt: u8) -> SnapshotManifest {
    let bytes: Vec<u8> = (0..100).map(|n| n ^ salt).collect();
    let words: Vec<u32> = (0..WORDS).collect();
    let words: &[u8] = bytemuck::cast_slice(&words);
    let live = Section::Live(words.len(), Box::new(|range| words[range].to_vec()));
    write(dir, "facts", &[Section::Bytes(&[]), Section::Bytes(&bytes), live]).unwrap()
}

fn read(dir: &Path, manifest: &SnapshotManifest) -> Result<(), SnapshotError> {
    let (reader, facts): (_, String) = Reader::open(dir, manifest)?;
    assert_eq!(facts, "facts");
    assert_eq!(reader.values::<u8>(0)?.len(), 0);
    reader.values::<u8>(1)?;
    let words = reader.values::<u32>(2)?;
    assert!(words.into_iter().eq(0..WORDS));
    Ok(())
}

#[test]
fn what_was_written_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = written(dir.path(), 0);
    read(dir.path(), &manifest).unwrap();
    let (reader, _): (_, String) = Reader::open(dir.path(), &manifest).unwrap();
    let words: Vec<AtomicU32> = (0..WORDS).map(|_| AtomicU32::default()).collect();
    let pieces = reader.each_piece::<u32>(2, |first, piece| {
        words[first..].iter().zip(piece).for_each(|(to, &word)| to.store(word, Relaxed));
        Ok(())
    });
    pieces.unwrap();
    assert!(words.into_iter().map(AtomicU32::into_inner).eq(0..WORDS));
    assert!(reader.fill(1, &mut [0u8; 99]).is_err(), "another length");
    assert!(reader.values::<u64>(1).is_err(), "100 bytes are no whole values");
    assert!(reader.values::<u8>(3).is_err(), "there are three");
}

#[test]
fn a_mapped_section_is_checked_and_changed_in_memory_alone() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = written(dir.path(), 0);
    let open = || Reader::open::<String>(dir.path(), &manifest).unwrap().0;
    let mut map = open().map(2).unwrap();
    assert_eq!(map.as_ptr() as usize % ALIGN as usize, 0);
    let words: Vec<u32> = (0..WORDS).collect();
    assert!(map[..] == *bytemuck::cast_slice::<u32, u8>(&words));
    map[5] ^= 1;
    read(dir.path(), &manifest).unwrap();
    let path = dir.path().join(manifest.name());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[128 + CHUNK + 7] ^= 1;
    // Beside the one that is mapped.
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    assert!(open().map(2).is_err() && open().map(3).is_err());
    assert_eq!(open().map(1).unwrap().len(), 100);
    assert_eq!(map.len(), 4 * WORDS as usize, "what was mapped stays");
}

#[test]
fn every_change_and_every_cut_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = written(dir.path(), 0);
    let path = dir.path().join(manifest.name());
    let bytes = std::fs::read(&path).unwrap();
    let near = |at: usize| at.saturating_sub(40)..(at + 40).min(bytes.len());
    let head = bytes.len() - manifest.bytes as usize;
    let places = (0..200).chain(near(100 + CHUNK)).chain(head - 9..bytes.len()).chain((0..bytes.len()).step_by(70_001));
    for at in each(places) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        std::fs::write(&path, &changed).unwrap();
        assert!(read(dir.path(), &manifest).is_err(), "byte {at}");
    }
    for length in [0, 1, 99, 100, 101, CHUNK, head - 1, head, head + 1, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        assert!(read(dir.path(), &manifest).is_err(), "length {length}");
    }
    std::fs::write(&path, [&bytes[..], b" "].concat()).unwrap();
    assert!(read(dir.path(), &manifest).is_err(), "longer");
    // Chunks that change places.
    let mut swapped = bytes.clone();
    swapped[..100].rotate_left(50);
    std::fs::write(&path, swapped).unwrap();
    assert!(read(dir.path(), &manifest).is_err());
    std::fs::write(&path, bytes).unwrap();
    read(dir.path(), &manifest).unwrap();
}

#[test]
fn a_seal_stands_for_one_file() {
    let dir = tempfile::tempdir().unwrap();
    let [first, second] = [0, 1].map(|salt| written(dir.path(), salt));
    assert_ne!(first, second);
    for manifest in [&first, &second] {
        read(dir.path(), manifest).unwrap();
    }
    std::fs::copy(dir.path().join(first.name()), dir.path().join(second.name())).unwrap();
    assert!(read(dir.path(), &second).is_err());
    std::fs::write(dir.path().join("half-written"), b"...").unwrap();
    sweep(dir.path(), Some(&first));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    read(dir.path(), &first).unwrap();
    sweep(dir.path(), None);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
