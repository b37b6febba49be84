//! The user's own files: opened, read and looked at without ever waiting for a drive that does not
//! answer.
//!
//! Folders of images may lie on a network share or a disk that is away, where any call of the
//! file system can hang. Each call is made on a thread of its own ([`calls`]) and is waited for a
//! few seconds at most. A drive that did not answer in time is left alone for a while
//! ([`breaker`]), so that neither the callers nor the threads are used up by it.

mod breaker;
mod calls;
mod drives;
mod file;
mod verified;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use crate::EngineError;
use breaker::Breaker;
use calls::Calls;
use drives::Drives;
pub use file::Original;
use verified::Verified;

/// How long one call may take. A sleeping disk needs some seconds to spin up.
const CALL_TIME: Duration = Duration::from_secs(8);

/// Calls on the file system for the user's folders.
pub(crate) struct Originals {
    calls: Calls,
    breaker: Arc<Breaker>,
    drives: Drives,
    /// Contents of files that were read once.
    pub verified: Verified,
    call_time: Duration,
}

impl Originals {
    pub fn new() -> Self {
        Self::with_call_time(CALL_TIME)
    }

    fn with_call_time(call_time: Duration) -> Self {
        Self {
            calls: Calls::new(),
            breaker: Arc::default(),
            drives: Drives::default(),
            verified: Verified::new(),
            call_time,
        }
    }

    /// What a call on the file system gives, made on another thread. The drive of `folder` is left
    /// alone for a while if the call hangs.
    ///
    /// # Errors
    /// [`EngineError::Unreachable`] if the folder does not answer; [`EngineError::Io`] with `path`
    /// if the call fails.
    pub fn call<T: Send + 'static>(
        &self,
        folder: &Path,
        path: &Path,
        call: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, EngineError> {
        self.begin(folder, path, call).wait()
    }

    /// Begins such a call: who has several folders to ask begins with all and waits once.
    pub fn begin<T: Send + 'static>(
        &self,
        folder: &Path,
        path: &Path,
        call: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Pending<T> {
        let drive = self.drives.of(folder);
        let answer = self.breaker.admit(&drive).and_then(|ticket| {
            self.calls.begin(ticket.is_retry(), move || {
                let _ticket = ticket; // given back when the call is, however late that is
                call()
            })
        });
        Pending {
            answer,
            drive,
            folder: folder.to_path_buf(),
            path: path.to_path_buf(),
            until: Instant::now() + self.call_time,
            breaker: Arc::clone(&self.breaker),
        }
    }
}

/// A call that was begun.
pub(crate) struct Pending<T> {
    /// `None` if it was not made: the drive is left alone at the moment.
    answer: Option<Receiver<io::Result<T>>>,
    drive: PathBuf,
    folder: PathBuf,
    path: PathBuf,
    until: Instant,
    breaker: Arc<Breaker>,
}

impl<T> Pending<T> {
    /// Waits for its answer.
    ///
    /// # Errors
    /// Those of [`Originals::call`].
    pub fn wait(self) -> Result<T, EngineError> {
        let Self { answer, drive, folder, path, until, breaker } = self;
        let Some(answer) = answer else { return Err(EngineError::Unreachable { folder }) };
        match answer.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Ok(made)) => Ok(made),
            Ok(Err(source)) if !is_of_mount(&source) => Err(EngineError::Io { path, source }),
            Ok(Err(_)) | Err(_) => {
                breaker.leave_alone(&drive);
                Err(EngineError::Unreachable { folder })
            }
        }
    }
}

/// True for errors that concern the whole mount, most of which took long to come.
fn is_of_mount(error: &io::Error) -> bool {
    use io::ErrorKind::{HostUnreachable, NetworkDown, NetworkUnreachable, NotConnected};
    use io::ErrorKind::{StaleNetworkFileHandle, TimedOut};
    let kinds = [HostUnreachable, NetworkDown, NetworkUnreachable, NotConnected, TimedOut];
    kinds.contains(&error.kind()) || error.kind() == StaleNetworkFileHandle
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::{File, OpenOptions};

    use glimpse_nonempty::each;

    use super::breaker::MOST_CALLS;
    use super::*;

    /// A file in whose place a call hangs until somebody opens the other end, as on a dead mount.
    fn fifo(folder: &Path) -> PathBuf {
        let path = folder.join("hangs");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        path
    }

    #[test]
    fn a_folder_that_hangs_costs_one_wait_and_no_more_threads_than_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = fifo(folder.path());
        let originals = Originals::with_call_time(Duration::from_millis(100));
        let start = Instant::now();
        for n in 0..200 {
            let asked = path.clone();
            let answer = originals.call(folder.path(), &path, move || File::open(asked).map(drop));
            assert!(matches!(answer, Err(EngineError::Unreachable { .. })), "call {n}");
        }
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        assert_eq!(originals.calls.threads(), 1);
        let elsewhere = originals.call(Path::new("/"), Path::new("/"), || Ok(7));
        assert_eq!(elsewhere.unwrap(), 7, "other folders are as they were");

        OpenOptions::new().write(true).open(&path).unwrap(); // the drive is back
        let answered = (0..100).find_map(|_| {
            std::thread::sleep(Duration::from_millis(10));
            originals.call(folder.path(), &path, || Ok(8)).ok()
        });
        assert_eq!(answered, Some(8), "a folder that answers again is asked again");
    }

    #[test]
    fn drives_that_are_away_leave_threads_for_others_and_are_waited_for_together() {
        let folder = tempfile::tempdir().unwrap();
        let path = fifo(folder.path());
        let originals = Originals::with_call_time(Duration::from_millis(300));
        let drives: Vec<PathBuf> = (0..40).map(|n| folder.path().join(format!("drive {n}"))).collect();
        let start = Instant::now();
        for _ in 0..MOST_CALLS {
            let ask = |drive: &PathBuf| {
                let asked = path.clone();
                originals.begin(drive, &path, move || File::open(asked).map(drop))
            };
            let pending: Vec<_> = drives.iter().map(ask).collect();
            each(pending).for_each(|pending| assert!(pending.wait().is_err()));
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
        assert_eq!(originals.calls.threads(), drives.len(), "one call of each hangs");
        let elsewhere = originals.call(Path::new("/"), Path::new("/"), || Ok(7));
        assert_eq!(elsewhere.unwrap(), 7);
        // Lets go of the threads.
        OpenOptions::new().write(true).open(&path).unwrap();
    }

    #[test]
    fn what_is_no_regular_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = fifo(folder.path());
        let originals = Arc::new(Originals::new());
        let start = Instant::now();
        let refused = Original::open(&originals, &path, folder.path()).unwrap_err();
        assert!(matches!(refused, EngineError::Changed { .. }), "{refused}");
        assert!(Original::open(&originals, folder.path(), folder.path()).is_err());
        assert!(start.elapsed() < Duration::from_secs(1));
    }
}
