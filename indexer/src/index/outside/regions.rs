//! Regions whose vectors a server searches: what is asked of one image is read from the store, and
//! what is asked of all of them answered by their counts.

use std::sync::Arc;

use super::cosine::cosine;
use super::{Outside, there::There};
use crate::backend::{Kind, VectorBackend};
use crate::regions::format::Stored;
use crate::regions::{
    RegionId, RegionLibrary, RegionScorer, RegionSelection, RegionShape, ScoredRegion, Shapes, shapes,
};
use crate::vectors::{Quantised, check_width};
use crate::{Among, IdSet, ImageId, Index, IndexError};

/// The regions of an image.
pub(super) struct ImageRegions {
    pub shapes: Shapes,
    pub vectors: Vec<Quantised>,
}

impl ImageRegions {
    pub fn of(stored: Stored) -> Self {
        Self { shapes: shapes(&stored.map), vectors: stored.vectors }
    }

    pub fn vector(&self, region: u8) -> Option<Vec<f32>> {
        Some(self.vectors.get(usize::from(region))?.decode())
    }
}

pub(super) struct RegionsOutside<'a> {
    pub index: &'a Index,
    pub outside: &'a Outside,
}

impl RegionsOutside<'_> {
    /// A value that cannot be read counts as none; `verify` names it.
    fn of_image(&self, image: ImageId) -> Option<Arc<ImageRegions>> {
        self.index.image_regions(self.outside, image).ok().flatten()
    }
}

impl RegionLibrary for RegionsOutside<'_> {
    fn len(&self) -> usize {
        self.outside.counts.read().regions()
    }

    fn images(&self) -> usize {
        self.outside.counts.read().images().len()
    }

    fn has(&self, image: ImageId) -> bool {
        self.outside.counts.read().get(image).is_some()
    }

    fn images_among(&self, images: &IdSet) -> usize {
        self.outside.counts.read().images().intersection(images).len()
    }

    fn images_with(&self, images: &IdSet, min_area: f32) -> usize {
        let counts = self.outside.counts.read();
        let among = counts.images().intersection(images);
        among.iter().filter(|&id| counts.get(id).is_some_and(|count| count.largest >= min_area)).count()
    }

    fn count_of(&self, image: ImageId) -> Option<usize> {
        Some(self.outside.counts.read().get(image)?.regions.into())
    }

    fn shapes(&self, image: ImageId) -> Option<Arc<[RegionShape]>> {
        Some(Arc::clone(&self.of_image(image)?.shapes))
    }

    fn vector(&self, id: RegionId) -> Option<Vec<f32>> {
        self.of_image(id.image)?.vector(id.region)
    }

    fn select(&self, among: &Among<'_>) -> Option<RegionSelection> {
        let counts = self.outside.counts.read();
        let images =
            among.images.map_or_else(|| counts.images().clone(), |images| images.intersection(counts.images()));
        if among.min_area <= 0.0 && images.len() == counts.images().len() {
            return None;
        }
        let len = images.iter().filter_map(|id| counts.get(id)).map(|count| usize::from(count.regions)).sum();
        let filter = among.filter.cloned();
        Some(RegionSelection { images, filter, min_area: among.min_area, vectors: None, len })
    }

    fn nearest(
        &self,
        query: &[f32],
        k: usize,
        among: Option<&RegionSelection>,
    ) -> Result<Vec<ScoredRegion>, IndexError> {
        let among = among.map_or(Among::ALL, |selection| Among {
            images: Some(&selection.images),
            filter: selection.filter.as_ref(),
            min_area: selection.min_area,
        });
        let there = There { index: self.index, outside: self.outside };
        let found = there.search(Kind::Regions, query, k, &among)?;
        let scored = found.into_iter().map(|found| ScoredRegion { id: RegionId::of_key(found.id), score: found.score });
        Ok(scored.collect())
    }

    fn prepare(&self, query: &[f32]) -> Result<Box<dyn RegionScorer + '_>, IndexError> {
        check_width(self.index.scan.dim(), query.len())?;
        let length = glimpse_encoder::dot(query, query).sqrt();
        Ok(Box::new(Scorer { regions: self, query: query.to_vec(), length }))
    }
}

struct Scorer<'a> {
    regions: &'a RegionsOutside<'a>,
    query: Vec<f32>,
    length: f32,
}

impl RegionScorer for Scorer<'_> {
    fn score(&self, image: ImageId) -> Vec<ScoredRegion> {
        let Some(regions) = self.regions.of_image(image) else { return Vec::new() };
        let score = |(region, vector)| ScoredRegion {
            id: RegionId { image, region },
            score: cosine(&self.query, self.length, vector),
        };
        (0..).zip(&regions.vectors).map(score).collect()
    }
}
