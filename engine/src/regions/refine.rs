//! Boxes as sharp as they get: regions know what belongs together, the patch grid where it ends, and a decoder has
//! learnt how large things are.

use std::sync::Arc;

use glimpse_encoder::dense::{DenseProfile, Rect};
use glimpse_encoder::{Embedding, Encode};

use super::boxes::Blob;
use super::constants::{AGREES, READINGS, SAME};
use super::form::{Relation, Thing};
use super::grid::Seen;
use super::query::{FoundBox, FoundPhoto};
use super::scale::Standing;
use crate::{Engine, EngineError};

/// A photo of a page, to be looked at more closely.
pub(super) struct Closer<'a> {
    pub encoder: &'a dyn Encode,
    /// How the library's regions are made.
    pub profile: &'a DenseProfile,
    pub things: &'a [Thing],
    pub relations: &'a [Relation],
    pub standings: &'a [Standing],
}

impl Engine {
    /// Finer boxes for a photo; one that cannot be read keeps those of its regions.
    pub(super) fn look_closer(&self, closer: &Closer<'_>, photo: &mut FoundPhoto) {
        let seen = || -> Result<Arc<Seen>, EngineError> {
            self.see(closer.encoder, &self.bytes_of(photo.id)?, closer.profile)
        };
        let Ok(seen) = seen() else { return };
        let coarse = photo.boxes.clone();
        for (place, standing) in closer.standings.iter().enumerate() {
            let (mut own, others): (Vec<_>, Vec<_>) = photo.boxes.drain(..).partition(|found| found.thing == place);
            // An example is no expression that a decoder could read.
            let named = place < closer.things.len();
            let read = if named { read(closer.encoder, &seen, standing).unwrap_or_default() } else { Vec::new() };
            refine(&mut own, &seen.blobs(standing), &read);
            photo.boxes = others.into_iter().chain(own).collect();
        }
        photo.boxes.sort_by_key(|found| found.thing);
        if !lie_as_asked(&photo.boxes, closer.relations) {
            photo.boxes = coarse;
        }
    }
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
pub(super) fn read(encoder: &dyn Encode, seen: &Seen, text: &Standing) -> Result<Vec<Rect>, EngineError> {
    let Some(decoder) = encoder.decoder()? else { return Ok(Vec::new()) };
    let embedding = Embedding::new(text.regions.query().to_vec())?;
    let said = decoder.locate(seen.whole(), &embedding, READINGS)?;
    Ok(said.into_iter().map(|said| said.value).collect())
}

/// Gives each box of a thing, best first, the sharpest rectangle that means the same. Two boxes never become one: they
/// were counted.
pub(super) fn refine(found: &mut [FoundBox], blobs: &[Blob], read: &[Rect]) {
    let blobs: Vec<Rect> = blobs.iter().map(|blob| blob.rect).collect();
    for place in 0..found.len() {
        let rect = sharpened(sharpened(found[place].rect, &blobs), read);
        if found.iter().enumerate().all(|(other, found)| other == place || found.rect.iou(&rect) <= SAME) {
            found[place].rect = rect;
        }
    }
}

/// The sharper rectangle that stands for the same thing, if there is one.
pub(super) fn sharpened(rect: Rect, sharper: &[Rect]) -> Rect {
    let best = sharper.iter().copied().max_by(|a, b| rect.iou(a).total_cmp(&rect.iou(b)));
    best.filter(|sharp| rect.iou(sharp) >= AGREES).unwrap_or(rect)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(left: f32, right: f32) -> Rect {
        Rect { left, top: 0.2, right, bottom: 0.6 }
    }

    fn found(rect: Rect) -> FoundBox {
        FoundBox { thing: 0, rect, area: rect.area(), score: 0.9, z: 4.0 }
    }

    #[test]
    fn the_decoder_has_the_last_word_on_what_it_means_as_well() {
        let mut boxes = [found(rect(0.1, 0.4)), found(rect(0.6, 0.9))];
        let blobs = [Blob { rect: rect(0.15, 0.4), value: 1.0 }, Blob { rect: rect(0.62, 0.9), value: 1.0 }];
        refine(&mut boxes, &blobs, &[rect(0.12, 0.38)]);
        assert_eq!(boxes[0].rect, rect(0.12, 0.38));
        assert_eq!(boxes[1].rect, rect(0.62, 0.9), "it read nothing there");
    }

    #[test]
    fn two_boxes_never_become_one() {
        let apart = [rect(0.1, 0.4), rect(0.3, 0.6)];
        let mut boxes = apart.map(found);
        refine(&mut boxes, &[], &[rect(0.15, 0.55)]);
        assert_eq!(boxes.map(|found| found.rect), apart);
    }
}
