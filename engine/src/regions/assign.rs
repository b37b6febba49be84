//! One box for each thing of a form: all different, lying as asked, the worst of them as good as
//! can be.
//!
//! A constraint problem in three steps. Boxes that no solution can contain go first (arc
//! consistency, Mackworth 1977). Without relations the rest is a bottleneck matching of things and
//! places. With relations a depth-first search branches on the thing with the fewest boxes left,
//! looks ahead after each choice, and ends after [`MOST_NODES`].

use super::constants::SAME;
use super::query::FoundBox;
use super::structured_query::Relation;

/// Choices that the search makes at most for one image. The best that it found by then is the
/// answer.
const MOST_NODES: usize = 50_000;

/// Chooses a box for each thing: pairwise overlaps of at most [`SAME`], all relations true, the
/// least score as high as can be. `boxes` has the boxes of each thing, best first.
///
/// Gives that least score and the chosen boxes by thing; `None` if there is no such choice, or the
/// search met none within [`MOST_NODES`].
pub(super) fn assign(boxes: &[Vec<FoundBox>], relations: &[Relation]) -> Option<(f32, Vec<FoundBox>)> {
    let problem = Problem { boxes, relations };
    let mut open: Open = boxes.iter().map(|boxes| (0..boxes.len()).collect()).collect();
    if !problem.make_consistent(&mut open) {
        return None;
    }
    // Without a place for each, relations need not be looked at.
    let matched = match problem.places(&open) {
        Some(places) => Some(problem.matched(&open, &places)?),
        None => None,
    };
    let chosen = matched.filter(|_| relations.is_empty()).or_else(|| problem.searched(open))?;
    let chosen: Vec<FoundBox> = chosen.into_iter().zip(boxes).map(|(place, boxes)| boxes[place]).collect();
    Some((chosen.iter().map(|found| found.score).fold(1.0, f32::min), chosen))
}

/// For each thing the boxes, by their place in its list, that it may still have.
type Open = Vec<Vec<usize>>;

struct Problem<'a> {
    boxes: &'a [Vec<FoundBox>],
    relations: &'a [Relation],
}

/// A depth-first search under way.
struct Search {
    nodes: usize,
    best: Option<(f32, Vec<usize>)>,
}

impl Problem<'_> {
    /// True if two things may have these boxes at the same time.
    fn fit(&self, (thing, place): (usize, usize), (other, other_place): (usize, usize)) -> bool {
        let (a, b) = (&self.boxes[thing][place].rect, &self.boxes[other][other_place].rect);
        let holds = |relation: &Relation| match (relation.first, relation.second) {
            pair if pair == (thing, other) => relation.is.holds(a, b),
            pair if pair == (other, thing) => relation.is.holds(b, a),
            _ => true,
        };
        a.iou(b) <= SAME && self.relations.iter().all(holds)
    }

    /// Closes boxes that fit no box of some other thing, until none is left; false if a thing is
    /// left without boxes.
    fn make_consistent(&self, open: &mut Open) -> bool {
        loop {
            let mut changed = false;
            for thing in 0..open.len() {
                for other in (0..open.len()).filter(|&other| other != thing) {
                    let (before, partners) = (open[thing].len(), open[other].clone());
                    open[thing].retain(|&place| partners.iter().any(|&p| self.fit((thing, place), (other, p))));
                    changed |= open[thing].len() < before;
                }
            }
            if open.iter().any(Vec::is_empty) {
                return false;
            }
            if !changed {
                return true;
            }
        }
    }

    /// Numbers the places in the image that boxes take: `places[thing][box]`. `None` if boxes
    /// cannot be divided into places, since one overlaps two others that do not overlap each other.
    fn places(&self, open: &Open) -> Option<Vec<Vec<usize>>> {
        let mut of_place: Vec<Vec<(usize, usize)>> = Vec::new();
        let mut places: Vec<Vec<usize>> = self.boxes.iter().map(|boxes| vec![usize::MAX; boxes.len()]).collect();
        for (thing, places) in places.iter_mut().enumerate() {
            for &at in &open[thing] {
                let overlap = |&(other, place): &(usize, usize)| {
                    self.boxes[thing][at].rect.iou(&self.boxes[other][place].rect) > SAME
                };
                let mut same = (0..of_place.len()).filter(|&place| of_place[place].iter().any(overlap));
                let (first, second) = (same.next(), same.next());
                let place = first.unwrap_or(of_place.len());
                if second.is_some() || first.is_some_and(|place| !of_place[place].iter().all(overlap)) {
                    return None;
                }
                if place == of_place.len() {
                    of_place.push(Vec::new());
                }
                of_place[place].push((thing, at));
                places[at] = place;
            }
        }
        Some(places)
    }

    /// Bottleneck matching of things and places: boxes are offered best first, and each augments
    /// the matching if it can, so the one that completes it is the worst that is needed.
    fn matched(&self, open: &Open, places: &[Vec<usize>]) -> Option<Vec<usize>> {
        let mut offers: Vec<(usize, usize)> =
            open.iter().enumerate().flat_map(|(thing, open)| open.iter().map(move |&at| (thing, at))).collect();
        offers.sort_by(|a, b| self.boxes[b.0][b.1].score.total_cmp(&self.boxes[a.0][a.1].score));
        let count = places.iter().flatten().filter(|&&place| place < usize::MAX).max().map_or(0, |last| last + 1);
        let mut offered: Open = vec![Vec::new(); open.len()];
        // The thing, and which of its boxes, that has a place.
        let mut owners: Vec<Option<(usize, usize)>> = vec![None; count];
        let mut matched = vec![false; open.len()];
        for (thing, at) in offers {
            offered[thing].push(at);
            for (thing, matched) in matched.iter_mut().enumerate() {
                *matched = *matched || augment(thing, &offered, places, &mut owners, &mut vec![false; count]);
            }
            if matched.iter().all(|&matched| matched) {
                let mut chosen = vec![0; open.len()];
                owners.iter().flatten().for_each(|&(thing, at)| chosen[thing] = at);
                return Some(chosen);
            }
        }
        None
    }

    fn searched(&self, open: Open) -> Option<Vec<usize>> {
        let mut search = Search { nodes: 0, best: None };
        self.branch(open, &mut vec![None; self.boxes.len()], &mut search);
        search.best.map(|(_, chosen)| chosen)
    }

    /// Chooses a box for one more thing, in each way that could still be better than the best so
    /// far.
    fn branch(&self, open: Open, chosen: &mut Vec<Option<usize>>, search: &mut Search) {
        let undecided = (0..open.len()).filter(|&thing| chosen[thing].is_none());
        let Some(thing) = undecided.min_by_key(|&thing| open[thing].len()) else {
            let all: Vec<usize> = chosen.iter().flatten().copied().collect();
            let score = |(thing, &place): (usize, &usize)| self.boxes[thing][place].score;
            let worst = all.iter().enumerate().map(score).fold(1.0, f32::min);
            if search.best.as_ref().is_none_or(|(best, _)| worst > *best) {
                search.best = Some((worst, all));
            }
            return;
        };
        for &place in &open[thing] {
            if search.nodes >= MOST_NODES {
                return;
            }
            search.nodes += 1;
            let better = |thing: usize, place: usize| {
                search.best.as_ref().is_none_or(|(best, _)| self.boxes[thing][place].score > *best)
            };
            let left = |(other, open): (usize, &Vec<usize>)| -> Vec<usize> {
                let fits = |&at: &usize| match other == thing {
                    true => at == place && better(thing, at),
                    false => better(other, at) && self.fit((thing, place), (other, at)),
                };
                open.iter().copied().filter(fits).collect()
            };
            let rest: Open = open.iter().enumerate().map(left).collect();
            if rest.iter().all(|open| !open.is_empty()) {
                chosen[thing] = Some(place);
                self.branch(rest, chosen, search);
                chosen[thing] = None;
            }
        }
    }
}

/// Finds a place for a thing, moving others to places that they were offered too (Kuhn 1955).
fn augment(
    thing: usize,
    offered: &Open,
    places: &[Vec<usize>],
    owners: &mut [Option<(usize, usize)>],
    seen: &mut [bool],
) -> bool {
    for &at in &offered[thing] {
        let place = places[thing][at];
        if std::mem::replace(&mut seen[place], true) {
            continue;
        }
        if owners[place].is_none_or(|(owner, _)| augment(owner, offered, places, owners, seen)) {
            owners[place] = Some((thing, at));
            return true;
        }
    }
    false
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::{Duration, Instant};

    use glimpse_encoder::dense::Rect;
    use glimpse_nonempty::{Every as _, each};
    use proptest::prelude::*;

    use super::super::structured_query::{MAX_OBJECTS, SpatialRelation};
    use super::*;

    fn found(thing: usize, rect: Rect, score: f32) -> FoundBox {
        FoundBox { thing, rect, area: rect.area(), score, z: 4.0 }
    }

    /// Cells of a grid of four by four, of which none overlap.
    fn cell(place: usize) -> Rect {
        let (left, top) = ((place % 4) as f32 / 4.0, (place / 4) as f32 / 4.0);
        Rect { left, top, right: left + 0.25, bottom: top + 0.25 }
    }

    fn in_a_row(thing: usize, left: f32, score: f32) -> FoundBox {
        found(thing, Rect { left, top: 0.4, right: left + 0.2, bottom: 0.6 }, score)
    }

    #[test]
    fn the_boxes_that_lie_as_asked_are_chosen() {
        // The better dog stands right of the ball, and where the third dog is, there is the ball.
        let ball = in_a_row(1, 0.4, 0.9);
        let dogs = [in_a_row(0, 0.8, 0.95), in_a_row(0, 0.1, 0.7), in_a_row(0, 0.41, 0.99)];
        let choose =
            |is: SpatialRelation| assign(&[dogs.to_vec(), vec![ball]], &[Relation { first: 0, is, second: 1 }]);
        assert_eq!(choose(SpatialRelation::LeftOf), Some((0.7, vec![dogs[1], ball])));
        assert_eq!(choose(SpatialRelation::RightOf), Some((0.9, vec![dogs[0], ball])));
        assert_eq!(choose(SpatialRelation::Inside), None);
    }

    #[test]
    fn eight_words_for_one_thing_and_a_contradiction_end_at_once() {
        let score = |thing: usize, place: usize| 0.99 - 0.01 * (thing + place) as f32;
        let boxes: Vec<Vec<FoundBox>> = (0..MAX_OBJECTS)
            .map(|thing| (0..16).map(|place| found(thing, cell(place), score(thing, place))).collect())
            .collect();
        let relation = |first, is, second| Relation { first, is, second };
        let contradictions = [
            vec![relation(6, SpatialRelation::Inside, 7), relation(7, SpatialRelation::Inside, 6)],
            vec![
                relation(0, SpatialRelation::LeftOf, 1),
                relation(1, SpatialRelation::LeftOf, 2),
                relation(2, SpatialRelation::LeftOf, 0),
            ],
            // Not to be seen from any two things.
            (0..8).map(|thing| relation(thing, SpatialRelation::LeftOf, (thing + 1) % 8)).collect(),
            (0..7).map(|thing| relation(thing, SpatialRelation::LeftOf, thing + 1)).collect(),
        ];
        for relations in each(contradictions) {
            let start = Instant::now();
            assert_eq!(assign(&boxes, &relations), None, "{relations:?}");
            assert!(start.elapsed() < Duration::from_secs(1), "{relations:?}: {:?}", start.elapsed());
        }
    }

    #[test]
    fn eight_things_in_seven_places_end_at_once() {
        let in_seven = |thing: usize| (0..7).map(|place| found(thing, cell(place), 0.9)).collect();
        let boxes: Vec<Vec<FoundBox>> = (0..MAX_OBJECTS).map(in_seven).collect();
        let start = Instant::now();
        assert_eq!(assign(&boxes, &[]), None);
        assert!(assign(&boxes[..7], &[]).is_some());
        // With a relation that all fulfil it takes a search, which has its bound.
        let larger = found(0, Rect { left: 0.0, top: 0.5, right: 1.0, bottom: 1.0 }, 0.9);
        let boxes: Vec<Vec<FoundBox>> = std::iter::once(vec![larger]).chain((1..9).map(in_seven)).collect();
        let relations: Vec<_> =
            (1..9).map(|second| Relation { first: 0, is: SpatialRelation::LargerThan, second }).collect();
        assert_eq!(assign(&boxes, &relations), None);
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    }

    /// Tries everything.
    fn by_hand(boxes: &[Vec<FoundBox>], relations: &[Relation], chosen: &mut Vec<usize>) -> Option<f32> {
        let problem = Problem { boxes, relations };
        let Some(own) = boxes.get(chosen.len()) else {
            let scores = chosen.iter().zip(boxes).map(|(&place, boxes)| boxes[place].score);
            return Some(scores.fold(1.0, f32::min));
        };
        let mut best: Option<f32> = None;
        for place in 0..own.len() {
            let thing = chosen.len();
            if chosen.iter().enumerate().all(|(other, &at)| problem.fit((thing, place), (other, at))) {
                chosen.push(place);
                let score = by_hand(boxes, relations, chosen);
                chosen.pop();
                best = if score > best { score } else { best };
            }
        }
        best
    }

    proptest! {
        #[test]
        fn no_choice_is_better(
            raw in prop::collection::vec(prop::collection::vec((0u8..12, 0u8..12, 2u8..7, 2u8..7, 1u8..100), 1..6), 1..5),
            pairs in prop::collection::vec((0usize..4, 0usize..4, 0usize..7), 0..4),
            cells in any::<bool>(),
        ) {
            let boxes: Vec<Vec<FoundBox>> = raw.iter().enumerate().map(|(thing, raw)| {
                let mut boxes: Vec<FoundBox> = raw.iter().map(|&(x, y, width, height, score)| {
                    let [left, top, right, bottom] = [x, y, x + width, y + height].map(|at| f32::from(at) / 20.0);
                    let rect = if cells { cell(usize::from(x)) } else { Rect { left, top, right, bottom } };
                    found(thing, rect, f32::from(score) / 100.0)
                }).collect();
                boxes.sort_by(|a, b| b.score.total_cmp(&a.score));
                boxes
            }).collect();
            let relations: Vec<Relation> = pairs.into_iter()
                .map(|(first, second, is)| (first % boxes.len(), second % boxes.len(), is))
                .filter(|(first, second, _)| first != second)
                .map(|(first, second, is)| Relation { first, is: SpatialRelation::ALL[is].0, second })
                .collect();
            let chosen = assign(&boxes, &relations);
            prop_assert_eq!(chosen.as_ref().map(|(score, _)| *score), by_hand(&boxes, &relations, &mut Vec::new()));
            if let Some((_, chosen)) = chosen {
                prop_assert!(chosen.iter().enumerate().every(|(thing, found)| found.thing == thing));
            }
        }
    }
}
