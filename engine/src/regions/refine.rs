//! Boxes as sharp as they get: regions know what belongs together, the patch grid where it ends,
//! and a decoder has learnt how large things are.

use glimpse_encoder::dense::{DenseProfile, Rect};
use glimpse_encoder::{Embedding, Encode, EncodeError};

use super::boxes::Blob;
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
        let dense = self
            .original_bytes(image.shown())
            .and_then(|bytes| self.dense_features(refiner.encoder, &bytes, refiner.profile));
        let dense = match dense {
            Ok(dense) => dense,
            Err(error) if is_of_file(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut boxes = Vec::with_capacity(image.boxes.len());
        for (place, scorer) in refiner.scorers.iter().enumerate() {
            let mut own: Vec<_> = image.boxes.iter().filter(|found| found.thing == place).copied().collect();
            // An example is no expression that a decoder could read.
            let named = place < refiner.things.len();
            let read = if named { read(refiner.encoder, &dense, scorer)? } else { Vec::new() };
            refine(&mut own, &dense.blobs(scorer), &read, |rect| dense.z_of(rect, scorer, refiner.encoder))?;
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

/// Gives each box of a thing, best first, the rectangle that means the same and scores best by
/// `z_of`: its own, that of the patch grid, or the decoder's. Two boxes never become one: they were
/// counted.
///
/// # Errors
/// Those of `z_of`.
pub(super) fn refine(
    found: &mut [FoundBox],
    blobs: &[Blob],
    read: &[Rect],
    z_of: impl Fn(&Rect) -> Result<f32, EngineError>,
) -> Result<(), EngineError> {
    let blobs: Vec<Rect> = blobs.iter().map(|blob| blob.rect).collect();
    for place in 0..found.len() {
        let rect = sharpened(sharpened(found[place].rect, &blobs, &z_of)?, read, &z_of)?;
        if found.iter().enumerate().all(|(other, found)| other == place || found.rect.iou(&rect) <= SAME) {
            found[place].rect = rect;
        }
    }
    Ok(())
}

/// The sharper rectangle that stands for the same thing, if there is one and it scores better by
/// `z_of`.
///
/// # Errors
/// Those of `z_of`.
pub(super) fn sharpened(
    rect: Rect,
    sharper: &[Rect],
    z_of: impl Fn(&Rect) -> Result<f32, EngineError>,
) -> Result<Rect, EngineError> {
    let nearest = sharper.iter().copied().max_by(|a, b| rect.iou(a).total_cmp(&rect.iou(b)));
    match nearest.filter(|sharp| rect.iou(sharp) >= AGREES) {
        Some(sharp) if z_of(&sharp)? > z_of(&rect)? => Ok(sharp),
        _ => Ok(rect),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rect(left: f32, right: f32) -> Rect {
        Rect { left, top: 0.2, right, bottom: 0.6 }
    }

    fn found(rect: Rect) -> FoundBox {
        FoundBox { thing: 0, rect, area: rect.area(), score: 0.9, z: 4.0 }
    }

    /// The narrower the better.
    fn narrow(rect: &Rect) -> Result<f32, EngineError> {
        Ok(rect.left - rect.right)
    }

    #[test]
    fn the_sharpest_rectangle_that_scores_better_is_taken() {
        let mut boxes = [found(rect(0.1, 0.4)), found(rect(0.6, 0.9))];
        let blobs = [Blob { rect: rect(0.15, 0.4), value: 1.0 }, Blob { rect: rect(0.62, 0.9), value: 1.0 }];
        refine(&mut boxes, &blobs, &[rect(0.16, 0.38)], narrow).unwrap();
        assert_eq!(boxes[0].rect, rect(0.16, 0.38));
        assert_eq!(boxes[1].rect, rect(0.62, 0.9), "it read nothing there");
    }

    #[test]
    fn a_rectangle_that_scores_worse_is_not_taken() {
        let mut boxes = [found(rect(0.1, 0.4))];
        refine(&mut boxes, &[Blob { rect: rect(0.05, 0.45), value: 1.0 }], &[rect(0.1, 0.5)], narrow).unwrap();
        assert_eq!(boxes[0].rect, rect(0.1, 0.4));
        let fails = |_: &Rect| Err(EngineError::BadRequest("no".into()));
        assert!(refine(&mut boxes, &[], &[rect(0.1, 0.5)], fails).is_err());
    }

    #[test]
    fn two_boxes_never_become_one() {
        let apart = [rect(0.1, 0.4), rect(0.3, 0.6)];
        let mut boxes = apart.map(found);
        let wide = |rect: &Rect| narrow(rect).map(|z| -z);
        refine(&mut boxes, &[], &[rect(0.15, 0.55)], wide).unwrap();
        assert_eq!(boxes.map(|found| found.rect), apart);
    }
}
