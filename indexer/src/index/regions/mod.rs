//! Regions of images: stored with them, read into memory when first asked for.

mod graph;
mod profile;
mod read;
mod snapshot;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use glimpse_encoder::dense::{RegionMap, Regions};
use parking_lot::RwLock;

use super::Index;
use super::step::Step;
use crate::regions::RegionIndex;
use crate::regions::format::{self, Stored};
use crate::store::keys::{self, Table};
use crate::{ImageId, IndexError};

/// The regions of all images once somebody has asked for them; reading them is most of the bytes of an index.
#[derive(Default)]
pub(super) struct RegionSlot {
    regions: RwLock<Option<Arc<RegionIndex>>>,
    /// Somebody has asked, and will ask again.
    asked: AtomicBool,
}

impl RegionSlot {
    /// If they were read.
    pub(super) fn get(&self) -> Option<Arc<RegionIndex>> {
        self.regions.read().clone()
    }

    /// They are read again when next asked for.
    pub(super) fn clear(&self) {
        *self.regions.write() = None;
    }

    /// As [`RegionSlot::clear`], unless somebody has asked for them: they were read for some work that is done.
    fn release(&self) {
        if !self.asked.load(Relaxed) {
            self.clear();
        }
    }
}

impl Index {
    /// The regions of all images. The first call reads them, and writers wait meanwhile; it waits
    /// for writers, but not for one that builds the graph of images. Regions that are damaged are
    /// left out, and named by [`Index::verify`].
    ///
    /// # Errors
    /// If the store fails.
    pub fn regions(&self) -> Result<Arc<RegionIndex>, IndexError> {
        self.regions.asked.store(true, Relaxed);
        if let Some(regions) = self.regions.get() {
            return Ok(regions);
        }
        let _turn = self.writer.lock_regions();
        let regions = self.loaded_regions()?;
        self.invalidate_unusable(&regions)?;
        Ok(regions)
    }

    /// As [`Index::regions`], if they were read before: then nobody waits.
    pub fn regions_if_read(&self) -> Option<Arc<RegionIndex>> {
        self.regions.get()
    }

    /// True if regions of some image are stored; asks for one key.
    ///
    /// # Errors
    /// If the store fails.
    pub fn any_regions(&self) -> Result<bool, IndexError> {
        let end = [0xff; 10]; // behind every key
        Ok(self.store.last_key(Table::Regions, &[], &end)?.is_some())
    }

    /// As [`Index::regions`]; the caller has the turn to read them, which a writer has too.
    fn loaded_regions(&self) -> Result<Arc<RegionIndex>, IndexError> {
        if let Some(regions) = self.regions.get() {
            return Ok(regions);
        }
        let regions = Arc::new(self.read_regions()?);
        *self.regions.regions.write() = Some(Arc::clone(&regions));
        Ok(regions)
    }

    /// Where the regions of an image are, patch by patch; `None` if it has none.
    ///
    /// # Errors
    /// If the store fails or the map is damaged.
    pub fn region_map(&self, id: ImageId) -> Result<Option<RegionMap>, IndexError> {
        let Some(value) = self.store.get(Table::Regions, &keys::region(id, 0))? else { return Ok(None) };
        let map = format::decode_map(id, &value);
        map.map(Some).map_err(|damage| self.store.corrupt(format!("the region map of image {id}"), damage))
    }

    /// True if regions of the image are stored.
    ///
    /// # Errors
    /// If the store fails.
    pub fn has_regions(&self, id: ImageId) -> Result<bool, IndexError> {
        Ok(self.store.get(Table::Regions, &keys::region(id, 0))?.is_some())
    }

    /// Stores the regions of a known image in one atomic step, in place of older ones.
    ///
    /// # Errors
    /// [`IndexError::NoSuchImage`], [`IndexError::WrongDimension`], or if the store fails.
    pub fn put_regions(&self, id: ImageId, regions: &Regions) -> Result<(), IndexError> {
        let stored = self.stored(regions)?;
        let _writer = self.writer.lock();
        self.require(id)?;
        let mut step = Step::new(self);
        step.put_regions(id, stored)?;
        step.commit()
    }

    /// The regions of an image as they are stored, to be stored again under another number; `None` if it has none, or
    /// none that can be read.
    pub(crate) fn stored_regions(&self, id: ImageId) -> Result<Option<Stored>, IndexError> {
        let parts = self.store.region_parts(id)?;
        Ok(format::decode(id, self.scan.dim(), &parts).ok())
    }

    /// Regions in the form that is stored.
    pub(super) fn stored(&self, regions: &Regions) -> Result<Stored, IndexError> {
        let dim = self.scan.dim();
        if let Some(odd) = regions.vectors.iter().find(|vector| vector.dim() != dim) {
            return Err(IndexError::WrongDimension { expected: dim, found: odd.dim() });
        }
        Stored::of(regions).ok_or_else(|| IndexError::Store {
            dir: self.dir.clone(),
            what: "storing regions",
            reason: "map and vectors do not fit together".to_owned(),
        })
    }
}
