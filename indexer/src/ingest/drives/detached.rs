//! Calls that may never come back: decoders of damaged or hostile files, drives that hang.
//!
//! A thread cannot be stopped from outside. So each call has a thread of its own, which is left
//! behind when the call takes too long or the run is over; what it holds is freed if it ever ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};
use parking_lot::Mutex;

use crate::ingest::pipeline::guard::panic_text;

/// So many calls may be left behind and still be at work: each holds a core and perhaps a gigabyte.
pub(crate) const MOST_LEFT: usize = 8;
/// How soon a waiting thread notices that the run is over.
const TICK: Duration = Duration::from_millis(50);

/// Why a call gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Left {
    /// It did not end in time.
    TooLong,
    /// The run is over.
    Cancelled,
    /// It panicked, or no thread could be had for it; in words.
    Broken(String),
}

/// Makes calls, and knows which were left behind.
#[derive(Debug)]
pub(crate) struct Detached {
    limit: Duration,
    left: Mutex<Vec<(PathBuf, JoinHandle<()>)>>,
}

impl Detached {
    /// Each call may take so long.
    pub fn new(limit: Duration) -> Self {
        Self { limit, left: Mutex::default() }
    }

    /// Makes a call about a file on a thread of its own and waits for it: until it ends, until it
    /// took too long, or until `is_over`.
    ///
    /// # Errors
    /// [`Left`] if there is no answer.
    pub fn call<T: Send + 'static>(
        &self,
        about: &Path,
        is_over: impl Fn() -> bool,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Left> {
        let (tell, told) = bounded(1);
        let answer = move || {
            // Nobody listens any more if this took too long.
            let _ = tell.send(catch_unwind(AssertUnwindSafe(call)));
        };
        let thread = Builder::new().name("glimpse-decode".to_owned()).spawn(answer);
        let thread = thread.map_err(|error| Left::Broken(error.to_string()))?;
        let start = Instant::now();
        let why = loop {
            let left = self.limit.saturating_sub(start.elapsed());
            match told.recv_timeout(left.min(TICK)) {
                Ok(answer) => return answer.map_err(|panic| Left::Broken(panic_text(&*panic))),
                Err(RecvTimeoutError::Disconnected) => return Err(Left::Broken("internal error".to_owned())),
                Err(RecvTimeoutError::Timeout) if is_over() => break Left::Cancelled,
                Err(RecvTimeoutError::Timeout) if left.is_zero() => break Left::TooLong,
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        self.left.lock().push((about.to_path_buf(), thread));
        Err(why)
    }

    /// The files of the calls that were left behind and are still at work, if these are so many
    /// that no more should be begun.
    pub fn exhausted_by(&self) -> Option<Vec<PathBuf>> {
        let mut left = self.left.lock();
        left.retain(|(_, thread)| !thread.is_finished());
        (left.len() >= MOST_LEFT).then(|| left.iter().map(|(path, _)| path.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::each;

    use super::*;

    fn sleep() {
        std::thread::sleep(Duration::from_secs(600));
    }

    fn image() -> &'static Path {
        Path::new("a.jpg")
    }

    #[test]
    fn a_call_ends_by_itself_or_is_left_behind() {
        let calls = Detached::new(Duration::from_secs(1));
        assert_eq!(calls.call(image(), || false, || 7), Ok(7));
        assert_eq!(calls.call(image(), || false, sleep), Err(Left::TooLong));
        let broken = calls.call(image(), || false, || panic!("so it is"));
        assert_eq!(broken, Err::<(), _>(Left::Broken("so it is".into())));
        let patient = Detached::new(Duration::from_secs(600));
        let start = Instant::now();
        assert_eq!(patient.call(image(), || true, sleep), Err(Left::Cancelled));
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn those_that_ended_after_all_do_not_count() {
        let calls = Detached::new(Duration::ZERO);
        let (end, wait) = bounded::<()>(0);
        for _ in each(0..MOST_LEFT) {
            assert_eq!(calls.exhausted_by(), None);
            let wait = wait.clone();
            assert_eq!(calls.call(image(), || false, move || _ = wait.recv()), Err(Left::TooLong));
        }
        assert_eq!(calls.exhausted_by(), Some(vec![image().to_path_buf(); MOST_LEFT]));
        drop(end);
        while calls.exhausted_by().is_some() {
            std::thread::yield_now();
        }
    }
}
