//! The engine: an open library and the models that ask it.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use glimpse_encoder::{Checked, Encode, ModelInfo, backend_of};
use glimpse_indexer::backend::VectorsAt;
use glimpse_indexer::{
    Facets, FileRecord, Filter, ImageId, ImageRecord, Index, IndexOptions, Library, MeasuredSearch, Stats, TagCount,
    VerifyReport,
};
use parking_lot::{Mutex, RwLock};

use crate::calibrate::bank::Banks;
use crate::calibrate::{Calibrated, Calibrations};
use crate::image_cache::ImageCache;
use crate::model::{calibration_beside, load};
use crate::models::Models;
use crate::originals::Originals;
use crate::regions::{GridCache, PixelCache};
use crate::served::Served;
use crate::texts::TextCache;
use crate::tune::QueryMaps;
use crate::turns::Turns;
use crate::{AdapterChoice, EngineError, Settings, Worker};

/// How long a question waits for the library to be opened by another thread.
const OPENING: Duration = Duration::from_secs(1);

/// An open library and its models. A model is loaded at the first call that needs it, so that
/// words, facts and statistics answer at once. All methods may be called from any thread.
///
/// The library is asked with the model that it was made with, or with the one that is named, if
/// both give images the same vectors. Folders are indexed, and what needs
/// no library is answered, with the model that [`Settings::model`] names, which is the library's if
/// it names none.
pub struct Engine {
    pub(crate) settings: Settings,
    pub(crate) library: Library,
    served: RwLock<Option<Arc<Served>>>,
    /// Held while the library is opened, so that [`Engine::served`] need not be.
    pub(crate) opening: Mutex<()>,
    models: Models,
    /// Whose turn it is to change the library.
    pub(crate) turns: Turns,
    /// Queries in progress.
    pub(crate) active_queries: AtomicUsize,
    pub(crate) texts: TextCache,
    pub(crate) images: ImageCache,
    pub(crate) banks: Arc<Banks>,
    pub(crate) calibrations: Calibrations,
    pub(crate) grids: GridCache,
    pub(crate) pixels: PixelCache,
    pub(crate) originals: Arc<Originals>,
}

/// An image and the files that hold it.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// The image.
    pub record: ImageRecord,
    /// Its files, present ones first.
    pub files: Vec<FileRecord>,
}

impl Engine {
    /// Takes the library under `settings.home`, which is opened at the first call that needs it. An
    /// empty library is fine; searching it says what to do.
    ///
    /// # Errors
    /// None at present: a library that is in use, damaged or of a newer format says so when it is
    /// first needed.
    pub fn open(settings: Settings) -> Result<Self, EngineError> {
        Self::open_with(settings, IndexOptions::default())
    }

    /// As [`Engine::open`] with other settings for the index, such as which graph searches large
    /// libraries.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn open_with(settings: Settings, options: IndexOptions) -> Result<Self, EngineError> {
        let maps = Arc::new(QueryMaps::new(&settings.library_dir()));
        Ok(Self {
            library: Library::with_options(&settings.library_dir(), options),
            served: RwLock::new(None),
            opening: Mutex::new(()),
            models: Models::new(&settings, {
                let settings = settings.clone();
                move |request| {
                    let (max_patches, adapter) = (request.max_patches, request.adapter.clone().map(AdapterChoice::At));
                    load(&request.name, &Settings { max_patches, adapter, ..settings.clone() })
                }
            }),
            turns: Turns::default(),
            active_queries: AtomicUsize::new(0),
            texts: TextCache::new(Arc::clone(&maps)),
            images: ImageCache::new(),
            banks: Arc::new(Banks::new(settings.cache_dir(), maps)),
            calibrations: Calibrations::default(),
            grids: GridCache::new(),
            pixels: PixelCache::new(),
            originals: Arc::new(Originals::new()),
            settings,
        })
    }

    /// As [`Engine::open`] with a model that is loaded already (tests, servers that share one), as
    /// if it were named.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn with_encoder(settings: Settings, encoder: Arc<dyn Encode>) -> Result<Self, EngineError> {
        Ok(Self::open(settings)?.encoding_with(encoder))
    }

    /// The same with a given model.
    #[must_use]
    pub fn encoding_with(self, encoder: Arc<dyn Encode>) -> Self {
        self.models.choose(Arc::new(Checked(encoder)));
        self
    }

    /// The same with its texts encoded by workers, and here only when none of them answers, so that
    /// a text tower is loaded only then. Models that are loaded already are left as they are.
    #[must_use]
    pub fn with_text_workers(mut self, workers: Vec<Worker>) -> Self {
        self.models.let_encode_texts(workers);
        self
    }

    /// Calls `tell` when a call has waited for two seconds until another process has opened or
    /// changed the library, and goes on waiting: with the number of that process, if it is known.
    pub fn on_wait(&self, tell: impl Fn(Option<u32>) + Send + Sync + 'static) {
        self.library.on_wait(tell);
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    // ---- the model ----

    /// Loads the model that is named, else the library's, else the default, with what texts need.
    ///
    /// # Errors
    /// If it cannot be found or loaded.
    pub fn load_model(&self) -> Result<ModelInfo, EngineError> {
        let encoder = self.chosen()?;
        encoder.prepare_texts()?;
        Ok(encoder.info().clone())
    }

    /// Loads the model that queries of the library need, with what texts need, instead of at the
    /// first query.
    ///
    /// # Errors
    /// If it cannot be found or loaded.
    pub fn prepare_queries(&self) -> Result<ModelInfo, EngineError> {
        let encoder = match self.library.serving_model()? {
            Some(model) => self.models.of(&model)?,
            None => self.chosen()?,
        };
        encoder.prepare_texts()?;
        Ok(encoder.info().clone())
    }

    /// True if the model that queries need is loaded; false also while another thread is at it.
    pub fn model_is_loaded(&self) -> bool {
        match self.queried_model() {
            Ok(Some(model)) => self.models.loaded(&model).is_some(),
            _ => self.models.loaded_choice().is_some(),
        }
    }

    /// The model that queries need, without loading it: the one that is loaded for them, else the
    /// one that the library was made with, and what would run it here. Without a library it is the
    /// one that is named, if it is loaded.
    ///
    /// # Errors
    /// If the library's description cannot be read, or there is no such device.
    pub fn model_info(&self) -> Result<Option<ModelInfo>, EngineError> {
        match self.queried_model()? {
            Some(model) => self.here(model).map(Some),
            None => Ok(self.models.loaded_choice().map(|encoder| encoder.info().clone())),
        }
    }

    /// What the library says of its model.
    fn queried_model(&self) -> Result<Option<ModelInfo>, EngineError> {
        let served = self.if_open().map(|served| served.manifest().model);
        Ok(served.map_or_else(|| self.library.serving_model(), |model| Ok(Some(model)))?)
    }

    /// A model that an index was made with, as it would run here and now.
    fn here(&self, model: ModelInfo) -> Result<ModelInfo, EngineError> {
        let backend = match self.models.loaded(&model) {
            Some(loaded) if loaded.info().fingerprint != model.fingerprint => return Ok(loaded.info().clone()),
            Some(loaded) => loaded.info().backend.clone(),
            None => backend_of(self.settings.device.as_deref())?,
        };
        Ok(ModelInfo { backend, ..model })
    }

    /// The model that an index is asked with, as far as it is known without loading one.
    pub(crate) fn asked_with(&self, index: &Index) -> ModelInfo {
        let model = index.manifest().model;
        self.models.loaded(&model).map_or(model, |loaded| loaded.info().clone())
    }

    /// The model to index with, and for what needs no library: named by the user, else the
    /// library's, else the default.
    pub(crate) fn chosen(&self) -> Result<Arc<dyn Encode>, EngineError> {
        self.models.chosen(&self.library)
    }

    /// The model of an index. While a new generation is being built, that is still the old model.
    pub(crate) fn encoder_for(&self, index: &Index) -> Result<Arc<dyn Encode>, EngineError> {
        self.models.of(&index.manifest().model)
    }

    /// What is known of the scores of a model: from `calibration.json` in the library or beside the
    /// weights, else what is usual.
    ///
    /// # Errors
    /// [`EngineError::Calibration`] for a file that cannot be used.
    pub(crate) fn calibrated(&self, model: &ModelInfo) -> Result<Arc<Calibrated>, EngineError> {
        let beside = || calibration_beside(model, &self.settings.home);
        self.calibrations.of(&model.fingerprint, &self.settings.library_dir(), beside)
    }

    /// What is known of the scores of the model that the library is asked with.
    ///
    /// # Errors
    /// If there is no index yet, or [`EngineError::Calibration`].
    pub fn calibration(&self) -> Result<Arc<Calibrated>, EngineError> {
        let index = self.serving()?;
        self.calibrated(&self.asked_with(&index))
    }

    // ---- the library ----

    /// The generation that serves. The first call opens it; others wait a moment for that.
    ///
    /// # Errors
    /// [`IndexError::NoIndex`], [`IndexError::InUse`], [`IndexError::NewerFormat`],
    /// [`IndexError::Corrupt`], and [`EngineError::Opening`] while another thread opens a large
    /// library.
    pub(crate) fn serving(&self) -> Result<Arc<Served>, EngineError> {
        if let Some(served) = self.if_open() {
            return Ok(served);
        }
        let _opening = self.opening.try_lock_for(OPENING).ok_or(EngineError::Opening)?;
        self.open_library()
    }

    /// As [`Engine::serving`], waiting until the library is open.
    ///
    /// # Errors
    /// As [`Engine::serving`].
    pub(crate) fn wait_until_open(&self) -> Result<Arc<Served>, EngineError> {
        let _opening = self.opening.lock();
        self.open_library()
    }

    /// The generation that serves, if it is open.
    pub(crate) fn if_open(&self) -> Option<Arc<Served>> {
        self.served.read().clone()
    }

    /// The caller holds `opening`.
    fn open_library(&self) -> Result<Arc<Served>, EngineError> {
        if let Some(served) = self.if_open() {
            return Ok(served); // another thread was faster
        }
        let served = Arc::new(Served::new(self.library.open()?, Arc::clone(&self.banks)));
        Ok(Arc::clone(self.served.write().get_or_insert(served)))
    }

    /// Why the library cannot be written, so that a copy of it answers and nothing can be indexed;
    /// `None` if it can be, or there is none yet.
    pub fn obstacle(&self) -> Option<String> {
        self.library.obstacle()
    }

    /// From now on `index` answers.
    pub(crate) fn serve(&self, index: Arc<Index>) {
        let mut held = self.served.write();
        if held.as_ref().is_none_or(|old| !Arc::ptr_eq(old.index(), &index)) {
            self.models.keep(&index.manifest().model);
            *held = Some(Arc::new(Served::new(index, Arc::clone(&self.banks))));
        }
    }

    /// `index` goes on answering; what was remembered of its answers is dropped.
    pub(crate) fn serve_anew(&self, index: Arc<Index>) {
        self.models.keep(&index.manifest().model);
        *self.served.write() = Some(Arc::new(Served::new(index, Arc::clone(&self.banks))));
    }

    /// An image's record; of a frame, with the facts of its video.
    ///
    /// # Errors
    /// [`glimpse_indexer::IndexError::NoSuchImage`].
    pub fn image(&self, id: ImageId) -> Result<ImageRecord, EngineError> {
        let index = self.serving()?;
        self.record_of(&index, id)
    }

    /// The files that hold an image, present ones first, and of several those first that are there
    /// at this moment.
    ///
    /// # Errors
    /// If the store fails.
    pub fn files_of(&self, id: ImageId) -> Result<Vec<FileRecord>, EngineError> {
        let mut files = self.serving()?.files_of(id)?;
        if let [first, _, ..] = &files[..]
            && !self.are_there(std::slice::from_ref(&first.path))[0]
        {
            let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
            let mut there = self.are_there(&paths).into_iter();
            files.sort_by_cached_key(|file| (file.missing, !there.next().unwrap_or(false)));
        }
        Ok(files)
    }

    /// The files that belong to an image and do not hold it, present ones first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn companions_of(&self, id: ImageId) -> Result<Vec<FileRecord>, EngineError> {
        Ok(self.serving()?.companions_of(id)?)
    }

    /// An image's record and files.
    ///
    /// # Errors
    /// [`glimpse_indexer::IndexError::NoSuchImage`].
    pub fn describe(&self, id: ImageId) -> Result<Described, EngineError> {
        Ok(Described { record: self.image(id)?, files: self.files_of(id)? })
    }

    /// When an image was taken (seconds since 1970 of the camera's clock); quick.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn taken(&self, id: ImageId) -> Result<Option<i64>, EngineError> {
        Ok(self.serving()?.taken(id))
    }

    /// The image that a path names: an indexed file that is present.
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

    /// What there is to filter by further, among the images that pass a filter.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn facets_of(&self, filter: &Filter) -> Result<Facets, EngineError> {
        let index = self.serving()?;
        self.check_filter(&index, filter)?;
        Ok(index.facets_of(filter))
    }

    /// Keywords of the images that pass a filter, most frequent first.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn tags_of(&self, filter: &Filter) -> Result<Vec<TagCount>, EngineError> {
        let index = self.serving()?;
        self.check_filter(&index, filter)?;
        Ok(index.tags_of(filter))
    }

    /// The folders that were indexed, absolute.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn roots(&self) -> Result<Vec<PathBuf>, EngineError> {
        Ok(self.serving()?.manifest().roots)
    }

    /// Number of images that can be found.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn count(&self) -> Result<usize, EngineError> {
        Ok(self.serving()?.len())
    }

    /// As [`Engine::count`]; `None` while the library is not open, which is not waited for.
    pub fn count_if_open(&self) -> Option<usize> {
        self.if_open().map(|served| served.len())
    }

    /// Grows with every change of the library; equal numbers mean equal answers.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn revision(&self) -> Result<u64, EngineError> {
        Ok(self.serving()?.revision())
    }

    /// As [`Engine::revision`]; `None` while the library is not open, which is not waited for.
    pub fn revision_if_open(&self) -> Option<u64> {
        self.if_open().map(|served| served.revision())
    }

    /// Numbers about the library, and its model with what runs it here. Bytes on disk are those of
    /// the generation that serves and of the library's reserve.
    ///
    /// # Errors
    /// If there is no index yet, or no such device.
    pub fn stats(&self) -> Result<(Stats, ModelInfo), EngineError> {
        let index = self.serving()?;
        let mut stats = index.stats()?;
        stats.disk_bytes += self.library.reserve_bytes();
        Ok((stats, self.here(index.manifest().model)?))
    }

    /// Has a server search the vectors of the library, or this process if `to` is `None`, from the
    /// next opening on. Nothing is encoded again. `progress` is told how many images of how many
    /// are sent, and ends it when it breaks, as if nothing had been asked: then it gives `false`.
    /// What a server that is left says if it does not remove what it held is given to `note`.
    ///
    /// # Errors
    /// If there is no index yet, the server does not answer, or the store fails.
    pub fn move_vectors(
        &self,
        to: Option<&VectorsAt>,
        progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
        note: &mut dyn FnMut(&str),
    ) -> Result<bool, EngineError> {
        let index = self.serving()?;
        match to {
            Some(at) => Ok(index.move_vectors_to(at, progress)?),
            None => {
                index.move_vectors_here()?.iter().for_each(|said| note(said));
                Ok(true)
            }
        }
    }

    /// Where a server searches the vectors of the library, if one does.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn vectors_at(&self) -> Result<Option<VectorsAt>, EngineError> {
        Ok(self.serving()?.vectors_at().cloned())
    }

    /// What searches of the library find of what comparing all its vectors finds, and how long they
    /// take, as [`Index::measure_searches`](glimpse_indexer::Index::measure_searches) says.
    ///
    /// # Errors
    /// If there is no index yet, or hnsw_rs finds no room for its files.
    pub fn measure_searches(&self, queries: usize, k: usize) -> Result<Vec<MeasuredSearch>, EngineError> {
        Ok(self.serving()?.measure_searches(queries, k)?)
    }

    /// Checks the library; `repair` mends it, as [`Library::verify`] says.
    ///
    /// # Errors
    /// If there is no index yet, or it cannot be read at all.
    pub fn verify(&self, repair: bool) -> Result<VerifyReport, EngineError> {
        Ok(self.library.verify(repair)?)
    }
}
