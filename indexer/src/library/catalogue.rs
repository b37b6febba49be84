//! `library.json`: which generation serves, and which one is being built.
//!
//! It says nothing that the generations do not say of themselves, so a catalogue that is missing or
//! damaged is made anew from them, and no generation is given up because a file is not there.
//!
//! A generation notes with itself that it served ([`Manifest::promoted`]). Programs of before noted
//! nothing: of their generations the one with the most images serves.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use glimpse_encoder::{ModelInfo, files};

use super::io;
use crate::folder::sync_dir;
use crate::{IndexError, Manifest};

/// What `library.json` says.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Catalogue {
    format: u32,
    /// The generation that answers.
    pub(super) serving: Option<Generation>,
    /// The generation that will take its place.
    pub(super) building: Option<Generation>,
    /// True if it was just made anew, so that it is no ground for giving up a generation.
    #[serde(skip)]
    pub(super) is_rebuilt: bool,
}

/// What a generation says of itself.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) number: u32,
    pub(super) manifest: Manifest,
    pub(super) images: usize,
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct Generation {
    pub(super) number: u32,
    pub(super) model: ModelInfo,
}

impl Account {
    fn generation(&self) -> Generation {
        Generation { number: self.number, model: self.manifest.model.clone() }
    }
}

/// Format number of `library.json`.
const FORMAT: u32 = 1;

impl Catalogue {
    /// Of generations in rising order: the youngest that served does; if none says so, the one with
    /// the most images, and the oldest of several. Of those beside it, the youngest is being built.
    pub(super) fn of(generations: Vec<Account>) -> Self {
        let promoted = generations.iter().rev().find(|account| account.manifest.promoted);
        let serving = promoted.or_else(|| generations.iter().rev().max_by_key(|account| account.images));
        let is_candidate = |account: &&Account| match (promoted, serving) {
            (Some(serving), _) => account.number > serving.number,
            (None, serving) => serving.is_some_and(|serving| account.number != serving.number),
        };
        let building = generations.iter().rev().find(is_candidate);
        let [serving, building] = [serving, building].map(|account| account.map(Account::generation));
        Self { format: FORMAT, is_rebuilt: serving.is_some(), serving, building }
    }

    /// The generations that it names.
    pub(super) fn generations(&self) -> impl Iterator<Item = &Generation> {
        self.serving.iter().chain(&self.building)
    }

    /// Reads `library.json` under `home`; `None` if there certainly is none.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] if it is damaged, [`IndexError::NewerFormat`], [`IndexError::Io`].
    pub(super) fn read(home: &Path) -> Result<Option<Self>, IndexError> {
        let path = path(home);
        let json = match files::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|source| io(&path, source))?,
        };
        #[derive(serde::Deserialize)]
        struct Format {
            format: u32,
        }
        let damaged = |error: serde_json::Error| IndexError::Corrupt {
            dir: home.to_path_buf(),
            what: "library.json".to_owned(),
            reason: error.to_string(),
        };
        let Format { format } = serde_json::from_slice(&json).map_err(damaged)?;
        if format > FORMAT {
            return Err(IndexError::NewerFormat { dir: home.to_path_buf(), found: format, supported: FORMAT });
        }
        serde_json::from_slice(&json).map(Some).map_err(damaged)
    }

    /// Renames `library.json`, if it is there, to `library.json.damaged`.
    ///
    /// # Errors
    /// [`IndexError::Io`].
    pub(super) fn set_aside(home: &Path) -> Result<(), IndexError> {
        let path = path(home);
        match std::fs::rename(&path, home.join("library.json.damaged")) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(io(&path, error)),
            _ => Ok(()),
        }
    }

    /// Replaces `library.json` as a whole: after a crash it is the old one or the new one.
    ///
    /// # Errors
    /// [`IndexError::Io`].
    pub(super) fn write(&self, home: &Path) -> Result<(), IndexError> {
        let path = path(home);
        let write = || {
            let json = serde_json::to_vec_pretty(&Self { format: FORMAT, ..self.clone() })?;
            let mut file = tempfile::NamedTempFile::new_in(home)?;
            file.write_all(&json)?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            sync_dir(home)
        };
        write().map_err(|source| io(&path, source))
    }
}

fn path(home: &Path) -> PathBuf {
    home.join("library.json")
}
