//! Images to ask with: uploaded or pasted, kept in memory for a while.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::images::FOREVER;
use crate::error::{ApiError, Code};
use crate::etag::is_known;
use crate::extract::read_body;
use crate::state::{AppState, run_decode};
use crate::uploads::{MAX_UPLOAD, Upload};
use crate::wire::FileBytes;

/// An image that was sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct UploadView {
    /// Names it in the terms of a search, until the server forgets it.
    key: String,
    /// Upright width in pixels.
    width: u32,
    /// Upright height in pixels.
    height: u32,
    /// Bytes that arrived.
    bytes: usize,
}

/// Send an image to search with
///
/// The body is the file itself, 32 MB and 100 megapixels at most. It is decoded at once, kept in
/// memory under the hash of its bytes, and never written to disk. A few arrive at a time; past
/// that, the answer is `busy`.
#[utoipa::path(post, path = "/api/v1/uploads", operation_id = "upload_image", tag = "search",
    request_body(content = FileBytes, content_type = "image/*"),
    responses((status = 201, description = "The key that names the image in a search", body = UploadView)))]
pub async fn upload(
    state: web::Data<AppState>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("image/") && kind != "application/octet-stream" {
        let error = ApiError::new(Code::UnsupportedMediaType, "the body is not announced as an image");
        return Err(error.hint("send the file itself with `Content-Type: image/jpeg` or the like"));
    }
    // Held until the bytes are read, decoded and kept: what uploads take is bounded, however many
    // come.
    let _place = state.uploading.try_acquire().map_err(|_| ApiError::busy())?;
    let bytes = read_body(&request, payload.into_inner(), MAX_UPLOAD, state.limits.upload_time).await?;
    let view = run_decode(&state, move |state| {
        let upload = Upload::read(bytes)?;
        let (width, height) = (upload.width, upload.height);
        let view = UploadView { key: upload.key.clone(), width, height, bytes: upload.bytes.len() };
        state.uploads.keep(upload);
        Ok(view)
    });
    Ok(HttpResponse::Created().json(view.await?))
}

/// Thumbnail of an image that was sent
#[utoipa::path(get, path = "/api/v1/uploads/{key}/thumbnail", operation_id = "upload_thumbnail", tag = "search", params(("key" = String, Path)),
    responses((status = 200, description = "A JPEG", content_type = "image/jpeg", body = FileBytes), (status = 304, description = "The copy that the client has is still right")))]
pub async fn thumbnail(
    state: web::Data<AppState>,
    key: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let upload = state.uploads.get(&key)?;
    let etag = format!("\"{}-thumbnail\"", upload.key);
    let known = is_known(request.headers(), &etag);
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::CACHE_CONTROL, FOREVER)).insert_header((header::ETAG, etag));
    Ok(if known { response.finish() } else { response.content_type("image/jpeg").body(upload.thumbnail) })
}
