//! A generation from what can be read of a damaged one.

use std::path::Path;
use std::{fs, io};

use glimpse_encoder::ModelInfo;

use super::Index;
use super::load::{read_manifest, write_manifest};
use super::regions::REGION_FILES;
use crate::folder::sync_dir;
use crate::store::Store;
use crate::vectors::VectorStorage;
use crate::{IndexError, IndexOptions, Manifest};

impl Index {
    /// Makes a generation in `dir`, which does not exist, from the log of the one in `damaged`,
    /// which nobody may have open. `model` stands in for a manifest that cannot be read. What
    /// belongs to no image any more is left for [`Index::verify`].
    ///
    /// # Errors
    /// [`IndexError::Lost`] if nothing says which model made the vectors; else if a folder cannot
    /// be read or written.
    pub(crate) fn salvage(
        damaged: &Path,
        dir: &Path,
        model: Option<&ModelInfo>,
        options: &IndexOptions,
    ) -> Result<Self, IndexError> {
        let path = dir.join("sled");
        crate::create_private_dir_all(&path).map_err(|source| IndexError::Io { path: path.clone(), source })?;
        let store = Store::open(&path)?;
        store.salvage(&damaged.join("sled"))?;
        match (read_manifest(&store, damaged), model) {
            (Ok(_), _) => {}
            (Err(IndexError::Lost { .. }), Some(model)) => {
                let vectors = store.vector_storage(model.dim)?.or(options.vectors).unwrap_or_default();
                write_manifest(&store, &Manifest { may_move: None, ..Manifest::new(model, vectors) })?;
            }
            (Err(error), _) => return Err(error),
        }
        store.sync()?;
        drop(store);
        let [from, to] = [damaged, dir].map(|dir| dir.join(REGION_FILES));
        link_all(&from, &to).map_err(|source| IndexError::Io { path: to, source })?;
        for folder in [&path, dir] {
            sync_dir(folder).map_err(|source| IndexError::Io { path: folder.to_path_buf(), source })?;
        }
        Self::open(dir, options)
    }
}

/// Lets the files of a folder, if there is one, be in another one too; they are copied where the
/// system does not link.
fn link_all(from: &Path, to: &Path) -> io::Result<()> {
    if !from.try_exists()? {
        return Ok(());
    }
    crate::create_private_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            let target = to.join(entry.file_name());
            fs::hard_link(entry.path(), &target).or_else(|_| fs::copy(entry.path(), &target).map(drop))?;
        }
    }
    sync_dir(to)
}

impl Manifest {
    /// Of a generation that is made now.
    pub(crate) fn new(model: &ModelInfo, vectors: VectorStorage) -> Self {
        let created = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self {
            format: Index::FORMAT,
            model: model.clone(),
            vectors,
            vectors_at: None,
            regions: None,
            rebuild: None,
            pairs: true,
            may_move: Some(Vec::new()),
            promoted: false,
            roots: Vec::new(),
            created: created.map_or(0, |since| since.as_secs() as i64),
        }
    }
}
