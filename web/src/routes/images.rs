//! Images of the library by number: records, thumbnails, bytes.

use actix_web::http::header::{self, Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use glimpse_engine::{ErrorKind, Frame, ImageId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::file;
use crate::error::ApiError;
use crate::etag::matches;
use crate::extract::QueryString;
use crate::state::{AppState, reach, run_decode, run_read, run_search};
use crate::thumbnails::{self, SIZES, is_version, unread};
use crate::wire::{FileBytes, ImageView, Kind};

/// A browser may keep an image that was asked for with its content hash: the address changes with
/// the image.
pub const FOREVER: &str = "private, max-age=31536000, immutable";
/// Otherwise it asks each time whether its copy is still right.
pub const ASK_AGAIN: &str = "private, no-cache";
/// Most records of an answer.
const MAX_IDS: usize = 200;

/// Which images.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct IdsForm {
    /// Numbers with commas between them, 200 at most.
    #[param(pattern = "^[0-9]+(,[0-9]+)*$", max_length = 4199, example = "1,2,3")]
    ids: String,
}

/// Records of images.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImagesView {
    /// In the order asked for; what is not in the library is left out.
    images: Vec<ImageView>,
}

/// Records of many images
#[utoipa::path(get, path = "/api/v1/images", operation_id = "images", tag = "images", params(IdsForm),
    responses((status = 200, description = "The records that were found", body = ImagesView)))]
pub async fn records(
    state: web::Data<AppState>,
    QueryString(form): QueryString<IdsForm>,
) -> Result<HttpResponse, ApiError> {
    let ids: Vec<u64> = form
        .ids
        .split(',')
        .map(|id| id.parse().map_err(|_| ApiError::bad_request(format!("`{id}` is not the number of an image"))))
        .take(MAX_IDS + 1)
        .collect::<Result<_, _>>()?;
    if ids.len() > MAX_IDS {
        return Err(ApiError::bad_request(format!("`ids` has {MAX_IDS} numbers at most")));
    }
    let view = run_search(&state, move |state| {
        let mut images = Vec::with_capacity(ids.len());
        for id in ids {
            match ImageView::read(&state.engine, ImageId(id)) {
                Ok(image) => images.push(image),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(ImagesView { images })
    });
    Ok(HttpResponse::Ok().json(view.await?))
}

/// Record of an image
#[utoipa::path(get, path = "/api/v1/images/{id}", operation_id = "image", tag = "images", params(("id" = u64, Path)),
    responses((status = 200, description = "The record", body = ImageView)))]
pub async fn record(state: web::Data<AppState>, id: web::Path<u64>) -> Result<HttpResponse, ApiError> {
    let image = run_search(&state, move |state| Ok(ImageView::read(&state.engine, ImageId(*id))?)).await?;
    Ok(HttpResponse::Ok().json(image))
}

/// The frames of a video.
#[derive(Debug, Serialize, ToSchema)]
pub struct FramesView {
    /// The image that stands for the video.
    #[schema(value_type = u64)]
    image: ImageId,
    /// What it is.
    kind: Kind,
    /// Its length in seconds; 0 of a still image.
    duration: f64,
    /// In order of time. The first has the number of the image.
    frames: Vec<ShotView>,
}

/// A frame, which stands for a shot.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShotView {
    /// Its number, for its thumbnail, its heatmap and the like.
    #[schema(value_type = u64)]
    id: ImageId,
    /// The `v` of its thumbnail.
    content: String,
    /// When it is shown, in seconds.
    start: f64,
    /// Where the next shot begins, or the video ends, in seconds.
    end: f64,
    /// Upright width in pixels.
    width: u32,
    /// Upright height in pixels.
    height: u32,
}

impl From<Frame> for ShotView {
    fn from(Frame { id, content, start, end, width, height }: Frame) -> Self {
        Self { id, content: content.to_string(), start, end, width, height }
    }
}

/// Frames of a video
///
/// The frames of a video or an animation that are searched, by its number or that of one of them.
#[utoipa::path(get, path = "/api/v1/images/{id}/frames", operation_id = "image_frames", tag = "images", params(("id" = u64, Path)),
    responses((status = 200, description = "The frames, in order of time", body = FramesView)))]
pub async fn frames(state: web::Data<AppState>, id: web::Path<u64>) -> Result<HttpResponse, ApiError> {
    let view = run_search(&state, move |state| {
        let image = state.engine.video_of(ImageId(*id))?;
        let frames = state.engine.frames(image)?.into_iter().map(ShotView::from).collect();
        let ImageView { kind, duration, .. } = ImageView::read(&state.engine, image)?;
        Ok(FramesView { image, kind, duration: duration.unwrap_or(0.0), frames })
    });
    Ok(HttpResponse::Ok().json(view.await?))
}

/// What to draw.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ThumbnailForm {
    /// Longer side in pixels: 160, 320, 640 or 1600; 320 unless said otherwise.
    #[serde(default = "usual_size")]
    #[param(value_type = Option<u32>)]
    size: u32,
    /// Content hash, or eight digits or more from its start, for browsers to keep the image by.
    v: Option<String>,
}

fn usual_size() -> u32 {
    SIZES[1]
}

/// Thumbnail of an image
///
/// A JPEG, upright. With `v` a browser may keep it for good.
#[utoipa::path(get, path = "/api/v1/images/{id}/thumbnail", operation_id = "image_thumbnail", tag = "images", params(("id" = u64, Path), ThumbnailForm),
    responses((status = 200, description = "A JPEG", content_type = "image/jpeg", body = FileBytes), (status = 304, description = "The copy that the client has is still right")))]
pub async fn thumbnail(
    state: web::Data<AppState>,
    id: web::Path<u64>,
    QueryString(form): QueryString<ThumbnailForm>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let size = form.size;
    if !SIZES.contains(&size) {
        return Err(ApiError::bad_request(format!("`size` is one of {SIZES:?}, not {size}")));
    }
    let asked = request.headers().get(header::IF_NONE_MATCH).cloned();
    let id = ImageId(*id);
    let (image, known) = run_decode(&state, move |state| {
        let image = ImageView::read(&state.engine, id)?;
        if asked.is_some_and(|asked| matches(&asked, &tag(&image.content, size))) {
            return Ok((image, Some(None)));
        }
        let drawn = state.thumbnails.get(&(image.content.clone(), size));
        Ok((image, drawn.map(Some)))
    })
    .await?;
    let content = image.content.clone();
    let jpeg = match known {
        Some(known) => known,
        None => Some(draw(&state, image, size).await?),
    };

    let caching = if form.v.as_deref().is_some_and(|v| is_version(v, &content)) { FOREVER } else { ASK_AGAIN };
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

/// A thumbnail that nobody has asked for yet.
async fn draw(state: &web::Data<AppState>, image: ImageView, size: u32) -> Result<Bytes, ApiError> {
    reach(state, image.id).await?;
    run_decode(state, move |state| {
        let make = || thumbnails::make(&state.engine, &image, size, &state.thumbnail_indexer.placeholders);
        state.thumbnails.get_or_draw((image.content.clone(), size), make)
    })
    .await
}

/// To look at, or to keep.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct OriginalForm {
    /// Let the browser save it under its own name.
    #[param(value_type = Option<bool>)]
    download: bool,
    /// Content hash, or eight digits or more from its start, for browsers to keep the image by.
    v: Option<String>,
}

/// Bytes of an image
///
/// The file as it is, or one range of it; of a frame, the file of its video.
#[utoipa::path(get, path = "/api/v1/images/{id}/original", operation_id = "image_original", tag = "images", params(("id" = u64, Path), OriginalForm),
    responses((status = 200, description = "The file as it is", content((FileBytes = "image/*"), (FileBytes = "video/*"))),
        (status = 206, description = "The range that was asked for", content((FileBytes = "image/*"), (FileBytes = "video/*"))),
        (status = 304, description = "`If-None-Match` names this image"),
        (status = 412, description = "`If-Match` names another image", body = ApiError),
        (status = 416, description = "The file has no such range", body = ApiError)))]
pub async fn original(
    state: web::Data<AppState>,
    id: web::Path<u64>,
    QueryString(form): QueryString<OriginalForm>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let id = ImageId(*id);
    reach(&state, id).await?;
    let (file, image) = run_read(&state, move |state| {
        let image = ImageView::read(&state.engine, state.engine.video_of(id)?)?;
        Ok((state.engine.original(image.id).map_err(unread)?, image))
    })
    .await?;
    let etag = format!("\"{}\"", image.content);
    let caching = if form.v.as_deref().is_some_and(|v| is_version(v, &image.content)) { FOREVER } else { ASK_AGAIN };
    let mut response = HttpResponse::Ok();
    response
        .content_type(image.format.media_type())
        .insert_header((header::CACHE_CONTROL, caching))
        .insert_header(disposition(&image, form.download));
    file::send(&state, &request, file, &etag, response)
}

/// Shown in place, or saved under the file's own name.
fn disposition(image: &ImageView, download: bool) -> ContentDisposition {
    let name = image.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name =
        ExtendedValue { charset: Charset::Ext("UTF-8".to_owned()), language_tag: None, value: name.into_bytes() };
    match download {
        false => ContentDisposition { disposition: DispositionType::Inline, parameters: Vec::new() },
        true => ContentDisposition {
            disposition: DispositionType::Attachment,
            parameters: vec![DispositionParam::FilenameExt(name)],
        },
    }
}

fn tag(content: &str, size: u32) -> String {
    format!("\"{content}-{size}\"")
}
