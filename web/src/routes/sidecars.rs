//! Writing favourites and ratings to the XMP sidecars of images.

use std::path::PathBuf;

use actix_web::{HttpResponse, web};
use glimpse_engine::{EngineError, ReasonCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::forms::at_most;
use crate::chosen::ChosenImages;
use crate::error::{ApiError, Code};
use crate::extract::Json;
use crate::state::{AppState, run_read};
use crate::wire::names;
use crate::wire::paths::shown;

/// Most images of a request: each file is read once more.
const MAX_IMAGES: usize = 500;

/// Whose sidecars.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SidecarsForm {
    /// Numbers of images, 500 at most.
    #[schema(value_type = Vec<u64>, min_items = 1, max_items = 500)]
    images: ChosenImages,
    /// A rating for all of them, in the place of one that they have; 0 takes it away. Without it
    /// favourites that have none get one of 5.
    #[schema(maximum = 5)]
    rating: Option<u8>,
}

/// What became of the sidecars.
#[derive(Serialize, ToSchema)]
pub struct SidecarsView {
    /// Sidecars that were written.
    written: Vec<String>,
    /// Images with nothing to write: those that have the rating; of favourites those that have any,
    /// and images that are none.
    unchanged: usize,
    /// Image files whose sidecar could not be written.
    failed: Vec<NotWrittenView>,
}

/// An image file whose sidecar could not be written.
#[derive(Serialize, ToSchema)]
pub struct NotWrittenView {
    path: String,
    /// Why, for people.
    reason: String,
    /// Why, for programs.
    #[schema(value_type = Option<names::ReasonCode>)]
    reason_code: Option<ReasonCode>,
}

impl NotWrittenView {
    fn new((path, error): &(PathBuf, EngineError)) -> Self {
        Self { path: shown(path), reason: error.to_string(), reason_code: error.reason_code() }
    }
}

/// Write favourites or ratings to XMP sidecars
///
/// Gives images this rating (`xmp:Rating`) in the XMP sidecars beside their files, if the server
/// was started with `--allow-sidecars`; without a `rating`, gives those that are favourites and
/// have no rating one of 5. Whatever else a sidecar holds stays; image files are not touched. A
/// file whose content is not the one that was indexed gets no sidecar.
#[utoipa::path(post, path = "/api/v1/sidecars", operation_id = "sidecars", tag = "images",
    request_body(content = SidecarsForm, example = json!({"images": [12, 15]})),
    responses((status = 200, description = "Which sidecars were written, and which not", body = SidecarsView)))]
pub async fn sidecars(state: web::Data<AppState>, Json(form): Json<SidecarsForm>) -> Result<HttpResponse, ApiError> {
    if !state.allow_sidecars {
        let error = ApiError::new(Code::SidecarsNotAllowed, "this server may not write sidecars");
        return Err(error.hint("start it with `--allow-sidecars`"));
    }
    at_most("images", form.images.0.len(), MAX_IMAGES)?;
    let write = move |state: &AppState| match form.rating {
        Some(rating) => Ok(state.engine.rate_images(&form.images.0, rating, false)?),
        None => Ok(state.engine.write_sidecars(&form.images.0, false)?),
    };
    let done = run_read(&state, write).await?;
    let failed = done.failed.iter();
    Ok(HttpResponse::Ok().json(SidecarsView {
        written: done.written.iter().map(|path| shown(path)).collect(),
        unchanged: done.unchanged,
        failed: failed.map(NotWrittenView::new).collect(),
    }))
}
