//! Vectors of regions go from the store to the files: once files that have them are synced and
//! named in the store, the store gives up its own.
//!
//! Nothing is given up whose rows were not read back from the files as they should be, and each
//! image in one atomic step: its vectors go, and in their place comes a mark with the fingerprint
//! by which the files know them ([`format::encode_filed`]).

use rayon::prelude::*;

use crate::fault;
use crate::index::Index;
use crate::regions::cells::Cells;
use crate::regions::format::{self, Held};
use crate::store::Batch;
use crate::store::keys::{self, Table};
use crate::store::region_cells::CellsEntry;
use crate::{ImageId, IndexError};

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
            let read_back =
                |&(_, id): &(u64, ImageId)| Ok(self.whole_and_filed(&cells, id)?.map(|as_read| (id, as_read)));
            let filed = part.par_iter().map(read_back).collect::<Result<Vec<_>, IndexError>>()?;
            let writer = self.writer.lock();
            let mut batch = Batch::default();
            for (id, as_read) in filed.into_iter().flatten() {
                let parts = self.store.region_parts(id)?;
                match format::held(id, self.scan.dim(), &parts) {
                    Ok(Held::Whole(_, fingerprint)) if fingerprint == as_read => {}
                    // Somebody was faster.
                    _ => continue,
                }
                let vectors = parts.iter().filter(|(part, _)| *part > 0);
                vectors.for_each(|(part, _)| batch.remove(Table::Regions, &keys::region(id, *part)));
                let (key, mark) = format::encode_filed(id, as_read);
                batch.put(Table::Regions, &key, mark);
            }
            self.store.apply(&batch)?;
            drop(writer);
            fault::nobody_waits();
        }
        self.store.put_region_cells(&CellsEntry { moved: entry.revision, ..entry })
    }

    /// The fingerprint of an image's regions, if the store has their vectors and the files the rows
    /// that these become.
    fn whole_and_filed(&self, cells: &Cells, id: ImageId) -> Result<Option<u32>, IndexError> {
        let parts = self.store.region_parts(id)?;
        let Ok(Held::Whole(stored, fingerprint)) = format::held(id, self.scan.dim(), &parts) else { return Ok(None) };
        let rows = cells.rows_of(id, fingerprint);
        Ok(rows.filter(|rows| *rows == cells.encoded(&stored.vectors)).map(|_| fingerprint))
    }
}
