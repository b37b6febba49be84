//! What is asked of regions, and what comes back.

use std::cmp::Ordering;

use glimpse_encoder::dense::Rect;
use glimpse_indexer::{Filter, ImageId};

use super::structured_query::{QueryObject, Relation, StructuredQuery};
use crate::calibrate::CUT;
use crate::query::MAX_LIMIT;
use crate::{Cursor, Depth, EngineError, FrameHit, Sort, Source, Strength};

/// A question about regions.
#[derive(Debug, Clone, PartialEq)]
pub struct FindQuery {
    /// What to find.
    pub target: Target,
    /// Conditions on stored facts of images.
    pub filter: Filter,
    /// Smallest share of its image that a region covers, 0 to 1.
    pub min_area: f32,
    /// Most boxes of a thing in an image, 1 or more.
    pub max_boxes: usize,
    /// Order, above and below the cut alike.
    pub sort: Sort,
    /// Most images on a page, 1 to [`MAX_LIMIT`].
    pub limit: usize,
    /// Where to go on, with the query otherwise as it was.
    pub cursor: Option<Cursor>,
    /// How far below the cut the answer goes.
    pub depth: Depth,
    /// Look at all images of the page again, patch by patch and with the model's decoder if it has
    /// one, for finer boxes. Otherwise all boxes of all pages are those of regions.
    pub fine: bool,
}

/// What to find.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// Things by name.
    Structured(StructuredQuery),
    /// Regions like one.
    Example(Example),
}

/// A box in an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The image; one of the library is not among its own hits.
    pub image: Source,
    /// The box.
    pub rect: Rect,
}

/// Images that show what was asked, best first.
#[derive(Debug, Clone, PartialEq)]
pub struct FindPage {
    /// The images of this page.
    pub images: Vec<FoundImage>,
    /// Images at or above the cut in the whole result set; they come before weaker ones.
    pub accepted: usize,
    /// Those of them that are strong; the others are likely.
    pub strong: usize,
    /// Images below the cut, of which [`FindQuery::depth`] says how many are given. `None` if that
    /// is not known without looking at all of them: a form that rules things out was not asked down
    /// to the last image.
    pub weaker: Option<usize>,
    /// The example is like more than half of all images, as plain background is: nothing in it
    /// tells one image from another. None is accepted then; the closest are given as weaker ones.
    pub nothing_particular: bool,
    /// Where the next page starts; `None` at the end.
    pub next: Option<Cursor>,
    /// Images with regions that passed the filter.
    pub searched: usize,
    /// Images that passed the filter and have no regions.
    pub without_regions: usize,
}

/// An image and where it shows what was asked.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct FoundImage {
    /// The image.
    pub id: ImageId,
    /// Calibrated probability that it shows all that was asked, things together.
    pub score: f32,
    /// The same in words.
    pub strength: Strength,
    /// Where: by thing; first the box that stands as was asked, then the others, best first.
    pub boxes: Vec<FoundBox>,
    /// True if the boxes come from a closer look ([`FindQuery::fine`]). They are those of regions
    /// otherwise, as they are for an image that cannot be read, or whose finer boxes would not lie
    /// as asked.
    pub refined: bool,
    /// Of a video or an animation, the frame that the boxes are in.
    pub frame: Option<FrameHit>,
}

/// A region that shows a thing.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct FoundBox {
    /// The place of the thing in [`StructuredQuery::things`].
    pub thing: usize,
    /// Where.
    pub rect: Rect,
    /// Share of the image that the region covers.
    pub area: f32,
    /// Calibrated probability that it shows the thing.
    pub score: f32,
    /// Standard deviations above what unrelated regions of this library score.
    pub z: f32,
}

impl FoundImage {
    /// The image that shows it: the frame of a video.
    pub fn shown(&self) -> ImageId {
        self.frame.as_ref().map_or(self.id, |frame| frame.id)
    }

    /// Takes an image below the cut, whatever it is worth.
    pub(super) fn fall_below(&mut self) {
        self.score = self.score.min(CUT.next_down());
        self.strength = Strength::of(self.score);
    }

    /// Best first. Where scores are as high as they get, how far the first box stands out decides.
    pub(super) fn by_score(a: &Self, b: &Self) -> Ordering {
        let z = |image: &Self| image.boxes.first().map_or(f32::MIN, |found| found.z);
        b.score.total_cmp(&a.score).then(z(b).total_cmp(&z(a))).then(a.id.cmp(&b.id))
    }
}

impl FindQuery {
    /// A query for a form, with the usual bounds.
    pub fn structured(form: StructuredQuery) -> Self {
        Self {
            target: Target::Structured(form),
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
    /// As [`StructuredQuery::parse`].
    pub fn text(text: &str) -> Result<Self, EngineError> {
        Ok(Self::structured(StructuredQuery::parse(text)?))
    }

    /// A query for regions like one.
    pub fn like(image: Source, rect: Rect) -> Self {
        Self { target: Target::Example(Example { image, rect }), ..Self::structured(StructuredQuery::default()) }
    }

    /// What was named, and how it has to lie; nothing for an example.
    pub(super) fn structured_parts(&self) -> (&[QueryObject], &[Relation]) {
        match &self.target {
            Target::Structured(form) => (&form.things, &form.relations),
            Target::Example(_) => (&[], &[]),
        }
    }

    /// Says what makes no sense, before any work is done.
    ///
    /// # Errors
    /// [`EngineError::BadRequest`].
    pub fn validate(&self) -> Result<(), EngineError> {
        let refuse = |reason: String| Err(EngineError::BadRequest(reason));
        if !(1..=MAX_LIMIT).contains(&self.limit) {
            return refuse(format!("a page holds 1 to {MAX_LIMIT} images, not {}", self.limit));
        }
        if !(0.0..=1.0).contains(&self.min_area) {
            return refuse(format!("{}: the smallest area is a share of the image, 0 to 1", self.min_area));
        }
        if self.max_boxes == 0 {
            return refuse("an image has at least one box".into());
        }
        self.sort.validate(&self.filter)?;
        match &self.target {
            Target::Structured(form) => form.validate(),
            Target::Example(example) if example.rect.area() > 0.0 => Ok(()),
            Target::Example(_) => Err(EngineError::empty_box()),
        }
    }

    /// Hash of all that decides on the result set.
    pub(super) fn digest(&self) -> u64 {
        // An upload by its hash: written out it would be several times as long.
        let target = match &self.target {
            Target::Example(Example { image: Source::Bytes(bytes), rect }) => {
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
