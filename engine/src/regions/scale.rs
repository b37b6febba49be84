//! What a cosine with a region means: as for whole pictures (`calibrate`), over a sample of regions.

use std::collections::HashMap;
use std::sync::Arc;

use glimpse_encoder::Embedding;
use glimpse_indexer::regions::RegionIndex;
use glimpse_indexer::{ImageId, Index};
use parking_lot::Mutex;

use super::constants::{IMAGE_WEIGHT, SAMPLE, SCENE, THING};
use crate::calibrate::null::Null;
use crate::calibrate::vectors::Vectors;
use crate::calibrate::{Curve, Modality, Scale, is_out_of_date};

/// Regions that serve as null queries for queries by region.
const NULL_REGIONS: usize = 256;

/// Calibrates queries over the regions of one generation.
#[derive(Default)]
pub(crate) struct RegionCalibrator(Mutex<Option<Arc<Background>>>);

/// Regions that stand for all there are, and what null queries score over them.
pub(super) struct Background {
    /// Of the index when the sample was taken.
    revision: u64,
    /// Images of the library, and all its regions.
    images: usize,
    size: usize,
    sample: Vectors,
    /// One region of each picture of the sample: a region that holds another is like it without being found.
    apart: Vectors,
    /// The same of regions that cover much of their picture. Mostly background, they are all more alike than things are.
    large: Vectors,
    nulls: Mutex<HashMap<Query, Arc<Null>>>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Query {
    Text,
    Thing,
    Scene,
}

/// Log odds of a whole picture count no further than this, either way.
const PICTURE_REACH: f32 = 6.0;

/// Share of a picture from which a region is a scene rather than a thing.
const SCENE_AREA: f32 = 0.7;

impl RegionCalibrator {
    /// The sample of a library, taken again when it is out of date.
    pub(super) fn background(&self, index: &Index, regions: &RegionIndex) -> Arc<Background> {
        let mut held = self.0.lock();
        let (revision, images, size) = (index.revision(), index.len(), regions.len());
        if let Some(background) = held.as_ref()
            && !is_out_of_date(background.revision, revision, background.images)
        {
            return Arc::clone(background);
        }
        let sample = regions.sample(SAMPLE).into_iter().filter_map(|id| {
            let shape = *regions.shapes(id.image)?.get(usize::from(id.region))?;
            Some((id.image, regions.vector(id)?, shape.area))
        });
        let background = Background::of(sample, index.manifest().model.dim, size);
        let background = Arc::new(Background { revision, images, ..background });
        *held = Some(Arc::clone(&background));
        background
    }
}

impl Background {
    /// A sample of `size` regions, picture by picture: their vectors and areas.
    fn of(regions: impl Iterator<Item = (ImageId, Vec<f32>, f32)>, dim: usize, size: usize) -> Self {
        let regions: Vec<_> = regions.collect();
        let [mut sample, mut apart, mut large] = std::array::from_fn(|_| Vectors::new(dim));
        regions.iter().for_each(|(_, vector, _)| sample.push(vector));
        for (turn, of_one) in regions.chunk_by(|a, b| a.0 == b.0).enumerate() {
            // Another one of each picture: the first is always a corner.
            apart.push(&of_one[turn % of_one.len()].1);
            let large_ones: Vec<_> = of_one.iter().filter(|(_, _, area)| *area >= SCENE_AREA).collect();
            if let Some((_, vector, _)) = large_ones.get(turn % large_ones.len().max(1)) {
                large.push(vector);
            }
        }
        Self { revision: 0, images: 0, size, sample, apart, large, nulls: Mutex::default() }
    }

    /// The regions of one picture, or of a few.
    pub fn of_pictures<'a>(vectors: impl Iterator<Item = &'a Embedding>, dim: usize) -> Self {
        let mut background = Self::of(vectors.map(|vector| (ImageId(0), vector.as_slice().to_vec(), 0.0)), dim, 0);
        background.size = background.sample.len();
        background
    }

    /// The scale of a text, beside `bank`, which are texts for what is not there.
    pub fn text(&self, query: &Embedding, bank: &Vectors, curve: Curve) -> Scale {
        let null = self.null(Query::Text, || Null::of(bank, &self.sample, self.size, Modality::Text));
        Scale::over(null, &self.sample, query.as_slice().to_vec(), curve)
    }

    /// The scale of a region that covers `area` of its picture.
    pub fn example(&self, query: &Embedding, area: f32) -> Scale {
        let (of, sample, curve) = match area {
            ..SCENE_AREA => (Query::Thing, &self.apart, THING),
            _ => (Query::Scene, &self.large, SCENE),
        };
        let null = self.null(of, || {
            let nulls = sample.thinned(NULL_REGIONS);
            let size = sample.len() * self.size.div_ceil(self.sample.len().max(1));
            match of {
                Query::Thing => Null::of_things(&nulls, sample, size),
                _ => Null::of(&nulls, sample, size, Modality::Picture),
            }
        });
        Scale::over(null, sample, query.as_slice().to_vec(), curve)
    }

    fn null(&self, of: Query, null: impl FnOnce() -> Null) -> Arc<Null> {
        Arc::clone(self.nulls.lock().entry(of).or_insert_with(|| Arc::new(null())))
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

    /// The most that a picture can add to the log odds of its regions.
    pub fn most_of_picture(&self) -> f32 {
        if self.picture.is_some() { IMAGE_WEIGHT * PICTURE_REACH } else { 0.0 }
    }

    /// What a picture adds to the log odds of its regions.
    pub fn of_picture(&self, vector: Option<&[f32]>) -> f32 {
        let logit = self.picture.as_ref().zip(vector).map(|(scale, vector)| scale.logit_of(scale.product(vector)));
        logit.map_or(0.0, |logit| IMAGE_WEIGHT * logit.clamp(-PICTURE_REACH, PICTURE_REACH))
    }

    /// The score of a region from its inner product with the moved query and what its picture adds.
    pub fn score(&self, product: f32, picture: f32) -> f32 {
        1.0 / (1.0 + (-(self.regions.logit_of(product) + picture)).exp())
    }
}
