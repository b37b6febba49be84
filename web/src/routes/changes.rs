//! The event stream of changes: tells open pages that the library, or what people keep of it, has
//! changed.

use std::time::{Duration, Instant};

use actix_web::rt::time::timeout;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;

use super::jobs::{SILENCE, place_for_stream};
use crate::error::ApiError;
use crate::state::AppState;

/// How often the library is looked at: as often clients hear of changes at most.
const LOOK: Duration = Duration::from_secs(1);

/// One of the server-sent events about the library.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes what is written by hand")]
pub struct LibraryEvent {
    /// Always `library`.
    event: String,
    /// `{"revision": 17, "images": 2400}`, for instance: another revision than before says that
    /// answers may be others now.
    data: String,
}

/// The library as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct LibraryChange {
    /// Another number than before: answers may be others now.
    revision: u64,
    /// Images that can be found.
    images: usize,
}

/// Changes of the library
///
/// Server-sent events named `library`, one at the start and one after changes, once a second at
/// most, whoever made them: a job, a watched folder, somebody else. The stream ends with the
/// server.
#[utoipa::path(get, path = "/api/v1/events", operation_id = "library_events", tag = "library",
    responses((status = 200, description = "A stream of server-sent events that does not end by itself",
        content_type = "text/event-stream", body = LibraryEvent)))]
pub async fn events(state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let place = place_for_stream(&state)?;
    let stopping = state.stopping.subscribe();
    let events = changes(state, stopping).inspect(move |_| _ = &place);
    Ok(HttpResponse::Ok().content_type("text/event-stream; charset=utf-8").streaming(events))
}

fn now(state: &AppState) -> Option<LibraryChange> {
    let revision = state.engine.revision_if_open()?;
    Some(LibraryChange { revision, images: state.engine.count_if_open()? })
}

fn changes(
    state: web::Data<AppState>,
    stopping: watch::Receiver<bool>,
) -> impl Stream<Item = Result<Bytes, ApiError>> + 'static {
    let begun = (state, stopping, None::<LibraryChange>);
    stream::unfold(begun, |(state, mut stopping, told)| async move {
        let silent = Instant::now();
        loop {
            if let Some(change) = now(&state).filter(|change| told != Some(*change)) {
                let json = serde_json::to_string(&change).unwrap_or_default(); // numbers always have a JSON
                let event = Bytes::from(format!("event: library\ndata: {json}\n\n"));
                return Some((Ok(event), (state, stopping, Some(change))));
            }
            if timeout(LOOK, stopping.wait_for(|stop| *stop)).await.is_ok() {
                return None;
            }
            if silent.elapsed() >= SILENCE {
                return Some((Ok(Bytes::from_static(b":\n\n")), (state, stopping, told)));
            }
        }
    })
}
