//! Where images show things.

use glimpse_engine::{Engine, EngineError, FoundBox, FoundImage, Strength};
use serde::Serialize;
use utoipa::ToSchema;

use super::{FrameView, ImageView, TileView, names};

/// A box around something, in pixels of the upright image from its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct BoxView {
    /// Which thing it shows: a place in the form's `things`, or in the texts that were asked for.
    pub thing: usize,
    /// Left edge.
    pub x: f32,
    /// Upper edge.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
    /// Share of the image that the region in the box covers, 0 to 1.
    pub area: f32,
    /// Calibrated probability that it shows the thing, 0 to 1.
    pub score: f32,
    /// Standard deviations above what unrelated regions score.
    pub z: f32,
}

impl BoxView {
    /// A box of an image of this size.
    pub fn of(found: &FoundBox, width: u32, height: u32) -> Self {
        let [x, y, width, height] = found.rect.pixels(width, height);
        Self { thing: found.thing, x, y, width, height, area: found.area, score: found.score, z: found.z }
    }

    /// The boxes of an image of this size.
    pub fn all(found: &[FoundBox], width: u32, height: u32) -> Vec<Self> {
        found.iter().map(|found| Self::of(found, width, height)).collect()
    }
}

/// An image that shows what was asked, and where, without its details.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FoundTileView {
    /// The image. Its score is the probability that it shows all things.
    #[serde(flatten)]
    pub tile: TileView,
    /// Where: by thing, then best first.
    pub boxes: Vec<BoxView>,
    /// True if the boxes come from a closer look (`fine`), false if they are those of regions.
    pub refined: bool,
}

/// An image that shows what was asked, and where.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FoundView {
    /// The image.
    #[serde(flatten)]
    pub image: ImageView,
    /// Of a video, the frame that the boxes are in.
    #[serde(flatten)]
    pub frame: FrameView,
    /// Calibrated probability that it shows all that was asked, things together.
    pub score: f32,
    /// The same in words.
    #[schema(value_type = names::Strength)]
    pub strength: Strength,
    /// Where: by thing, then best first.
    pub boxes: Vec<BoxView>,
    /// True if the boxes come from a closer look (`fine`), false if they are those of regions.
    pub refined: bool,
}

impl FoundView {
    /// An image with what the library knows of its image.
    ///
    /// # Errors
    /// If the image has left the library, or the library fails.
    pub fn read(engine: &Engine, found: &FoundImage) -> Result<Self, EngineError> {
        let image = ImageView::read(engine, found.id)?.at(found.frame.as_ref());
        let frame = FrameView::of(found.frame.as_ref());
        let boxes = BoxView::all(&found.boxes, image.width, image.height);
        Ok(Self { image, frame, score: found.score, strength: found.strength, boxes, refined: found.refined })
    }
}
