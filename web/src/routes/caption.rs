//! Words for images, by the decoder of the model.

use actix_web::{HttpResponse, web};
use glimpse_engine::{Caption, CaptionOptions, MAX_CAPTIONS};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::forms::checked_limit;
use super::region_forms::{Asked, BoxForm, reach_image};
use crate::error::ApiError;
use crate::extract::Json;
use crate::state::{AppState, run_model};

/// An image to describe: exactly one of `image` and `upload`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CaptionForm {
    /// Number of an image of the library.
    image: Option<u64>,
    /// Key of an uploaded image, from `POST /api/v1/uploads`.
    upload: Option<String>,
    /// The part to describe; all of it unless said otherwise.
    #[serde(rename = "box")]
    part: Option<BoxForm>,
    /// Name parts of the image, each with its box, instead of the whole.
    parts: bool,
    /// One of the decoder's languages (`captions` of `GET /api/v1/health`); the first of them
    /// unless said otherwise.
    #[schema(max_length = 35)]
    language: Option<String>,
    /// Most captions, 1 unless said otherwise.
    #[schema(minimum = 1, maximum = 16)]
    count: Option<usize>,
}

/// What the model says of an image.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaptionsView {
    /// Upright width in pixels.
    width: u32,
    /// Upright height in pixels.
    height: u32,
    /// Likeliest first.
    captions: Vec<CaptionView>,
}

/// Words for an image or a part of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaptionView {
    text: String,
    /// Of saying exactly this, 0 to 1.
    probability: f32,
    /// The part that they describe; none for the whole image.
    #[serde(rename = "box")]
    part: Option<BoxForm>,
}

impl CaptionView {
    fn of(caption: Caption, (width, height): (u32, u32)) -> Self {
        let part = caption.rect.map(|rect| BoxForm::of(&rect, width, height));
        Self { text: caption.text, probability: caption.probability, part }
    }
}

/// Describe an image
///
/// Needs a model that carries a decoder; others answer with `no_decoder`.
#[utoipa::path(post, path = "/api/v1/caption", operation_id = "caption", tag = "regions",
    request_body(content = CaptionForm, example = json!({"image": 17})),
    responses((status = 200, description = "What the model says of it, likeliest first",
        body = CaptionsView)))]
pub async fn caption(state: web::Data<AppState>, Json(form): Json<CaptionForm>) -> Result<HttpResponse, ApiError> {
    let count = checked_limit(form.count, 1, MAX_CAPTIONS)?;
    if form.parts && form.part.is_some() {
        return Err(ApiError::bad_request("`parts` are looked for in the whole image, not in a `box`"));
    }
    reach_image(&state, form.image).await?;
    let view = run_model(&state, move |state| {
        state.require_model()?;
        let asked = Asked::of(state, form.image, form.upload)?;
        let rect = form.part.map(|part| asked.part(Some(part))).transpose()?;
        let options = CaptionOptions { rect, language: form.language, count };
        let captions = match form.parts {
            true => state.engine.caption_parts(&asked.source, &options)?,
            false => state.engine.caption(&asked.source, &options)?,
        };
        let captions = captions.into_iter().map(|caption| CaptionView::of(caption, asked.size)).collect();
        Ok(CaptionsView { width: asked.size.0, height: asked.size.1, captions })
    });
    Ok(HttpResponse::Ok().json(view.await?))
}
