//! Why bytes gave no image.

use std::fmt::Display;

/// Why bytes gave no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// Not an image format that this build reads.
    #[error("not an image that this build reads ({0})")]
    Unsupported(String),
    /// The file is empty.
    #[error("the file is empty")]
    Empty,
    /// Cut off or damaged.
    #[error("damaged {format}: {reason}")]
    Broken {
        /// Format that the first bytes announce.
        format: String,
        /// The decoder's reason.
        reason: String,
    },
    /// Beyond the limits.
    #[error("too large: {found}, the limit is {limit}")]
    TooLarge {
        /// What the file asks for.
        found: String,
        /// What is allowed.
        limit: String,
    },
}

impl ImageError {
    /// An image of a `kind` that other programs read.
    pub(super) fn unsupported(kind: &str) -> Self {
        Self::Unsupported(format!("{kind}; convert it to an ordinary JPEG or PNG"))
    }

    pub(super) fn broken(format: impl Display, reason: impl Into<String>) -> Self {
        Self::Broken { format: format.to_string(), reason: reason.into() }
    }
}
