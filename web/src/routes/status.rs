//! How the server is doing.

use actix_web::{HttpResponse, web};
use glimpse_engine::{EngineError, ErrorKind};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::jobs::JobView;
use crate::metrics::Gauges;
use crate::state::{AppState, run_search};

/// How the server is doing.
#[derive(Serialize, ToSchema)]
pub struct HealthView {
    /// Always `ok` when there is an answer.
    status: &'static str,
    version: &'static str,
    library: LibraryState,
    /// Images that can be found.
    images: usize,
    model: ModelView,
    /// The index job under way.
    job: Option<JobView>,
    /// Why library or model cannot be used.
    problem: Option<String>,
    /// What clients may do.
    allows: AllowsView,
    /// The folders of the library are followed as they change (`--watch`).
    watching: bool,
    /// Tags of regions are kept with the index, and images can be filtered by them.
    region_tags: bool,
    /// Videos are read: ffmpeg and ffprobe are on the server's PATH.
    video: bool,
}

/// What clients may do beside looking.
#[derive(Serialize, ToSchema)]
struct AllowsView {
    /// Move files of images to the trash (`--allow-trash`).
    trash: bool,
    /// Write favourites to XMP sidecars (`--allow-sidecars`).
    sidecars: bool,
    /// Give images ratings, in XMP sidecars too.
    rate: bool,
    /// Give images tags, and take these away.
    tag: bool,
    /// Hide images, and show them again.
    hide: bool,
    /// Say which answers are right or wrong.
    feedback: bool,
    /// Show files in the file manager of this machine (a server for this machine alone, with a
    /// desktop).
    reveal: bool,
    /// Add folders to the library, and forget some (`--allow-root`).
    roots: bool,
}

/// How the library is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum LibraryState {
    /// It answers.
    Ready,
    /// Nothing was indexed yet.
    Empty,
    /// It is large and is being opened.
    Opening,
    /// It cannot be opened; `problem` says why.
    Unusable,
}

/// The model in use.
#[derive(Serialize, ToSchema)]
struct ModelView {
    state: ModelReady,
    /// As the user named it.
    name: Option<String>,
    /// What runs it.
    backend: Option<String>,
    /// Languages in which it can describe images; none without a decoder.
    captions: Vec<String>,
}

/// How the model is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ModelReady {
    /// It is being loaded; searches by words are answered, others wait.
    Loading,
    /// It answers.
    Ready,
    /// It could not be loaded; `problem` says why.
    Failed,
}

/// How the server is doing
///
/// Also what a page needs to know at its start: whether there is a library, whether the model is
/// loaded, whether an index job is under way.
#[utoipa::path(get, path = "/api/v1/health", operation_id = "health", tag = "server",
    responses((status = 200, description = "How the server is doing", body = HealthView)))]
pub async fn health(state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let view = run_search(&state, |state| {
        let (library, images, unusable) = match state.engine.count() {
            Ok(images) => (LibraryState::Ready, images, None),
            Err(error) if is_empty(&error) => (LibraryState::Empty, 0, None),
            Err(EngineError::Opening) => (LibraryState::Opening, 0, None),
            Err(error) => (LibraryState::Unusable, 0, Some(error.to_string())),
        };
        let failure = state.model_failure();
        let ready = match state.model_is_ready() {
            true => ModelReady::Ready,
            false if failure.is_some() => ModelReady::Failed,
            false => ModelReady::Loading,
        };
        let info = state.engine.model_info().ok().flatten();
        Ok(HealthView {
            status: "ok",
            version: env!("CARGO_PKG_VERSION"),
            library,
            images,
            model: ModelView {
                state: ready,
                name: info.as_ref().map(|info| info.name.clone()),
                backend: info.map(|info| info.backend),
                captions: state.caption_languages(),
            },
            job: state.jobs.running(),
            allows: AllowsView {
                trash: state.put_away.is_some(),
                sidecars: state.allow_sidecars,
                rate: state.allow_sidecars,
                tag: true,
                hide: true,
                feedback: true,
                reveal: state.show_file.is_some(),
                roots: !state.roots.folders().is_empty(),
            },
            watching: state.watching,
            region_tags: matches!(library, LibraryState::Ready) && state.engine.keeps_region_tags(),
            video: state.engine.reads_videos(),
            problem: unusable.or(failure.filter(|_| ready == ModelReady::Failed)),
        })
    });
    Ok(HttpResponse::Ok().json(view.await?))
}

/// Nothing was indexed yet, as opposed to a library that is in use or damaged.
fn is_empty(error: &EngineError) -> bool {
    error.kind() == ErrorKind::NotReady && error.is_empty_library()
}

/// Counters in Prometheus' text format
#[utoipa::path(get, path = "/api/v1/metrics", operation_id = "metrics", tag = "server",
    responses((status = 200, description = "Counters and gauges, a line each", content_type = "text/plain", body = String)))]
pub async fn metrics(state: web::Data<AppState>) -> HttpResponse {
    let gauges = Gauges {
        pools: &[
            &state.searches,
            &state.finds,
            &state.images,
            &state.originals,
            &state.drives,
            &state.looks,
            &state.heavy,
        ],
        images: state.engine.count_if_open(),
        thumbnail_bytes: state.thumbnails.bytes(),
        indexing: state.jobs.running().is_some(),
    };
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(state.metrics.render(&gauges))
}
