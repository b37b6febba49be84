//! Downloads of hits: their files as one ZIP archive, or what is known of them as a list (CSV or
//! JSON lines).

use actix_web::http::header::{self, ContentDisposition, DispositionParam, DispositionType};
use actix_web::{HttpResponse, web};
use glimpse_engine::{ErrorKind, ImageId};
use jiff::Zoned;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::archive::Archive;
use crate::chosen::ChosenImages;
use crate::error::ApiError;
use crate::extract::JsonOrForm;
use crate::state::{AppState, place, run_search};
use crate::steps;
use crate::wire::{FileBytes, ImageView, csv};

/// Images of a step of an export.
const STEP: usize = 100;

/// Which files.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArchiveForm {
    /// Numbers of images, 50,000 at most; in a form, with commas between them.
    #[schema(value_type = Vec<u64>, min_items = 1, max_items = 50_000)]
    images: ChosenImages,
}

/// Images in one file
///
/// A zip archive with the files as they are, written while it is sent: names are relative to the
/// folder that all have in common, and names that are the same get a number. What cannot be read is
/// told in the archive's `NOT READ.txt`. A page may send a form instead of JSON, so that the
/// browser saves the answer.
#[utoipa::path(post, path = "/api/v1/archive", operation_id = "archive", tag = "images",
    request_body(content(
        (ArchiveForm = "application/json", example = json!({"images": [3, 7]})),
        (ArchiveForm = "application/x-www-form-urlencoded"),
    )),
    responses((status = 200, description = "The archive", content_type = "application/zip", body = FileBytes)))]
pub async fn archive(
    state: web::Data<AppState>,
    JsonOrForm(form): JsonOrForm<ArchiveForm>,
) -> Result<HttpResponse, ApiError> {
    let images = some(form.images)?;
    let place = place(&state.archives, state.limits.archives, "archives")?;
    let mut archive = run_search(&state, move |state| Ok(Archive::new(&state.engine, images)?)).await?;
    let pieces = steps::stream(state, move |state| {
        let _held = &place;
        archive.next_piece(&state.engine)
    });
    Ok(HttpResponse::Ok()
        .content_type("application/zip")
        .insert_header((header::CONTENT_DISPOSITION, saved_as("zip")))
        .streaming(pieces))
}

/// A list of what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportForm {
    /// Numbers of images, 50,000 at most; in a form, with commas between them.
    #[schema(value_type = Vec<u64>, min_items = 1, max_items = 50_000)]
    images: ChosenImages,
    format: ExportFormat,
}

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// One path a line.
    Paths,
    /// JSON Lines: one record a line, as `GET /api/v1/images/{id}` gives it.
    Json,
    /// Comma-separated values with a line of names first (RFC 4180).
    Csv,
}

impl ExportFormat {
    /// Media type, and the ending of file names.
    fn kind(self) -> (&'static str, &'static str) {
        match self {
            Self::Paths => ("text/plain; charset=utf-8", "txt"),
            Self::Json => ("application/jsonl; charset=utf-8", "jsonl"),
            Self::Csv => ("text/csv; charset=utf-8", "csv"),
        }
    }

    fn write(self, image: &ImageView, to: &mut Vec<u8>) {
        match self {
            Self::Paths => to.extend_from_slice(image.file.as_os_str().as_encoded_bytes()),
            // Numbers and texts always have a JSON.
            Self::Json => to.extend_from_slice(&serde_json::to_vec(image).unwrap_or_default()),
            Self::Csv => to.extend_from_slice(csv::line(image).as_bytes()),
        }
        to.extend_from_slice(if self == Self::Csv { b"\r\n" } else { b"\n" });
    }
}

/// A list of images
///
/// Paths, records or a table of images, in the order asked for; what is not in the library is left
/// out.
#[utoipa::path(post, path = "/api/v1/export", operation_id = "export", tag = "images",
    request_body(content(
        (ExportForm = "application/json", example = json!({"images": [3, 7], "format": "csv"})),
        (ExportForm = "application/x-www-form-urlencoded"),
    )),
    responses((status = 200, description = "The list", content(
        (String = "text/plain"), (ImageView = "application/jsonl"), (String = "text/csv"),
    ))))]
pub async fn export(
    state: web::Data<AppState>,
    JsonOrForm(form): JsonOrForm<ExportForm>,
) -> Result<HttpResponse, ApiError> {
    let (format, images) = (form.format, some(form.images)?);
    let place = place(&state.exports, state.limits.exports, "exports")?;
    run_search(&state, |state| Ok(state.engine.count()?)).await?; // a library that is not there says so first
    let mut head = (format == ExportFormat::Csv).then(|| csv::HEAD.to_owned().into_bytes());
    let mut images = images.into_iter();
    let pieces = steps::stream(state, move |state| {
        let _held = &place;
        let mut piece = head.take().unwrap_or_default();
        let mut some = images.by_ref().take(STEP).peekable();
        if some.peek().is_none() && piece.is_empty() {
            return Ok(None);
        }
        for id in some {
            match ImageView::read(&state.engine, id) {
                Ok(image) => format.write(&image, &mut piece),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Some(piece))
    });
    let (kind, ending) = format.kind();
    Ok(HttpResponse::Ok()
        .content_type(kind)
        .insert_header((header::CONTENT_DISPOSITION, saved_as(ending)))
        .streaming(pieces))
}

fn some(images: ChosenImages) -> Result<Vec<ImageId>, ApiError> {
    match images.0.is_empty() {
        true => Err(ApiError::bad_request("`images` names no image")),
        false => Ok(images.0),
    }
}

/// Saved under the name of today.
fn saved_as(ending: &str) -> ContentDisposition {
    let name = format!("glimpse-{}.{ending}", Zoned::now().date());
    ContentDisposition { disposition: DispositionType::Attachment, parameters: vec![DispositionParam::Filename(name)] }
}
