//! Checkpoints on disk, in the cache that Python's `huggingface_hub` shares, and on the hub.
//!
//! [`locate`] finds a model without a network; [`Hub::pull`] fetches one. Both read the variables
//! that the Python library reads ([`HubSettings::from_env`]), and what one of the two programs has
//! fetched the other finds.
//!
//! ```text
//! models--google--siglip2-base-patch16-256/
//!   refs/main                      the commit that a branch or tag stood for when it was last asked
//!   blobs/<etag>                   contents, named by their checksum; `<etag>.incomplete` while they arrive
//!   snapshots/<commit>/config.json link into blobs/
//! ```

mod api;
mod cache;
mod checkpoint;
mod client;
mod download;
mod error;
mod name;
mod pull;
mod settings;

use std::path::{Path, PathBuf};

pub use cache::{Cache, CachedModel};
pub use checkpoint::{CheckpointFile, missing_files};
pub use error::HubError;
pub use name::ModelId;
pub use pull::{Hub, Progress};
pub use settings::HubSettings;

impl ModelId {
    /// Checks that `name` is `owner/model` (or, for some old models, one word).
    ///
    /// # Errors
    /// [`HubError::BadName`].
    pub fn parse(name: &str) -> Result<Self, HubError> {
        Self::of(name).ok_or_else(|| HubError::BadName { name: name.to_owned() })
    }
}

/// The directory of a model named by the user: a checkpoint directory, or a hub id that is in the
/// cache. Asks no network.
///
/// # Errors
/// [`HubError`] with what to fetch and where to put it.
pub fn locate(name: &str) -> Result<PathBuf, HubError> {
    let dir = Path::new(name);
    if dir.is_dir() {
        return Ok(dir.to_owned());
    }
    Cache::from_env().find(&ModelId::parse(name)?, None)
}

/// What a checkpoint directory or a cached model consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFiles {
    /// Where it lies.
    pub dir: PathBuf,
    /// `model_type` of its `config.json`.
    pub model_type: Option<String>,
    /// The files that a checkpoint consists of, by name.
    pub files: Vec<CheckpointFile>,
    /// What it still lacks; empty if it can be loaded.
    pub missing: Vec<String>,
}

impl ModelFiles {
    /// Reads what is in a checkpoint directory.
    pub fn of(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            model_type: checkpoint::model_type(dir),
            files: checkpoint::files_in(dir),
            missing: missing_files(dir),
        }
    }

    /// Size of all files together.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// What is known of a model on this machine: a checkpoint directory or a hub id in the cache,
/// complete or not.
///
/// # Errors
/// [`HubError::NotCached`] if there is nothing of it.
pub fn info(name: &str) -> Result<ModelFiles, HubError> {
    let dir = Path::new(name);
    if dir.is_dir() {
        return Ok(ModelFiles::of(dir));
    }
    let (cache, id) = (Cache::from_env(), ModelId::parse(name)?);
    match cache.snapshot(&id, None) {
        Some(dir) => Ok(ModelFiles::of(&dir)),
        None => Err(HubError::NotCached { id, cache: cache.dir().to_owned() }),
    }
}
