//! Which folders answer. One that does not is left alone for a while, then tried by one call (a
//! circuit breaker).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How long a folder that did not answer is left alone before it is tried again.
const PAUSE: Duration = Duration::from_secs(30);
/// Calls to one folder that are under way, those that hang included.
const MOST_CALLS: usize = 24;

/// The folders to which calls are under way, or that did not answer.
#[derive(Default)]
pub(super) struct Breaker(Mutex<HashMap<PathBuf, Folder>>);

#[derive(Default)]
struct Folder {
    calls: usize,
    /// It did not answer; until then it is left alone.
    until: Option<Instant>,
}

/// A call that was let through; dropped when it has come back, which says that the folder answers.
pub(super) struct Ticket {
    breaker: Arc<Breaker>,
    folder: PathBuf,
}

impl Breaker {
    /// `None` if the folder is left alone at the moment.
    pub fn admit(self: &Arc<Self>, path: &Path) -> Option<Ticket> {
        let mut folders = self.0.lock();
        let folder = folders.entry(path.to_path_buf()).or_default();
        let now = Instant::now();
        if folder.calls >= MOST_CALLS || folder.until.is_some_and(|until| now < until) {
            return None;
        }
        if let Some(until) = &mut folder.until {
            *until = now + PAUSE; // this call tries whether it answers again
        }
        folder.calls += 1;
        Some(Ticket { folder: path.to_path_buf(), breaker: Arc::clone(self) })
    }

    /// A call hangs, or said that the drive is away: the folder is left alone for a while.
    pub fn leave_alone(&self, path: &Path) {
        self.0.lock().entry(path.to_path_buf()).or_default().until = Some(Instant::now() + PAUSE);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut folders = self.breaker.0.lock();
        if let Some(folder) = folders.get_mut(&self.folder) {
            folder.calls -= 1;
            folder.until = None;
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
    fn after_the_pause_one_call_tries() {
        let breaker = Arc::new(Breaker::default());
        let admit = || breaker.admit(Path::new("/a"));
        let _hung = admit().unwrap();
        let until = |until| breaker.0.lock().get_mut(Path::new("/a")).unwrap().until = until;
        until(Some(Instant::now()));
        let tries = admit();
        assert!(tries.is_some() && admit().is_none());
        until(None);
        let more: Vec<_> = std::iter::from_fn(admit).collect();
        assert_eq!(more.len(), MOST_CALLS - 2, "calls to one folder are bounded");
    }
}
