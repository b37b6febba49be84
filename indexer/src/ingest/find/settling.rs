//! Files that somebody may still be writing are left for a later run.
//!
//! A file is settled once its size and its times have stayed the same for a while. One whose times
//! are older than that is settled at once; any other has to be seen twice in the same state, so
//! long apart. Clocks of network drives that go wrong therefore cost patience and nothing else.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

use crate::ingest::decode::read::{Stat, nanoseconds};

/// So many files are remembered; more are held back as if they had not been seen before.
const MOST: usize = 100_000;

/// What runs that follow one another know of files that are being written.
#[derive(Debug, Clone)]
pub struct Settling(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    quiet: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Files that are not settled, as they were seen, and since when.
    seen: HashMap<PathBuf, (Stat, Instant)>,
    /// Their folders.
    held: BTreeSet<PathBuf>,
}

/// A moment on both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub instant: Instant,
    /// Nanoseconds since 1970.
    pub wall: i64,
}

impl Moment {
    fn now() -> Self {
        Self { instant: Instant::now(), wall: nanoseconds(SystemTime::now()) }
    }
}

impl Settling {
    /// Files have to stay as they are for so long.
    pub fn new(quiet: Duration) -> Self {
        Self(Arc::new(Inner { quiet, state: Mutex::default() }))
    }

    /// The folders of the files that were held back since the last call.
    pub fn take_held(&self) -> BTreeSet<PathBuf> {
        std::mem::take(&mut self.0.state.lock().held)
    }

    /// True if a file in this state is to be left for a later run, which is noted.
    pub(crate) fn holds_back(&self, path: &Path, stat: Stat) -> bool {
        self.holds_back_at(path, stat, Moment::now())
    }

    fn holds_back_at(&self, path: &Path, stat: Stat, now: Moment) -> bool {
        let Inner { quiet, state } = &*self.0;
        let mut state = state.lock();
        let age = now.wall.saturating_sub(stat.modified.max(stat.changed));
        let is_old = u128::try_from(age).is_ok_and(|age| age >= quiet.as_nanos());
        let is_same = state
            .seen
            .get(path)
            .is_some_and(|(seen, since)| *seen == stat && now.instant.saturating_duration_since(*since) >= *quiet);
        if is_old || is_same {
            state.seen.remove(path);
            return false;
        }
        if state.seen.get(path).is_none_or(|(seen, _)| *seen != stat) {
            if state.seen.len() >= MOST {
                state.seen.clear();
            }
            state.seen.insert(path.to_path_buf(), (stat, now.instant));
        }
        state.held.extend(path.parent().map(Path::to_path_buf));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn stat(bytes: u64, modified: i64) -> Stat {
        Stat { bytes, modified, changed: modified }
    }

    #[test]
    fn a_file_that_grows_is_waited_for() {
        let settling = Settling::new(Duration::from_secs(3));
        let start = Instant::now();
        let (path, folder) = (Path::new("/r/a.jpg"), PathBuf::from("/r"));
        let held = |bytes, written, seconds: u64| {
            let now = Moment { instant: start + Duration::from_secs(seconds), wall: seconds as i64 * SECOND };
            settling.holds_back_at(path, stat(bytes, written * SECOND), now)
        };
        assert!(held(10, 100, 100) && held(20, 102, 102) && held(30, 104, 104) && held(30, 104, 106));
        assert_eq!(settling.take_held(), [folder].into());
        assert!(!held(30, 104, 107), "it is three seconds old");
        assert!(settling.take_held().is_empty());
    }

    #[test]
    fn a_clock_that_goes_wrong_costs_patience_only() {
        let settling = Settling::new(Duration::from_secs(3));
        let start = Instant::now();
        let held = |bytes, seconds: u64| {
            let now = Moment { instant: start + Duration::from_secs(seconds), wall: seconds as i64 * SECOND };
            settling.holds_back_at(Path::new("/r/a.jpg"), stat(bytes, 5000 * SECOND), now)
        };
        assert!(held(10, 0) && held(10, 2) && held(11, 3) && held(11, 5));
        assert!(!held(11, 6), "it was seen the same for three seconds");
    }
}
