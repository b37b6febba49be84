//! The cache on disk, in the layout that Python's `huggingface_hub` reads and writes.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::name::is_commit;
use super::{HubError, HubSettings, ModelFiles, ModelId, missing_files};

/// The branch that is meant when none is named.
pub const MAIN: &str = "main";

/// Tells the links that threads of this process make from each other.
static TURN: AtomicU64 = AtomicU64::new(0);

/// The folder that all models share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    dir: PathBuf,
}

/// A model of which something is in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedModel {
    /// Its id.
    pub id: ModelId,
    /// The commit that [`CachedModel::files`] belongs to.
    pub commit: String,
    /// Files of that commit.
    pub files: ModelFiles,
    /// Size on disk: all commits, and files that have not fully arrived.
    pub bytes_on_disk: u64,
}

impl Cache {
    /// The cache at `dir`, which need not exist yet.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The cache that the environment names.
    pub fn from_env() -> Self {
        Self::at(HubSettings::from_env().cache)
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The directory of a model that can be loaded; `revision` is a branch, tag or commit, `main`
    /// if absent.
    ///
    /// # Errors
    /// [`HubError::NotCached`], or [`HubError::Incomplete`] naming the missing files.
    pub fn find(&self, id: &ModelId, revision: Option<&str>) -> Result<PathBuf, HubError> {
        let dir = self
            .snapshot(id, revision)
            .ok_or_else(|| HubError::NotCached { id: id.clone(), cache: self.dir.clone() })?;
        let missing = missing_files(&dir);
        if missing.is_empty() { Ok(dir) } else { Err(HubError::Incomplete { id: id.clone(), dir, missing }) }
    }

    /// The directory of a revision, complete or not.
    pub fn snapshot(&self, id: &ModelId, revision: Option<&str>) -> Option<PathBuf> {
        let repo = self.repo(id);
        let revision = revision.unwrap_or(MAIN);
        let commit = match fs::read_to_string(repo.join("refs").join(revision)) {
            Ok(commit) => commit.trim().to_owned(),
            Err(_) => revision.to_owned(),
        };
        is_commit(&commit).then(|| repo.join("snapshots").join(commit)).filter(|dir| dir.is_dir())
    }

    /// All models of the cache, by id, whatever they are; [`ModelFiles::model_type`] and
    /// [`ModelFiles::missing`] tell which of them can be loaded.
    ///
    /// # Errors
    /// [`HubError::Io`] if the folder cannot be listed; a folder that does not exist is an empty
    /// cache.
    pub fn list(&self) -> Result<Vec<CachedModel>, HubError> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(HubError::io(&self.dir)(error)),
        };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut models: Vec<CachedModel> =
            names.filter_map(|name| self.describe(ModelId::from_folder(&name)?)).collect();
        models.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(models)
    }

    fn describe(&self, id: ModelId) -> Option<CachedModel> {
        let repo = self.repo(&id);
        let any = || Some(fs::read_dir(repo.join("snapshots")).ok()?.flatten().next()?.path());
        let dir = self.snapshot(&id, None).or_else(any)?;
        let commit = dir.file_name()?.to_str()?.to_owned();
        let blobs = fs::read_dir(repo.join("blobs")).into_iter().flatten().flatten();
        let bytes_on_disk = blobs.filter_map(|blob| Some(blob.metadata().ok()?.len())).sum();
        Some(CachedModel { id, commit, files: ModelFiles::of(&dir), bytes_on_disk })
    }

    pub(super) fn repo(&self, id: &ModelId) -> PathBuf {
        self.dir.join(id.folder())
    }

    /// Where the contents with this checksum belong.
    pub(super) fn blob(&self, id: &ModelId, etag: &str) -> PathBuf {
        self.repo(id).join("blobs").join(etag)
    }

    /// What is only there while something is fetched.
    fn locks(&self, id: &ModelId) -> PathBuf {
        self.dir.join(".locks").join(id.folder())
    }

    /// Waits until no other process, Python's included, fetches the same contents. The lock ends
    /// with the file handle.
    pub(super) fn lock(&self, id: &ModelId, etag: &str) -> Result<File, HubError> {
        let path = self.locks(id).join(format!("{etag}.lock"));
        create_parent(&path)?;
        let file = File::create(&path).map_err(HubError::io(&path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => file.lock().map_err(HubError::io(&path))?,
            // A file system without locks: the download still ends with an atomic rename.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        Ok(file)
    }

    /// Makes finished contents visible as `file` of a commit.
    pub(super) fn publish(&self, id: &ModelId, commit: &str, file: &str, etag: &str) -> Result<(), HubError> {
        let link = self.repo(id).join("snapshots").join(commit).join(file);
        create_parent(&link)?;
        let blob = self.blob(id, etag);
        if same_file(&link, &blob) {
            return Ok(());
        }
        // Made elsewhere and moved to its place, so that whoever looks meanwhile sees the old file,
        // the new one, or none.
        let name = link.file_name().unwrap_or_default().to_string_lossy();
        let turn = TURN.fetch_add(1, Ordering::Relaxed);
        let fresh = self.locks(id).join(format!("{name}.{}.{turn}.link", std::process::id()));
        create_parent(&fresh)?;
        link_or_copy(&blob, &Path::new("../../blobs").join(etag), &fresh)
            .and_then(|()| fs::rename(&fresh, &link))
            .map_err(HubError::io(&link))
    }

    /// Records which commit a branch or tag stands for.
    pub(super) fn set_ref(&self, id: &ModelId, revision: &str, commit: &str) -> Result<(), HubError> {
        let path = self.repo(id).join("refs").join(revision);
        let parent = create_parent(&path)?;
        let write = || {
            let mut file = tempfile::NamedTempFile::new_in(parent)?;
            file.write_all(commit.as_bytes())?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(HubError::io(&path))
    }
}

/// Creates the folder that `path` lies in.
pub fn create_parent(path: &Path) -> Result<&Path, HubError> {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(HubError::io(parent))?;
    Ok(parent)
}

fn same_file(link: &Path, blob: &Path) -> bool {
    matches!((link.canonicalize(), blob.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

#[cfg(unix)]
fn link_or_copy(_blob: &Path, relative: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(relative, link)
}

/// Elsewhere links need rights that users lack, so the contents are shared or copied, as the Python
/// library does.
#[cfg(not(unix))]
fn link_or_copy(blob: &Path, _relative: &Path, link: &Path) -> std::io::Result<()> {
    fs::hard_link(blob, link).or_else(|_| fs::copy(blob, link).map(|_| ()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn published_files_are_found_and_listed() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let (id, commit) = (ModelId::parse("o/m").unwrap(), "c".repeat(40));
        assert!(cache.list().unwrap().is_empty());
        assert!(matches!(cache.find(&id, None), Err(HubError::NotCached { .. })));
        for (file, etag, text) in
            [("config.json", "e1", r#"{"model_type": "siglip2"}"#), ("tokenizer.json", "e2", "{}")]
        {
            let blob = cache.blob(&id, etag);
            create_parent(&blob).unwrap();
            fs::write(blob, text).unwrap();
            cache.publish(&id, &commit, file, etag).unwrap();
            cache.publish(&id, &commit, file, etag).unwrap();
        }
        cache.set_ref(&id, MAIN, &commit).unwrap();
        let error = cache.find(&id, None).unwrap_err();
        assert!(error.to_string().contains("it lacks model.safetensors; `glimpse model pull o/m`"), "{error}");
        assert_eq!(cache.snapshot(&id, Some(&commit)), cache.snapshot(&id, None));
        let [model] = &cache.list().unwrap()[..] else { panic!("one model") };
        assert_eq!((model.id.as_str(), model.commit.as_str(), model.bytes_on_disk), ("o/m", commit.as_str(), 27));
        assert_eq!(model.files.model_type.as_deref(), Some("siglip2"));
        assert_eq!(model.files.bytes(), 27);
    }

    #[test]
    fn a_ref_that_is_no_commit_leads_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let (cache, id) = (Cache::at(folder.path()), ModelId::parse("o/m").unwrap());
        cache.set_ref(&id, MAIN, "../../../etc").unwrap();
        assert_eq!(cache.snapshot(&id, None), None);
        assert_eq!(cache.snapshot(&id, Some("..")), None);
    }
}
