//! Keeping the library up to date by itself: watched folders tell what changed, ordinary runs do
//! the rest.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use glimpse_indexer::ingest::{IngestOptions, Observer, Pace, Scope, Summary};
use glimpse_indexer::watch::{Task, WatchOptions, WatchedFolders, on_battery};
use jiff::Timestamp;
use parking_lot::Mutex;

use crate::runs::RunBy;
use crate::{Engine, EngineError, RunControl};

/// How soon a change that is due is seen, and Ctrl-C.
const TICK: Duration = Duration::from_millis(100);
/// How often the library is asked for its folders, and the drives whether these are there.
const ROOTS: Duration = Duration::from_secs(2);
/// After a failure, such as a full disk, nothing is tried for so long.
const REST: Duration = Duration::from_secs(60);

/// Ends watching, from any thread.
#[derive(Debug, Default)]
pub struct WatchControl {
    stopped: AtomicBool,
    update: Mutex<Option<Arc<RunControl>>>,
}

impl WatchControl {
    /// Watching that goes on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends watching soon, and the update that is under way with everything done so far kept.
    pub fn stop(&self) {
        self.stopped.store(true, Relaxed);
        if let Some(update) = &*self.update.lock() {
            update.cancel();
        }
    }

    /// True once watching is to end.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Relaxed)
    }

    /// The control of the next update, which [`WatchControl::stop`] stops too.
    fn begin(&self) -> Arc<RunControl> {
        let control = Arc::new(RunControl::new());
        *self.update.lock() = Some(Arc::clone(&control));
        if self.is_stopped() {
            control.cancel();
        }
        control
    }
}

/// Hears what watching does, on the thread that watches; of files as an [`Observer`] does.
pub trait WatchObserver: Observer {
    /// An update came to its end.
    fn updated(&mut self, update: &Update);
}

/// An update that came to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// The folders that had changed; none if all were looked through.
    pub folders: Vec<PathBuf>,
    /// What was done.
    pub summary: Summary,
}

impl Update {
    /// True if the library is another one than before, or something is wrong.
    pub fn is_of_note(&self) -> bool {
        let Summary { indexed, moved, duplicate, failed, missing, pruned, .. } = &self.summary;
        indexed + moved + duplicate + failed + missing + pruned > 0
    }
}

impl Engine {
    /// Brings the library up to date whenever its folders change, until `control` is stopped:
    /// everything at the start, after lost events and every few hours, else what changed. Folders
    /// that are away are left as they are, and followed when they are back; folders that become
    /// part of the library, or leave it, are followed. Updates make way for [`Engine::index`] and
    /// go on afterwards. What `base` says of roots, scope and settling does not count; without a
    /// `pace`, updates are gentle while the machine runs on battery.
    ///
    /// # Errors
    /// None that ends it: what fails is told and tried again after a minute.
    pub fn watch(
        &self,
        options: &WatchOptions,
        base: &IngestOptions,
        pace: Option<Pace>,
        control: &WatchControl,
        observer: &mut dyn WatchObserver,
    ) {
        let mut options = WatchOptions { hidden: base.hidden, ..options.clone() };
        let home = &self.settings.home;
        options.ignored.extend(home.canonicalize().ok().into_iter().chain([home.clone()]));
        let mut folders = WatchedFolders::new(options);
        let (mut roots, mut away, mut asked) = (Vec::new(), Vec::new(), None::<Instant>);
        let mut complaint = String::new();
        while !control.is_stopped() {
            if asked.is_none_or(|asked| asked.elapsed() >= ROOTS) {
                match self.roots_there_and_away() {
                    Ok((there, not_there)) => {
                        tell_of_drives(&there, &not_there, &away, observer);
                        folders.follow(&there).iter().for_each(|problem| observer.note(problem));
                        (roots, away) = (there, not_there);
                        complaint.clear();
                    }
                    Err(error) => complain(&error, &mut complaint, observer),
                }
                asked = Some(Instant::now());
            }
            let Some(task) = (if roots.is_empty() { None } else { folders.next_task() }) else {
                std::thread::sleep(TICK);
                continue;
            };
            let (scope, changed) = match &task {
                Task::Scan => (None, Vec::new()),
                Task::Update(scope) => (Some(scope.clone()), scope.folders().map(|(path, _)| path.into()).collect()),
            };
            let pace = pace.unwrap_or(if on_battery() { Pace::Gentle } else { Pace::Normal });
            let settling = Some(folders.settling());
            let run = IngestOptions { roots: roots.clone(), scope, settling, pace, ..base.clone() };
            match self.update(&run, &control.begin(), observer) {
                Ok(Some(summary)) if !summary.cancelled => {
                    folders.done();
                    observer.updated(&Update { folders: changed, summary });
                    complaint.clear();
                }
                Ok(summary) => {
                    folders.put_back(task);
                    // Somebody else's turn: it will take a while.
                    folders.rest(if summary.is_some() { TICK } else { 5 * TICK });
                }
                Err(error) => {
                    complain(&error, &mut complaint, observer);
                    folders.put_back(task);
                    folders.rest(REST);
                }
            }
        }
    }

    /// A run within a turn; `None` if it is not its turn.
    fn update(
        &self,
        options: &IngestOptions,
        control: &Arc<RunControl>,
        observer: &mut dyn WatchObserver,
    ) -> Result<Option<Summary>, EngineError> {
        let Some(_turn) = self.turns.take_for_update(control) else { return Ok(None) };
        // Some may have left the library since they were asked for, or their drives went away.
        let known = self.roots()?;
        let there = self.are_there(&options.roots);
        let is_there = |(root, there): &(&PathBuf, bool)| *there && known.contains(root);
        let roots = options.roots.iter().zip(there).filter(is_there).map(|(root, _)| root.clone()).collect();
        let options = &IngestOptions { roots, ..options.clone() };
        let is_known = |(folder, _): (&Path, _)| options.roots.iter().any(|root| folder.starts_with(root));
        let any = options.scope.as_ref().map_or(!options.roots.is_empty(), |scope| scope.folders().any(is_known));
        if !any {
            return Ok(Some(Summary::default())); // or its drive went away
        }
        let serving = self.wait_until_open()?.manifest().model;
        if !self.chosen()?.info().has_images_of(&serving) {
            let reason = format!(
                "the library was made with the model {}, and changes are not followed with another one; run `glimpse \
                 index` with the new model first",
                serving.name
            );
            return Err(EngineError::BadRequest(reason));
        }
        let began = Timestamp::now();
        let ended = self.run_alone(options, control.cancel_flag(), Some(control), &mut Heard(observer));
        let is_of_note = |summary: &Summary| Update { folders: Vec::new(), summary: summary.clone() }.is_of_note();
        if ended.as_ref().map_or(true, is_of_note) {
            self.note_run(began, RunBy::Watch, &changed(options), &ended);
        }
        ended.map(Some)
    }

    /// The library's folders: those that are there, and those whose drive is away.
    fn roots_there_and_away(&self) -> Result<(Vec<PathBuf>, Vec<PathBuf>), EngineError> {
        let roots = match self.roots() {
            Err(error) if error.is_empty_library() => return Ok(Default::default()),
            Err(EngineError::Opening) => return Ok(Default::default()),
            roots => roots?,
        };
        let is_there = self.are_there(&roots);
        let (there, away): (Vec<_>, Vec<_>) = roots.into_iter().zip(is_there).partition(|(_, is_there)| *is_there);
        let paths = |roots: Vec<(PathBuf, bool)>| roots.into_iter().map(|(root, _)| root).collect();
        Ok((paths(there), paths(away)))
    }
}

/// One line for each folder that went away since it was looked at last, or came back.
fn tell_of_drives(there: &[PathBuf], away: &[PathBuf], away_before: &[PathBuf], observer: &mut dyn WatchObserver) {
    for root in away.iter().filter(|root| !away_before.contains(root)) {
        let root = root.display();
        observer.note(&format!("{root} is away: nothing of it is forgotten, and it is followed when it is back"));
    }
    for root in away_before.iter().filter(|root| there.contains(root)) {
        observer.note(&format!("{} is back", root.display()));
    }
}

/// What the journal names of an update.
fn changed(options: &IngestOptions) -> Vec<PathBuf> {
    let folders = |scope: &Scope| scope.folders().map(|(folder, _)| folder.to_path_buf()).collect();
    options.scope.as_ref().map_or_else(|| options.roots.clone(), folders)
}

/// Tells of an error once.
fn complain(error: &EngineError, before: &mut String, observer: &mut dyn WatchObserver) {
    let text = error.to_string();
    if text != *before {
        observer.note(&format!("{text} (it is tried again)"));
        *before = text;
    }
}

/// The part of a [`WatchObserver`] that a run knows.
struct Heard<'a>(&'a mut dyn WatchObserver);

impl Observer for Heard<'_> {
    fn found(&mut self, files: usize, complete: bool) {
        self.0.found(files, complete);
    }

    fn event(&mut self, event: &glimpse_indexer::ingest::FileEvent) {
        self.0.event(event);
    }

    fn linked(&mut self, done: usize, all: usize) {
        self.0.linked(done, all);
    }

    fn tagged(&mut self, done: usize, all: usize) {
        self.0.tagged(done, all);
    }
}
