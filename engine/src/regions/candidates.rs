//! Which images are worth looking at: those with a region that may show the rarest of the things
//! asked for.

use glimpse_indexer::ImageId;
use glimpse_indexer::regions::ScoredRegion;

use super::constants::FIRST;
use super::nearest::NearestRegions;
use super::scale::QueryScorer;
use crate::{Cancel, EngineError};

/// Images, by number, that may show all things with a score of `least`: every image whose boxes can
/// fulfil the form is among them.
///
/// An image that shows all things shows the rarest, so only the regions nearest to that one are
/// gone through to the end. The other things are left to the images' own boxes, which are exact
/// where a search of the nearest cells may miss some.
///
/// # Errors
/// If the index has vectors of another width, or the question is given up.
pub(super) fn candidates(
    nearest: &NearestRegions<'_>,
    scorers: &[QueryScorer],
    least: f32,
) -> Result<Vec<ImageId>, EngineError> {
    candidates_from(FIRST, nearest, scorers, least)
}

/// As [`candidates`], with so many regions asked for at first.
pub(super) fn candidates_from(
    first: usize,
    nearest: &NearestRegions<'_>,
    scorers: &[QueryScorer],
    least: f32,
) -> Result<Vec<ImageId>, EngineError> {
    let walk = Walk { regions: nearest, least };
    let cancel = Cancel::current();
    let mut fronts = Vec::with_capacity(scorers.len());
    for scorer in scorers {
        cancel.check()?;
        fronts.push(walk.front(scorer, first)?);
    }
    let Some(mut rarest) = fronts.into_iter().min_by(Front::cmp) else { return Ok(Vec::new()) };
    while !rarest.is_complete {
        cancel.check()?;
        rarest = walk.front(rarest.scorer, rarest.nearest.len().saturating_mul(8))?;
    }
    let mut images: Vec<ImageId> = rarest.nearest.into_iter().map(|scored| scored.id.image).collect();
    images.sort_unstable();
    images.dedup();
    Ok(images)
}

struct Walk<'a> {
    regions: &'a NearestRegions<'a>,
    /// What a region must score, 0 to 1.
    least: f32,
}

/// The regions nearest to a thing, best first.
struct Front<'s> {
    scorer: &'s QueryScorer,
    nearest: Vec<ScoredRegion>,
    /// The best score that the last of them could have.
    last: f32,
    /// No region beyond them can be found.
    is_complete: bool,
}

impl Walk<'_> {
    /// The `count` nearest regions of a thing, without those that cannot be found in the best of
    /// images.
    fn front<'s>(&self, scorer: &'s QueryScorer, count: usize) -> Result<Front<'s>, EngineError> {
        let count = count.min(self.regions.all());
        let (_, length) = scorer.scale.direction();
        let mut nearest = self.regions.of(scorer, count)?;
        let best = |scored: &ScoredRegion| scorer.score(scored.score * length, scorer.most_of_image());
        let found = nearest.partition_point(|scored| best(scored) >= self.least);
        let last = nearest.last().map_or(0.0, best);
        let is_complete = found < nearest.len() || nearest.len() < count || count == self.regions.all();
        nearest.truncate(found);
        Ok(Front { scorer, nearest, last, is_complete })
    }
}

impl Front<'_> {
    /// The rarer of two things is the one with fewer regions, or with a worse one at the same
    /// depth.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let by_completeness = other.is_complete.cmp(&self.is_complete);
        by_completeness.then(self.nearest.len().cmp(&other.nearest.len())).then(self.last.total_cmp(&other.last))
    }
}
