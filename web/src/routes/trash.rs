//! Moving files of images to the trash.

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

/// Whose files.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrashForm {
    /// Numbers of images, 500 at most.
    #[schema(value_type = Vec<u64>, min_items = 1, max_items = 500)]
    images: ChosenImages,
    /// Their companions too: raw files, videos of live photos and originals that lie beside them.
    #[serde(default)]
    companions: bool,
}

/// What became of the files.
#[derive(Serialize, ToSchema)]
pub struct TrashView {
    /// Files that are in the trash of the server's machine now.
    moved: Vec<String>,
    /// Files that stay where they are.
    failed: Vec<NotMovedView>,
}

/// A file that stays where it is.
#[derive(Serialize, ToSchema)]
pub struct NotMovedView {
    path: String,
    /// Why, for people.
    reason: String,
    /// Why, for programs.
    #[schema(value_type = Option<names::ReasonCode>)]
    reason_code: Option<ReasonCode>,
}

impl NotMovedView {
    fn new((path, error): &(PathBuf, EngineError)) -> Self {
        Self { path: shown(path), reason: error.to_string(), reason_code: error.reason_code() }
    }
}

/// Move files to the trash
///
/// Moves all files of some images to the trash of the server's machine, from where they can be
/// taken back, if the server was started with `--allow-trash`. A file whose content is not the one
/// that was indexed stays where it is. The library has the moved ones as missing. Companions of the
/// images stay unless asked for; a raw file or original that is left alone is an image of its own
/// from the next run on.
#[utoipa::path(post, path = "/api/v1/trash", operation_id = "trash", tag = "images",
    request_body(content = TrashForm, example = json!({"images": [12, 15]})),
    responses((status = 200, description = "Which files were moved, and which not", body = TrashView)))]
pub async fn trash(state: web::Data<AppState>, Json(form): Json<TrashForm>) -> Result<HttpResponse, ApiError> {
    let put_away = state.put_away.ok_or_else(|| {
        ApiError::new(Code::TrashNotAllowed, "this server may not move files to the trash")
            .hint("start it with `--allow-trash`")
    })?;
    at_most("images", form.images.0.len(), MAX_IMAGES)?;
    let trashed =
        run_read(&state, move |state| Ok(state.engine.trash(&form.images.0, form.companions, put_away)?)).await?;
    let failed = trashed.failed.iter();
    Ok(HttpResponse::Ok().json(TrashView {
        moved: trashed.moved.iter().map(|path| shown(path)).collect(),
        failed: failed.map(NotMovedView::new).collect(),
    }))
}
