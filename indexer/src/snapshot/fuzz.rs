//! Fuzz target: the head of a snapshot file whose checksum is right and whose fields are not, as a
//! program with a fault would write it.
#![allow(clippy::unwrap_used)]

use glimpse_fuzz::Target;

use super::{Reader, Section, SnapshotManifest, write};

#[test]
fn snapshot_head() {
    let dir = tempfile::tempdir().unwrap();
    let (bytes, words): (Vec<u8>, Vec<u32>) = ((0..100).collect(), (0..500).collect());
    let sections = [Section::Bytes(&[]), Section::Bytes(&bytes), Section::Bytes(bytemuck::cast_slice(&words))];
    let manifest = write(dir.path(), "facts", &sections).unwrap();
    let whole = std::fs::read(dir.path().join(manifest.name())).unwrap();
    let (sections, head) = whole.split_at(whole.len() - manifest.bytes as usize);
    let names = ["little_endian", "facts", "sections", "bytes", "chunks", "true", "false", "}", "]", ","];
    Target::new("snapshot").seed(head).words(&names).run(|head| {
        let manifest = SnapshotManifest::of(head);
        let path = dir.path().join(manifest.name());
        std::fs::write(&path, [sections, head].concat()).unwrap();
        let opened = Reader::open::<String>(dir.path(), &manifest);
        std::fs::remove_file(path).unwrap();
        let (reader, _) = opened.map_err(|error| error.to_string())?;
        let lengths = [0, 1, 2, 3].map(|section| reader.len::<u32>(section).unwrap_or(0));
        assert!(lengths.iter().sum::<usize>() * size_of::<u32>() <= sections.len());
        let read = [reader.values::<u8>(0).is_ok(), reader.values::<u8>(1).is_ok(), reader.values::<u32>(2).is_ok()];
        let pieces = reader.each_piece::<u32>(2, |_, _| Ok(()));
        Ok(format!("sections that are as they were written: {read:?}, in pieces: {}", pieces.is_ok()))
    });
}
