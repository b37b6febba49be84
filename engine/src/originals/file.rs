//! A file that is open, read step by step.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use glimpse_encoder::files;
use glimpse_indexer::{ContentHash, ContentHasher, FileRecord};
use parking_lot::Mutex;

use super::Originals;
use crate::EngineError;

/// Bytes of a call that reads.
const STEP: usize = 4 << 20;

/// The file of an image. No call waits for a drive that does not answer.
#[derive(Clone)]
pub struct Original {
    originals: Arc<Originals>,
    folder: PathBuf,
    path: PathBuf,
    file: Arc<Mutex<File>>,
    state: State,
}

/// What tells one state of a file from another at the cost of a stat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct State {
    bytes: u64,
    /// Device and number of the file, 0 where the system tells none.
    file: (u64, u64),
    /// Nanoseconds since 1970 of the last change of the content, as programs may set it.
    modified: i128,
    /// The same of content or facts, as the system notes it; that of its making where there is
    /// none.
    changed: i128,
}

impl Original {
    /// Opens a regular file; anything else is [`EngineError::Changed`], since no image is one.
    pub(crate) fn open(originals: &Arc<Originals>, path: &Path, folder: &Path) -> Result<Self, EngineError> {
        let asked = path.to_path_buf();
        let opened = originals.call(folder, path, move || open_regular(&asked))?;
        let (file, facts) = opened.ok_or_else(|| EngineError::Changed { path: path.to_path_buf() })?;
        Ok(Self {
            originals: Arc::clone(originals),
            folder: folder.to_path_buf(),
            path: path.to_path_buf(),
            file: Arc::new(Mutex::new(file)),
            state: State::of(&facts),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its length in bytes when it was opened.
    pub fn len(&self) -> u64 {
        self.state.bytes
    }

    /// True if it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `count` bytes from byte `from` on, or fewer where the file ends.
    ///
    /// # Errors
    /// [`EngineError::Io`] or [`EngineError::Unreachable`].
    pub fn read(&self, from: u64, count: usize) -> Result<Vec<u8>, EngineError> {
        let file = Arc::clone(&self.file);
        self.originals.call(&self.folder, &self.path, move || {
            let mut file = file.lock();
            file.seek(SeekFrom::Start(from))?;
            let mut bytes = Vec::with_capacity(count);
            (&mut *file).take(count as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        })
    }

    /// All its bytes, `limit` of them at most.
    ///
    /// # Errors
    /// As [`Original::read`].
    pub fn read_all(&self, limit: u64) -> Result<Vec<u8>, EngineError> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.len().min(limit)).unwrap_or(0));
        self.steps(limit, |step| bytes.extend_from_slice(step))?;
        Ok(bytes)
    }

    /// The hash of its bytes.
    pub(crate) fn content(&self) -> Result<ContentHash, EngineError> {
        let mut hasher = ContentHasher::default();
        self.steps(u64::MAX, |step| hasher.update(step))?;
        Ok(hasher.finish())
    }

    /// True if size and times are those that were recorded, among them the time of change that the
    /// system notes.
    pub(crate) fn is_as_recorded(&self, file: &FileRecord) -> bool {
        let State { bytes, modified, changed, .. } = self.state;
        let recorded = (file.bytes, i128::from(file.modified), i128::from(file.changed));
        file.changed != 0 && (bytes, modified, changed) == recorded
    }

    /// How it was when it was opened.
    pub(super) fn state(&self) -> State {
        self.state
    }

    fn steps(&self, limit: u64, mut take: impl FnMut(&[u8])) -> Result<(), EngineError> {
        let mut at = 0;
        while at < limit {
            let step = self.read(at, usize::try_from(limit - at).unwrap_or(STEP).min(STEP))?;
            if step.is_empty() {
                break;
            }
            take(&step);
            at += step.len() as u64;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Original {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Original").field("path", &self.path).field("state", &self.state).finish_non_exhaustive()
    }
}

impl State {
    #[cfg(unix)]
    fn of(facts: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let changed = i128::from(facts.ctime()) * 1_000_000_000 + i128::from(facts.ctime_nsec());
        Self { bytes: facts.len(), file: (facts.dev(), facts.ino()), modified: nanoseconds(facts.modified()), changed }
    }

    #[cfg(not(unix))]
    fn of(facts: &Metadata) -> Self {
        let (modified, changed) = (nanoseconds(facts.modified()), nanoseconds(facts.created()));
        Self { bytes: facts.len(), file: (0, 0), modified, changed }
    }
}

fn nanoseconds(time: io::Result<SystemTime>) -> i128 {
    let Ok(time) = time else { return 0 };
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => after.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    }
}

/// `None` if it is no regular file.
fn open_regular(path: &Path) -> io::Result<Option<(File, Metadata)>> {
    match files::open(path) {
        Ok(file) => file.metadata().map(|facts| Some((file, facts))),
        Err(error) if matches!(error.kind(), ErrorKind::IsADirectory | ErrorKind::InvalidInput) => Ok(None),
        Err(error) => Err(error),
    }
}
