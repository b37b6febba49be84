//! The roots of a run: those that are there, and those that the index knows and that are gone.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::{fs, io};

use crate::ingest::drives::calls::Drives;
use crate::ingest::drives::disk::is_gone;
use crate::ingest::options::IngestOptions;
use crate::{Index, IndexError};

/// Absolute paths without links, each once, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Roots {
    /// What is walked.
    pub present: Vec<PathBuf>,
    /// Removed or renamed since they were indexed: what the index has of them has vanished.
    pub gone: Vec<PathBuf>,
}

impl Roots {
    /// # Errors
    /// [`IndexError::Io`] for a root that is neither there nor known to the index.
    pub fn resolve(asked: &[PathBuf], index: Option<&Index>, drives: &Drives<'_>) -> Result<Self, IndexError> {
        let mut roots = Self::default();
        for root in asked {
            let silent = || Err(io::Error::new(io::ErrorKind::TimedOut, "the drive does not answer"));
            match drives.ask(root, |root| fs::canonicalize(root)).unwrap_or_else(silent) {
                Ok(path) => roots.present.push(path),
                Err(source) => {
                    let former = |root: &Path| is_gone(root).then(|| former_path(root)).flatten();
                    let known = drives.ask(root, former).flatten();
                    match known.filter(|path| index.is_some_and(|index| knows(index, path))) {
                        Some(path) => roots.gone.push(path),
                        None => return Err(IndexError::Io { path: root.clone(), source }),
                    }
                }
            }
        }
        for paths in [&mut roots.present, &mut roots.gone] {
            paths.sort();
            paths.dedup();
        }
        Ok(roots)
    }
}

impl IngestOptions {
    /// Whether [`crate::ingest::ingest`] into `index` (a new one if absent) would find its roots,
    /// to be known before an index is made for it.
    ///
    /// # Errors
    /// [`IndexError::Io`] for a root that is neither there nor known to the index.
    pub fn check_roots(&self, index: Option<&Index>) -> Result<(), IndexError> {
        let cancel = AtomicBool::new(false);
        let known = index.map(|index| index.manifest().roots).unwrap_or_default();
        Roots::resolve(&self.roots, index, &Drives::new(known, &cancel)).map(drop)
    }
}

/// What [`fs::canonicalize`] gave while `path` was there: the folders above it that still are there
/// may be links.
fn former_path(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let (above, below) = path.ancestors().skip(1).find_map(|above| {
        let real = fs::canonicalize(above).ok()?;
        Some((real, path.strip_prefix(above).ok()?))
    })?;
    Some(above.join(below))
}

/// A root of earlier runs, or something with files below it.
fn knows(index: &Index, path: &Path) -> bool {
    index.manifest().roots.iter().any(|root| root == path)
        || index.files_under(path).is_ok_and(|files| !files.is_empty())
}

/// Forgets roots of which nothing is left, neither on disk nor in the index.
pub(crate) fn drop_empty(index: &Index, drives: &Drives<'_>) -> Result<(), IndexError> {
    for root in index.manifest().roots {
        if !index.has_files_under(&root) && drives.is_gone(&root) {
            index.remove_root(&root)?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_gone_is_what_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        fs::create_dir(base.join("real")).unwrap();
        assert_eq!(former_path(&base.join("real/a/b")), Some(base.join("real/a/b")));
        assert_eq!(former_path(&base.join("real/./a")), Some(base.join("real/a")));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(base.join("real"), base.join("link")).unwrap();
            assert_eq!(former_path(&base.join("link/a/b")), Some(base.join("real/a/b")));
        }
        assert!(matches!(
            Roots::resolve(&[base.join("none")], None, &Drives::new(Vec::new(), &AtomicBool::new(false))),
            Err(IndexError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound
        ));
    }
}
