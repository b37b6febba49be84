//! The lock of a library: one process at a time makes, opens or retires generations.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::time::{Duration, Instant};

use super::{Library, io};
use crate::IndexError;
use crate::private::open_private_file;

/// Opening a library takes less, unless it is very large or the process hangs.
const QUIET: Duration = Duration::from_secs(2);

/// How often the lock is tried until then.
const EVERY: Duration = Duration::from_millis(20);

/// Bytes of the lock file that are read: the number of a process.
const HOLDER_BYTES: u64 = 16;

/// Is told, with the number of the process that holds the lock if that left word.
pub(super) struct WaitHook(Box<dyn Fn(Option<u32>) + Send + Sync>);

impl fmt::Debug for WaitHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WaitHook")
    }
}

impl Library {
    /// Calls `tell` when a call has waited for two seconds until another process has made, opened
    /// or retired generations, and goes on waiting: with the number of that process, if it is
    /// known. The first one that is given counts.
    pub fn on_wait(&self, tell: impl Fn(Option<u32>) + Send + Sync + 'static) {
        let _ = self.on_wait.set(WaitHook(Box::new(tell)));
    }

    /// Waits until no other process makes, opens or retires generations here. Released when the
    /// file is closed.
    pub(super) fn lock(&self) -> Result<File, IndexError> {
        let path = self.home.join("lock");
        let locked = open_private_file(&path).and_then(|mut file| {
            self.wait_for(&mut file)?;
            // Only a word to others, for which a full drive has no room.
            let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
            Ok(file)
        });
        locked.map_err(|source| io(&path, source))
    }

    fn wait_for(&self, file: &mut File) -> std::io::Result<()> {
        let begin = Instant::now();
        while begin.elapsed() < QUIET {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => std::thread::sleep(EVERY),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        if let Some(WaitHook(tell)) = self.on_wait.get() {
            let mut holder = String::new();
            let read = (&*file).take(HOLDER_BYTES).read_to_string(&mut holder);
            tell(read.ok().and_then(|_| holder.parse().ok()));
        }
        file.lock()
    }
}
