//! Showing the file of an image on the desktop of the server's machine.

use actix_web::{HttpRequest, HttpResponse, web};
use glimpse_engine::ImageId;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::{ApiError, Code};
use crate::extract::Json;
use crate::state::{AppState, run_read};

/// What proxies add to requests that they pass on.
const PASSED_ON: [&str; 4] = ["forwarded", "via", "x-forwarded-for", "x-real-ip"];

/// Which image.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevealForm {
    /// Its number.
    image: u64,
}

/// Show in folder
///
/// Opens the folder of an image's file in the file manager of the server's machine. Only where the
/// server has a desktop, listens on this machine alone and stands behind no proxy, so that whoever
/// asks sits in front of it.
#[utoipa::path(post, path = "/api/v1/reveal", operation_id = "reveal", tag = "images",
    request_body(content = RevealForm, example = json!({"image": 12})),
    responses((status = 204, description = "The file manager was told")))]
pub async fn reveal(
    state: web::Data<AppState>,
    request: HttpRequest,
    Json(form): Json<RevealForm>,
) -> Result<HttpResponse, ApiError> {
    let is_passed_on = PASSED_ON.iter().any(|name| request.headers().contains_key(*name));
    let show = state.show_file.filter(|_| !is_passed_on).ok_or_else(|| {
        ApiError::new(Code::RevealNotAllowed, "this server shows no files on a desktop")
            .hint("open the page on the machine that runs Glimpse")
    })?;
    let shown = run_read(&state, move |state| {
        state.engine.image(ImageId(form.image))?;
        let files = state.engine.files_of(ImageId(form.image))?;
        let paths: Vec<_> = files.into_iter().filter(|file| !file.missing).map(|file| file.path).collect();
        let there = state.engine.are_there(&paths);
        let path = paths.iter().zip(there).find(|(_, there)| *there).map(|(path, _)| path);
        let path = path.ok_or_else(|| ApiError::not_found("no file of this image is there any more"))?;
        show(path).map_err(|error| ApiError::internal(format!("the file manager could not be started: {error}")))
    });
    shown.await?;
    Ok(HttpResponse::NoContent().finish())
}
