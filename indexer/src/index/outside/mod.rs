//! A library whose vectors are searched by a server ([`crate::backend`]). The store goes on holding
//! all of them: it feeds the server ([`feed`]), and answers what is asked of single vectors
//! ([`read`], [`regions`]).
//!
//! This is the one place that knows whether vectors are here or outside. [`Index::backend`] gives
//! whichever it is.

mod cosine;
mod counts;
mod feed;
mod held;
mod here;
mod moving;
mod read;
mod regions;
#[cfg(all(test, feature = "milvus"))]
mod tests;
mod there;
mod verify;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::{Mutex, RwLock};

use self::counts::RegionCounts;
use self::held::Held;
pub use self::here::Here;
use self::regions::ImageRegions;
use super::Index;
use crate::backend::{FedBackend, Kind, VectorBackend, VectorsAt};
use crate::regions::RegionLibrary;
use crate::store::Store;
use crate::vectors::{Quantised, ScoredVector};
use crate::{ImageId, IndexError};

/// Vectors of images that are kept in memory after they were read: 100 MB at 768 values.
const IMAGES_HELD: usize = 65_536;
/// Images whose regions are: 200 MB at 31 regions of 768 values.
const REGIONS_HELD: usize = 8_192;

/// The server, and what is known here of what it holds.
pub(super) struct Outside {
    pub at: VectorsAt,
    backend: Arc<dyn FedBackend>,
    /// What was fed last, and when; held by who feeds.
    feeding: Mutex<Option<Instant>>,
    /// The server holds what there was at this revision.
    fed: AtomicU64,
    /// When it did not take what the last commit had for it, and why.
    refused: Mutex<Option<(Instant, String)>>,
    /// It has what holds the vectors.
    is_prepared: AtomicBool,
    /// Regions of the images that were fed.
    counts: RwLock<RegionCounts>,
    images: Held<Arc<Quantised>>,
    regions: Held<Arc<ImageRegions>>,
}

impl Outside {
    /// What `at` names, for vectors of `dim`. The server is not called yet.
    ///
    /// # Errors
    /// If this program has no client for it, or the store fails.
    pub fn open(store: &Store, at: &VectorsAt, dim: usize) -> Result<Self, IndexError> {
        let (fed, counts) = feed::read_state(store, &at.name)?;
        Ok(Self {
            at: at.clone(),
            backend: backend_at(at, dim)?,
            feeding: Mutex::new(None),
            fed: AtomicU64::new(fed.revision),
            refused: Mutex::default(),
            is_prepared: AtomicBool::new(false),
            counts: RwLock::new(counts),
            images: Held::new(IMAGES_HELD),
            regions: Held::new(REGIONS_HELD),
        })
    }

    /// A server that is in this process.
    #[cfg(test)]
    pub fn of_test(backend: Arc<dyn FedBackend>) -> Self {
        Self {
            at: VectorsAt::url("http://127.0.0.1"),
            backend,
            feeding: Mutex::new(None),
            fed: AtomicU64::new(0),
            refused: Mutex::default(),
            is_prepared: AtomicBool::new(false),
            counts: RwLock::default(),
            images: Held::new(IMAGES_HELD),
            regions: Held::new(REGIONS_HELD),
        }
    }

    /// What was read of an image is read again.
    pub fn forget(&self, id: ImageId) {
        self.images.forget(id);
        self.regions.forget(id);
    }

    /// All that was read is read again.
    fn forget_all(&self) {
        self.images.clear();
        self.regions.clear();
    }

    /// Bytes in memory.
    fn memory(&self, dim: usize) -> usize {
        self.counts.read().memory() + self.images.len() * 2 * dim + self.regions.len() * 31 * dim
    }
}

#[cfg(feature = "milvus")]
fn backend_at(at: &VectorsAt, dim: usize) -> Result<Arc<dyn FedBackend>, IndexError> {
    Ok(Arc::new(crate::backend::Milvus::new(at, dim)?))
}

#[cfg(not(feature = "milvus"))]
fn backend_at(at: &VectorsAt, _dim: usize) -> Result<Arc<dyn FedBackend>, IndexError> {
    let reason = "this program was built without the feature `milvus`, and cannot ask them".to_owned();
    Err(IndexError::Vectors { url: at.url.clone(), reason })
}

impl Index {
    /// Where vectors are searched.
    pub fn backend(&self) -> Box<dyn VectorBackend + '_> {
        match &self.outside {
            Some(outside) => Box::new(there::There { index: self, outside }),
            None => Box::new(self.here()),
        }
    }

    /// Vectors in this process.
    fn here(&self) -> Here<'_> {
        Here { index: self }
    }

    /// Where a server searches the vectors, if one does.
    pub fn vectors_at(&self) -> Option<&VectorsAt> {
        self.outside.as_ref().map(|outside| &outside.at)
    }

    /// The regions of all images, wherever they are searched; see [`Index::regions`].
    ///
    /// # Errors
    /// As [`Index::regions`].
    pub fn region_library(&self) -> Result<Arc<dyn RegionLibrary + '_>, IndexError> {
        Ok(match &self.outside {
            Some(outside) => Arc::new(regions::RegionsOutside { index: self, outside }),
            None => self.regions()?,
        })
    }

    /// As [`Index::region_library`], if nothing has to be read for it: then nobody waits.
    pub fn region_library_if_read(&self) -> Option<Arc<dyn RegionLibrary + '_>> {
        match &self.outside {
            Some(_) => self.region_library().ok(),
            None => Some(self.regions_if_read()?),
        }
    }

    /// Bytes in memory of what was read of vectors outside.
    pub(super) fn outside_memory(&self) -> usize {
        self.outside.as_ref().map_or(0, |outside| outside.memory(self.scan.dim()))
    }

    /// How vectors are searched, in words; `None` if here.
    pub(super) fn outside_name(&self) -> Option<String> {
        let outside = self.outside.as_ref()?;
        let waiting = match self.waiting(outside) {
            0 => String::new(),
            1 => "; 1 image is not sent yet, `glimpse index` does".to_owned(),
            count => format!("; {count} images are not sent yet, `glimpse index` does"),
        };
        Some(match outside.backend.capabilities() {
            Ok(can) => format!("{} at {}{waiting}", can.name, outside.at.url),
            Err(error) => format!("{error}{waiting}"),
        })
    }

    /// The vector of an image; one that cannot be read counts as none.
    pub(super) fn vector_of(&self, id: ImageId) -> Option<Vec<f32>> {
        match &self.outside {
            Some(outside) => Some(self.stored_vector(outside, id).ok()??.decode()),
            None => Some(self.scan.get(id.into())?.decode()),
        }
    }

    /// Cosines of a query with the vectors of all images, in no order.
    pub(super) fn all_scores(&self, query: &[f32]) -> Result<Vec<ScoredVector>, IndexError> {
        match &self.outside {
            Some(_) => self.score_stored(query),
            None => self.scan.score_all(query),
        }
    }

    /// What was read of an image that changes is read again.
    pub(super) fn forget_read(&self, id: ImageId) {
        self.outside.iter().for_each(|outside| outside.forget(id));
    }

    /// As [`Index::forget_read`], of all images.
    pub(super) fn forget_all_read(&self) {
        self.outside.iter().for_each(Outside::forget_all);
    }

    /// Number of vectors of images, in memory or outside.
    pub(super) fn vector_count(&self) -> usize {
        match &self.outside {
            Some(_) => self.memory.read().with_vector(),
            None => crate::vectors::VectorIndex::len(&*self.scan),
        }
    }

    /// Images that changed since the server was fed, a thousand at most.
    fn waiting(&self, outside: &Outside) -> usize {
        let changes = self.store.changes_after(outside.fed.load(Ordering::Acquire), 1000);
        changes.map_or(0, |changes| changes.len())
    }

    /// Number of vectors that a server holds, and that it should.
    fn counted(&self, outside: &Outside, of: Kind) -> Result<(usize, usize), IndexError> {
        let should = match of {
            Kind::Images => self.vector_count(),
            Kind::Regions => outside.counts.read().regions(),
        };
        Ok((outside.backend.len(of)?, should))
    }
}
