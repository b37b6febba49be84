//! What the store says of the files of regions, and what older programs left in their place.

use super::keys::{self, GraphId, Table};
use super::{Batch, Store, records};
use crate::snapshot::SnapshotManifest;
use crate::{ImageId, IndexError};

/// Format of the files. Those of format 1 never were the only place of a vector, and are made anew.
pub(crate) const FORMAT: u32 = 2;

/// Which files count.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct CellsEntry {
    pub(crate) format: u32,
    /// They hold what there was at this revision.
    pub(crate) revision: u64,
    /// What the store had of vectors at this revision is gone from it, and only in the files.
    #[serde(default)]
    pub(crate) moved: u64,
    /// Regions that there were when the cells were made.
    pub(crate) trained: usize,
    pub(crate) centroids: SnapshotManifest,
    /// The oldest first.
    pub(crate) segments: Vec<SegmentEntry>,
}

/// A segment.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct SegmentEntry {
    pub(crate) images: usize,
    pub(crate) regions: usize,
    pub(crate) manifest: SnapshotManifest,
}

impl CellsEntry {
    /// The files that count.
    pub(crate) fn manifests(&self) -> impl Iterator<Item = &SnapshotManifest> {
        std::iter::once(&self.centroids).chain(self.segments.iter().map(|segment| &segment.manifest))
    }
}

impl Store {
    /// Which files of regions count; `None` if none do.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`], or if the store cannot be read.
    pub(crate) fn region_cells(&self) -> Result<Option<CellsEntry>, IndexError> {
        let what = "the entry of the files of regions";
        let json = self.json(keys::meta::REGION_CELLS, what)?;
        let entry = json.map(|json| serde_json::from_str(&json)).transpose();
        entry.map_err(|error| self.corrupt(what.to_owned(), error))
    }

    /// Says which files of regions count from now on, and makes that last.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn put_region_cells(&self, entry: &CellsEntry) -> Result<(), IndexError> {
        let key = keys::meta::REGION_CELLS;
        let json = serde_json::to_string(entry);
        let json = json.map_err(|error| self.corrupt("the entry of the files of regions".to_owned(), error))?;
        let mut batch = Batch::default();
        batch.put(Table::Meta, key, records::encode_json(key, &json));
        self.apply(&batch)?;
        self.sync()
    }

    /// True if vectors of an image's regions are in files.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn has_region_mark(&self, id: ImageId) -> Result<bool, IndexError> {
        Ok(self.get(Table::Regions, &keys::region(id, keys::FILED))?.is_some())
    }

    /// No files of regions count any more.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn drop_region_cells(&self) -> Result<(), IndexError> {
        let mut batch = Batch::default();
        batch.remove(Table::Meta, keys::meta::REGION_CELLS);
        self.apply(&batch)
    }

    /// Removes the graph of regions that an older program kept here.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn sweep_region_graph(&self) -> Result<(), IndexError> {
        if self.get(Table::Meta, &GraphId::REGIONS.meta())?.is_some() {
            self.clear_graph(GraphId::REGIONS)?;
        }
        self.remove_range(Table::Unlinked, &[], &[0xff; 9])
    }
}
