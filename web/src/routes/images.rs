//! Pictures by number: their record, thumbnails and bytes.

use actix_files::NamedFile;
use actix_web::http::header::{self, ContentDisposition, DispositionType, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use glimpse_engine::{Format, ImageId};
use serde::Deserialize;

use crate::error::ApiError;
use crate::state::{AppState, ask};
use crate::thumbnails::{self, SIZES};
use crate::wire::ImageView;

/// A browser may keep a picture that was asked for with its content hash: the address changes with the picture.
const FOREVER: &str = "private, max-age=31536000, immutable";
/// Otherwise it asks each time whether its copy is still right.
const ASK_AGAIN: &str = "private, no-cache";

/// What to draw.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThumbnailForm {
    /// Longer side in pixels, one of [`SIZES`].
    #[serde(default = "usual_size")]
    size: u32,
    /// Content hash, for browsers to keep the picture by.
    v: Option<String>,
}

fn usual_size() -> u32 {
    SIZES[1]
}

/// `GET /api/v1/images/{id}`
pub async fn record(state: web::Data<AppState>, id: web::Path<u64>) -> Result<HttpResponse, ApiError> {
    let image = ask(&state, move |state| Ok(ImageView::read(&state.engine, ImageId(*id))?)).await?;
    Ok(HttpResponse::Ok().json(image))
}

/// `GET /api/v1/images/{id}/thumbnail`
pub async fn thumbnail(
    state: web::Data<AppState>,
    id: web::Path<u64>,
    form: web::Query<ThumbnailForm>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let size = form.size;
    if !SIZES.contains(&size) {
        return Err(ApiError::bad_request(format!("`size` is one of {SIZES:?}, not {size}")));
    }
    let asked = request.headers().get(header::IF_NONE_MATCH).cloned();
    let (content, jpeg) = ask(&state, move |state| {
        let image = ImageView::read(&state.engine, ImageId(*id))?;
        if asked.is_some_and(|asked| matches(&asked, &tag(&image.content, size))) {
            return Ok((image.content, None));
        }
        let jpeg = state.thumbnails.get_or_make((image.content.clone(), size), || thumbnails::make(&image, size))?;
        Ok((image.content, Some(jpeg)))
    })
    .await?;

    let caching = if form.v.as_ref() == Some(&content) { FOREVER } else { ASK_AGAIN };
    let mut response = match &jpeg {
        Some(_) => HttpResponse::Ok(),
        None => HttpResponse::NotModified(),
    };
    response.insert_header((header::ETAG, tag(&content, size))).insert_header((header::CACHE_CONTROL, caching));
    Ok(match jpeg {
        Some(jpeg) => response.content_type("image/jpeg").body(jpeg),
        None => response.finish(),
    })
}

/// `GET /api/v1/images/{id}/original`
pub async fn original(
    state: web::Data<AppState>,
    id: web::Path<u64>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let (file, format, etag) = ask(&state, move |state| {
        let image = ImageView::read(&state.engine, ImageId(*id))?;
        let file = thumbnails::open_unchanged(&image)?;
        let file =
            NamedFile::from_file(file, &image.file).map_err(|error| thumbnails::unreadable(&image.file, &error))?;
        Ok((file, image.format, image.content))
    })
    .await?;
    let inline = ContentDisposition { disposition: DispositionType::Inline, parameters: Vec::new() };
    let mut response = file
        .use_etag(false)
        .use_last_modified(false)
        .set_content_type(media_type(format).parse().map_err(|_| ApiError::internal("a media type cannot be read"))?)
        .set_content_disposition(inline)
        .into_response(&request);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(ASK_AGAIN));
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{etag}\"")) {
        headers.insert(header::ETAG, etag);
    }
    Ok(response)
}

fn tag(content: &str, size: u32) -> String {
    format!("\"{content}-{size}\"")
}

/// True if one of the tags of an `If-None-Match` header is `tag`.
fn matches(header: &HeaderValue, tag: &str) -> bool {
    let tags = header.to_str().unwrap_or_default();
    tags.split(',').any(|shown| shown.trim().trim_start_matches("W/") == tag)
}

fn media_type(format: Format) -> &'static str {
    match format {
        Format::Jpeg => "image/jpeg",
        Format::Png => "image/png",
        Format::WebP => "image/webp",
        Format::Gif => "image/gif",
        Format::Tiff => "image/tiff",
        Format::Bmp => "image/bmp",
        Format::Heic => "image/heic",
        Format::Avif => "image/avif",
    }
}
