//! Folders that change: what is to be looked at again, and when.
//!
//! ```text
//! the system ──events──► heard ──► marks ──► schedule ──► Task ──► an ordinary run within a scope
//!     (notify)         (a folder   (quiet     (scans, network
//!                       changed)    by now?)   drives, rests)
//! ```
//!
//! Events only mark folders, whatever else they say: what a system tells of changes differs from
//! system to system, comes late, and is lost when there is too much of it. A marked folder that has
//! been quiet for a while is looked at by [`crate::ingest::ingest`], which alone decides what is
//! new, moved or gone. All folders are looked through at the start, when events were lost, and
//! every few hours. [`WatchedFolders`] does no work of its own; its owner asks it for the next
//! [`Task`].

mod folders;
mod heard;
mod marks;
mod power;
mod schedule;
mod system;

use std::path::PathBuf;
use std::time::Duration;

use crate::ingest::Scope;

pub use self::folders::WatchedFolders;
pub use self::power::on_battery;

/// When folders that change are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchOptions {
    /// A folder is looked at when nothing has happened in it for so long, and a file is read when
    /// it has stayed the same for so long.
    pub settle: Duration,
    /// All folders are looked through so often.
    pub rescan_every: Duration,
    /// Folders of which the system tells no changes, on network drives, are looked through so
    /// often.
    pub poll_every: Duration,
    /// Hidden files and folders too.
    pub hidden: bool,
    /// Folders whose changes mean nothing, such as the library's own.
    pub ignored: Vec<PathBuf>,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(3),
            rescan_every: Duration::from_secs(6 * 3600),
            poll_every: Duration::from_secs(600),
            hidden: false,
            ignored: Vec::new(),
        }
    }
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Look through all folders.
    Scan,
    /// Look at some.
    Update(Scope),
}

#[cfg(test)]
mod tests;
