//! What a cosine with a region means: as for whole pictures (`calibrate`), over a sample of regions.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use glimpse_encoder::Embedding;
use glimpse_indexer::Index;
use glimpse_indexer::regions::RegionIndex;
use parking_lot::Mutex;

use super::constants::{EXAMPLE, IMAGE_WEIGHT, REGION, SAMPLE};
use crate::calibrate::null::Null;
use crate::calibrate::vectors::Vectors;
use crate::calibrate::{Curve, Modality, Scale};

/// Regions that serve as null queries for queries by region.
const NULL_REGIONS: usize = 256;

/// Calibrates queries over the regions of one library at a time.
#[derive(Default)]
pub(crate) struct RegionCalibrator(Mutex<Option<Arc<Background>>>);

/// Regions that stand for all there are, and what null queries score over them.
pub(super) struct Background {
    dir: PathBuf,
    size: usize,
    sample: Vectors,
    nulls: Mutex<HashMap<Modality, Arc<Null>>>,
}

impl RegionCalibrator {
    /// The sample of a library, taken again when its size has changed by more than a sixty-fourth.
    pub(super) fn background(&self, index: &Index, regions: &RegionIndex) -> Arc<Background> {
        let mut held = self.0.lock();
        let size = regions.len();
        if let Some(background) = held.as_ref()
            && background.dir == index.dir()
            && background.size.abs_diff(size) * 64 <= background.size.min(size)
        {
            return Arc::clone(background);
        }
        let vectors = regions.sample(SAMPLE).into_iter().filter_map(|id| regions.vector(id));
        let background = Arc::new(Background::of(vectors, index.manifest().model.dim, size, index.dir().to_path_buf()));
        *held = Some(Arc::clone(&background));
        background
    }
}

impl Background {
    /// A sample of `size` regions.
    fn of(vectors: impl Iterator<Item = Vec<f32>>, dim: usize, size: usize, dir: PathBuf) -> Self {
        let mut sample = Vectors::new(dim);
        vectors.for_each(|vector| sample.push(&vector));
        Self { dir, size, sample, nulls: Mutex::default() }
    }

    /// The regions of one picture, or of a few.
    pub fn of_pictures<'a>(vectors: impl Iterator<Item = &'a Embedding>, dim: usize) -> Self {
        let mut background = Self::of(vectors.map(|vector| vector.as_slice().to_vec()), dim, 0, PathBuf::new());
        background.size = background.sample.len();
        background
    }

    /// The scale of a text, beside `bank`, which are texts for what is not there.
    pub fn text(&self, query: &Embedding, bank: &Vectors) -> Scale {
        self.scale(query, Modality::Text, || bank.clone(), REGION)
    }

    /// The scale of a region.
    pub fn example(&self, query: &Embedding) -> Scale {
        self.scale(query, Modality::Picture, || self.sample.thinned(NULL_REGIONS), EXAMPLE)
    }

    fn scale(&self, query: &Embedding, modality: Modality, queries: impl Fn() -> Vectors, curve: Curve) -> Scale {
        let mut nulls = self.nulls.lock();
        let null =
            nulls.entry(modality).or_insert_with(|| Arc::new(Null::of(&queries(), &self.sample, self.size, modality)));
        Scale::over(Arc::clone(null), &self.sample, query.as_slice().to_vec(), curve)
    }
}

/// How well a region answers, with what is known of its picture.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    /// Over regions.
    pub regions: Scale,
    /// Over whole pictures, if they have a say.
    pub picture: Option<Scale>,
}

impl Standing {
    /// What it takes in memory.
    pub fn bytes(&self) -> usize {
        self.regions.bytes() + self.picture.as_ref().map_or(0, Scale::bytes)
    }

    /// What a picture adds to the log odds of its regions.
    pub fn of_picture(&self, vector: Option<&[f32]>) -> f32 {
        let logit = self.picture.as_ref().zip(vector).map(|(scale, vector)| scale.logit_of(scale.product(vector)));
        logit.map_or(0.0, |logit| IMAGE_WEIGHT * logit.clamp(-6.0, 6.0))
    }

    /// The score of a region from its inner product with the moved query and what its picture adds.
    pub fn score(&self, product: f32, picture: f32) -> f32 {
        1.0 / (1.0 + (-(self.regions.logit_of(product) + picture)).exp())
    }
}
