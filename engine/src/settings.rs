//! Where things are kept and which model serves.

use std::path::PathBuf;

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
}

impl Settings {
    /// Everything under `home`, the model of its library, the processor.
    pub fn at(home: impl Into<PathBuf>) -> Self {
        Self { home: home.into(), model: None, device: None, max_patches: None }
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
