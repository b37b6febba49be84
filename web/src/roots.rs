//! Which folders clients may have indexed: those of the library, and those that whoever started the
//! server allowed. What is indexed can be looked at, so that anything else would open the whole
//! machine to everybody who may search.

use std::path::{Component, Path, PathBuf};

use glimpse_engine::{Engine, EngineError};

use crate::error::{ApiError, Code};

/// Folders below which clients may name new ones.
#[derive(Debug, Clone, Default)]
pub struct AllowedRoots(Vec<PathBuf>);

impl AllowedRoots {
    /// # Errors
    /// The folder that is not there, and the system's reason.
    pub fn new(folders: &[PathBuf]) -> Result<Self, (PathBuf, std::io::Error)> {
        let real = |folder: &PathBuf| folder.canonicalize().map_err(|error| (folder.clone(), error));
        folders.iter().map(real).collect::<Result<_, _>>().map(Self)
    }

    /// The folders.
    pub fn folders(&self) -> &[PathBuf] {
        &self.0
    }

    /// True if a path, as it is written, is below one of them.
    pub fn may_name(&self, path: &Path) -> bool {
        let is_plain = !path.components().any(|part| part == Component::ParentDir);
        is_plain && self.0.iter().any(|folder| path.starts_with(folder))
    }

    /// Folders that a client asks for, without links in their paths.
    ///
    /// # Errors
    /// [`Code::FolderNotAllowed`], whether there is such a folder or not.
    pub fn check(&self, engine: &Engine, asked: &[PathBuf]) -> Result<Vec<PathBuf>, ApiError> {
        let allowed: Vec<PathBuf> = match engine.roots() {
            Ok(known) => known.into_iter().chain(self.0.iter().cloned()).collect(),
            Err(error) if error.is_empty_library() => self.0.clone(),
            Err(error) => return Err(error.into()),
        };
        let is_below = |path: &Path| allowed.iter().any(|folder| path.starts_with(folder));
        asked.iter().map(|path| real_path(engine, path, is_below)).collect()
    }
}

fn real_path(engine: &Engine, path: &Path, is_below: impl Fn(&Path) -> bool) -> Result<PathBuf, ApiError> {
    let may_be_told = is_below(path) && !path.components().any(|part| part == Component::ParentDir);
    match engine.real_path(path) {
        Ok(real) if is_below(&real) => Ok(real),
        Err(EngineError::Unreachable { folder }) if may_be_told => Err(EngineError::Unreachable { folder }.into()),
        Err(_) if may_be_told => Err(ApiError::new(Code::FolderNotFound, format!("{} is not there", path.display()))
            .hint("name a folder on the machine that runs Glimpse")),
        Ok(_) | Err(_) => {
            let message = format!("{} is not below a folder that this server may index", path.display());
            Err(ApiError::new(Code::FolderNotAllowed, message).hint(
                "run `glimpse index FOLDER` once on that machine, or start the server with `--allow-root FOLDER`",
            ))
        }
    }
}
