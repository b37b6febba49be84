//! What questions about parts of images have in common.

use actix_web::web;
use glimpse_engine::{ImageId, ReasonCode, Rect, Refusal, Source};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{ApiError, Code};
use crate::state::{AppState, reach};

/// A part of an image in pixels, from its upper left corner; what sticks out is cut off.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Box)]
pub struct BoxForm {
    x: f32,
    y: f32,
    #[schema(exclusive_minimum = 0)]
    width: f32,
    #[schema(exclusive_minimum = 0)]
    height: f32,
}

impl BoxForm {
    pub fn of(rect: &Rect, width: u32, height: u32) -> Self {
        let [x, y, width, height] = rect.pixels(width, height);
        Self { x, y, width, height }
    }
}

/// The image that a request is about.
pub struct Asked {
    pub source: Source,
    /// Upright width and height.
    pub size: (u32, u32),
}

impl Asked {
    /// An image of the library, or an uploaded one.
    pub fn of(state: &AppState, image: Option<u64>, upload: Option<String>) -> Result<Self, ApiError> {
        match (image, upload) {
            (Some(id), None) => {
                let record = state.engine.image(ImageId(id))?;
                Ok(Self { source: Source::Image(ImageId(id)), size: (record.width, record.height) })
            }
            (None, Some(key)) => {
                let upload = state.uploads.get(&key)?;
                Ok(Self { source: Source::Bytes(upload.bytes), size: (upload.width, upload.height) })
            }
            _ => Err(ApiError::bad_request("a request is about exactly one of `image` and `upload`")),
        }
    }

    /// A part of it, or all.
    pub fn part(&self, part: Option<BoxForm>) -> Result<Rect, ApiError> {
        let Some(BoxForm { x, y, width, height }) = part else { return Ok(Rect::WHOLE) };
        Rect::from_pixels([x, y, width, height], self.size.0, self.size.1).ok_or_else(|| {
            let (width, height) = self.size;
            let text = format!("the box is empty, or outside the image of {width} x {height} pixels");
            Refusal::new(ReasonCode::EmptyBox, text).into()
        })
    }
}

/// Waits until the drive of the image answers, if one is named: see [`reach`].
pub async fn reach_image(state: &web::Data<AppState>, image: Option<u64>) -> Result<(), ApiError> {
    match image {
        Some(id) => reach(state, ImageId(id)).await,
        None => Ok(()),
    }
}

/// Tells programs of a library without regions by a code of its own: that can be mended.
pub fn require_regions(state: &AppState) -> Result<(), ApiError> {
    if state.engine.count()? == 0 || state.engine.has_regions()? {
        return Ok(());
    }
    let error = ApiError::new(Code::NoRegions, "this library was indexed without regions");
    Err(error.hint("run `glimpse index --regions FOLDER` once, or start an index job with `regions`"))
}
