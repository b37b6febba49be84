//! Boxes as sharp as they get: regions know what belongs together, a map of pixels where it ends,
//! and a decoder has learnt how large things are.

use glimpse_encoder::dense::{DenseProfile, Rect};
use glimpse_encoder::{Embedding, Encode, EncodeError};

use super::close_look::PlaceScores;
use super::constants::{AGREES, READINGS, SAME};
use super::grid::DenseImage;
use super::query::{FoundBox, FoundImage};
use super::scale::QueryScorer;
use super::structured_query::{QueryObject, Relation};
use crate::{Engine, EngineError};

/// What refining the boxes of a page needs.
pub(super) struct BoxRefiner<'a> {
    pub encoder: &'a dyn Encode,
    /// How the library's regions are made.
    pub profile: &'a DenseProfile,
    pub things: &'a [QueryObject],
    pub relations: &'a [Relation],
    pub scorers: &'a [QueryScorer],
}

impl Engine {
    /// Finer boxes for an image. One that cannot be read keeps those of its regions, and is not
    /// marked as refined.
    ///
    /// # Errors
    /// If the model or its decoder fails, or the library cannot be read.
    pub(super) fn refine_boxes(&self, refiner: &BoxRefiner<'_>, image: &mut FoundImage) -> Result<(), EngineError> {
        let looked = self.original_bytes(image.shown()).and_then(|bytes| {
            let dense = self.dense_features(refiner.encoder, &bytes, refiner.profile)?;
            Ok((dense, self.look_closer(refiner.encoder, &bytes, refiner.profile)?))
        });
        let (dense, pixels) = match looked {
            Ok(looked) => looked,
            Err(error) if is_of_file(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut boxes = Vec::with_capacity(image.boxes.len());
        for (place, scorer) in refiner.scorers.iter().enumerate() {
            let mut own: Vec<_> = image.boxes.iter().filter(|found| found.thing == place).copied().collect();
            // An example is no expression that a decoder could read.
            let named = place < refiner.things.len();
            let read = if named { read(refiner.encoder, &dense, scorer)? } else { Vec::new() };
            let scores = PlaceScores::of(&pixels, scorer);
            refine(&mut own, |rect| scores.grown(rect), &read);
            boxes.extend(own);
        }
        if lie_as_asked(&boxes, refiner.relations) {
            (image.boxes, image.refined) = (boxes, true);
        }
        Ok(())
    }
}

/// True if it is the image's file that is at fault: gone, replaced, not readable, damaged, or on a
/// drive that does not answer.
fn is_of_file(error: &EngineError) -> bool {
    matches!(
        error,
        EngineError::Encode(EncodeError::Image(_))
            | EngineError::Io { .. }
            | EngineError::BadRequest(_)
            | EngineError::Refused(_)
            | EngineError::Changed { .. }
            | EngineError::Unreachable { .. }
    )
}

/// True if the first box of each thing lies as the relations say.
fn lie_as_asked(boxes: &[FoundBox], relations: &[Relation]) -> bool {
    let first = |thing: usize| boxes.iter().find(|found| found.thing == thing).map(|found| found.rect);
    let holds = |relation: &Relation| {
        let (first, second) = first(relation.first).zip(first(relation.second))?;
        Some(relation.is.holds(&first, &second))
    };
    relations.iter().all(|relation| holds(relation).unwrap_or(true))
}

/// The boxes that the model's decoder gives for a text, likeliest first; none if it has no decoder.
pub(super) fn read(encoder: &dyn Encode, dense: &DenseImage, text: &QueryScorer) -> Result<Vec<Rect>, EngineError> {
    let Some(decoder) = encoder.decoder()? else { return Ok(Vec::new()) };
    let embedding = Embedding::new(text.scale.query().to_vec())?;
    let said = decoder.locate(dense.whole(), &embedding, READINGS)?;
    Ok(said.into_iter().map(|said| said.value).collect())
}

/// Gives each box of a thing, best first, the rectangle that it has grown to, with what the decoder
/// read of it. Two boxes never become one: they were counted.
pub(super) fn refine(found: &mut [FoundBox], grown: impl Fn(&Rect) -> Option<Rect>, read: &[Rect]) {
    for place in 0..found.len() {
        let Some(rect) = grown(&found[place].rect).map(|rect| agreed(rect, read)) else { continue };
        if found.iter().enumerate().all(|(other, found)| other == place || found.rect.iou(&rect) <= SAME) {
            found[place].rect = rect;
        }
    }
}

/// Half-way between a rectangle and the nearest of those that a decoder reads, if that means the
/// same.
pub(super) fn agreed(rect: Rect, read: &[Rect]) -> Rect {
    let nearest = read.iter().max_by(|a, b| rect.iou(a).total_cmp(&rect.iou(b)));
    let middle = |other: &Rect| Rect {
        left: (rect.left + other.left) / 2.0,
        top: (rect.top + other.top) / 2.0,
        right: (rect.right + other.right) / 2.0,
        bottom: (rect.bottom + other.bottom) / 2.0,
    };
    nearest.filter(|other| rect.iou(other) >= AGREES).map_or(rect, middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(left: f32, right: f32) -> Rect {
        Rect { left, top: 0.25, right, bottom: 0.5 }
    }

    fn found(rect: Rect) -> FoundBox {
        FoundBox { thing: 0, rect, area: rect.area(), score: 0.9, z: 4.0 }
    }

    #[test]
    fn a_box_is_what_it_has_grown_to_half_way_to_what_was_read_of_it() {
        let mut boxes = [found(rect(0.125, 0.25)), found(rect(0.625, 0.875))];
        let grown = |old: &Rect| Some(Rect { right: old.right + 0.125, ..*old });
        refine(&mut boxes, grown, &[rect(0.125, 0.5)]);
        assert_eq!(boxes[0].rect, rect(0.125, 0.4375));
        assert_eq!(boxes[1].rect, rect(0.625, 1.0), "nothing was read there");
    }

    #[test]
    fn a_box_in_which_nothing_stands_out_stays() {
        let mut boxes = [found(rect(0.125, 0.5))];
        refine(&mut boxes, |_| None, &[rect(0.125, 0.75)]);
        assert_eq!(boxes[0].rect, rect(0.125, 0.5));
    }

    #[test]
    fn two_boxes_never_become_one() {
        let apart = [rect(0.1, 0.4), rect(0.3, 0.6)];
        let mut boxes = apart.map(found);
        refine(&mut boxes, |_| Some(rect(0.15, 0.55)), &[]);
        assert_eq!(boxes.map(|found| found.rect), apart);
    }
}
