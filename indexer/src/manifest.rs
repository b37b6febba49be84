//! What a generation says of itself.

use std::path::PathBuf;

use glimpse_encoder::ModelInfo;
use glimpse_encoder::dense::DenseProfile;

use crate::ImageId;
use crate::backend::VectorsAt;
use crate::vectors::VectorStorage;

/// Facts about a generation, written when it is created.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Manifest {
    /// Format number of everything under the generation's folder.
    pub format: u32,
    /// The model that made the vectors.
    pub model: ModelInfo,
    /// How vectors are kept.
    #[serde(default)]
    pub vectors: VectorStorage,
    /// Where the vectors are searched, if not in this process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vectors_at: Option<VectorsAt>,
    /// How regions are made, which the model's fingerprint does not say; recorded when the first
    /// are made, and `None` before that and for libraries of programs that did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<DenseProfile>,
    /// What is left to be made anew, if regions were made in another way before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebuild: Option<RegionRebuild>,
    /// Files of one shot are one image: a raw file is not indexed beside its JPEG.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub pairs: bool,
    /// GIF and WebP of which a program of before kept one frame, and that were not looked through
    /// since; absent where nobody has asked for them yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_move: Option<Vec<ImageId>>,
    /// True once it served: it was the first generation, or took the place of another. If
    /// `library.json` is lost, the youngest of these serves. Programs of before did not note it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub promoted: bool,
    /// Folders that were indexed, absolute.
    pub roots: Vec<PathBuf>,
    /// Seconds since 1970.
    pub created: i64,
}

fn yes() -> bool {
    true
}

/// Images whose regions are made anew, in order of their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RegionRebuild {
    /// The first that is not done.
    pub next: ImageId,
    /// Images from this number on came after the rebuild began.
    pub end: ImageId,
}
