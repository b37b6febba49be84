//! The user's own files: opened, read and looked at without ever waiting for a drive that does not
//! answer.
//!
//! Folders of images may lie on a network share or a disk that is away, where any call of the
//! file system can hang. Each call is made on a thread of its own ([`calls`]) and is waited for a
//! few seconds at most. A folder that did not answer in time is left alone for a while
//! ([`breaker`]), so that neither the callers nor the threads are used up by it.

mod breaker;
mod calls;
mod file;
mod verified;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use glimpse_encoder::image_file::Limits;
use glimpse_indexer::{ContentHash, FileRecord, ImageId, ImageRecord};

use crate::{Engine, EngineError};
use breaker::Breaker;
use calls::{Calls, NoAnswer};
pub use file::Original;
use verified::Verified;

/// How long one call may take. A sleeping disk needs some seconds to spin up.
const CALL_TIME: Duration = Duration::from_secs(8);
/// Paths that are looked at in one call.
const LOOKED_AT: usize = 100;

/// Calls on the file system for the user's folders.
pub(crate) struct Originals {
    calls: Calls,
    breaker: Arc<Breaker>,
    verified: Verified,
    call_time: Duration,
}

impl Originals {
    pub fn new() -> Self {
        Self::with_call_time(CALL_TIME)
    }

    fn with_call_time(call_time: Duration) -> Self {
        Self { calls: Calls::new(), breaker: Arc::default(), verified: Verified::new(), call_time }
    }

    /// What a call on the file system gives, made on another thread. `folder` is what is left alone
    /// for a while if the call hangs.
    ///
    /// # Errors
    /// [`EngineError::Unreachable`] if the folder does not answer; [`EngineError::Io`] with `path`
    /// if the call fails.
    fn call<T: Send + 'static>(
        &self,
        folder: &Path,
        path: &Path,
        call: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, EngineError> {
        let unreachable = || EngineError::Unreachable { folder: folder.to_path_buf() };
        let ticket = self.breaker.admit(folder).ok_or_else(unreachable)?;
        let made = self.calls.run(self.call_time, move || {
            let _ticket = ticket; // given back when the call is, however late that is
            call()
        });
        let hangs = match &made {
            Ok(made) => made.as_ref().is_err_and(is_of_mount),
            Err(why) => *why == NoAnswer::Late,
        };
        if hangs {
            self.breaker.leave_alone(folder);
            return Err(unreachable());
        }
        let made = made.map_err(|_| unreachable())?;
        made.map_err(|source| EngineError::Io { path: path.to_path_buf(), source })
    }
}

/// True for errors that concern the whole mount, most of which took long to come.
fn is_of_mount(error: &io::Error) -> bool {
    use io::ErrorKind::{HostUnreachable, NetworkDown, NetworkUnreachable, NotConnected};
    use io::ErrorKind::{StaleNetworkFileHandle, TimedOut};
    let kinds = [HostUnreachable, NetworkDown, NetworkUnreachable, NotConnected, TimedOut];
    kinds.contains(&error.kind()) || error.kind() == StaleNetworkFileHandle
}

impl Engine {
    /// Opens the file of an image, which still has the content that was indexed. Of several
    /// copies, the first that has.
    ///
    /// # Errors
    /// [`EngineError::Changed`] if the file has other content now, [`EngineError::Io`] if it cannot
    /// be read, [`EngineError::Unreachable`] if its folder does not answer.
    pub fn original(&self, id: ImageId) -> Result<Original, EngineError> {
        let record = self.image(id)?;
        self.first_copy(&record, |file| self.open_unchanged(&record, file))
    }

    /// The bytes of an image's file, which are those that were indexed.
    ///
    /// # Errors
    /// As [`Engine::original`].
    pub fn original_bytes(&self, id: ImageId) -> Result<Vec<u8>, EngineError> {
        let record = self.image(id)?;
        self.first_copy(&record, |file| {
            let original = self.open_file(file)?;
            if original.len() != record.bytes {
                return Err(EngineError::Changed { path: file.path.clone() });
            }
            let bytes = original.read_all(Limits::default().max_bytes)?;
            if ContentHash::of(&bytes) != record.content {
                return Err(EngineError::Changed { path: file.path.clone() });
            }
            Ok(bytes)
        })
    }

    /// Which of some paths are there; those that cannot be looked at now are not.
    pub fn are_there(&self, paths: &[PathBuf]) -> Vec<bool> {
        let roots = self.roots().unwrap_or_default();
        let mut there = Vec::with_capacity(paths.len());
        for some in paths.chunk_by(|a, b| folder_of(a, &roots) == folder_of(b, &roots)) {
            let folder = folder_of(&some[0], &roots);
            for some in some.chunks(LOOKED_AT) {
                let asked = some.to_vec();
                let look = move || Ok(asked.iter().map(|path| path.exists()).collect::<Vec<bool>>());
                let found = self.originals.call(&folder, &some[0], look);
                there.extend(found.unwrap_or_else(|_| vec![false; some.len()]));
            }
        }
        there
    }

    /// The path of a file or folder without links in it.
    ///
    /// # Errors
    /// [`EngineError::Io`] if it is not there, [`EngineError::Unreachable`] if its folder does not
    /// answer.
    pub fn real_path(&self, path: &Path) -> Result<PathBuf, EngineError> {
        let folder = folder_of(path, &self.roots().unwrap_or_default());
        let asked = path.to_path_buf();
        self.originals.call(&folder, path, move || asked.canonicalize())
    }

    /// What `open` gives of the first copy of an image for which it works; else the first error.
    fn first_copy<T>(
        &self,
        record: &ImageRecord,
        open: impl Fn(&FileRecord) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let files = self.serving()?.files_of(record.id)?;
        let mut first = None;
        for file in &files {
            match open(file) {
                Ok(opened) => return Ok(opened),
                Err(error) => _ = first.get_or_insert(error),
            }
        }
        let none = || EngineError::BadRequest(format!("the files of image {} are missing", record.id));
        Err(first.unwrap_or_else(none))
    }

    /// Opens a file that has an image's content. What was read once is known by the file's state.
    fn open_unchanged(&self, record: &ImageRecord, file: &FileRecord) -> Result<Original, EngineError> {
        let original = self.open_file(file)?;
        let changed = || EngineError::Changed { path: file.path.clone() };
        if original.len() != record.bytes {
            return Err(changed());
        }
        if self.originals.verified.has(&original, &record.content) {
            return Ok(original);
        }
        if original.content()? != record.content {
            return Err(changed());
        }
        self.originals.verified.note(&original, &record.content);
        Ok(original)
    }

    fn open_file(&self, file: &FileRecord) -> Result<Original, EngineError> {
        let folder = folder_of(&file.path, &self.roots()?);
        Original::open(&self.originals, &file.path, &folder)
    }
}

/// The root that a path is in, which stands for its drive; for other paths, the folder that holds
/// it.
fn folder_of(path: &Path, roots: &[PathBuf]) -> PathBuf {
    let root = roots.iter().filter(|root| path.starts_with(root)).max_by_key(|root| root.as_os_str().len());
    root.map_or_else(|| path.parent().unwrap_or(path).to_path_buf(), Clone::clone)
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::{File, OpenOptions};
    use std::time::Instant;

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
