//! Images below the cut: those that come closest to a form that few images fulfil, or none.

use std::collections::HashSet;

use glimpse_indexer::ImageId;

use super::constants::FIRST;
use super::judge::Judged;
use super::query::FoundImage;
use super::search::{Prepared, Search};
use super::together::Together;
use crate::calibrate::CUT;
use crate::{Cancel, EngineError, Strength};

impl Search<'_> {
    /// The `most` images that come closest to fulfilling the form, beside those that do (`found`);
    /// best first. An image that shows what must not be there is not among them.
    pub(super) fn closest(
        &self,
        prepared: &Prepared<'_>,
        together: &Together,
        found: &[FoundImage],
        most: usize,
    ) -> Result<Vec<FoundImage>, EngineError> {
        if most == 0 {
            return Ok(Vec::new());
        }
        let found: HashSet<ImageId> = found.iter().map(|image| image.id).collect();
        let mut regions = if most == usize::MAX { self.regions.len() } else { FIRST };
        let cancel = Cancel::current();
        loop {
            cancel.check()?;
            let complete = regions >= self.regions.len();
            let ids = if complete { self.allowed.iter().collect() } else { nearest(prepared, regions)? };
            let shows_none = |&id: &ImageId| !prepared.without.iter().any(|asked| self.shows(id, asked) >= CUT);
            let ids: Vec<ImageId> = ids.into_iter().filter(|id| !found.contains(id)).filter(shows_none).collect();
            let judged = self.judge_all(ids, prepared)?;
            let mut images: Vec<FoundImage> =
                judged.into_iter().map(|(id, judged)| weaker(id, judged, together)).collect();
            if complete || images.len() >= most {
                images.sort_by(FoundImage::by_score);
                images.truncate(most);
                return Ok(images);
            }
            regions = regions.saturating_mul(8);
        }
    }
}

/// The images of the regions nearest to the things, each thing having an equal part of `regions`.
fn nearest(prepared: &Prepared<'_>, regions: usize) -> Result<HashSet<ImageId>, EngineError> {
    let of_each = regions.div_ceil(prepared.scorers.len().max(1));
    let mut images = HashSet::new();
    for scorer in prepared.scorers {
        images.extend(prepared.nearest.of(scorer, of_each)?.into_iter().map(|scored| scored.id.image));
    }
    Ok(images)
}

/// An image below the cut, whatever it is worth: whatever reaches the cut was found before.
fn weaker(id: ImageId, judged: Judged, together: &Together) -> FoundImage {
    let score = judged.score(together);
    let mut image =
        FoundImage { id, score, strength: Strength::of(score), boxes: judged.boxes, refined: false, frame: None };
    image.fall_below();
    image
}
