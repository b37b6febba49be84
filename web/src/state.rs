//! The state that all handlers share: the engine, the pools of threads, running jobs and uploads.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use actix_web::web;
use glimpse_engine::{Engine, EngineError, ImageId, Pace, PutAway, Workers};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::access::Access;
use crate::error::{ApiError, Code};
use crate::file_manager::ShowFile;
use crate::jobs::Jobs;
use crate::metrics::Metrics;
use crate::pool::Pool;
use crate::roots::AllowedRoots;
use crate::thumbnails::{ThumbnailCache, ThumbnailIndexer, unread};
use crate::uploads::Uploads;

/// Bytes of thumbnails kept in memory: some 3,000 of the usual size.
const THUMBNAIL_BYTES: usize = 64 << 20;

/// Connections at a time, over all workers. Whoever has one may ask for an original, and waits for
/// each step of it.
pub const CONNECTIONS: usize = 900;

/// Threads that wait for drives: more than the engine lets wait for two drives that are away, so
/// that others go on.
const DRIVE_THREADS: usize = 64;

/// Bounds on what clients may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Requests that wait for a search thread: searches and everything else that is quick.
    pub searches: usize,
    /// Those that wait for an image to be decoded; a page of results asks for a few dozen
    /// thumbnails at once.
    pub images: usize,
    /// Those that wait for the model to look at an image.
    pub looks: usize,
    /// Those that wait for work over the whole library.
    pub heavy: usize,
    /// Uploads that arrive, or wait to be decoded, at a time; others are refused.
    pub uploads: usize,
    /// Streams of events that are open at a time; a page needs one.
    pub streams: usize,
    /// Archives that are sent at a time.
    pub archives: usize,
    /// Lists of images that are sent at a time.
    pub exports: usize,
    /// Files of the library that are sent at a time: fewer than connections.
    pub files: usize,
    /// How long a JSON body may take to arrive.
    pub body_time: Duration,
    /// How long an upload may take to arrive.
    pub upload_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let (body_time, upload_time) = (Duration::from_secs(10), Duration::from_secs(60));
        Self {
            searches: 64,
            images: 256,
            looks: 32,
            heavy: 4,
            uploads: 4,
            streams: 64,
            archives: 4,
            exports: 16,
            files: 512,
            body_time,
            upload_time,
        }
    }
}

/// One per server.
pub struct AppState {
    /// The open library.
    pub engine: Arc<Engine>,
    /// What clients may have indexed.
    pub roots: AllowedRoots,
    /// How files go to the trash; none where clients may not move any.
    pub put_away: Option<PutAway>,
    /// How files are shown on this machine's desktop; none where clients may be elsewhere.
    pub show_file: Option<ShowFile>,
    /// Whether clients may write favourites to XMP sidecars.
    pub allow_sidecars: bool,
    /// Whether jobs follow links out of their folders.
    pub follow_links: bool,
    /// Folders are followed as they change.
    pub watching: bool,
    /// How much of the machine runs take, if that was said.
    pub pace: Option<Pace>,
    /// Who encodes images of the library.
    pub workers: Workers,
    /// Who may ask.
    pub access: Arc<Access>,
    /// How much.
    pub limits: Limits,
    /// Threads for searches, which nothing else may take.
    pub searches: Pool,
    /// Threads for finding things, the first of which may wait for all regions to be read.
    pub finds: Pool,
    /// Threads that decode images. One can take a gigabyte: few at a time.
    pub images: Pool,
    /// Threads that read files of images as they are, step by step.
    pub originals: Pool,
    /// Threads that wait for drives and do nothing else.
    pub drives: Pool,
    /// Threads for whoever wants the model to look at an image: it does so one at a time.
    pub looks: Pool,
    /// The thread for work over the whole library.
    pub heavy: Pool,
    /// Thumbnails made lately.
    pub thumbnails: ThumbnailCache,
    /// What indexing makes of images for the page.
    pub thumbnail_indexer: ThumbnailIndexer,
    /// Images to ask with.
    pub uploads: Uploads,
    /// Places for those that arrive.
    pub uploading: Semaphore,
    /// Places for streams of events.
    pub streams: Arc<Semaphore>,
    /// Places for archives that are sent.
    pub archives: Arc<Semaphore>,
    /// Places for lists that are sent.
    pub exports: Arc<Semaphore>,
    /// Places for files of the library that are sent.
    pub files: Arc<Semaphore>,
    /// Runs that bring the library up to date.
    pub jobs: Jobs,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// How the model is doing.
    pub model: ModelState,
    /// True when the server stops; streams end.
    pub stopping: watch::Sender<bool>,
}

/// How the model is doing, without waiting for it.
#[derive(Debug, Default)]
pub struct ModelState {
    loading: AtomicBool,
    ready: AtomicBool,
    failed: Mutex<Option<String>>,
    languages: Mutex<Vec<String>>,
}

/// While it lives, the model is being loaded.
struct Loading<'a>(&'a AtomicBool);

impl Drop for Loading<'_> {
    fn drop(&mut self) {
        self.0.store(false, Relaxed);
    }
}

/// How long tags and groups of duplicates of a whole library may take.
const HEAVY_LIMIT: Duration = Duration::from_secs(900);

impl AppState {
    /// # Errors
    /// If the system gives no threads.
    pub fn new(engine: Arc<Engine>, access: Access, roots: AllowedRoots, limits: Limits) -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let cache = engine.settings().cache_dir();
        let thumbnail_indexer = ThumbnailIndexer::open(&cache);
        Ok(Self {
            access: Arc::new(access),
            roots,
            put_away: None,
            show_file: None,
            allow_sidecars: false,
            follow_links: false,
            watching: false,
            pace: None,
            workers: Workers::default(),
            limits,
            searches: Pool::start("search", cores.clamp(2, 8), limits.searches)?,
            finds: Pool::start("find", cores.clamp(2, 4), limits.searches)?,
            images: Pool::start("images", cores.div_ceil(2).clamp(2, 8), limits.images)?,
            originals: Pool::start("originals", cores.clamp(2, 8), CONNECTIONS)?,
            drives: Pool::start("drives", DRIVE_THREADS, CONNECTIONS)?,
            looks: Pool::start("looks", 2, limits.looks)?,
            heavy: Pool::start("heavy", 1, limits.heavy)?.lasting(HEAVY_LIMIT),
            thumbnails: ThumbnailCache::new(THUMBNAIL_BYTES, Arc::clone(&thumbnail_indexer.files)),
            thumbnail_indexer,
            uploads: Uploads::default(),
            uploading: Semaphore::new(limits.uploads),
            streams: Arc::new(Semaphore::new(limits.streams)),
            archives: Arc::new(Semaphore::new(limits.archives)),
            exports: Arc::new(Semaphore::new(limits.exports)),
            files: Arc::new(Semaphore::new(limits.files)),
            jobs: Jobs::default(),
            metrics: Arc::default(),
            model: ModelState::default(),
            stopping: watch::Sender::new(false),
            engine,
        })
    }

    /// Says that [`AppState::warm_up`] is about to be called.
    pub fn begin_loading(&self) {
        self.model.loading.store(true, Relaxed);
    }

    /// Opens the library and loads the model, so that the first search need not wait for them.
    /// `opened` is told how the library is, before the model is loaded. What fails says so again at
    /// the first request that needs it.
    pub fn warm_up(&self, opened: impl FnOnce(Result<usize, EngineError>)) {
        let _loading = Loading(&self.model.loading);
        opened(self.engine.count());
        if let Err(error) = self.engine.prepare_queries() {
            *self.model.failed.lock() = Some(error.to_string());
        } else if let Ok(languages) = self.engine.caption_languages() {
            *self.model.languages.lock() = languages;
        }
    }

    /// Refuses what would hold its thread until the model is loaded: words, images and facts are
    /// asked for on the same threads, and need no model.
    pub fn require_model(&self) -> Result<(), ApiError> {
        if self.model.loading.load(Relaxed) && !self.model_is_ready() {
            let error = ApiError::new(Code::NotReady, "the model is still being loaded");
            return Err(error.hint("ask again in a moment; `mode=words` is answered meanwhile"));
        }
        Ok(())
    }

    /// Languages in which the model can describe images, as far as that is known.
    pub fn caption_languages(&self) -> Vec<String> {
        self.model.languages.lock().clone()
    }

    /// True once the model is loaded.
    pub fn model_is_ready(&self) -> bool {
        self.model.ready.load(Relaxed) || {
            let ready = self.engine.model_is_loaded();
            self.model.ready.fetch_or(ready, Relaxed);
            ready
        }
    }

    /// Why the model could not be loaded.
    pub fn model_failure(&self) -> Option<String> {
        self.model.failed.lock().clone()
    }
}

/// Runs quick work on a search thread.
pub async fn run_search<T, F>(state: &web::Data<AppState>, work: F) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: FnOnce(&AppState) -> Result<T, ApiError> + Send + 'static,
{
    let held = state.clone();
    state.searches.run(move || work(&held)).await
}

/// Runs work that finds things in images by their stored regions.
pub async fn run_find<T, F>(state: &web::Data<AppState>, work: F) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: FnOnce(&AppState) -> Result<T, ApiError> + Send + 'static,
{
    let held = state.clone();
    state.finds.run(move || work(&held)).await
}

/// Runs work that decodes images.
pub async fn run_decode<T, F>(state: &web::Data<AppState>, work: F) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: FnOnce(&AppState) -> Result<T, ApiError> + Send + 'static,
{
    let held = state.clone();
    state.images.run(move || work(&held)).await
}

/// Reads the file of an image as it is.
pub async fn run_read<T, F>(state: &web::Data<AppState>, work: F) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: FnOnce(&AppState) -> Result<T, ApiError> + Send + 'static,
{
    let held = state.clone();
    state.originals.run(move || work(&held)).await
}

/// Waits until the drive of an image's file answers. Without that, a drive that is away would keep
/// the threads that decode, read and look from everybody else, until the engine leaves it alone.
pub async fn reach(state: &web::Data<AppState>, id: ImageId) -> Result<(), ApiError> {
    let held = state.clone();
    state.drives.run(move || held.engine.reach(id).map_err(unread)).await
}

/// Runs work that lets the model look at an image.
pub async fn run_model<T, F>(state: &web::Data<AppState>, work: F) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: FnOnce(&AppState) -> Result<T, ApiError> + Send + 'static,
{
    let held = state.clone();
    state.looks.run(move || work(&held)).await
}

/// Runs work over the whole library.
pub async fn run_heavy<T, F>(state: &web::Data<AppState>, work: F) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: FnOnce(&AppState) -> Result<T, ApiError> + Send + 'static,
{
    let held = state.clone();
    state.heavy.run(move || work(&held)).await
}

/// A place among those of one kind that are sent at a time, `most` in all.
///
/// # Errors
/// [`Code::Busy`] if all are taken.
pub fn place(places: &Arc<Semaphore>, most: usize, of: &str) -> Result<OwnedSemaphorePermit, ApiError> {
    Arc::clone(places).try_acquire_owned().map_err(|_| {
        let message = format!("{most} {of} are being sent, which is the most");
        ApiError::new(Code::Busy, message).hint("ask again when one is complete")
    })
}
