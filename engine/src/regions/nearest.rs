//! The regions nearest to a thing, which a question asks for more than once: for the images that
//! show it, and for those that come closest.

use glimpse_indexer::Among;
use glimpse_indexer::regions::{RegionLibrary, RegionSelection, ScoredRegion};
use parking_lot::Mutex;

use super::scale::QueryScorer;
use crate::EngineError;

/// Regions among those of some images, by their distance from things.
pub(super) struct NearestRegions<'a> {
    regions: &'a dyn RegionLibrary,
    /// `None` for all.
    among: Option<RegionSelection>,
    answers: Mutex<Vec<Answer>>,
}

struct Answer {
    direction: Vec<f32>,
    /// How many were asked for.
    count: usize,
    regions: Vec<ScoredRegion>,
}

impl<'a> NearestRegions<'a> {
    /// Among the regions of some images, or the larger ones of these.
    pub fn new(regions: &'a dyn RegionLibrary, among: &Among<'_>) -> Self {
        Self { regions, among: regions.select(among), answers: Mutex::default() }
    }

    /// Number of regions among which they are.
    pub fn all(&self) -> usize {
        self.among.as_ref().map_or(self.regions.len(), RegionSelection::len)
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
