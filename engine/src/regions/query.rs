//! What is asked of regions, and what comes back.

use std::cmp::Ordering;

use glimpse_encoder::dense::Rect;
use glimpse_indexer::{Filter, ImageId};

use super::form::{Form, Relation, Thing};
use crate::calibrate::CUT;
use crate::query::MAX_LIMIT;
use crate::{Cursor, Depth, EngineError, Sort, Source, Strength};

/// A question about regions.
#[derive(Debug, Clone, PartialEq)]
pub struct FindQuery {
    /// What to find.
    pub target: Target,
    /// Conditions on stored facts of photos.
    pub filter: Filter,
    /// Smallest share of its picture that a region covers, 0 to 1.
    pub min_area: f32,
    /// Most boxes of a thing in a photo, 1 or more.
    pub max_boxes: usize,
    /// Order, above and below the cut alike.
    pub sort: Sort,
    /// Most photos on a page, 1 to [`MAX_LIMIT`].
    pub limit: usize,
    /// Where to go on, with the query otherwise as it was.
    pub cursor: Option<Cursor>,
    /// How far below the cut the answer goes.
    pub depth: Depth,
    /// Look at all photos of the page again, patch by patch and with the model's decoder if it has one, for finer boxes.
    /// Otherwise all boxes of all pages are those of regions.
    pub fine: bool,
}

/// What to find.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// Things by name.
    Form(Form),
    /// Regions like one.
    Example(Example),
}

/// A box in a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The picture; one of the library is not among its own hits.
    pub picture: Source,
    /// The box.
    pub rect: Rect,
}

/// Photos that show what was asked, best first.
#[derive(Debug, Clone, PartialEq)]
pub struct FindPage {
    /// The photos of this page.
    pub photos: Vec<FoundPhoto>,
    /// Photos at or above the cut in the whole result set; they come before weaker ones.
    pub accepted: usize,
    /// Those of them that are strong; the others are likely.
    pub strong: usize,
    /// Photos below the cut, of which [`FindQuery::depth`] says how many are given. `None` if that
    /// is not known without looking at all of them: a form that rules things out was not asked down
    /// to the last photo.
    pub weaker: Option<usize>,
    /// The example is like more than half of all photos, as plain background is: nothing in it tells
    /// one photo from another. None is accepted then; the closest are given as weaker ones.
    pub nothing_particular: bool,
    /// Where the next page starts; `None` at the end.
    pub next: Option<Cursor>,
    /// Photos with regions that passed the filter.
    pub searched: usize,
    /// Photos that passed the filter and have no regions.
    pub without_regions: usize,
}

/// A photo and where it shows what was asked.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct FoundPhoto {
    /// The picture.
    pub id: ImageId,
    /// Calibrated probability that it shows all that was asked: that of the least certain thing.
    pub score: f32,
    /// The same in words.
    pub strength: Strength,
    /// Where: by thing; first the box that stands as was asked, then the others, best first.
    pub boxes: Vec<FoundBox>,
    /// True if the boxes come from a closer look ([`FindQuery::fine`]). They are those of regions otherwise, as they are
    /// for a photo that cannot be read, or whose finer boxes would not lie as asked.
    pub refined: bool,
}

/// A region that shows a thing.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct FoundBox {
    /// The place of the thing in [`Form::things`].
    pub thing: usize,
    /// Where.
    pub rect: Rect,
    /// Share of the picture that the region covers.
    pub area: f32,
    /// Calibrated probability that it shows the thing.
    pub score: f32,
    /// Standard deviations above what unrelated regions of this library score.
    pub z: f32,
}

impl FoundPhoto {
    /// Takes a photo below the cut, whatever it is worth.
    pub(super) fn fall_below(&mut self) {
        self.score = self.score.min(CUT.next_down());
        self.strength = Strength::of(self.score);
    }

    /// Best first. Where scores are as high as they get, how far the first box stands out decides.
    pub(super) fn by_score(a: &Self, b: &Self) -> Ordering {
        let z = |photo: &Self| photo.boxes.first().map_or(f32::MIN, |found| found.z);
        b.score.total_cmp(&a.score).then(z(b).total_cmp(&z(a))).then(a.id.cmp(&b.id))
    }
}

impl FindQuery {
    /// A query for a form, with the usual bounds.
    pub fn form(form: Form) -> Self {
        Self {
            target: Target::Form(form),
            filter: Filter::default(),
            min_area: 0.0,
            max_boxes: 5,
            sort: Sort::default(),
            limit: 20,
            cursor: None,
            depth: Depth::default(),
            fine: false,
        }
    }

    /// A query in the form that people type.
    ///
    /// # Errors
    /// As [`Form::parse`].
    pub fn text(text: &str) -> Result<Self, EngineError> {
        Ok(Self::form(Form::parse(text)?))
    }

    /// A query for regions like one.
    pub fn like(picture: Source, rect: Rect) -> Self {
        Self { target: Target::Example(Example { picture, rect }), ..Self::form(Form::default()) }
    }

    /// What was named, and how it has to lie; nothing for an example.
    pub(super) fn form_parts(&self) -> (&[Thing], &[Relation]) {
        match &self.target {
            Target::Form(form) => (&form.things, &form.relations),
            Target::Example(_) => (&[], &[]),
        }
    }

    pub(super) fn validate(&self) -> Result<(), EngineError> {
        let refuse = |reason: String| Err(EngineError::BadRequest(reason));
        if !(1..=MAX_LIMIT).contains(&self.limit) {
            return refuse(format!("a page holds 1 to {MAX_LIMIT} photos, not {}", self.limit));
        }
        if !(0.0..=1.0).contains(&self.min_area) {
            return refuse(format!("{}: the smallest area is a share of the picture, 0 to 1", self.min_area));
        }
        if self.max_boxes == 0 {
            return refuse("a photo has at least one box".into());
        }
        match &self.target {
            Target::Form(form) => form.validate(),
            Target::Example(example) if example.rect.area() > 0.0 => Ok(()),
            Target::Example(_) => refuse("the box is empty, or outside the picture".into()),
        }
    }

    /// Hash of all that decides on the result set.
    pub(super) fn digest(&self) -> u64 {
        // An upload by its hash: written out it would be several times as long.
        let target = match &self.target {
            Target::Example(Example { picture: Source::Bytes(bytes), rect }) => {
                format!("upload {} {rect:?}", blake3::hash(bytes))
            }
            target => format!("{target:?}"),
        };
        let Self { filter, min_area, max_boxes, depth, sort, .. } = self;
        let parts = format!("{target} {filter:?} {min_area} {max_boxes} {depth:?} {sort:?}");
        let mut hasher = blake3::Hasher::new_derive_key("glimpse find, version 1");
        hasher.update(parts.as_bytes());
        u64::from_le_bytes(hasher.finalize().as_bytes()[..8].try_into().unwrap_or_default())
    }
}
