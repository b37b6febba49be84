//! What any snapshot must stand: a file that was changed, and one that passes every checksum and
//! says what cannot be.

use std::path::{Path, PathBuf};

use glimpse_nonempty::each;

use crate::snapshot::{Reader, Section, SnapshotError, write};
use crate::store::keys::GraphId;
use crate::store::links::{GraphEntry, SnapshotEntry};
use crate::store::{Batch, Store};

/// The file of a folder of snapshots.
pub(super) fn only_file(folder: &Path) -> PathBuf {
    let files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

/// The file is read as it is, and not with a bit changed or cut off.
pub(super) fn refuses_changed_bytes(path: &Path, read: impl Fn() -> Result<bool, SnapshotError>) {
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(read(), Ok(true));
    for at in each((0..bytes.len()).step_by(211).chain(bytes.len() - 300..bytes.len())) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        std::fs::write(path, changed).unwrap();
        assert!(read().is_err(), "byte {at} of {}", bytes.len());
    }
    for length in [0, 1, 4096, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(path, &bytes[..length]).unwrap();
        assert!(read().is_err(), "{length} of {}", bytes.len());
    }
}

/// The parts of a snapshot that counts, to be sealed again.
pub(super) struct Resealed<'a> {
    store: &'a Store,
    folder: PathBuf,
    graph: GraphId,
    pub(super) facts: serde_json::Value,
    pub(super) sections: Vec<Vec<u8>>,
}

impl<'a> Resealed<'a> {
    /// Of the snapshot of a graph, which has so many sections.
    pub(super) fn of(store: &'a Store, folder: PathBuf, graph: GraphId, sections: usize) -> Self {
        let manifest = store.graph_entry(graph).unwrap().unwrap().snapshot.unwrap().manifest;
        let (reader, facts): (_, serde_json::Value) = Reader::open(&folder, &manifest).unwrap();
        assert!(reader.len::<u8>(sections).is_err(), "more sections");
        let sections = (0..sections).map(|section| reader.values(section).unwrap()).collect();
        Self { store, folder, graph, facts, sections }
    }

    /// Writes a file of these parts, which counts from now on.
    pub(super) fn seal(&self, facts: &serde_json::Value, sections: &[Vec<u8>]) {
        let sections: Vec<Section<'_>> = sections.iter().map(|section| Section::Bytes(section)).collect();
        let manifest = write(&self.folder, facts, &sections).unwrap();
        let entry = self.store.graph_entry(self.graph).unwrap().unwrap();
        let snapshot = entry.snapshot.map(|snapshot| SnapshotEntry { manifest, ..snapshot });
        let mut batch = Batch::default();
        self.store.put_graph_entry(&mut batch, self.graph, &GraphEntry { snapshot, ..entry }).unwrap();
        self.store.apply(&batch).unwrap();
    }

    /// Sections are read as they are, and not shorter, and words of the first `told` in turn are
    /// not whatever they may be; of the others any value will do.
    pub(super) fn refuses_odd_sections(
        &self,
        told: usize,
        rounds: usize,
        read: impl Fn() -> Result<bool, SnapshotError>,
    ) {
        let read = |sections: &[Vec<u8>]| {
            self.seal(&self.facts, sections);
            read().map(|is_there| assert!(is_there))
        };
        read(&self.sections).unwrap();
        let mut refused = 0;
        for n in 0..rounds {
            let mut sections = self.sections.clone();
            let section = &mut sections[n % told];
            let word = (n * 37) % (section.len() / 4) * 4;
            let value = [u32::MAX, 60, 1_000_000, 7, 0, u32::MAX / 2][n / told % 6];
            section[word..word + 4].copy_from_slice(&value.to_ne_bytes());
            refused += usize::from(read(&sections).is_err());
        }
        assert!(refused > 100, "{refused} of {rounds}");
        for (section, bytes) in each(self.sections.iter().enumerate()) {
            let mut shorter = self.sections.clone();
            shorter[section].truncate(bytes.len() / 2);
            assert!(read(&shorter).is_err(), "half of section {section}");
            shorter.remove(section);
            assert!(read(&shorter).is_err(), "no section {section}");
        }
    }
}
