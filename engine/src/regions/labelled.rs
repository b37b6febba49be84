//! What one image after the other shows of many labels, each judged as [`crate::Engine::find`]
//! judges a thing.

use glimpse_indexer::ImageId;
use glimpse_indexer::regions::{RegionLibrary, RegionScorer, StoredRegionTag};

use super::boxes::disjoint;
use super::scale::QueryScorer;
use crate::EngineError;
use crate::calibrate::CUT;

/// Most regions of an image that show one label.
const MOST_OF_LABEL: usize = 5;

/// Labels that are looked for in one image after the other.
pub(crate) struct LabelSearch<'a> {
    regions: &'a dyn RegionLibrary,
    labels: Vec<Label<'a>>,
}

struct Label<'a> {
    scorer: &'a QueryScorer,
    query: Box<dyn RegionScorer + 'a>,
    /// Length of the moved query, which the index compares as a unit vector.
    length: f32,
}

impl<'a> LabelSearch<'a> {
    /// Makes labels ready, one for each scorer.
    ///
    /// # Errors
    /// If the index has vectors of another width.
    pub fn of(
        regions: &'a dyn RegionLibrary,
        scorers: impl Iterator<Item = &'a QueryScorer>,
    ) -> Result<Self, EngineError> {
        let label = |scorer: &'a QueryScorer| {
            let (direction, length) = scorer.scale.direction();
            Ok::<_, EngineError>(Label { scorer, query: regions.prepare(&direction)?, length })
        };
        Ok(Self { regions, labels: scorers.map(label).collect::<Result<_, _>>()? })
    }

    /// The regions of an image, whose own vector is `whole`, that show a label at or above the cut:
    /// of each label those that `find` would give a box, surest first. Labels are by their place
    /// among the scorers.
    pub fn tags(&self, id: ImageId, whole: Option<&[f32]>) -> Vec<StoredRegionTag> {
        let Some(shapes) = self.regions.shapes(id) else { return Vec::new() };
        let mut tags = Vec::new();
        for (label, of) in (0u16..).zip(&self.labels) {
            let image = of.scorer.of_image(whole);
            let products: Vec<f32> = of.query.score(id).into_iter().map(|scored| scored.score * of.length).collect();
            let best = products.iter().copied().fold(f32::MIN, f32::max);
            if products.len() != shapes.len() || of.scorer.score(best, image) < CUT {
                continue;
            }
            let z: Vec<f32> = products.iter().map(|&product| of.scorer.z(product, image)).collect();
            let regions = disjoint(&z, &shapes, |_| true).into_iter();
            let tag = |region: usize| StoredRegionTag {
                label,
                region: Some(region as u8),
                score: of.scorer.score(products[region], image),
            };
            let mut of_label: Vec<_> = regions.map(tag).filter(|tag| tag.score >= CUT).collect();
            of_label.sort_by(|a, b| b.score.total_cmp(&a.score));
            tags.extend(of_label.into_iter().take(MOST_OF_LABEL));
        }
        tags.sort_by(|a, b| b.score.total_cmp(&a.score));
        tags
    }
}
