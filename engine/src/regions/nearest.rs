//! The regions nearest to a thing, which a question asks for more than once: for the images that
//! show it, and for those that come closest.

use glimpse_indexer::regions::{RegionIndex, ScoredRegion};
use glimpse_indexer::{IdSet, VectorSet};
use parking_lot::Mutex;

use super::scale::QueryScorer;
use crate::EngineError;

/// Regions among those of some images, by their distance from things.
pub(super) struct NearestRegions<'a> {
    regions: &'a RegionIndex,
    /// `None` for all.
    among: Option<VectorSet>,
    answers: Mutex<Vec<Answer>>,
}

struct Answer {
    direction: Vec<f32>,
    /// How many were asked for.
    count: usize,
    regions: Vec<ScoredRegion>,
}

impl<'a> NearestRegions<'a> {
    /// Among the regions of `allowed` that cover at least `min_area` of their image.
    pub fn new(regions: &'a RegionIndex, allowed: &IdSet, min_area: f32) -> Self {
        Self { regions, among: regions.select(Some(allowed), min_area), answers: Mutex::default() }
    }

    /// Number of regions among which they are.
    pub fn all(&self) -> usize {
        self.among.as_ref().map_or(self.regions.len(), VectorSet::len)
    }

    /// The `count` regions nearest to a thing, best first, each with its cosine.
    ///
    /// # Errors
    /// If the index has vectors of another width.
    pub fn of(&self, scorer: &QueryScorer, count: usize) -> Result<Vec<ScoredRegion>, EngineError> {
        if self.among.is_none() && scorer.nearest().len() >= count {
            return Ok(scorer.nearest()[..count].to_vec());
        }
        let (direction, _) = scorer.scale.direction();
        let mut answers = self.answers.lock();
        if let Some(known) = answers.iter().find(|known| known.count >= count && known.direction == direction) {
            return Ok(known.regions.iter().take(count).copied().collect());
        }
        let regions = self.regions.nearest(&direction, count, self.among.as_ref())?;
        answers.retain(|known| known.direction != direction);
        answers.push(Answer { direction, count, regions: regions.clone() });
        Ok(regions)
    }
}
