//! Photos below the cut: those that come closest to a form that few photos fulfil, or none.

use std::collections::HashSet;

use glimpse_indexer::ImageId;
use glimpse_indexer::regions::RegionShape;

use super::constants::{FIRST, UNMET, WEAK_BOXES};
use super::find::{Asked, Search, found_boxes};
use super::form::Thing;
use super::query::{FoundBox, FoundPhoto};
use super::scale::Standing;
use crate::calibrate::CUT;
use crate::{EngineError, Strength};

impl Search<'_> {
    /// The `most` photos that come closest to fulfilling the form, beside those that do (`found`);
    /// best first. A photo that shows what must not be there is not among them.
    pub(super) fn closest(
        &self,
        things: &[Thing],
        standings: &[Standing],
        without: &[Standing],
        found: &[FoundPhoto],
        most: usize,
    ) -> Result<Vec<FoundPhoto>, EngineError> {
        if most == 0 {
            return Ok(Vec::new());
        }
        let asked = standings.iter().map(|standing| self.ask(standing)).collect::<Result<Vec<_>, _>>()?;
        let without = without.iter().map(|standing| self.ask(standing)).collect::<Result<Vec<_>, _>>()?;
        let found: HashSet<ImageId> = found.iter().map(|photo| photo.id).collect();
        let mut regions = if most == usize::MAX { self.regions.len() } else { FIRST };
        loop {
            let complete = regions >= self.regions.len();
            let ids = if complete { self.allowed.iter().collect() } else { self.nearest(standings, regions)? };
            let ids = ids.into_iter().filter(|id| !found.contains(id));
            let ids = ids.filter(|&id| !without.iter().any(|asked| self.shows(id, asked)));
            let mut photos: Vec<FoundPhoto> = ids.filter_map(|id| self.close(id, things, &asked)).collect();
            if complete || photos.len() >= most {
                photos.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
                photos.truncate(most);
                return Ok(photos);
            }
            regions = regions.saturating_mul(8);
        }
    }

    /// The photos of the regions nearest to the things, each thing having an equal part of
    /// `regions`.
    fn nearest(&self, standings: &[Standing], regions: usize) -> Result<HashSet<ImageId>, EngineError> {
        let among = self.regions.select(Some(&self.allowed), self.query.min_area);
        let of_each = regions.div_ceil(standings.len().max(1));
        let mut photos = HashSet::new();
        for standing in standings {
            let (direction, _) = standing.regions.direction();
            let nearest = self.regions.nearest(&direction, of_each, among.as_ref())?;
            photos.extend(nearest.into_iter().map(|scored| scored.id.image));
        }
        Ok(photos)
    }

    /// How close a photo comes: as close as its least certain box where it has boxes that would
    /// fulfil the form if they were surer, and [`UNMET`] of its least certain thing where it has
    /// not, or where that is more. `None` if it has no region that is large enough.
    fn close(&self, id: ImageId, things: &[Thing], asked: &[Asked<'_>]) -> Option<FoundPhoto> {
        let each = things.iter().zip(asked).enumerate();
        let boxes = each.map(|(thing, (named, asked))| self.any_boxes(id, thing, named, asked));
        let boxes = boxes.collect::<Option<Vec<_>>>()?;
        let best: Vec<FoundBox> = boxes.iter().filter_map(|boxes| boxes.first().copied()).collect();
        let least = best.iter().map(|found| found.score).fold(1.0, f32::min);

        let counts = things.iter().zip(&boxes).map(|(named, boxes)| count_of(named, boxes));
        let counted = counts.into_iter().try_fold(1.0, |least: f32, score| Some(least.min(score?)));
        let fulfilled = counted.zip(self.fulfils(things, &boxes));
        let fulfilled = fulfilled.map(|(counted, (score, chosen))| (score.min(counted), chosen));
        let (score, chosen) = fulfilled.filter(|(score, _)| *score >= UNMET * least).unwrap_or((UNMET * least, best));
        let score = score.min(CUT.next_down()); // whatever reaches the cut was found before
        let boxes = self.shown(chosen, boxes);
        Some(FoundPhoto { id, score, strength: Strength::of(score), boxes })
    }

    /// The boxes of a thing at or above the cut, and below it as many as the thing needs to find a
    /// place; best first.
    fn any_boxes(&self, id: ImageId, thing: usize, named: &Thing, asked: &Asked<'_>) -> Option<Vec<FoundBox>> {
        let (products, shapes) = self.products(id, asked)?;
        let picture = asked.standing.of_picture(self.index.vector(id).as_deref());
        let is_found = |shape: &RegionShape, _| shape.area >= self.query.min_area;
        let boxes = found_boxes(&products, &shapes, asked.standing, picture, is_found).into_iter().enumerate();
        let needed = WEAK_BOXES.max(named.at_least);
        let boxes = boxes.filter(|(place, found)| *place < needed || found.score >= CUT);
        let boxes: Vec<FoundBox> = boxes.map(|(_, found)| FoundBox { thing, ..found }).collect();
        (!boxes.is_empty()).then_some(boxes)
    }
}

/// The score of a thing's count, which is that of the last box that is needed; `None` if there are
/// too few or too many.
fn count_of(named: &Thing, boxes: &[FoundBox]) -> Option<f32> {
    let sure = boxes.iter().filter(|found| found.score >= CUT).count();
    let too_many = named.at_most.is_some_and(|most| sure > most);
    boxes.get(named.at_least - 1).filter(|_| !too_many).map(|found| found.score)
}
