//! Reading regions: by their files if there are some that count, and of the store only what changed
//! since; else all of the store, into memory. Others write meanwhile, so what changed is read again
//! at the end.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::TakeTurn;
use crate::fault;
use crate::index::Index;
use crate::regions::cells::Cells;
use crate::regions::{self, RegionIndex, Shapes, format};
use crate::snapshot::SnapshotError;
use crate::store::Bytes;
use crate::store::keys::{self, Table};
use crate::store::region_cells::CellsEntry;
use crate::vectors::{Rows, VectorStorage};
use crate::{ImageId, IndexError};

/// Images that are brought up to date in one turn.
const IMAGES_AT_ONCE: usize = 16;

/// Of what the store has of an image's regions.
pub(super) fn fingerprint(parts: &[(u8, Bytes)]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    parts.iter().for_each(|(_, value)| hasher.update(value));
    hasher.finalize()
}

impl Index {
    /// Reads the regions of all images, and shows them to everybody. `turn` gives the writer's
    /// turn.
    pub(super) fn read_regions(&self, turn: &TakeTurn<'_>) -> Result<Arc<RegionIndex>, IndexError> {
        let entry = {
            let _turn = turn();
            self.regions.begin_reading();
            self.store.region_cells().ok().flatten()
        };
        // Files that are doubtful as a whole are as good as none.
        let opened = entry.and_then(|entry| Some((self.open_cells(&entry).ok()?, entry.revision)));
        let (regions, changed) = match opened {
            Some((cells, revision)) => {
                let changed = self.store.changes_after(revision, usize::MAX)?;
                (RegionIndex::of_cells(cells, self.scan.dim()), changed.into_iter().map(|(_, id)| id).collect())
            }
            None => (self.read_stored_regions()?, Vec::new()),
        };
        fault::nobody_waits();
        self.show_regions(regions, changed, turn)
    }

    /// Maps the files of an entry. What the store does not hold yet, they do not either.
    pub(in crate::index) fn open_cells(&self, entry: &CellsEntry) -> Result<Cells, SnapshotError> {
        crate::snapshot::require(entry.revision <= self.revision(), "they are newer than the store")?;
        Cells::open(&self.region_dir(), entry, self.scan.dim())
    }

    /// As [`Index::read_regions`], of the store, and not shown yet. Regions that are damaged are
    /// left out.
    pub(in crate::index) fn read_stored_regions(&self) -> Result<RegionIndex, IndexError> {
        let rows = Mutex::new(Rows::with_slots(VectorStorage::Int8, self.scan.dim(), 0)?);
        let parts = self.store.par_images(Table::Regions, |start, end| self.read_part(start, end, &rows))?;
        let shapes: HashMap<ImageId, Shapes> = parts.into_iter().flatten().collect();
        Ok(RegionIndex::of_rows(rows.into_inner(), shapes))
    }

    /// Brings regions that were read up to date with the store, of which these images, and those
    /// noted since reading began, changed, and shows them to everybody. Part by part, so that
    /// others get their turn.
    fn show_regions(
        &self,
        regions: RegionIndex,
        mut changed: Vec<ImageId>,
        turn: &TakeTurn<'_>,
    ) -> Result<Arc<RegionIndex>, IndexError> {
        loop {
            let _turn = turn();
            let mut part = changed.split_off(changed.len().saturating_sub(IMAGES_AT_ONCE));
            part.extend(self.regions.take_changed(IMAGES_AT_ONCE - part.len()));
            if part.is_empty() {
                return Ok(self.regions.install(regions));
            }
            part.into_iter().try_for_each(|id| self.read_again(&regions, id))?;
        }
    }

    /// Makes the regions of an image what the store says now, unless they are. The caller has the
    /// writer's turn.
    fn read_again(&self, regions: &RegionIndex, id: ImageId) -> Result<(), IndexError> {
        let known = self.memory.read().contains(id);
        let parts = if known { self.store.region_parts(id)? } else { Vec::new() };
        if !parts.is_empty() && regions.is_filed(id, fingerprint(&parts)) {
            return Ok(());
        }
        regions.remove(id);
        match format::decode(id, self.scan.dim(), &parts) {
            Ok(stored) => regions.put(id, &stored),
            Err(_) => Ok(()),
        }
    }

    /// Reads the images between two keys.
    fn read_part(&self, start: &[u8], end: &[u8], rows: &Mutex<Rows>) -> Result<HashMap<ImageId, Shapes>, IndexError> {
        let dim = self.scan.dim();
        let mut shapes = HashMap::new();
        let mut take = |image: ImageId, parts: &[(u8, Bytes)]| {
            let known = self.memory.read().contains(image);
            let Some(stored) = known.then(|| format::decode(image, dim, parts).ok()).flatten() else { return Ok(()) };
            let mut rows = rows.lock();
            regions::keyed(image, &stored.vectors).try_for_each(|(key, vector)| rows.put(key, vector))?;
            shapes.insert(image, regions::shapes(&stored.map));
            Ok::<(), IndexError>(())
        };
        let mut parts = Vec::new();
        let mut image = None;
        for entry in self.store.range(Table::Regions, start, end) {
            let (key, value) = entry?;
            let Some((id, part)) = keys::parse_region(&key) else { continue };
            if image != Some(id) {
                image.map_or(Ok(()), |image| take(image, &parts))?;
                parts.clear();
                image = Some(id);
            }
            parts.push((part, value));
        }
        image.map_or(Ok(()), |image| take(image, &parts))?;
        Ok(shapes)
    }
}
