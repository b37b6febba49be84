//! Vectors of regions go from the store to the files: once files that have them are synced and
//! named in the store, the store gives up its own.
//!
//! Nothing is given up whose rows were not read back from the files as they should be, and each
//! image in one atomic step: its vectors go, and in their place comes a mark with the fingerprint
//! by which the files know them ([`format::encode_filed`]).

use crate::IndexError;
use crate::fault;
use crate::index::Index;
use crate::regions::format::{self, Held};
use crate::store::Batch;
use crate::store::keys::{self, Table};
use crate::store::region_cells::CellsEntry;

/// The format of a library whose store lacks vectors: programs that do not know of it would take
/// these for lost.
const FORMAT: u32 = 4;

/// Images whose vectors go in one turn to write.
const IMAGES_AT_ONCE: usize = if cfg!(test) { 4 } else { 32 };

impl Index {
    /// True if vectors may have gone from the store.
    pub(super) fn has_moved_vectors(&self) -> bool {
        self.manifest.read().format >= FORMAT
    }

    /// Lets the store give up vectors that the files of this entry, which counts, have. A process
    /// that is killed meanwhile has lost nothing, and the next call goes on.
    pub(super) fn move_vectors(&self, entry: CellsEntry) -> Result<(), IndexError> {
        if entry.moved == entry.revision {
            return Ok(());
        }
        let Some(cells) = self.open_cells(&entry).ok().filter(|cells| cells.faults().is_empty()) else {
            return Ok(());
        };
        {
            let _writer = self.writer.lock();
            self.raise_format(FORMAT)?;
        }
        for part in self.store.changes_after(entry.moved, usize::MAX)?.chunks(IMAGES_AT_ONCE) {
            let writer = self.writer.lock();
            let mut batch = Batch::default();
            for &(_, id) in part {
                let parts = self.store.region_parts(id)?;
                let Ok(Held::Whole(stored, fingerprint)) = format::held(id, self.scan.dim(), &parts) else { continue };
                if cells.rows_of(id, fingerprint).is_some_and(|rows| rows == cells.encoded(&stored.vectors)) {
                    let vectors = parts.iter().filter(|(part, _)| *part > 0);
                    vectors.for_each(|(part, _)| batch.remove(Table::Regions, &keys::region(id, *part)));
                    let (key, mark) = format::encode_filed(id, fingerprint);
                    batch.put(Table::Regions, &key, mark);
                }
            }
            self.store.apply(&batch)?;
            drop(writer);
            fault::nobody_waits();
        }
        self.store.put_region_cells(&CellsEntry { moved: entry.revision, ..entry })
    }
}
