//! The system's own watching of folders, one way for all systems (`notify`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use notify::{Config, EventHandler, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::heard::Heard;

/// What tells a folder from another one that takes its place: device and number.
type Identity = Option<(u64, u64)>;

/// Watched roots.
#[derive(Debug)]
pub(super) struct System {
    /// `None` if the system watches nothing at all.
    watcher: Option<RecommendedWatcher>,
    watched: BTreeMap<PathBuf, Identity>,
}

impl System {
    /// # Errors
    /// Why nothing can be watched, in words; folders are then looked through now and then.
    pub fn new(heard: impl EventHandler) -> (Self, Option<String>) {
        // Links are followed by the walk, which knows where they may lead.
        let watcher = RecommendedWatcher::new(heard, Config::default().with_follow_symlinks(false));
        let (watcher, problem) = match watcher {
            Ok(watcher) => (Some(watcher), None),
            Err(error) => (None, Some(format!("this system watches no folders: {error}"))),
        };
        (Self { watcher, watched: BTreeMap::new() }, problem)
    }

    /// Ends the watch of all other folders.
    pub fn keep(&mut self, is_wanted: impl Fn(&Path) -> bool) {
        let unwanted: Vec<PathBuf> = self.watched.keys().filter(|root| !is_wanted(root)).cloned().collect();
        for root in unwanted {
            self.forget(&root);
        }
    }

    /// True if a root is watched, and still the folder that it was.
    pub fn watches(&self, root: &Path) -> bool {
        self.watched.get(root).is_some_and(|known| *known == identity(root))
    }

    /// Watches a root anew, with all that is below it by now.
    pub fn watch(&mut self, root: &Path) -> Result<(), Heard> {
        self.forget(root);
        let Some(watcher) = &mut self.watcher else { return Err(Heard::Failed("it is not watched".to_owned())) };
        let watched = watcher.watch(root, RecursiveMode::Recursive);
        self.watched.insert(root.to_path_buf(), identity(root));
        match watched {
            Ok(()) => Ok(()),
            Err(error) => Err(Heard::of(&Err(error), |_| false)),
        }
    }

    fn forget(&mut self, root: &Path) {
        if self.watched.remove(root).is_some()
            && let Some(watcher) = &mut self.watcher
        {
            let _ = watcher.unwatch(root); // a folder that is gone is not watched any more
        }
    }
}

#[cfg(unix)]
fn identity(root: &Path) -> Identity {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(root).ok().map(|facts| (facts.dev(), facts.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Path) -> Identity {
    None
}
