//! Photos below the cut: those that come closest to a form that few photos fulfil, or none.

use std::collections::HashSet;

use glimpse_indexer::ImageId;

use super::constants::FIRST;
use super::find::Search;
use super::form::Thing;
use super::judge::Judged;
use super::query::FoundPhoto;
use super::scale::Standing;
use crate::calibrate::CUT;
use crate::{Cancel, EngineError, Strength};

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
        let cancel = Cancel::current();
        loop {
            cancel.check()?;
            let complete = regions >= self.regions.len();
            let ids = if complete { self.allowed.iter().collect() } else { self.nearest(standings, regions)? };
            let ids = ids.into_iter().filter(|id| !found.contains(id));
            let ids = ids.filter(|&id| !without.iter().any(|asked| self.shows(id, asked) >= CUT));
            let close = |id| self.judge(id, things, &asked, &without).map(|judged| weaker(id, judged));
            let mut photos: Vec<FoundPhoto> = ids.filter_map(close).collect();
            if complete || photos.len() >= most {
                photos.sort_by(FoundPhoto::by_score);
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
            let (direction, _) = standing.scale.direction();
            let nearest = self.regions.nearest(&direction, of_each, among.as_ref())?;
            photos.extend(nearest.into_iter().map(|scored| scored.id.image));
        }
        Ok(photos)
    }
}

/// A photo below the cut, whatever it is worth: whatever reaches the cut was found before.
fn weaker(id: ImageId, Judged { score, boxes }: Judged) -> FoundPhoto {
    let mut photo = FoundPhoto { id, score, strength: Strength::of(score), boxes, refined: false };
    photo.fall_below();
    photo
}
