//! The engine: an open library and the model that asks it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use glimpse_encoder::{Encode, ModelInfo, backend_of};
use glimpse_indexer::{
    Facets, FileRecord, Filter, ImageId, ImageRecord, Index, IndexError, IndexOptions, Library, Stats, VerifyReport,
};
use parking_lot::{Mutex, RwLock};

use crate::calibrate::Calibrator;
use crate::model::{DEFAULT_MODEL, load};
use crate::pictures::PictureCache;
use crate::regions::{FindCache, GridCache, RegionCalibrator};
use crate::search::ResultCache;
use crate::texts::TextCache;
use crate::{EngineError, Settings};

/// An open library and its model. The model is loaded at the first call that needs it, so that words, facts and
/// statistics answer at once. All methods may be called from any thread.
pub struct Engine {
    pub(crate) settings: Settings,
    pub(crate) library: Library,
    index: RwLock<Option<Arc<Index>>>,
    encoder: Mutex<Option<Arc<dyn Encode>>>,
    /// Held while folders are indexed.
    pub(crate) indexing: Mutex<()>,
    /// Queries in progress.
    pub(crate) asking: AtomicUsize,
    pub(crate) texts: TextCache,
    pub(crate) pictures: PictureCache,
    pub(crate) calibrator: Calibrator,
    pub(crate) results: ResultCache,
    pub(crate) finds: FindCache,
    pub(crate) grids: GridCache,
    pub(crate) region_calibrator: RegionCalibrator,
}

/// A picture and the files that hold it.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// The picture.
    pub record: ImageRecord,
    /// Its files, present ones first.
    pub files: Vec<FileRecord>,
}

impl Engine {
    /// Takes the library under `settings.home`, which is opened at the first call that needs it. An empty library is fine;
    /// searching it says what to do.
    ///
    /// # Errors
    /// None at present: a library that is in use, damaged or of a newer format says so when it is first needed.
    pub fn open(settings: Settings) -> Result<Self, EngineError> {
        Self::open_with(settings, IndexOptions::default())
    }

    /// As [`Engine::open`] with other settings for the index, such as which graph searches large libraries.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn open_with(settings: Settings, options: IndexOptions) -> Result<Self, EngineError> {
        Ok(Self {
            library: Library::with_options(&settings.library_dir(), options),
            index: RwLock::new(None),
            encoder: Mutex::new(None),
            indexing: Mutex::new(()),
            asking: AtomicUsize::new(0),
            texts: TextCache::new(),
            pictures: PictureCache::new(),
            calibrator: Calibrator::new(settings.cache_dir()),
            results: ResultCache::new(),
            finds: FindCache::new(),
            grids: GridCache::new(),
            region_calibrator: RegionCalibrator::default(),
            settings,
        })
    }

    /// As [`Engine::open`] with a model that is loaded already (tests, servers that share one).
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn with_encoder(settings: Settings, encoder: Arc<dyn Encode>) -> Result<Self, EngineError> {
        let engine = Self::open(settings)?;
        *engine.encoder.lock() = Some(encoder);
        Ok(engine)
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    // ---- the model ----

    /// Loads the model now, with what texts need, instead of at the first query.
    ///
    /// # Errors
    /// If it cannot be found or loaded.
    pub fn load_model(&self) -> Result<ModelInfo, EngineError> {
        let encoder = self.encoder()?;
        encoder.prepare_texts()?;
        Ok(encoder.info().clone())
    }

    /// True if the model is loaded; false also while another thread is at it.
    pub fn model_is_loaded(&self) -> bool {
        self.encoder.try_lock().is_some_and(|held| held.is_some())
    }

    /// The model in use, without loading it: the loaded one, or the one that the library was made with, and what would run
    /// it here.
    ///
    /// # Errors
    /// If the library's description cannot be read, or there is no such device.
    pub fn model_info(&self) -> Result<Option<ModelInfo>, EngineError> {
        // Not waiting: another thread may be loading it.
        if let Some(encoder) = self.encoder.try_lock().as_deref().and_then(Option::as_ref) {
            return Ok(Some(encoder.info().clone()));
        }
        let index = self.index.read().as_ref().map(Arc::clone);
        let model = match index {
            Some(index) => Some(index.manifest().model),
            None => self.library.serving_model()?,
        };
        model.map(|model| self.here(model)).transpose()
    }

    /// A model that an index was made with, as it would run here and now.
    fn here(&self, model: ModelInfo) -> Result<ModelInfo, EngineError> {
        let loaded = self.encoder.try_lock().and_then(|held| held.as_ref().map(|encoder| encoder.info().clone()));
        if let Some(loaded) = loaded.filter(|loaded| loaded.fingerprint == model.fingerprint) {
            return Ok(ModelInfo { backend: loaded.backend, ..model });
        }
        Ok(ModelInfo { backend: backend_of(self.settings.device.as_deref())?, ..model })
    }

    /// The model: named by the user, else the library's, else the default.
    pub(crate) fn encoder(&self) -> Result<Arc<dyn Encode>, EngineError> {
        let mut held = self.encoder.lock();
        if let Some(encoder) = held.as_ref() {
            return Ok(Arc::clone(encoder));
        }
        let name = match &self.settings.model {
            Some(name) => name.clone(),
            None => self.library.serving_model()?.map_or_else(|| DEFAULT_MODEL.to_owned(), |model| model.name),
        };
        let encoder = load(&name, &self.settings)?;
        *held = Some(Arc::clone(&encoder));
        Ok(encoder)
    }

    /// The model of an index. While a new generation is being built, that is still the old model.
    pub(crate) fn encoder_for(&self, index: &Index) -> Result<Arc<dyn Encode>, EngineError> {
        let encoder = self.encoder()?;
        let indexed = index.manifest().model;
        if encoder.info().fingerprint == indexed.fingerprint {
            return Ok(encoder);
        }
        if self.indexing.is_locked()
            && let Ok(old) = load(&indexed.name, &self.settings)
            && old.info().fingerprint == indexed.fingerprint
        {
            *self.encoder.lock() = Some(Arc::clone(&old));
            return Ok(old);
        }
        let asked = encoder.info();
        Err(EngineError::Index(IndexError::OtherModel {
            indexed: indexed.name,
            indexed_print: indexed.fingerprint,
            asked: asked.name.clone(),
            asked_print: asked.fingerprint.clone(),
        }))
    }

    /// From now on `encoder` is the model.
    pub(crate) fn set_encoder(&self, encoder: Arc<dyn Encode>) {
        *self.encoder.lock() = Some(encoder);
    }

    // ---- the library ----

    /// The generation that serves.
    ///
    /// # Errors
    /// [`IndexError::NoIndex`], [`IndexError::InUse`], [`IndexError::NewerFormat`], [`IndexError::Corrupt`].
    pub(crate) fn serving(&self) -> Result<Arc<Index>, EngineError> {
        if let Some(index) = self.index.read().as_ref() {
            return Ok(Arc::clone(index));
        }
        let mut held = self.index.write();
        if let Some(index) = held.as_ref() {
            return Ok(Arc::clone(index)); // another thread was faster
        }
        let index = self.library.open()?;
        *held = Some(Arc::clone(&index));
        Ok(index)
    }

    /// From now on `index` answers.
    pub(crate) fn serve(&self, index: Arc<Index>) {
        let mut held = self.index.write();
        if held.as_ref().is_none_or(|old| !Arc::ptr_eq(old, &index)) {
            self.results.clear();
            self.finds.clear();
            *held = Some(index);
        }
    }

    /// A picture's record.
    ///
    /// # Errors
    /// [`glimpse_indexer::IndexError::NoSuchImage`].
    pub fn image(&self, id: ImageId) -> Result<ImageRecord, EngineError> {
        Ok(self.serving()?.image(id)?.ok_or(IndexError::NoSuchImage(id))?)
    }

    /// The files that hold a picture, present ones first, and of several those first that are there at this moment.
    ///
    /// # Errors
    /// If the store fails.
    pub fn files_of(&self, id: ImageId) -> Result<Vec<FileRecord>, EngineError> {
        let mut files = self.serving()?.files_of(id)?;
        if let [first, _, ..] = &files[..]
            && !first.path.exists()
        {
            files.sort_by_key(|file| (file.missing, !file.path.exists()));
        }
        Ok(files)
    }

    /// A picture's record and files.
    ///
    /// # Errors
    /// [`glimpse_indexer::IndexError::NoSuchImage`].
    pub fn describe(&self, id: ImageId) -> Result<Described, EngineError> {
        Ok(Described { record: self.image(id)?, files: self.files_of(id)? })
    }

    /// When a picture was taken (seconds since 1970 of the camera's clock); quick.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn taken(&self, id: ImageId) -> Result<Option<i64>, EngineError> {
        Ok(self.serving()?.taken(id))
    }

    /// The picture that a path names: an indexed file that is present.
    ///
    /// # Errors
    /// If the store fails.
    pub fn image_at(&self, path: &Path) -> Result<Option<ImageId>, EngineError> {
        let index = self.serving()?;
        for path in [std::path::absolute(path).ok(), path.canonicalize().ok()].into_iter().flatten() {
            if let Some(file) = index.file(&path)?.filter(|file| !file.missing) {
                return Ok(Some(file.image));
            }
        }
        Ok(None)
    }

    /// What there is to filter by.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn facets(&self) -> Result<Facets, EngineError> {
        Ok(self.serving()?.facets())
    }

    /// What there is to filter by further, among the pictures that pass a filter.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn facets_of(&self, filter: &Filter) -> Result<Facets, EngineError> {
        Ok(self.serving()?.facets_of(filter))
    }

    /// The folders that were indexed, absolute.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn roots(&self) -> Result<Vec<PathBuf>, EngineError> {
        Ok(self.serving()?.manifest().roots)
    }

    /// Number of pictures that can be found.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn count(&self) -> Result<usize, EngineError> {
        Ok(self.serving()?.len())
    }

    /// Grows with every change of the library; equal numbers mean equal answers.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn revision(&self) -> Result<u64, EngineError> {
        Ok(self.serving()?.revision())
    }

    /// Numbers about the library, and its model with what runs it here.
    ///
    /// # Errors
    /// If there is no index yet, or no such device.
    pub fn stats(&self) -> Result<(Stats, ModelInfo), EngineError> {
        let index = self.serving()?;
        Ok((index.stats()?, self.here(index.manifest().model)?))
    }

    /// Checks the library; `repair` mends it, as [`Library::verify`] says.
    ///
    /// # Errors
    /// If there is no index yet, or it cannot be read at all.
    pub fn verify(&self, repair: bool) -> Result<VerifyReport, EngineError> {
        Ok(self.library.verify(repair)?)
    }
}
