//! Which folders answer. One that does not is left alone for a while, then tried by one call (a
//! circuit breaker).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How long a folder that did not answer is left alone before it is tried again; each try that
/// fails makes it four times as long.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause: a try that hangs may keep its thread as long as the process lives.
const LONGEST_PAUSE: Duration = Duration::from_secs(30 * 60);
/// Calls to one folder that are under way, those that hang included.
pub(super) const MOST_CALLS: usize = 24;

/// The folders to which calls are under way, or that did not answer.
#[derive(Default)]
pub(super) struct Breaker(Mutex<HashMap<PathBuf, Folder>>);

#[derive(Default)]
struct Folder {
    calls: usize,
    /// It did not answer.
    silent: Option<Silent>,
}

/// Of a folder that did not answer.
struct Silent {
    /// Until then it is left alone.
    until: Instant,
    /// The pause after the next try, if that fails.
    next_pause: Duration,
}

/// A call that was let through; dropped when it has come back, which says that the folder answers.
pub(super) struct Ticket {
    breaker: Arc<Breaker>,
    folder: PathBuf,
    is_retry: bool,
}

impl Breaker {
    /// `None` if the folder is left alone at the moment.
    pub fn admit(self: &Arc<Self>, path: &Path) -> Option<Ticket> {
        let mut folders = self.0.lock();
        let folder = folders.entry(path.to_path_buf()).or_default();
        if folder.calls >= MOST_CALLS {
            return None;
        }
        if let Some(silent) = &mut folder.silent {
            let now = Instant::now();
            if now < silent.until {
                return None;
            }
            silent.until = now + silent.next_pause; // this call tries whether it answers again
            silent.next_pause = LONGEST_PAUSE.min(silent.next_pause * 4);
        }
        folder.calls += 1;
        let is_retry = folder.silent.is_some();
        Some(Ticket { folder: path.to_path_buf(), breaker: Arc::clone(self), is_retry })
    }

    /// A call hangs, or said that the drive is away: the folder is left alone for a while.
    pub fn leave_alone(&self, path: &Path) {
        let first = || Silent { until: Instant::now() + FIRST_PAUSE, next_pause: FIRST_PAUSE * 4 };
        self.0.lock().entry(path.to_path_buf()).or_default().silent.get_or_insert_with(first);
    }
}

impl Ticket {
    /// True if the folder did not answer before.
    pub fn is_retry(&self) -> bool {
        self.is_retry
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut folders = self.breaker.0.lock();
        if let Some(folder) = folders.get_mut(&self.folder) {
            folder.calls -= 1;
            folder.silent = None;
            if folder.calls == 0 {
                folders.remove(&self.folder);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_left_alone_after_a_call_hung_and_asked_again_after_it_returned() {
        let breaker = Arc::new(Breaker::default());
        let admit = |path: &str| breaker.admit(Path::new(path));
        let hung = admit("/a").unwrap();
        breaker.leave_alone(Path::new("/a"));
        assert!(admit("/a").is_none());
        drop(admit("/b").unwrap());
        drop(hung);
        drop(admit("/a").unwrap());
        assert!(breaker.0.lock().is_empty(), "nothing is remembered of folders that answer");
    }

    #[test]
    fn after_the_pause_one_call_tries_and_pauses_grow() {
        let breaker = Arc::new(Breaker::default());
        let admit = || breaker.admit(Path::new("/a"));
        let _hung = admit().unwrap();
        breaker.leave_alone(Path::new("/a"));
        let mut pauses = Vec::new();
        let mut hung = Vec::new();
        for _ in 0..6 {
            assert!(admit().is_none(), "it is left alone");
            let mut folders = breaker.0.lock();
            let silent = folders.get_mut(Path::new("/a")).unwrap().silent.as_mut().unwrap();
            pauses.push(silent.until.saturating_duration_since(Instant::now()).as_secs_f32().round());
            silent.until = Instant::now();
            drop(folders);
            let retry = admit().unwrap();
            assert!(retry.is_retry());
            breaker.leave_alone(Path::new("/a")); // it hangs as well
            hung.push(retry);
        }
        assert_eq!(pauses, [30.0, 120.0, 480.0, 1800.0, 1800.0, 1800.0], "s");
        hung.clear();
        assert!(admit().is_some_and(|ticket| !ticket.is_retry()), "one that came back says that it answers");
    }

    #[test]
    fn calls_to_one_folder_are_bounded() {
        let breaker = Arc::new(Breaker::default());
        let all: Vec<_> = std::iter::from_fn(|| breaker.admit(Path::new("/a"))).collect();
        assert_eq!(all.len(), MOST_CALLS);
        assert!(breaker.admit(Path::new("/b")).is_some());
    }
}
