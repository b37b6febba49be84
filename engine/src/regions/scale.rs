//! What a cosine with a region means: as for whole images ([`crate::calibrate`]), with the best
//! region of an image standing for the image.

use std::collections::HashMap;
use std::sync::Arc;

use glimpse_encoder::{Embedding, dot};
use glimpse_indexer::regions::{RegionLibrary, ScoredRegion};
use glimpse_indexer::{ImageId, Index};
use parking_lot::Mutex;
use rayon::prelude::*;

use super::constants::{FIRST, SAMPLE};
use crate::EngineError;
use crate::calibrate::null::{Centred, Null, Scores};
use crate::calibrate::vectors::{Vectors, spaced};
use crate::calibrate::{Calibration, Modality, Scale, is_out_of_date, moved, sampled};

/// Regions that serve as null queries for queries by region.
const NULL_REGIONS: usize = 96;
/// Images of the sample that a core compares in a row.
const AT_ONCE: usize = 64;
/// Share of an image from which a region is a scene rather than a thing.
const SCENE_AREA: f32 = 0.7;
/// Share of the sample whose whole images are less like a query than any image outside the best is
/// taken to be.
const WHOLE: f64 = 0.99;

/// Calibrates queries over the regions of one generation.
#[derive(Default)]
pub(crate) struct RegionCalibrator(Mutex<Option<Arc<Background>>>);

/// Images whose regions stand for all there are, and what null queries score over them.
pub(super) struct Background {
    /// Of the index when the sample was taken.
    revision: u64,
    /// Images of the library then, and those of them that have regions.
    images: usize,
    size: usize,
    sample: Vec<ImageId>,
    nulls: Mutex<HashMap<Asked, Arc<Centred>>>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Asked {
    Text,
    Object,
    Scene,
}

impl RegionCalibrator {
    /// The sample of a library, taken again when it is out of date.
    pub(super) fn background(&self, index: &Index, regions: &dyn RegionLibrary) -> Arc<Background> {
        let mut held = self.0.lock();
        let (revision, images, size) = (index.revision(), index.len(), regions.images());
        if let Some(background) = held.as_ref()
            && !is_out_of_date(background.revision, revision, background.images)
        {
            return Arc::clone(background);
        }
        let with_regions = index.select(&Default::default());
        let with_regions = with_regions.iter().filter(|&id| regions.has(id));
        let sample = sampled(with_regions, SAMPLE);
        let background = Arc::new(Background { revision, images, size, sample, nulls: Mutex::default() });
        *held = Some(Arc::clone(&background));
        background
    }
}

/// What a query scores over a library, and the regions that had to be looked for.
struct Measured {
    scores: Scores,
    /// Of the whole library, best first; none where the sample is the library.
    nearest: Arc<[ScoredRegion]>,
}

/// A library and the regions of its images.
#[derive(Clone, Copy)]
pub(super) struct Library<'a> {
    pub index: &'a Index,
    pub regions: &'a dyn RegionLibrary,
}

impl Background {
    /// How well regions answer a text, beside `bank`, which are texts for what is not there.
    pub fn text(
        &self,
        library: Library<'_>,
        query: &Embedding,
        bank: &Vectors,
        calibration: &Calibration,
    ) -> Result<QueryScorer, EngineError> {
        let image_weight = calibration.image_weight;
        let known = self.known(Asked::Text, || {
            let centre = centre(bank, calibration.hub_share);
            let scores: Result<Vec<Scores>, EngineError> = (0..bank.len())
                .into_par_iter()
                .map(|j| Ok(self.measure(library, bank.row(j), &centre, image_weight, None)?.scores))
                .collect();
            Ok(Centred { null: Null::of(&scores?, Modality::Text.usual(), calibration.region_text, true), centre })
        })?;
        let query = query.as_slice().to_vec();
        let Measured { scores, nearest } = self.measure(library, &query, &known.centre, image_weight, None)?;
        let scale = Scale::new(query, Arc::clone(&known.centre), known.null.query(&scores));
        let (direction, length) = scale.direction();
        let best = library.index.nearest(&direction, 1, None)?;
        let most_of_image = best.first().map_or(0.0, |best| image_weight * length * best.score.max(0.0));
        Ok(QueryScorer { scale, image_weight, most_of_image, nearest })
    }

    /// How well regions answer a region that covers `area` of its image; `of` is that image if it
    /// is in the library.
    pub fn example(
        &self,
        library: Library<'_>,
        query: &Embedding,
        area: f32,
        of: Option<ImageId>,
        calibration: &Calibration,
    ) -> Result<QueryScorer, EngineError> {
        let asked = if area < SCENE_AREA { Asked::Object } else { Asked::Scene };
        let known = self.known(asked, || {
            let centre: Arc<[f32]> = vec![0.0; query.dim()].into();
            let examples = self.examples(library, asked);
            let scores: Result<Vec<Scores>, EngineError> = examples
                .par_iter()
                .map(|(id, vector)| Ok(self.measure(library, vector, &centre, 0.0, Some(*id))?.scores))
                .collect();
            Ok(Centred { null: Null::of(&scores?, Modality::Image.usual(), calibration.region_image, false), centre })
        })?;
        let query = query.as_slice().to_vec();
        let Measured { scores, nearest } = self.measure(library, &query, &known.centre, 0.0, of)?;
        Ok(QueryScorer {
            scale: Scale::new(query, Arc::clone(&known.centre), known.null.query(&scores)),
            image_weight: 0.0,
            most_of_image: 0.0,
            nearest,
        })
    }

    /// Regions of the sample, one of an image at most: things, or what covers most of an image.
    fn examples(&self, library: Library<'_>, asked: Asked) -> Vec<(ImageId, Vec<f32>)> {
        let fits = |area: f32| (area >= SCENE_AREA) == (asked == Asked::Scene);
        let of_image = |(turn, &id): (usize, &ImageId)| {
            let shapes = library.regions.shapes(id)?;
            let fitting: Vec<u8> = (0u8..).zip(shapes.iter()).filter(|(_, s)| fits(s.area)).map(|(r, _)| r).collect();
            // Another one of each image: the first is always a corner.
            let region = *fitting.get(turn % fitting.len().max(1))?;
            Some((id, library.regions.vector(glimpse_indexer::regions::RegionId { image: id, region })?))
        };
        let every = spaced(self.sample.len(), NULL_REGIONS).map(|i| (i, &self.sample[i]));
        every.filter_map(of_image).collect()
    }

    /// The best region of each image of the sample, and of the best images of a library that is
    /// larger, for a unit query moved by `centre`; without the image `except`.
    fn measure(
        &self,
        library: Library<'_>,
        query: &[f32],
        centre: &[f32],
        image_weight: f32,
        except: Option<ImageId>,
    ) -> Result<Measured, EngineError> {
        let (direction, length) = moved(query, centre);
        let prepared = library.regions.prepare(&direction)?;
        let whole = |id: ImageId| match image_weight {
            0.0 => 0.0,
            weight => library.index.vector(id).map_or(0.0, |vector| weight * dot(&direction, &vector)),
        };
        let score = |&id: &ImageId| {
            let (best, whole) = (prepared.best(id)?, whole(id));
            Some((length * (best + whole), whole))
        };
        let images = self.sample.par_iter().with_min_len(AT_ONCE).filter(|&&id| Some(id) != except);
        let (sample, mut wholes): (Vec<f32>, Vec<f32>) = images.filter_map(score).unzip();
        let (mut top, mut nearest) = (Vec::new(), Vec::new());
        if self.size > self.sample.len() {
            let found = library.regions.nearest(&direction, FIRST, None)?;
            let last = found.last().map_or(0.0, |last| last.score);
            let mut images: HashMap<ImageId, f32> = HashMap::new();
            for region in found.iter().filter(|region| Some(region.id.image) != except) {
                let best = images.entry(region.id.image).or_insert(region.score);
                *best = best.max(region.score);
            }
            // An image whose regions all lie below the last one found has no more than this.
            let complete = length * (last + crate::calibrate::quantile(&mut wholes, WHOLE));
            let scores = images.into_iter().map(|(id, best)| length * (best + whole(id)));
            top.extend(scores.filter(|&score| score >= complete));
            nearest = found;
        }
        Ok(Measured { scores: Scores { sample, top, size: self.size }, nearest: nearest.into() })
    }

    fn known(
        &self,
        asked: Asked,
        measure: impl FnOnce() -> Result<Centred, EngineError>,
    ) -> Result<Arc<Centred>, EngineError> {
        let mut nulls = self.nulls.lock();
        if let Some(known) = nulls.get(&asked) {
            return Ok(Arc::clone(known));
        }
        let known = Arc::new(measure()?);
        nulls.insert(asked, Arc::clone(&known));
        Ok(known)
    }
}

/// A single image without a library to compare with: what texts for what is not there score in it.
pub(crate) struct Alone<'a> {
    regions: &'a [Embedding],
    centre: Arc<[f32]>,
    null: Null,
}

impl<'a> Alone<'a> {
    /// Asks the regions of an image for all texts of `bank`.
    pub fn of(regions: &'a [Embedding], bank: &Vectors, calibration: &Calibration) -> Self {
        let centre = centre(bank, calibration.hub_share);
        let known: Vec<Scores> = bank.rows().map(|query| best(query, &centre, regions)).collect();
        let null = Null::of(&known, Modality::Text.usual(), calibration.region_text, true);
        Self { regions, centre, null }
    }

    /// How well the regions answer a text.
    pub fn text(&self, query: &Embedding) -> QueryScorer {
        let query = query.as_slice().to_vec();
        let fitted = self.null.query(&best(&query, &self.centre, self.regions));
        let scale = Scale::new(query, Arc::clone(&self.centre), fitted);
        QueryScorer { scale, image_weight: 0.0, most_of_image: 0.0, nearest: Arc::default() }
    }
}

/// The best of the regions of one image.
fn best(query: &[f32], centre: &[f32], regions: &[Embedding]) -> Scores {
    let products = regions.iter().map(|region| dot(query, region.as_slice()) - dot(centre, region.as_slice()));
    Scores { sample: products.reduce(f32::max).into_iter().collect(), top: Vec::new(), size: 1 }
}

/// What texts are moved by.
fn centre(bank: &Vectors, hub_share: f32) -> Arc<[f32]> {
    bank.mean().iter().map(|value| hub_share * value).collect()
}

/// Scores regions for one query: z-scores and calibrated scores, with a share of the whole image's
/// cosine.
#[derive(Debug, Clone)]
pub(crate) struct QueryScorer {
    pub scale: Scale,
    /// Share of the whole image's cosine that is added to that of a region.
    image_weight: f32,
    /// The most that an image of the library adds.
    most_of_image: f32,
    /// The regions of the whole library nearest to it, as far as they had to be known; best first.
    nearest: Arc<[ScoredRegion]>,
}

impl QueryScorer {
    /// In bytes, to be kept with the index: [`QueryScorer::from_bytes`] gives one that scores
    /// alike.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = [self.image_weight, self.most_of_image].map(f32::to_le_bytes).concat();
        bytes.extend(self.scale.to_bytes());
        bytes
    }

    /// Reads what [`QueryScorer::to_bytes`] wrote, for vectors of `dim` values.
    pub fn from_bytes(bytes: &[u8], dim: usize) -> Option<Self> {
        let (image_weight, rest) = bytes.split_first_chunk()?;
        let (most_of_image, scale) = rest.split_first_chunk()?;
        let [image_weight, most_of_image] = [image_weight, most_of_image].map(|word| f32::from_le_bytes(*word));
        let is_sound = image_weight.is_finite() && most_of_image.is_finite();
        let scale = Scale::from_bytes(scale, dim).filter(|_| is_sound)?;
        Some(Self { scale, image_weight, most_of_image, nearest: Arc::default() })
    }

    /// What it takes in memory.
    pub fn bytes(&self) -> usize {
        self.scale.bytes() + size_of_val::<[ScoredRegion]>(&self.nearest)
    }

    /// The regions of the whole library nearest to it, as far as they are known; best first.
    pub fn nearest(&self) -> &[ScoredRegion] {
        &self.nearest
    }

    /// The most that an image adds to the products of its regions.
    pub fn most_of_image(&self) -> f32 {
        self.most_of_image
    }

    /// What an image adds to the products of its regions.
    pub fn of_image(&self, vector: Option<&[f32]>) -> f32 {
        match self.image_weight {
            0.0 => 0.0,
            weight => vector.map_or(0.0, |vector| weight * self.scale.product(vector)),
        }
    }

    /// The score of a region from its inner product with the moved query and what its image adds.
    pub fn score(&self, product: f32, image: f32) -> f32 {
        self.scale.score_of(product + image)
    }

    /// The same in standard deviations above the best regions of unrelated images.
    pub fn z(&self, product: f32, image: f32) -> f32 {
        self.scale.z_of(product + image)
    }
}
