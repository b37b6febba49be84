//! Numbers about the library and the server.

use actix_web::{HttpResponse, web};
use serde::Serialize;

use crate::error::ApiError;
use crate::state::{AppState, ask};
use crate::wire::{StatsView, format_taken};

/// What there is to filter by, most frequent first.
#[derive(Serialize)]
struct FacetsView {
    cameras: Vec<Facet>,
    formats: Vec<Facet>,
    folders: Vec<Facet>,
    first_taken: Option<String>,
    last_taken: Option<String>,
    with_place: usize,
}

/// A value and the number of pictures that have it.
#[derive(Serialize)]
struct Facet {
    value: String,
    images: usize,
}

/// `GET /api/v1/health`
pub async fn health() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

/// `GET /api/v1/stats`
pub async fn stats(state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let (stats, model) = ask(&state, |state| Ok(state.engine.stats()?)).await?;
    Ok(HttpResponse::Ok().json(StatsView { stats, model }))
}

/// `GET /api/v1/facets`
pub async fn facets(state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let facets = ask(&state, |state| Ok(state.engine.facets()?)).await?;
    let formats = facets.formats.into_iter().map(|(format, images)| (format!("{format:?}").to_lowercase(), images));
    let folders = facets.folders.into_iter().map(|(folder, images)| (folder.to_string_lossy().into_owned(), images));
    Ok(HttpResponse::Ok().json(FacetsView {
        cameras: list(facets.cameras),
        formats: list(formats),
        folders: list(folders),
        first_taken: facets.taken.and_then(|(first, _)| format_taken(first)),
        last_taken: facets.taken.and_then(|(_, last)| format_taken(last)),
        with_place: facets.with_place,
    }))
}

fn list(counts: impl IntoIterator<Item = (String, usize)>) -> Vec<Facet> {
    counts.into_iter().map(|(value, images)| Facet { value, images }).collect()
}
