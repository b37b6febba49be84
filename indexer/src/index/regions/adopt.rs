//! Files of regions whose entry in the store is lost: they say themselves what they are, and the
//! store says of each image by which fingerprint they know it.

use std::path::Path;
use std::time::SystemTime;

use crate::index::Index;
use crate::regions::cells::{about_centroids, about_segment};
use crate::snapshot::SnapshotManifest;
use crate::snapshot::mapped::manifest_of;
use crate::store::region_cells::{CellsEntry, FORMAT, SegmentEntry};

impl Index {
    /// An entry for the files in the folder, if vectors have moved there; `None` if there are none.
    pub(super) fn adopt_region_files(&self) -> Option<CellsEntry> {
        if !self.has_moved_vectors() {
            return None;
        }
        let (mut segments, mut centroids) = (Vec::new(), None);
        for (_, manifest) in files(&self.region_dir()) {
            if let Some((images, regions)) = about_segment(&self.region_dir(), &manifest) {
                segments.push(SegmentEntry { images, regions, manifest });
            } else if about_centroids(&self.region_dir(), &manifest) == Some(self.scan.dim()) {
                centroids = Some(manifest);
            }
        }
        let trained = segments.iter().map(|segment| segment.regions).sum();
        let centroids = centroids.unwrap_or_else(|| SnapshotManifest::of(b""));
        (!segments.is_empty()).then_some(CellsEntry {
            format: FORMAT,
            revision: 0,
            moved: 0,
            trained,
            centroids,
            segments,
        })
    }
}

/// The files in a folder that are named as their heads say, the oldest first.
fn files(dir: &Path) -> Vec<(SystemTime, SnapshotManifest)> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let file = |entry: std::fs::DirEntry| {
        let modified = entry.metadata().and_then(|facts| facts.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        Some((modified, manifest_of(&entry.path())?))
    };
    let mut files: Vec<_> = entries.filter_map(file).collect();
    files.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.name().cmp(b.1.name())));
    files
}
