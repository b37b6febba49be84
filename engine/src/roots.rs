//! The folders of the library: forgetting one, and looking for others.

use std::path::{Path, PathBuf};

use glimpse_indexer::IndexError;

use crate::{Cancel, Engine, EngineError};

/// Folders of a folder that are listed.
const MOST_FOLDERS: usize = 5_000;
/// Files that are forgotten between two commits.
const STEP: usize = 1_000;

impl Engine {
    /// Forgets a folder that was indexed with its images, whose files stay as they are; how many
    /// files were forgotten. Those that another folder of the library holds too are kept. If it is
    /// given up half-way, the folder is still of the library, with fewer images.
    ///
    /// # Errors
    /// [`EngineError::BadRequest`] if it is no folder of the library, [`EngineError::Busy`] while
    /// folders are indexed; if the store fails, or the request is given up ([`Cancel`]).
    pub fn forget_root(&self, root: &Path) -> Result<usize, EngineError> {
        let _running = self.turns.claim()?;
        let index = self.writable()?;
        let roots = index.manifest().roots;
        if !roots.iter().any(|known| known == root) {
            return Err(EngineError::BadRequest(format!("{} is no folder of the library", root.display())));
        }
        let others: Vec<&PathBuf> = roots.iter().filter(|other| *other != root).collect();
        let (mut forgotten, cancel) = (0, Cancel::current());
        for file in index.files_under(root)? {
            if others.iter().any(|other| file.path.starts_with(other)) {
                continue;
            }
            cancel.check()?;
            index.remove_file(&file.path)?;
            forgotten += 1;
            if forgotten % STEP == 0 {
                index.commit()?;
            }
        }
        index.remove_root(root)?;
        index.finish()?;
        Ok(forgotten)
    }

    /// The folders in a folder, by name: at most 5,000, without hidden ones, links, and those whose
    /// names are no text.
    ///
    /// # Errors
    /// [`EngineError::Io`] if it cannot be read, [`EngineError::Unreachable`] if it does not
    /// answer.
    pub fn folders_in(&self, folder: &Path) -> Result<Vec<PathBuf>, EngineError> {
        let asked = folder.to_path_buf();
        self.originals.call(folder, folder, move || {
            let mut folders = Vec::new();
            for entry in std::fs::read_dir(&asked)?.flatten() {
                let name = entry.file_name();
                let is_shown = name.to_str().is_some_and(|name| !name.starts_with('.'));
                if is_shown && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(asked.join(name));
                }
            }
            folders.sort_by_cached_key(|path| path.to_string_lossy().to_lowercase());
            folders.truncate(MOST_FOLDERS);
            Ok(folders)
        })
    }

    /// The index that serves, if it can be changed.
    pub(crate) fn writable(&self) -> Result<std::sync::Arc<crate::served::Served>, EngineError> {
        let index = self.serving()?;
        match self.library.obstacle() {
            Some(reason) => Err(IndexError::ReadOnly { dir: self.library.home().to_path_buf(), reason }.into()),
            None => Ok(index),
        }
    }
}

/// A path whose leading `~` is the user's own folder.
pub fn expand_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), directories::BaseDirs::new()) {
        (Ok(rest), Some(dirs)) => dirs.home_dir().join(rest),
        _ => path.to_path_buf(),
    }
}
