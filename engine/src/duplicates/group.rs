//! What looking for near-duplicates gives.

use glimpse_indexer::ImageId;

/// Images that are nearly the same, the best one (largest, then oldest) first.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct DuplicateGroup {
    /// The members.
    pub images: Vec<ImageId>,
    /// Smallest cosine of a member with the first.
    pub min_cosine: f32,
}
