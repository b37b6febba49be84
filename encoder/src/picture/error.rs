//! Why bytes gave no picture.

use super::Format;

/// Why bytes gave no picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// Not a picture format that this build reads.
    #[error("not a picture that this build reads ({0})")]
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

impl PictureError {
    /// A picture of a `kind` that other programs read.
    pub(super) fn unsupported(kind: &str) -> Self {
        Self::Unsupported(format!("{kind}; convert it to an ordinary JPEG or PNG"))
    }

    pub(super) fn broken(format: Format, reason: impl Into<String>) -> Self {
        Self::Broken { format: format.to_string(), reason: reason.into() }
    }
}
