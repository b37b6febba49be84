//! Where things are kept and which model serves.

use std::path::{Path, PathBuf};

/// Settings of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Folder of the library (`GLIMPSE_HOME`).
    pub home: PathBuf,
    /// Model to use; `None` takes the one that the library was made with, or the default.
    pub model: Option<String>,
    /// `cpu`, `cuda`, `metal`.
    pub device: Option<String>,
    /// Largest number of patches of one image, for NaFlex models; `None` takes that of the
    /// library, then that of the checkpoint.
    pub max_patches: Option<usize>,
    /// What is merged into the model's weights; `None` takes that of the library.
    pub adapter: Option<AdapterChoice>,
}

/// What is merged into a model's weights when they are loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdapterChoice {
    /// Nothing, whatever the library was made with.
    None,
    /// A LoRA adapter in the layout of peft: its folder, or the safetensors file in it.
    At(PathBuf),
}

impl AdapterChoice {
    /// What a user means: `none`, or a path.
    pub fn of(text: &Path) -> Self {
        match text.to_str() {
            Some("none") => Self::None,
            // One that is not there is named when it is loaded.
            _ => Self::At(text.canonicalize().unwrap_or_else(|_| text.to_path_buf())),
        }
    }

    /// Where the adapter is.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::None => None,
            Self::At(path) => Some(path),
        }
    }
}

impl Settings {
    /// Everything under `home`, the model of its library, the processor.
    pub fn at(home: impl Into<PathBuf>) -> Self {
        Self { home: home.into(), model: None, device: None, max_patches: None, adapter: None }
    }

    /// Where the generations of the index lie.
    pub fn library_dir(&self) -> PathBuf {
        self.home.join("library")
    }

    /// What can be computed again.
    pub fn cache_dir(&self) -> PathBuf {
        self.home.join("cache")
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::at(home_dir())
    }
}

/// `GLIMPSE_HOME`, or the platform's data directory for Glimpse.
pub fn home_dir() -> PathBuf {
    match std::env::var_os("GLIMPSE_HOME") {
        Some(home) if !home.is_empty() => home.into(),
        _ => directories::ProjectDirs::from("", "", "glimpse")
            .map_or_else(|| PathBuf::from(".glimpse"), |dirs| dirs.data_dir().to_path_buf()),
    }
}
