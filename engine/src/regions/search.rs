//! A question to the regions of a library, made ready, and what it finds in one image.

use std::sync::Arc;

use glimpse_indexer::regions::{RegionLibrary, RegionScorer, RegionShape};
use glimpse_indexer::{Among, IdSet, ImageId, Index};

use super::boxes::disjoint;
use super::nearest::NearestRegions;
use super::query::{FindQuery, FoundBox};
use super::scale::QueryScorer;
use super::structured_query::QueryObject;
use crate::EngineError;
use crate::calibrate::CUT;

/// A question, and the library that answers it.
pub(super) struct Search<'a> {
    pub index: &'a Index,
    pub regions: Arc<dyn RegionLibrary + 'a>,
    pub query: &'a FindQuery,
    /// Images that may be found.
    pub allowed: IdSet,
}

/// A thing that is looked for.
pub(super) struct Asked<'a> {
    pub scorer: &'a QueryScorer,
    query: Box<dyn RegionScorer + 'a>,
    /// Length of the moved query, which the index compares as a unit vector.
    length: f32,
}

/// All things of a question, ready to be looked for in one image after the other.
pub(super) struct Prepared<'a> {
    pub things: &'a [QueryObject],
    /// One for each of `things`.
    pub scorers: &'a [QueryScorer],
    /// The regions nearest to them.
    pub nearest: NearestRegions<'a>,
    /// One for each of `things`.
    pub asked: Vec<Asked<'a>>,
    /// What must not be there.
    pub without: Vec<Asked<'a>>,
}

impl Search<'_> {
    /// Makes the things of a question ready, and what it rules out.
    ///
    /// # Errors
    /// If the index has vectors of another width.
    pub fn prepare<'s>(
        &'s self,
        things: &'s [QueryObject],
        scorers: &'s [QueryScorer],
        without: &'s [QueryScorer],
    ) -> Result<Prepared<'s>, EngineError> {
        let ask = |scorers: &'s [QueryScorer]| scorers.iter().map(|scorer| self.ask(scorer)).collect::<Result<_, _>>();
        let (images, filter) = (Some(&self.allowed), Some(&self.query.filter));
        let among = Among { images, filter, min_area: self.query.min_area };
        let nearest = NearestRegions::new(&*self.regions, &among);
        Ok(Prepared { things, scorers, nearest, asked: ask(scorers)?, without: ask(without)? })
    }

    fn ask<'s>(&'s self, scorer: &'s QueryScorer) -> Result<Asked<'s>, EngineError> {
        let (direction, length) = scorer.scale.direction();
        Ok(Asked { scorer, query: self.regions.prepare(&direction)?, length })
    }

    /// Inner products of an image's regions with the moved query, and where they are; `None` if it
    /// has none.
    pub fn products(&self, id: ImageId, asked: &Asked<'_>) -> Option<(Vec<f32>, Arc<[RegionShape]>)> {
        let shapes = self.regions.shapes(id)?;
        let products: Vec<f32> = asked.query.score(id).into_iter().map(|scored| scored.score * asked.length).collect();
        (products.len() == shapes.len()).then_some((products, shapes))
    }

    /// The boxes that an image is shown with: for each thing the one that was chosen, then others
    /// at or above the cut.
    pub fn shown(&self, chosen: Vec<FoundBox>, boxes: Vec<Vec<FoundBox>>) -> Vec<FoundBox> {
        let each = chosen.into_iter().zip(boxes).flat_map(|(chosen, boxes)| {
            let others = boxes.into_iter().filter(move |found| *found != chosen && found.score >= CUT);
            std::iter::once(chosen).chain(others).take(self.query.max_boxes)
        });
        each.collect()
    }
}

/// The regions of an image that show a thing, none inside another, best first.
pub(super) fn found_boxes(
    products: &[f32],
    shapes: &[RegionShape],
    scorer: &QueryScorer,
    image: f32,
    is_found: impl Fn(&RegionShape, f32) -> bool,
) -> Vec<FoundBox> {
    let z: Vec<f32> = products.iter().map(|&product| scorer.z(product, image)).collect();
    let scores: Vec<f32> = products.iter().map(|&product| scorer.score(product, image)).collect();
    let regions = disjoint(&z, shapes, |region| is_found(&shapes[region], scores[region]));
    let mut boxes: Vec<FoundBox> = regions
        .into_iter()
        .map(|region| FoundBox {
            thing: 0,
            rect: shapes[region].rect,
            area: shapes[region].area,
            score: scores[region],
            z: z[region],
        })
        .collect();
    boxes.sort_by(|a, b| b.score.total_cmp(&a.score));
    boxes
}
