//! What tagging gives.

use glimpse_indexer::ImageId;

/// A label and how sure it is.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Tag {
    /// The label as given.
    pub label: String,
    /// Calibrated score, 0 to 1.
    pub score: f32,
}

/// The tags of an image, surest first.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Tagged {
    /// The image.
    pub id: ImageId,
    /// Its tags; may be empty.
    pub tags: Vec<Tag>,
}
