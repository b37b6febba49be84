//! Regions of images: stored with them, and searched in memory while there are few, else in files,
//! to which their vectors move from the store. Their maps stay there.

mod adopt;
mod check;
mod files;
mod moved;
mod profile;
mod read;

pub(crate) use files::REGION_FILES;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use glimpse_encoder::dense::{RegionMap, Regions};
use parking_lot::{Mutex, RwLock};

use super::Index;
use super::step::Step;
use super::turn::WriterTurn;
use crate::regions::RegionIndex;
use crate::regions::cells::Cells;
use crate::regions::format::{self, Held, Stored};
use crate::store::keys::{self, Table};
use crate::{ImageId, IndexError};

/// Images whose regions wait in the store before files are written in the middle of a run.
const WAITING: usize = if cfg!(test) { 300 } else { 4096 };

/// The regions of all images once somebody has asked for them.
#[derive(Default)]
pub(super) struct RegionSlot {
    regions: RwLock<Option<Arc<RegionIndex>>>,
    /// While they are being read: images whose regions changed meanwhile.
    changed: Mutex<Option<BTreeSet<ImageId>>>,
    /// What is wrong with the files.
    fault: Mutex<Option<String>>,
    /// Images that got regions since files were written last, by this process.
    waiting: AtomicUsize,
    /// Files are to be written anew.
    is_stale: AtomicBool,
    /// Files that regions of single images were read from.
    files: RwLock<Option<Arc<Cells>>>,
}

impl RegionSlot {
    /// If they were read.
    pub(super) fn get(&self) -> Option<Arc<RegionIndex>> {
        self.regions.read().clone()
    }

    /// What is wrong, as a part of a sentence.
    pub(super) fn fault(&self) -> Option<String> {
        self.fault.lock().clone()
    }

    fn set_fault(&self, fault: Option<String>) {
        *self.fault.lock() = fault;
    }

    /// Notes a change for whoever is reading the regions now. The caller has the writer's turn.
    pub(super) fn note_changed(&self, id: ImageId) {
        self.changed.lock().iter_mut().for_each(|changed| _ = changed.insert(id));
    }

    /// Notes that the store has regions of one more image.
    pub(super) fn note_waiting(&self) {
        self.waiting.fetch_add(1, Relaxed);
    }

    /// True if files are worth writing before a run ends.
    pub(super) fn has_many_waiting(&self) -> bool {
        self.waiting.load(Relaxed) >= WAITING
    }

    /// From now on changes are noted. The caller has the writer's turn.
    fn begin_reading(&self) {
        *self.changed.lock() = Some(BTreeSet::new());
    }

    /// Some of the changes that were noted, which are forgotten here.
    fn take_changed(&self, most: usize) -> Vec<ImageId> {
        let mut lock = self.changed.lock();
        let Some(changed) = lock.as_mut() else { return Vec::new() };
        (0..most).map_while(|_| changed.pop_first()).collect()
    }

    /// Gives the regions to everybody. The caller has the writer's turn.
    fn install(&self, regions: RegionIndex) -> Arc<RegionIndex> {
        let regions = Arc::new(regions);
        *self.regions.write() = Some(Arc::clone(&regions));
        regions
    }

    /// Changes are noted no more.
    fn end_reading(&self) {
        *self.changed.lock() = None;
    }

    /// They are read again when next asked for.
    pub(super) fn clear(&self) {
        *self.regions.write() = None;
        self.forget_files();
    }

    /// Files are opened again when next asked for single images.
    fn forget_files(&self) {
        *self.files.write() = None;
    }
}

/// The regions of an image whose vectors are in files under this fingerprint, and their rows;
/// `None` if they cannot be read.
fn filed(cells: &Cells, id: ImageId, map: RegionMap, fingerprint: u32) -> Option<(Stored, Vec<u8>)> {
    let rows = cells.rows_of(id, fingerprint)?;
    let vectors = cells.vectors_of(&rows)?;
    (vectors.len() == map.len()).then_some((Stored { map, vectors }, rows))
}

/// Gives the writer's turn; `None` to a caller who has it.
type TakeTurn<'a> = dyn Fn() -> Option<WriterTurn<'a>> + 'a;

impl Index {
    /// The regions of all images. The first call reads them; others write meanwhile. Regions that
    /// are damaged are left out, and named by [`Index::verify`].
    ///
    /// # Errors
    /// If the store fails.
    pub fn regions(&self) -> Result<Arc<RegionIndex>, IndexError> {
        if let Some(regions) = self.regions.get() {
            return Ok(regions);
        }
        let _turn = self.writer.lock_regions();
        if let Some(regions) = self.regions.get() {
            return Ok(regions);
        }
        let read = self.read_regions(&|| Some(self.writer.lock()));
        self.regions.end_reading();
        read
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

    /// The regions of an image as they are stored, to be stored again under another number; `None`
    /// if it has none, or none that can be read.
    pub(crate) fn stored_regions(&self, id: ImageId) -> Result<Option<Stored>, IndexError> {
        Ok(match format::held(id, self.scan.dim(), &self.store.region_parts(id)?) {
            Ok(Held::Whole(stored, _)) => Some(stored),
            Ok(Held::Filed(map, fingerprint)) => self.filed_regions(id, map, fingerprint)?,
            Err(_) => None,
        })
    }

    /// The regions of an image whose vectors are in files under this fingerprint; `None` if they
    /// cannot be read.
    fn filed_regions(&self, id: ImageId, map: RegionMap, fingerprint: u32) -> Result<Option<Stored>, IndexError> {
        let known = self.regions.files.read().clone();
        let known = known.filter(|files| files.has(id, fingerprint));
        let files = match known {
            Some(files) => files,
            // Others may have been written since.
            None => match self.open_region_files()? {
                Some((files, _)) => Arc::clone(self.regions.files.write().insert(Arc::new(files))),
                None => return Ok(None),
            },
        };
        Ok(filed(&files, id, map, fingerprint).map(|(stored, _)| stored))
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
