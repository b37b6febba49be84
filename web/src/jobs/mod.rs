//! Runs that bring the library up to date or tag it, one at a time, watched and steered over HTTP.

mod rate;
mod run;
mod view;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use glimpse_engine::{Engine, IngestOptions, Pace, RegionOptions, RunControl, Workers};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::error::{ApiError, Code};
use crate::thumbnails::ThumbnailIndexer;
pub use view::{Failure, JobKind, JobView};

/// Finished jobs that are remembered.
const REMEMBERED: usize = 20;
/// Failures of a job that are remembered; the counts go on.
const MOST_FAILURES: usize = 10_000;
/// Images that the model sees at a time: a query never waits for more.
pub const BATCH: usize = 2;

/// What a job indexes, and how.
#[derive(Debug, Clone, Default)]
pub struct JobRequest {
    /// Folders and files; none means all folders of the library that can be reached.
    pub roots: Vec<PathBuf>,
    /// Forget files that are gone.
    pub prune: bool,
    /// Hidden files too.
    pub hidden: bool,
    /// Regions for images that have none.
    pub regions: bool,
    /// Also what links out of the folders lead to.
    pub follow_links: bool,
    /// How much of the machine it takes.
    pub pace: Pace,
    /// Who encodes.
    pub workers: Workers,
}

/// One run.
#[derive(Debug)]
pub struct Job {
    pub id: u64,
    control: RunControl,
    view: watch::Sender<JobView>,
    failures: Mutex<Vec<Failure>>,
}

/// All runs of this server.
#[derive(Debug, Default)]
pub struct Jobs {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    last_id: u64,
    /// Latest last.
    jobs: Vec<Arc<Job>>,
    thread: Option<std::thread::JoinHandle<()>>,
    closed: bool,
}

impl Known {
    /// # Errors
    /// [`Code::Conflict`] while a run is under way, or when the server stops.
    fn require_rest(&self) -> Result<(), ApiError> {
        if self.closed {
            return Err(ApiError::new(Code::Conflict, "the server is stopping"));
        }
        if let Some(running) = self.jobs.iter().find(|job| !job.view().state.is_over()) {
            let message = format!("job {} is under way", running.id);
            return Err(ApiError::new(Code::Conflict, message).hint("wait until it is done, or cancel it"));
        }
        Ok(())
    }
}

/// The folders that are asked for, all of which must be there; without any, those of the library
/// that are.
fn roots_that_are_there(engine: &Engine, asked: Vec<PathBuf>) -> Result<Vec<PathBuf>, ApiError> {
    let all = asked.is_empty();
    let roots = if all { engine.roots()? } else { asked };
    let there = engine.are_there(&roots);
    let (there, gone): (Vec<_>, Vec<_>) = roots.into_iter().zip(there).partition(|(_, there)| *there);
    // A folder that cannot be reached now, on a disk that is not plugged in, is no reason to leave
    // out the others.
    if let Some((root, _)) = gone.first().filter(|_| !all || there.is_empty()) {
        return Err(ApiError::new(Code::FolderNotFound, format!("{} is not there", root.display()))
            .hint("name a folder on the machine that runs Glimpse"));
    }
    Ok(there.into_iter().map(|(root, _)| root).collect())
}

impl Jobs {
    /// Starts a run on a thread of its own.
    ///
    /// # Errors
    /// [`Code::Conflict`] while another run is under way.
    pub fn start(
        &self,
        engine: &Arc<Engine>,
        thumbnail_indexer: &ThumbnailIndexer,
        mut request: JobRequest,
    ) -> Result<Arc<Job>, ApiError> {
        self.known.lock().require_rest()?;
        // Folders are looked at before anything is locked: a drive that is away may take its time.
        request.roots = roots_that_are_there(engine, request.roots)?;
        let (roots, engine) = (request.roots.clone(), Arc::clone(engine));
        let options = IngestOptions {
            roots: request.roots,
            prune: request.prune,
            hidden: request.hidden,
            follow_links: request.follow_links,
            batch: BATCH,
            pace: request.pace,
            workers: request.workers,
            on_image: thumbnail_indexer.hook(),
            regions: RegionOptions { refill: request.regions, ..RegionOptions::default() },
            ..IngestOptions::default()
        };
        self.begin(JobKind::Index, &roots, move |job| run::index(&engine, job, &options))
    }

    /// Tags regions of all images with labels, or, where none are given, with those that are kept
    /// or the usual ones, and keeps their tags.
    ///
    /// # Errors
    /// [`Code::Conflict`] while another run is under way.
    pub fn tag_regions(&self, engine: &Arc<Engine>, labels: Vec<String>) -> Result<Arc<Job>, ApiError> {
        let engine = Arc::clone(engine);
        self.begin(JobKind::TagRegions, &[], move |job| run::tag_regions(&engine, job, &labels))
    }

    fn begin(
        &self,
        kind: JobKind,
        roots: &[PathBuf],
        run: impl FnOnce(&Job) + Send + 'static,
    ) -> Result<Arc<Job>, ApiError> {
        let mut known = self.known.lock();
        known.require_rest()?;
        known.last_id += 1;
        let job = Arc::new(Job::new(JobView::new(known.last_id, kind, roots)));
        let begun = Arc::clone(&job);
        let thread = std::thread::Builder::new().name("job".into()).spawn(move || run(&begun));
        known.thread = Some(thread.map_err(|error| ApiError::internal(format!("no thread to run on: {error}")))?);
        known.jobs.push(Arc::clone(&job));
        let surplus = known.jobs.len().saturating_sub(REMEMBERED);
        known.jobs.drain(..surplus);
        Ok(job)
    }

    /// A job by its number.
    pub fn get(&self, id: u64) -> Result<Arc<Job>, ApiError> {
        let found = self.known.lock().jobs.iter().find(|job| job.id == id).cloned();
        found.ok_or_else(|| ApiError::not_found(format!("no job {id}")))
    }

    /// All jobs that are remembered, the latest first.
    pub fn list(&self) -> Vec<JobView> {
        self.known.lock().jobs.iter().rev().map(|job| job.view()).collect()
    }

    /// The job under way.
    pub fn running(&self) -> Option<JobView> {
        self.known.lock().jobs.iter().map(|job| job.view()).find(|view| !view.state.is_over())
    }

    /// Stops the run and starts no more.
    pub fn close(&self) {
        let mut known = self.known.lock();
        known.closed = true;
        known.jobs.iter().for_each(|job| job.control.cancel());
    }

    /// Waits until the run has stopped, for so long at most: a run may hang on a drive that does
    /// not answer.
    pub fn join(&self, patience: Duration) {
        let Some(thread) = self.known.lock().thread.take() else { return };
        let start = Instant::now();
        while !thread.is_finished() && start.elapsed() < patience {
            std::thread::sleep(Duration::from_millis(5));
        }
        if thread.is_finished() {
            drop(thread.join()); // a run that panicked has said so in its job
        }
    }
}

impl Job {
    fn new(view: JobView) -> Self {
        let (id, control) = (view.id, RunControl::new());
        Self { id, control, view: watch::Sender::new(view), failures: Mutex::default() }
    }

    /// How it stands.
    pub fn view(&self) -> JobView {
        self.view.borrow().clone()
    }

    /// Hears of every change.
    pub fn watch(&self) -> watch::Receiver<JobView> {
        self.view.subscribe()
    }

    /// Failures from number `from` on.
    pub fn failures(&self, from: usize, limit: usize) -> Vec<Failure> {
        self.failures.lock().iter().skip(from).take(limit).cloned().collect()
    }

    /// What to do to try the failures again.
    ///
    /// # Errors
    /// [`Code::Conflict`] if nothing failed that is still there.
    pub fn retry(&self, engine: &Engine) -> Result<JobRequest, ApiError> {
        let files: Vec<PathBuf> = self.failures.lock().iter().map(|failure| failure.file.clone()).collect();
        let there = engine.are_there(&files);
        let roots: Vec<PathBuf> =
            files.into_iter().zip(there).filter_map(|(file, there)| there.then_some(file)).collect();
        if roots.is_empty() {
            return Err(ApiError::new(Code::Conflict, "nothing failed that could be tried again"));
        }
        Ok(JobRequest { roots, hidden: true, ..JobRequest::default() })
    }

    pub fn pause(&self) -> Result<JobView, ApiError> {
        self.control(RunControl::pause)
    }

    pub fn resume(&self) -> Result<JobView, ApiError> {
        self.control(RunControl::resume)
    }

    pub fn cancel(&self) -> Result<JobView, ApiError> {
        self.control(RunControl::cancel)
    }

    fn control(&self, action: impl Fn(&RunControl)) -> Result<JobView, ApiError> {
        if self.view().state.is_over() {
            return Err(ApiError::new(Code::Conflict, format!("job {} is over", self.id)));
        }
        action(&self.control);
        self.view.send_modify(|view| view.set_paused(self.control.is_paused()));
        Ok(self.view())
    }
}
