//! Reading regions: by their files if there are some, and of the store only what changed since;
//! else all of the store, into memory. Others write meanwhile, so what changed is read again at the
//! end.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::TakeTurn;
use crate::fault;
use crate::index::Index;
use crate::regions::format::{self, Held};
use crate::regions::{self, RegionIndex, Shapes};
use crate::store::Bytes;
use crate::store::keys::{self, Table};
use crate::vectors::{Rows, VectorStorage};
use crate::{ImageId, IndexError};

/// Images that are brought up to date in one turn.
const IMAGES_AT_ONCE: usize = 16;

impl Index {
    /// Reads the regions of all images, and shows them to everybody. `turn` gives the writer's
    /// turn.
    pub(super) fn read_regions(&self, turn: &TakeTurn<'_>) -> Result<Arc<RegionIndex>, IndexError> {
        let opened = {
            let _turn = turn();
            self.regions.begin_reading();
            self.open_region_files()?
        };
        let (regions, changed) = match opened {
            Some((cells, entry)) => {
                // Where a file lacks, older ones may have what it outdid.
                let revision = if cells.faults().is_empty() { entry.revision } else { 0 };
                let changed = self.store.changes_after(revision, usize::MAX)?;
                (RegionIndex::of_cells(cells, self.scan.dim()), changed.into_iter().map(|(_, id)| id).collect())
            }
            None => (self.read_stored_regions()?, Vec::new()),
        };
        fault::nobody_waits();
        self.show_regions(regions, changed, turn)
    }

    /// As [`Index::read_regions`], of the store alone, and not shown yet. Regions that are damaged,
    /// and those that only files have, are left out.
    fn read_stored_regions(&self) -> Result<RegionIndex, IndexError> {
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
        match format::held(id, self.scan.dim(), &parts) {
            Ok(Held::Whole(_, fingerprint) | Held::Filed(_, fingerprint)) if regions.is_filed(id, fingerprint) => {
                Ok(())
            }
            Ok(Held::Whole(stored, _)) => regions.put(id, &stored),
            Ok(Held::Filed(..)) | Err(_) => {
                regions.remove(id);
                Ok(())
            }
        }
    }

    /// Reads the images between two keys.
    fn read_part(&self, start: &[u8], end: &[u8], rows: &Mutex<Rows>) -> Result<HashMap<ImageId, Shapes>, IndexError> {
        let dim = self.scan.dim();
        let mut shapes = HashMap::new();
        let mut take = |image: ImageId, parts: &[(u8, Bytes)]| {
            let known = self.memory.read().contains(image);
            let Some(Held::Whole(stored, _)) = known.then(|| format::held(image, dim, parts).ok()).flatten() else {
                return Ok(());
            };
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
