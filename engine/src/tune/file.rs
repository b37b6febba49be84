//! `tuned.json` in the folder of the library: what was learnt for one model.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::query_map::QueryMap;
use crate::EngineError;

/// Name of the file.
pub(crate) const FILE: &str = "tuned.json";

/// A map as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredMap {
    pub format: u32,
    /// Fingerprint of the model; a map for another one is left alone.
    pub model: String,
    pub map: QueryMap,
}

/// What this program writes.
pub(super) const FORMAT: u32 = 1;

fn failed(path: &Path, reason: impl ToString) -> EngineError {
    EngineError::Tuning { path: path.to_owned(), reason: reason.to_string() }
}

impl StoredMap {
    /// Reads a file; `None` if there is none.
    ///
    /// # Errors
    /// [`EngineError::Tuning`] that names the file and what is wrong with it.
    pub fn read(path: &Path) -> Result<Option<Self>, EngineError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(path, error)),
        };
        let stored: Self = serde_json::from_slice(&bytes).map_err(|error| failed(path, error))?;
        match stored.format {
            FORMAT => Ok(Some(stored)),
            format => Err(failed(path, format!("it has format {format}, this program reads {FORMAT}"))),
        }
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`EngineError::Tuning`] if the folder cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), EngineError> {
        let text = serde_json::to_vec(self).map_err(|error| failed(path, error))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(path, error))?;
        file.write_all(&text).and_then(|()| file.as_file().sync_all()).map_err(|error| failed(path, error))?;
        file.persist(path).map_err(|error| failed(path, error))?;
        Ok(())
    }

    /// Removes the file; false if there was none.
    ///
    /// # Errors
    /// [`EngineError::Tuning`] if it cannot be removed.
    pub fn remove(path: &Path) -> Result<bool, EngineError> {
        match std::fs::remove_file(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed(path, error)),
        }
    }
}

/// The map of the model that was asked for last.
pub(crate) struct QueryMaps {
    path: PathBuf,
    held: Mutex<Option<(String, Arc<QueryMap>)>>,
}

impl QueryMaps {
    /// Reads `tuned.json` in the folder of a library.
    pub fn new(library: &Path) -> Self {
        Self { path: library.join(FILE), held: Mutex::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The map of a model, whose embeddings have `dim` values; one that changes nothing if there is
    /// none.
    ///
    /// # Errors
    /// [`EngineError::Tuning`] for a file that cannot be used.
    pub fn of(&self, model: &str, dim: usize) -> Result<Arc<QueryMap>, EngineError> {
        let mut held = self.held.lock();
        if let Some((_, map)) = held.as_ref().filter(|(of, _)| of == model) {
            return Ok(Arc::clone(map));
        }
        let stored = StoredMap::read(&self.path)?.filter(|stored| stored.model == model);
        let map = Arc::new(stored.map(|stored| stored.map).unwrap_or_default());
        if !map.is_sound(dim) {
            return Err(failed(&self.path, format!("its vectors are not of {dim} finite values")));
        }
        *held = Some((model.to_owned(), Arc::clone(&map)));
        Ok(map)
    }

    /// The file has changed.
    pub(super) fn forget(&self) {
        *self.held.lock() = None;
    }
}
