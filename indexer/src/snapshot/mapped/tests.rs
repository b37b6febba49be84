#![allow(clippy::unwrap_used)]

use std::ops::Range;

use glimpse_fuzz::Target;
use glimpse_nonempty::{Every as _, each};

use super::*;
use crate::snapshot::SnapshotManifest;

/// Sections of no bytes, of some, and of more than two blocks.
fn sections() -> [Vec<u8>; 3] {
    [Vec::new(), (0..100).collect(), (0..2 * BLOCK + 77).map(|i| (i % 251) as u8).collect()]
}

fn written(dir: &std::path::Path) -> SnapshotManifest {
    let mut writer = MappedWriter::begin(dir).unwrap();
    for section in sections() {
        writer.section().unwrap();
        section.chunks(1000).for_each(|part| writer.append(part).unwrap());
    }
    writer.finish(dir, "facts").unwrap()
}

fn read(file: &MappedFile) -> Vec<Option<Vec<u8>>> {
    (0..3).map(|section| file.section(section).ok().map(<[u8]>::to_vec)).collect()
}

#[test]
fn what_was_written_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let (file, facts): (_, String) = MappedFile::open(dir.path(), &written(dir.path())).unwrap();
    assert_eq!(facts, "facts");
    assert_eq!(read(&file), sections().map(Some));
    assert_eq!(file.bytes(2, 5..9), Some(&sections()[2][5..9]));
    for odd in each([(3, 0..0), (1, 0..101), (1, 101..101), (2, 9..4_000_000)]) {
        let (section, range): (usize, Range<usize>) = odd;
        assert_eq!(file.bytes(section, range), None);
    }
    assert_eq!((file.damaged_blocks(), file.is_damaged()), (0, false));
}

#[test]
fn a_changed_byte_costs_its_block_and_a_cut_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = written(dir.path());
    let path = dir.path().join(manifest.name());
    let bytes = std::fs::read(&path).unwrap();
    let data = 64 + 128 + 2 * BLOCK + 77 - 64;
    for at in each((0..data).step_by(977).chain(data..bytes.len())) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, &changed).unwrap();
        match MappedFile::open::<String>(dir.path(), &manifest) {
            Err(_) => assert!(at >= data, "byte {at}"),
            Ok((file, _)) => {
                assert!(at < data, "byte {at} of {data}");
                assert_eq!(file.damaged_blocks(), 1);
                let (read, written) = (read(&file), sections());
                let is_so =
                    |(read, written): (&Option<Vec<u8>>, &Vec<u8>)| read.as_ref().is_none_or(|read| read == written);
                assert!(read.iter().zip(&written).every(is_so));
                let sound = read.iter().filter(|read| read.is_some()).count();
                assert!(file.is_damaged() && sound < 3 || (100..128).contains(&at));
            }
        }
    }
    for length in each([0, 1, 99, BLOCK, data, bytes.len() - 1]) {
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, &bytes[..length]).unwrap();
        assert!(MappedFile::open::<String>(dir.path(), &manifest).is_err(), "length {length}");
    }
}

/// Fuzz target: a head whose checksum is right and whose fields are not.
#[test]
fn mapped_head() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = written(dir.path());
    let whole = std::fs::read(dir.path().join(manifest.name())).unwrap();
    let (data, head) = whole.split_at(whole.len() - manifest.bytes as usize);
    let names = ["little_endian", "facts", "sections", "start", "bytes", "checksums", "true", "}", "]", ","];
    Target::new("mapped").seed(head).words(&names).run(|head| {
        let manifest = SnapshotManifest::of(head);
        let path = dir.path().join(manifest.name());
        std::fs::write(&path, [data, head].concat()).unwrap();
        let opened = MappedFile::open::<String>(dir.path(), &manifest);
        std::fs::remove_file(path).unwrap();
        let (file, _) = opened.map_err(|error| error.to_string())?;
        let lengths = [0, 1, 2, 3].map(|section| file.len(section).unwrap_or(0));
        assert!(lengths.into_iter().every(|length| length <= data.len()));
        let sound = read(&file).iter().map(Option::is_some).collect::<Vec<_>>();
        Ok(format!("sections that are sound: {sound:?}, blocks that are not: {}", file.damaged_blocks()))
    });
}
