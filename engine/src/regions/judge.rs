//! The probability that one image fulfils a form, and the boxes that say so.
//!
//! Things are judged together ([`Together`]). What must not be there is the chance that no region
//! shows it, and a count follows the Poisson binomial distribution over disjoint boxes; both are
//! taken to be independent of the rest.

use glimpse_indexer::ImageId;
use glimpse_indexer::regions::RegionShape;
use rayon::prelude::*;

use super::assign::assign;
use super::constants::{FAINT, UNMET, WEAK_BOXES};
use super::query::FoundBox;
use super::scale::QueryScorer;
use super::search::{Asked, Prepared, Search, found_boxes};
use super::structured_query::QueryObject;
use super::together::Together;
use crate::{Cancel, EngineError};

/// Images that a core judges in a row: each takes some ten microseconds.
const AT_ONCE: usize = 16;

/// What an image shows of a form.
pub(super) struct Judged {
    /// Probability that it shows a thing, by thing without a count.
    pub shown: Vec<f32>,
    /// Probability of the rest: of counts, of what must not be there, and of boxes as they are
    /// asked for.
    pub rest: f32,
    /// For each thing the box that was chosen, then others at or above the cut.
    pub boxes: Vec<FoundBox>,
}

impl Search<'_> {
    /// Judges images, on all cores; those that have no region that is large enough are left out.
    ///
    /// # Errors
    /// If the question is given up.
    pub(super) fn judge_all(
        &self,
        ids: Vec<ImageId>,
        prepared: &Prepared<'_>,
    ) -> Result<Vec<(ImageId, Judged)>, EngineError> {
        let cancel = Cancel::current();
        let judge = |id: ImageId| {
            cancel.check()?;
            Ok(self.judge(id, prepared).map(|judged| (id, judged)))
        };
        ids.into_par_iter().with_min_len(AT_ONCE).filter_map(|id| judge(id).transpose()).collect()
    }

    /// Judges an image; `None` if it has no region that is large enough.
    pub(super) fn judge(&self, id: ImageId, prepared: &Prepared<'_>) -> Option<Judged> {
        let Prepared { things, asked, without, .. } = prepared;
        let each = things.iter().zip(asked).enumerate();
        let boxes = each.map(|(thing, (named, asked))| self.boxes(id, thing, named, asked));
        let boxes = boxes.collect::<Option<Vec<_>>>()?;
        let (_, relations) = self.query.structured_parts();
        let (met, chosen) = match assign(&boxes, relations) {
            Some((_, chosen)) => (1.0, chosen),
            // All things may be there, though not each in a place of its own, or not lying as
            // asked.
            None => (UNMET, boxes.iter().filter_map(|boxes| boxes.first().copied()).collect()),
        };
        let (counted, once): (Vec<_>, Vec<_>) = (0..things.len()).partition(|&thing| is_counted(&things[thing]));
        let counts: f32 = counted.iter().map(|&thing| count_probability(&things[thing], &boxes[thing])).product();
        let clear: f32 = without.iter().map(|asked| 1.0 - self.shows(id, asked)).product();
        let shown = once.iter().map(|&thing| chosen[thing].score).collect();
        Some(Judged { shown, rest: met * counts * clear, boxes: self.shown(chosen, boxes) })
    }

    /// Probability that some region of the image shows it.
    pub(super) fn shows(&self, id: ImageId, asked: &Asked<'_>) -> f32 {
        let Some((products, _)) = self.products(id, asked) else { return 0.0 };
        let image = asked.scorer.of_image(self.index.vector(id).as_deref());
        products.iter().map(|&product| asked.scorer.score(product, image)).fold(0.0, f32::max)
    }

    /// Disjoint boxes of a thing, best first: the first few, and all that could be one of several.
    fn boxes(&self, id: ImageId, thing: usize, named: &QueryObject, asked: &Asked<'_>) -> Option<Vec<FoundBox>> {
        let (products, shapes) = self.products(id, asked)?;
        let image = asked.scorer.of_image(self.index.vector(id).as_deref());
        let is_large = |shape: &RegionShape, _| shape.area >= self.query.min_area;
        let boxes = found_boxes(&products, &shapes, asked.scorer, image, is_large).into_iter().enumerate();
        let needed = WEAK_BOXES.max(named.at_least);
        let boxes = boxes.filter(|(place, found)| *place < needed || found.score >= FAINT);
        let boxes: Vec<FoundBox> = boxes.map(|(_, found)| FoundBox { thing, ..found }).collect();
        (!boxes.is_empty()).then_some(boxes)
    }
}

impl Judged {
    /// Probability that the image fulfils the form.
    pub fn score(&self, together: &Together) -> f32 {
        self.rest * together.score(&self.shown)
    }
}

/// How the things of a form without a count come together, learnt from images that were judged.
pub(super) fn together<'j>(
    things: &[QueryObject],
    scorers: &[QueryScorer],
    judged: impl Iterator<Item = &'j Judged> + Clone,
) -> Together {
    let once = things.iter().zip(scorers).filter(|(thing, _)| !is_counted(thing));
    let shares: Vec<f32> = once.map(|(_, scorer)| scorer.scale.share()).collect();
    Together::of(&shares, judged.map(|judged| judged.shown.as_slice()))
}

/// True if it matters how often an image shows the thing.
pub(super) fn is_counted(thing: &QueryObject) -> bool {
    thing.at_least > 1 || thing.at_most.is_some()
}

/// Probability that an image shows a thing as often as asked.
fn count_probability(named: &QueryObject, boxes: &[FoundBox]) -> f32 {
    let scores: Vec<f32> = boxes.iter().map(|found| found.score).collect();
    count_between(&scores, named.at_least, named.at_most)
}

/// Probability that between `least` and `most` of independent events happen (the Poisson binomial
/// distribution).
fn count_between(probabilities: &[f32], least: usize, most: Option<usize>) -> f32 {
    let mut counts = vec![1.0f32];
    for &probability in probabilities {
        counts.push(0.0);
        for count in (0..counts.len()).rev() {
            let before = if count > 0 { counts[count - 1] } else { 0.0 };
            counts[count] = counts[count] * (1.0 - probability) + before * probability;
        }
    }
    let up_to = most.unwrap_or(usize::MAX);
    let within = counts.iter().enumerate().filter(|(count, _)| (least..=up_to).contains(count));
    within.map(|(_, chance)| chance).sum::<f32>().clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_of_fair_coins_are_binomial() {
        let coins = [0.5; 4];
        let chance = |least, most| count_between(&coins, least, most);
        assert_eq!([chance(0, Some(0)), chance(2, Some(2)), chance(1, None)], [0.0625, 0.375, 0.9375]);
        assert_eq!(chance(5, None), 0.0);
        assert_eq!(count_between(&[], 1, None), 0.0);
    }

    proptest! {
        #[test]
        fn one_or_more_is_the_chance_that_not_all_are_missed(scores in prop::collection::vec(0f32..1.0, 0..12)) {
            let missed: f32 = scores.iter().map(|score| 1.0 - score).product();
            prop_assert!((count_between(&scores, 1, None) - (1.0 - missed)).abs() < 1e-5);
            let parts: f32 = (0..=scores.len()).map(|count| count_between(&scores, count, Some(count))).sum();
            prop_assert!((parts - 1.0).abs() < 1e-4);
        }
    }
}
