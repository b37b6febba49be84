//! Why favourites or albums could not be changed.

use std::path::PathBuf;

use crate::Refusal;

/// Why favourites or albums could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum CollectionsError {
    /// No album has this name in the library.
    #[error("there is no album `{0}`")]
    NoSuchAlbum(String),
    /// The change makes no sense.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The file cannot be written, or another program version wrote it.
    #[error("{path}: favourites and albums cannot be changed: {reason}")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What to do, or the system's reason.
        reason: String,
    },
}
