//! Questions about files whose drive may not answer: a network share whose server is gone makes
//! whoever asks wait for ever.
//!
//! The folders of a run were walked a moment ago; files in other folders of the library, which hold
//! the same images, may be anywhere. So each question is put on a thread of its own ([`Detached`]).
//! A root that did not answer is not asked again in this run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;

use super::detached::{Detached, Left};
use super::disk;

/// How long one answer may take. A sleeping disk needs some seconds to spin up.
const PATIENCE: Duration = Duration::from_secs(8);

/// The drives below the roots of a library, as far as one run knows them.
#[derive(Debug)]
pub(crate) struct Drives<'a> {
    cancel: &'a AtomicBool,
    roots: Vec<PathBuf>,
    /// Roots, or single files outside of them, that did not answer.
    silent: Mutex<BTreeSet<PathBuf>>,
    calls: Detached,
}

impl<'a> Drives<'a> {
    /// Of a library with these roots. Nobody is waited for once `cancel` is set.
    pub fn new(roots: Vec<PathBuf>, cancel: &'a AtomicBool) -> Self {
        Self::waiting_for(PATIENCE, roots, cancel)
    }

    fn waiting_for(patience: Duration, roots: Vec<PathBuf>, cancel: &'a AtomicBool) -> Self {
        Self { cancel, roots, silent: Mutex::default(), calls: Detached::new(patience) }
    }

    /// What `question` gives for a path; `None` if its drive does not answer, or the run is over.
    pub fn ask<T: Send + 'static>(&self, path: &Path, question: impl FnOnce(&Path) -> T + Send + 'static) -> Option<T> {
        let root = self.roots.iter().find(|root| path.starts_with(root)).map_or(path, PathBuf::as_path);
        if self.silent.lock().contains(root) {
            return None;
        }
        let asked = path.to_path_buf();
        let is_over = || self.cancel.load(Relaxed);
        match self.calls.call(path, is_over, move || disk::counted(|| question(&asked))) {
            Ok((answer, calls)) => {
                disk::add(calls);
                Some(answer)
            }
            Err(Left::TooLong) => {
                self.silent.lock().insert(root.to_path_buf());
                None
            }
            Err(Left::Cancelled | Left::Broken(_)) => None,
        }
    }

    /// True if there certainly is nothing at `path` any more.
    pub fn is_gone(&self, path: &Path) -> bool {
        self.ask(path, disk::is_gone).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_root_that_does_not_answer_is_asked_once_and_others_as_ever() {
        let cancel = AtomicBool::new(false);
        let roots = vec![PathBuf::from("/dead"), PathBuf::from("/alive")];
        let drives = Drives::waiting_for(Duration::from_millis(100), roots, &cancel);
        let start = Instant::now();
        let hang = |path: &str| drives.ask(Path::new(path), |_| std::thread::sleep(Duration::from_secs(600)));
        assert_eq!(hang("/dead/a"), None);
        assert!(start.elapsed() >= Duration::from_millis(100));
        assert_eq!(drives.ask(Path::new("/dead/b"), |_| 7), None, "nobody waits for it again");
        assert_eq!(drives.ask(Path::new("/alive/b"), |path| path.to_path_buf()), Some(PathBuf::from("/alive/b")));
        assert!(!drives.is_gone(Path::new("/dead/c")), "what nobody knows is not gone");
        assert!(drives.is_gone(Path::new("/alive/c")));
    }

    #[test]
    fn who_stops_a_run_does_not_wait() {
        let cancel = AtomicBool::new(true);
        let drives = Drives::new(vec![PathBuf::from("/slow")], &cancel);
        let start = Instant::now();
        let hangs = |_: &Path| std::thread::sleep(Duration::from_secs(600));
        assert_eq!(drives.ask(Path::new("/slow/a"), hangs), None);
        assert!(start.elapsed() < PATIENCE);
        cancel.store(false, Relaxed);
        assert_eq!(drives.ask(Path::new("/slow/a"), |_| 7), Some(7), "it was not the drive's fault");
    }
}
