//! Fetching a whole checkpoint.

use std::path::{Path, PathBuf};
use std::thread::sleep;

use super::api::{self, Remote};
use super::cache::{MAIN, create_parent};
use super::checkpoint::{check_before_weights, is_weights, needed};
use super::client::Client;
use super::name::{is_commit, is_revision};
use super::{Cache, HubError, HubSettings, ModelId, download};

/// The hub, and the cache that is filled from it.
pub struct Hub {
    settings: HubSettings,
    cache: Cache,
    client: Client,
}

/// How far a pull has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The file that is being fetched.
    pub file: String,
    /// Bytes of all files that are there.
    pub done: u64,
    /// Bytes of all files.
    pub total: u64,
}

impl Hub {
    /// A hub with these settings.
    pub fn new(settings: HubSettings) -> Self {
        let (cache, client) = (Cache::at(&settings.cache), Client::new(&settings));
        Self { settings, cache, client }
    }

    /// The hub that the environment names.
    pub fn from_env() -> Self {
        Self::new(HubSettings::from_env())
    }

    /// The cache that is filled.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Fetches the files of a checkpoint that are not in the cache yet, and gives its directory.
    /// `revision` is a branch, tag or commit, `main` if absent. Breaking off at any moment leaves
    /// nothing that looks finished; the next call goes on where this one stopped. What cannot be
    /// loaded is refused before its weights are fetched. With networking off, a complete copy in
    /// the cache is enough.
    ///
    /// # Errors
    /// [`HubError`], after [`HubSettings::retries`] attempts where that may help.
    pub fn pull(
        &self,
        id: &ModelId,
        revision: Option<&str>,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<PathBuf, HubError> {
        let revision = revision.unwrap_or(MAIN);
        if !is_revision(revision) {
            return Err(HubError::NotFound { id: id.clone(), revision: revision.to_owned() });
        }
        if self.settings.offline {
            return self.cache.find(id, Some(revision)).map_err(|_| HubError::Offline { id: id.clone() });
        }
        let listing = self.patiently(|| api::list(&self.client, id, revision))?;
        let names = needed(id, &listing.files)?;
        let describe = |name: &String| self.patiently(|| api::describe(&self.client, id, &listing.commit, name));
        let files = names.iter().map(describe).collect::<Result<Vec<Remote>, HubError>>()?;

        let mut state = Progress { file: String::new(), done: 0, total: files.iter().map(|file| file.size).sum() };
        let mut checked = false;
        for file in &files {
            if !checked && is_weights(&file.name) {
                if let Some(dir) = self.cache.snapshot(id, Some(&listing.commit)) {
                    check_before_weights(id, &dir, &names)?;
                }
                checked = true;
            }
            let before = state.done;
            state.file.clone_from(&file.name);
            self.fetch(id, file, &mut |bytes| {
                state.done = before + bytes;
                progress(&state);
            })?;
            state.done = before + file.size;
            progress(&state);
            self.cache.publish(id, &listing.commit, &file.name, &file.etag)?;
        }
        if !is_commit(revision) {
            self.cache.set_ref(id, revision, &listing.commit)?;
        }
        self.cache.find(id, Some(&listing.commit))
    }

    /// One file, as often as needed while it grows.
    fn fetch(&self, id: &ModelId, file: &Remote, arrived: &mut dyn FnMut(u64)) -> Result<(), HubError> {
        let blob = self.cache.blob(id, &file.etag);
        create_parent(&blob)?;
        let _lock = self.cache.lock(id, &file.etag)?;
        if size_of(&blob) == Some(file.size) {
            return Ok(());
        }
        let mut failures = 0;
        loop {
            let before = size_of(&download::incomplete(&blob));
            match download::fetch(&self.client, file, &blob, arrived) {
                Err(error) if error.is_transient() => {
                    if size_of(&download::incomplete(&blob)) > before {
                        failures = 0;
                    }
                    self.pause(&mut failures, error)?;
                }
                result => return result,
            }
        }
    }

    fn patiently<T>(&self, request: impl Fn() -> Result<T, HubError>) -> Result<T, HubError> {
        let mut failures = 0;
        loop {
            match request() {
                Err(error) if error.is_transient() => self.pause(&mut failures, error)?,
                result => return result,
            }
        }
    }

    /// Waits before another attempt, or gives up with the error.
    fn pause(&self, failures: &mut u32, error: HubError) -> Result<(), HubError> {
        if *failures >= self.settings.retries {
            return Err(error);
        }
        sleep(self.settings.backoff.saturating_mul(2u32.saturating_pow(*failures)));
        *failures += 1;
        Ok(())
    }
}

fn size_of(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|file| file.len())
}
