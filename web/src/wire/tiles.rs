//! Hits, as little of each as a page needs to lay them out: tens of thousands fit into a few
//! answers.

use glimpse_engine::{Engine, EngineError, ErrorKind, FrameHit, Hit, ImageId, Strength, seconds};
use serde::Serialize;
use utoipa::ToSchema;

use super::{FrameView, Kind, format_taken, names};
use crate::thumbnails::Placeholders;

/// An image that answers a query, without its details.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TileView {
    /// The image.
    #[schema(value_type = u64)]
    pub id: ImageId,
    /// Upright width in pixels.
    pub width: u32,
    /// Upright height in pixels.
    pub height: u32,
    /// Calibrated probability, 0 to 1.
    pub score: f32,
    /// The same in words.
    #[schema(value_type = names::Strength)]
    pub strength: Strength,
    /// When it was taken, on the camera's clock.
    pub taken: Option<String>,
    /// Hash of the bytes: give it to the thumbnail's `v`, so that browsers may keep the image.
    pub content: String,
    /// BlurHash to show while the image loads, if one was made already.
    pub blur: Option<String>,
    /// It is a favourite.
    pub favourite: bool,
    /// A better hit of this answer that this image is a near-duplicate of.
    #[schema(value_type = Option<u64>)]
    pub stack: Option<ImageId>,
    /// A still image, an animation, or a video.
    pub kind: Kind,
    /// Length of an animation or a video in seconds.
    pub duration: Option<f64>,
    /// When the frame that answers best is shown, in seconds from the beginning. None of a still
    /// image.
    pub start: Option<f64>,
    /// Where the next shot begins, or the video ends, in seconds.
    pub end: Option<f64>,
    /// Of a video, what answers in it.
    #[serde(flatten)]
    pub frame: FrameView,
}

impl TileView {
    /// The hits of a page. Images that have left the library since they were found are left out.
    pub(crate) fn read(
        engine: &Engine,
        placeholders: &Placeholders,
        hits: &[Hit],
        stacks: &[Option<ImageId>],
    ) -> Result<Vec<Self>, EngineError> {
        let tiles = hits.iter().zip(stacks);
        let tiles = tiles.map(|(hit, &stack)| {
            Self::of(engine, placeholders, (hit.id, hit.frame.as_ref()), (hit.score, hit.strength), stack)
        });
        tiles.filter_map(Result::transpose).collect()
    }

    /// An image and how well it answers; `None` if it has left the library.
    pub(crate) fn of(
        engine: &Engine,
        placeholders: &Placeholders,
        (id, frame): (ImageId, Option<&FrameHit>),
        (score, strength): (f32, Strength),
        stack: Option<ImageId>,
    ) -> Result<Option<Self>, EngineError> {
        let record = match engine.image(id) {
            Ok(record) => record,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(Self {
            id,
            width: record.width,
            height: record.height,
            score,
            strength,
            taken: record.taken.and_then(format_taken),
            content: record.content.to_string(),
            blur: placeholders
                .get(&frame.map_or(record.content, |frame| frame.content))
                .map(|blur| blur.as_str().to_owned()),
            favourite: engine.is_favourite(&record.content),
            stack,
            kind: Kind::of(record.format, record.moment),
            duration: record.moment.map(|moment| seconds(moment.duration)),
            start: frame.map(|frame| frame.start).or(record.moment.map(|moment| seconds(moment.start))),
            end: frame.map(|frame| frame.end).or(record.moment.map(|moment| seconds(moment.end))),
            frame: FrameView::of(frame),
        }))
    }
}
