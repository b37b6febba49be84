//! Hits, as little of each as a page needs to lay them out: tens of thousands fit into a few
//! answers.

use glimpse_engine::{Engine, EngineError, ErrorKind, Hit, ImageId, Strength};
use serde::Serialize;
use utoipa::ToSchema;

use super::{format_taken, names};
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
        let tiles = tiles.map(|(hit, &stack)| Self::of(engine, placeholders, hit.id, (hit.score, hit.strength), stack));
        tiles.filter_map(Result::transpose).collect()
    }

    /// An image and how well it answers; `None` if it has left the library.
    pub(crate) fn of(
        engine: &Engine,
        placeholders: &Placeholders,
        id: ImageId,
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
            blur: placeholders.get(&record.content).map(|blur| blur.as_str().to_owned()),
            favourite: engine.is_favourite(&record.content),
            stack,
        }))
    }
}
