//! What was predicted of an image, and two yardsticks made of the same segments: each with the
//! category that fits it best, and with any category.

use std::collections::HashMap;

use glimpse::engine::Segmentation;

use super::super::pixel_truth::{TrueMap, VOID};
use super::draws::Draws;
use super::panoptic_quality::PredictedSegment;

/// Segments of an image and their categories.
#[derive(Debug, Clone)]
pub struct Predicted {
    /// The segment of each pixel, from 1 on.
    ids: Vec<u32>,
    /// The category of each segment for its pixels, and as a whole; none if it shows no category.
    pixels: Vec<Option<usize>>,
    segments: Vec<Option<usize>>,
}

impl Predicted {
    /// A segmentation whose labels are the categories `asked`. What no label fits is a segment too,
    /// of the category `none` if there is one for it.
    pub fn of(found: &Segmentation, asked: &[usize], none: Option<usize>) -> Self {
        let rest = found.segments.len() as u32 + 1;
        let ids = found.stretched(&found.map.segments, found.width, found.height);
        let ids = ids.into_iter().map(|id| if id == 0 { rest } else { id }).collect();
        let segments = found.segments.iter().map(|segment| Some(asked[segment.label]));
        let segments: Vec<_> = segments.chain([none]).collect();
        Self { ids, pixels: segments.clone(), segments }
    }

    /// The same segments, each with the category that most of its pixels show, and as a whole with
    /// that of the true segment which it overlaps most.
    pub fn best_of_its_segments(&self, truth: &TrueMap) -> Self {
        let mut shown: HashMap<(u32, u16), u64> = HashMap::new();
        for (&id, &category) in self.ids.iter().zip(&truth.categories).filter(|(_, category)| **category != VOID) {
            *shown.entry((id, category)).or_default() += 1;
        }
        let mut pixels: Vec<(u64, Option<usize>)> = vec![(0, None); self.segments.len()];
        for ((id, category), count) in shown {
            let best = &mut pixels[id as usize - 1];
            *best = (*best).max((count, Some(category.into())));
        }
        let pixels: Vec<Option<usize>> = pixels.into_iter().map(|(_, category)| category).collect();
        let segments = truth.segments.as_ref().map(|(of_truth, list)| {
            let (mut areas, mut common) = (HashMap::<u32, u64>::new(), HashMap::<(u32, u32), u64>::new());
            for (&id, &other) in self.ids.iter().zip(of_truth) {
                *areas.entry(id).or_default() += 1;
                *common.entry((id, other)).or_default() += 1;
            }
            let best = |id: u32| {
                let overlap = list.iter().map(|segment| {
                    let both = common.get(&(id, segment.id)).copied().unwrap_or(0);
                    let union = areas.get(&id).copied().unwrap_or(0) + segment.area - both;
                    (both as f64 / union.max(1) as f64, segment.category)
                });
                overlap.filter(|(overlap, _)| *overlap > 0.0).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, best)| best)
            };
            (1..=self.segments.len() as u32).map(best).collect()
        });
        Self { ids: self.ids.clone(), segments: segments.unwrap_or_else(|| pixels.clone()), pixels }
    }

    /// The same segments, each with a category drawn at random, always the same for a seed.
    pub fn with_any_categories(&self, categories: usize, seed: u64) -> Self {
        let mut draws = Draws::of(seed);
        let segments: Vec<_> = self.segments.iter().map(|_| Some(draws.below(categories))).collect();
        Self { ids: self.ids.clone(), pixels: segments.clone(), segments }
    }

    /// The category of each pixel, or [`VOID`].
    pub fn categories(&self) -> impl Iterator<Item = u16> + '_ {
        self.ids.iter().map(|&id| self.pixels[id as usize - 1].map_or(VOID, |category| category as u16))
    }

    /// The segment of each pixel, and what segments there are.
    pub fn segments(&self) -> (&[u32], Vec<PredictedSegment>) {
        let listed = self.segments.iter().zip(1..).filter_map(|(category, id)| Some((id, (*category)?)));
        (&self.ids, listed.map(|(id, category)| PredictedSegment { id, category }).collect())
    }
}
