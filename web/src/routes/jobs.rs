//! Runs that bring the library up to date, or tag it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header;
use actix_web::rt::time::timeout;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use futures_util::{Stream, StreamExt, stream};
use glimpse_engine::expand_home;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, watch};
use utoipa::{IntoParams, ToSchema};

use super::forms::checked_limit;
use super::roots::not_absolute;
use crate::error::{ApiError, Code};
use crate::extract::{Json, QueryString};
use crate::jobs::{Failure, Job, JobKind, JobRequest, JobView};
use crate::state::{AppState, run_search};

/// A comment is sent after so much silence, so that nobody between here and the client closes the
/// connection, and a client that has left is noticed.
pub(super) const SILENCE: Duration = Duration::from_secs(10);

/// What to do.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct JobForm {
    /// To index, unless said otherwise. What is asked for beside it goes with one of the two:
    /// `labels` with `tag_regions`, all else with `index`.
    kind: JobKind,
    /// Labels that regions are tagged with; none means those that are kept already, or, where none
    /// are, the most frequent keywords of the library, or common words where it has none.
    #[schema(max_items = 2000)]
    labels: Vec<String>,
    /// Absolute paths of folders on the server's machine, which are folders of the library, or
    /// below one, or below one that the server was started with (`--allow-root`); none means all
    /// folders of the library that can be reached.
    #[schema(value_type = Vec<String>, max_items = 100)]
    roots: Vec<PathBuf>,
    /// Forget files that are gone, instead of marking them as missing.
    prune: bool,
    /// Hidden files and folders too.
    hidden: bool,
    /// Images that were indexed without regions get them; their files are read and encoded again.
    regions: bool,
}

/// The latest jobs.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobsView {
    /// The latest first.
    jobs: Vec<JobView>,
}

/// Index folders, or tag regions
///
/// Starts a job that brings the library up to date with folders, or one that tags regions of all
/// images and keeps their tags with the index, as `glimpse tag --regions --keep` does. One job runs
/// at a time; searches go on meanwhile.
#[utoipa::path(post, path = "/api/v1/jobs", operation_id = "start_job", tag = "jobs",
    request_body(content = JobForm, example = json!({"roots": ["/photos"]})),
    responses((status = 202, description = "The job, which has begun", body = JobView)))]
pub async fn start(state: web::Data<AppState>, Json(form): Json<JobForm>) -> Result<HttpResponse, ApiError> {
    if form.roots.len() > 100 {
        return Err(ApiError::bad_request("`roots` has 100 folders at most"));
    }
    let JobForm { kind, labels, roots, prune, hidden, regions } = form;
    if kind == JobKind::TagRegions {
        if !roots.is_empty() || prune || hidden || regions {
            return Err(ApiError::bad_request("a job that tags regions has `labels`, and looks at all images"));
        }
        return tag_regions(&state, labels).await;
    }
    if !labels.is_empty() {
        return Err(ApiError::bad_request("`labels` go with `\"kind\": \"tag_regions\"`"));
    }
    let roots: Vec<PathBuf> = roots.iter().map(|root| expand_home(root)).collect();
    if let Some(root) = roots.iter().find(|root| !root.is_absolute()) {
        return Err(not_absolute(root));
    }
    let roots = run_search(&state, move |state| state.roots.check(&state.engine, &roots)).await?;
    begin(&state, JobRequest { roots, prune, hidden, regions, ..JobRequest::default() }, "jobs/").await
}

/// What makes no sense is said at once; the rest is the job's to say.
async fn tag_regions(state: &web::Data<AppState>, labels: Vec<String>) -> Result<HttpResponse, ApiError> {
    let job = run_search(state, move |state| {
        state.engine.check_region_labels(&labels)?;
        Ok(state.jobs.tag_regions(&state.engine, labels)?.view())
    });
    Ok(begun(&job.await?, "jobs/"))
}

/// `jobs` is the address of all jobs as seen from the request: a reverse proxy may have put a path
/// in front of it.
async fn begin(state: &web::Data<AppState>, request: JobRequest, jobs: &str) -> Result<HttpResponse, ApiError> {
    let request = JobRequest {
        follow_links: state.follow_links,
        pace: state.pace.unwrap_or_default(),
        workers: state.workers.clone(),
        ..request
    };
    let view =
        run_search(state, move |state| Ok(state.jobs.start(&state.engine, &state.thumbnail_indexer, request)?.view()))
            .await?;
    Ok(begun(&view, jobs))
}

fn begun(view: &JobView, jobs: &str) -> HttpResponse {
    let place = (header::LOCATION, format!("{jobs}{}", view.id));
    HttpResponse::Accepted().insert_header(place).json(view)
}

/// The latest jobs
#[utoipa::path(get, path = "/api/v1/jobs", operation_id = "jobs", tag = "jobs",
    responses((status = 200, description = "The jobs, latest first", body = JobsView)))]
pub async fn list(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(JobsView { jobs: state.jobs.list() })
}

/// A job
#[utoipa::path(get, path = "/api/v1/jobs/{id}", operation_id = "job", tag = "jobs", params(("id" = u64, Path)),
    responses((status = 200, description = "The job", body = JobView)))]
pub async fn one(state: web::Data<AppState>, id: web::Path<u64>) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(state.jobs.get(*id)?.view()))
}

/// Pause a job
#[utoipa::path(post, path = "/api/v1/jobs/{id}/pause", operation_id = "pause_job", tag = "jobs", params(("id" = u64, Path)),
    responses((status = 200, description = "The job, which waits", body = JobView)))]
pub async fn pause(state: web::Data<AppState>, id: web::Path<u64>) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(state.jobs.get(*id)?.pause()?))
}

/// Let a paused job go on
#[utoipa::path(post, path = "/api/v1/jobs/{id}/resume", operation_id = "resume_job", tag = "jobs", params(("id" = u64, Path)),
    responses((status = 200, description = "The job, which goes on", body = JobView)))]
pub async fn resume(state: web::Data<AppState>, id: web::Path<u64>) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(state.jobs.get(*id)?.resume()?))
}

/// Stop a job
///
/// Everything done so far is kept; the next job goes on from there.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/cancel", operation_id = "cancel_job", tag = "jobs", params(("id" = u64, Path)),
    responses((status = 200, description = "The job; it ends a moment later", body = JobView)))]
pub async fn cancel(state: web::Data<AppState>, id: web::Path<u64>) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(state.jobs.get(*id)?.cancel()?))
}

/// Try failures again
///
/// Starts a job over the files of this one that were skipped or could not be read.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/retry", operation_id = "retry_job", tag = "jobs", params(("id" = u64, Path)),
    responses((status = 202, description = "A new job, which has begun", body = JobView)))]
pub async fn retry(state: web::Data<AppState>, id: web::Path<u64>) -> Result<HttpResponse, ApiError> {
    let request = run_search(&state, move |state| state.jobs.get(*id)?.retry(&state.engine)).await?;
    begin(&state, request, "../").await
}

/// Which failures.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct FailuresForm {
    /// Failures to step over.
    #[param(value_type = Option<usize>)]
    offset: usize,
    /// Most failures of this answer, 200 unless said otherwise.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Files that gave no image.
#[derive(Debug, Serialize, ToSchema)]
pub struct FailuresView {
    /// In the order in which they were met.
    failures: Vec<Failure>,
    /// All of this job so far, 10,000 at most.
    total: usize,
}

/// Failures of a job, each with its reason
#[utoipa::path(get, path = "/api/v1/jobs/{id}/failures", operation_id = "job_failures", tag = "jobs", params(("id" = u64, Path), FailuresForm),
    responses((status = 200, description = "Files that gave no image, each with its reason",
        body = FailuresView)))]
pub async fn failures(
    state: web::Data<AppState>,
    id: web::Path<u64>,
    QueryString(form): QueryString<FailuresForm>,
) -> Result<HttpResponse, ApiError> {
    let limit = checked_limit(form.limit, 200, 1000)?;
    let job = state.jobs.get(*id)?;
    let failures = job.failures(form.offset, limit);
    Ok(HttpResponse::Ok().json(FailuresView { failures, total: job.view().failures }))
}

/// One of the server-sent events of a job.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes what is written by hand")]
pub struct JobEvent {
    /// Always `job`.
    event: String,
    /// The job as JSON, see `JobView`.
    data: String,
}

/// Progress of a job
///
/// Server-sent events named `job`, each with the whole state of the job; the stream ends with the
/// job.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/events", operation_id = "job_events", tag = "jobs", params(("id" = u64, Path)),
    responses((status = 200, description = "A stream of server-sent events that ends with the job",
        content_type = "text/event-stream", body = JobEvent)))]
pub async fn events(state: web::Data<AppState>, id: web::Path<u64>) -> Result<HttpResponse, ApiError> {
    let job = state.jobs.get(*id)?;
    let place = place_for_stream(&state)?;
    let events = progress(&job, state.stopping.subscribe()).inspect(move |_| _ = &place);
    Ok(HttpResponse::Ok().content_type("text/event-stream; charset=utf-8").streaming(events))
}

/// A place among the streams of events.
///
/// # Errors
/// [`Code::Busy`] if all are taken.
pub(super) fn place_for_stream(state: &AppState) -> Result<OwnedSemaphorePermit, ApiError> {
    Arc::clone(&state.streams).try_acquire_owned().map_err(|_| {
        let message = format!("{} streams of events are open, which is the most", state.limits.streams);
        ApiError::new(Code::Busy, message).hint("close one, or ask for what you want to know from time to time")
    })
}

/// The state of a job now and at every change, until it is over or the server stops.
fn progress(job: &Job, stopping: watch::Receiver<bool>) -> impl Stream<Item = Result<Bytes, ApiError>> + 'static {
    let mut changes = job.watch();
    changes.mark_changed(); // the state at the start is the first event
    stream::unfold(Some((changes, stopping)), |state| async move {
        let (mut changes, mut stopping) = state?;
        let change = {
            let (change, stop) = (std::pin::pin!(changes.changed()), std::pin::pin!(stopping.wait_for(|stop| *stop)));
            timeout(SILENCE, futures_util::future::select(change, stop)).await.map(|first| match first {
                futures_util::future::Either::Left((change, _)) => change.is_ok(),
                futures_util::future::Either::Right(_) => false,
            })
        };
        match change {
            Err(_) => Some((Ok(Bytes::from_static(b":\n\n")), Some((changes, stopping)))),
            Ok(false) => None,
            Ok(true) => {
                let view = changes.borrow_and_update().clone();
                let json = serde_json::to_string(&view).unwrap_or_default(); // numbers and texts always have a JSON
                let event = Bytes::from(format!("event: job\ndata: {json}\n\n"));
                Some((Ok(event), (!view.state.is_over()).then_some((changes, stopping))))
            }
        }
    })
}
