//! What an index promises, checked from outside.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod absent;
mod damage;
mod disk;
mod disk_use;
mod feeding;
mod files;
mod graph;
mod injected;
mod kept_server;
mod killed;
mod loss;
mod operations;
mod packed;
mod power;
mod region_files;
mod region_outside;
mod region_rows;
mod region_tags;
mod regions;
mod rot;
mod sealed;
mod selection;
mod snapshot;
mod threads;
mod turns;

use std::path::Path;
use std::sync::Arc;

use glimpse_encoder::image_file::Format;
use glimpse_encoder::{ModelInfo, Scoring};
use tempfile::TempDir;

use crate::hnsw::HnswParams;
use crate::{ContentHash, Exposure, FileRecord, FileRole, ImageId, ImageRecord, Index, IndexOptions, Library};

pub(crate) const DIM: usize = 32;

pub(crate) fn model(name: &str) -> ModelInfo {
    ModelInfo {
        name: name.to_owned(),
        fingerprint: format!("fingerprint of {name}"),
        image_fingerprint: None,
        adapter: None,
        model_type: "siglip".to_owned(),
        dim: DIM,
        image_size: Some(64),
        max_patches: None,
        patch_size: 16,
        text_length: 64,
        vocab_size: 100,
        scoring: Scoring { scale: 10.0, bias: -10.0 },
        backend: "none".to_owned(),
    }
}

/// A library in a folder that vanishes with it.
pub(crate) struct Fixture {
    pub(crate) home: TempDir,
    pub(crate) options: IndexOptions,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), options: IndexOptions::default() }
    }

    /// With a small graph of images, and files of regions, from so many of each.
    pub(crate) fn with_graphs(graph_from: usize, regions_from: usize) -> Self {
        let graph = HnswParams { m: 4, ef_construction: 16, ef_search: 16 };
        let options = IndexOptions { graph_from, regions_from, graph, ..IndexOptions::default() };
        Self { options, ..Self::new() }
    }

    pub(crate) fn library(&self) -> Library {
        Library::with_options(self.home.path(), self.options.clone())
    }

    pub(crate) fn open(&self) -> Arc<Index> {
        self.library().open_for(&model("a"), false).unwrap()
    }
}

/// The image with content number `n`.
pub(crate) fn image(n: u8) -> ImageRecord {
    ImageRecord {
        id: ImageId(u64::MAX),
        ..ImageRecord::bare(ContentHash::of(&[n]), (640, 480), Format::Jpeg, 1000 + u64::from(n))
    }
}

/// Changes a bit of a file, in another file of the same name: the first may be mapped.
pub(crate) fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 4;
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

pub(crate) fn file(path: impl AsRef<Path>) -> FileRecord {
    FileRecord {
        path: path.as_ref().to_path_buf(),
        image: ImageId(u64::MAX),
        role: FileRole::Primary,
        bytes: 1000,
        modified: 1,
        changed: 0,
        sidecar_modified: 0,
        missing: false,
    }
}

/// A unit vector that belongs to content number `n` and to nothing else.
pub(crate) fn vector(n: u8) -> Vec<f32> {
    let mut state = u64::from(n) + 1;
    let values = (0..DIM).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    });
    let values: Vec<f32> = values.collect();
    let length = values.iter().map(|v| v * v).sum::<f32>().sqrt();
    values.iter().map(|v| v / length).collect()
}

/// Adds image `n` under a path.
pub(crate) fn add(index: &Index, n: u8, path: &str) -> ImageId {
    index.add(image(n), &vector(n), file(path)).unwrap()
}

/// Numbers of the images found for the vector of `n`, best first.
pub(crate) fn found(index: &Index, n: u8, k: usize) -> Vec<ImageId> {
    index.nearest(&vector(n), k, None).unwrap().into_iter().map(|scored| scored.id).collect()
}
