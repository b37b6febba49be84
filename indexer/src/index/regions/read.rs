//! Reading regions into memory, on all threads: most of the bytes of an index.

use std::collections::HashMap;

use parking_lot::Mutex;
use rayon::prelude::*;

use super::graph::Restored;
use crate::index::Index;
use crate::regions::{self, RegionIndex, Shapes, format};
use crate::store::Bytes;
use crate::store::keys::{self, Table};
use crate::vectors::{Rows, VectorStorage};
use crate::{ImageId, IndexError};

impl Index {
    /// The regions of all images with their graph if there is one, by the snapshot if one counts. The caller holds the
    /// writer's lock.
    pub(super) fn read_regions(&self) -> Result<RegionIndex, IndexError> {
        // A snapshot that is doubtful in any way is as good as none.
        if let Ok(Some(regions)) = self.open_region_snapshot() {
            return Ok(regions);
        }
        self.region_snapshot.clear();
        self.read_stored_regions()
    }

    /// As [`Index::read_regions`], as they are stored. Regions that are damaged are left out.
    pub(in crate::index) fn read_stored_regions(&self) -> Result<RegionIndex, IndexError> {
        let restored = Restored::read(self)?;
        let rows = Mutex::new(Rows::with_slots(VectorStorage::Int8, self.scan.dim(), restored.slots())?);
        let end = [0xff; 10]; // behind every key
        let last = self.store.last_key(Table::Regions, &[], &end)?;
        let last = last.and_then(|key| keys::parse_region(&key)).map_or(0, |(id, _)| id.0);
        let part = last / (4 * rayon::current_num_threads() as u64) + 1;
        let parts = (0..=last / part).into_par_iter().map(|i| {
            let end = match (i + 1).checked_mul(part) {
                Some(next) if next <= last => keys::region(ImageId(next), 0).to_vec(),
                _ => end.to_vec(),
            };
            self.read_part(&keys::region(ImageId(i * part), 0), &end, &restored, &rows)
        });
        let shapes: HashMap<ImageId, Shapes> = parts.try_reduce(HashMap::new, |mut all, part| {
            all.extend(part);
            Ok(all)
        })?;
        let mut rows = rows.into_inner();
        rows.free_unowned();
        let regions = RegionIndex::of_rows(rows, shapes);
        restored.install(self, &regions);
        Ok(regions)
    }

    /// Reads the images between two keys; a vector goes into its node's slot, or into a new one.
    fn read_part(
        &self,
        start: &[u8],
        end: &[u8],
        restored: &Restored,
        rows: &Mutex<Rows>,
    ) -> Result<HashMap<ImageId, Shapes>, IndexError> {
        let dim = self.scan.dim();
        let mut shapes = HashMap::new();
        let mut take = |image: ImageId, parts: &[(u8, Bytes)]| {
            let known = self.memory.read().contains(image);
            let Some(stored) = known.then(|| format::decode(image, dim, parts).ok()).flatten() else { return Ok(()) };
            let mut rows = rows.lock();
            for (key, vector) in regions::keyed(image, &stored.vectors) {
                match restored.slot(image, key) {
                    Some(slot) => rows.place(key, slot, vector.planes()),
                    None => rows.put(key, vector)?,
                }
            }
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
