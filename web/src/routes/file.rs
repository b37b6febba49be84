//! Bytes of a file: the whole of it, or the one range that is asked for. Not by actix-files, whose
//! conditions know only a tag of its own, made of facts of the file, while an image's tag here is
//! that of its content.

use std::io;

use actix_web::body::SizedStream;
use actix_web::http::header::{self, HeaderValue, Range};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError, web};
use futures_util::{Stream, stream};
use glimpse_engine::Original;
use tokio::sync::OwnedSemaphorePermit;

use crate::error::{ApiError, Code};
use crate::etag::matches;
use crate::state::{self, AppState};
use crate::thumbnails::unread;

/// Bytes read at a time.
const STEP: u64 = 256 << 10;

/// Answers a request with a file whose content has the tag `etag`. `response` has the headers that
/// every success gets.
pub fn send(
    state: &web::Data<AppState>,
    request: &HttpRequest,
    file: Original,
    etag: &str,
    mut response: HttpResponseBuilder,
) -> Result<HttpResponse, ApiError> {
    let length = file.len();
    response.insert_header((header::ETAG, etag)).insert_header((header::ACCEPT_RANGES, "bytes"));
    let asked = |name| request.headers().get(name);
    if asked(header::IF_MATCH).is_some_and(|tags| !matches(tags, etag)) {
        return Err(ApiError::new(Code::PreconditionFailed, "the image is not the one that `If-Match` names"));
    }
    if asked(header::IF_NONE_MATCH).is_some_and(|tags| matches(tags, etag)) {
        return Ok(response.status(StatusCode::NOT_MODIFIED).finish());
    }
    let (first, last) = match range(request, etag, length) {
        Wanted::Whole => (0, length.saturating_sub(1)),
        Wanted::Part(first, last) => {
            let place = format!("bytes {first}-{last}/{length}");
            response.status(StatusCode::PARTIAL_CONTENT).insert_header((header::CONTENT_RANGE, place));
            (first, last)
        }
        Wanted::Beyond => return Ok(beyond(length)),
    };
    let end = if length == 0 { 0 } else { last + 1 };
    let place = state::place(&state.files, state.limits.files, "files")?;
    Ok(response.body(SizedStream::new(end - first, read(state.clone(), file, first, end, place))))
}

/// Which bytes a request asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    /// First and last byte.
    Part(u64, u64),
    /// None that the file has.
    Beyond,
}

fn range(request: &HttpRequest, etag: &str, length: u64) -> Wanted {
    // A part of another content would not fit what the client has.
    let fits = request.headers().get(header::IF_RANGE).is_none_or(|tag| matches(tag, etag));
    let Some(Range::Bytes(ranges)) = request.get_header().filter(|_| fits && request.method() == Method::GET) else {
        return Wanted::Whole;
    };
    let [range] = ranges.as_slice() else { return Wanted::Whole }; // several may be answered with the whole
    match range.to_satisfiable_range(length) {
        Some((first, last)) => Wanted::Part(first, last),
        None => Wanted::Beyond,
    }
}

fn beyond(length: u64) -> HttpResponse {
    let error =
        ApiError::new(Code::RangeNotSatisfiable, format!("the file has {length} bytes, none of them in this range"));
    let mut response = error.error_response();
    if let Ok(size) = HeaderValue::from_str(&format!("bytes */{length}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, size);
    }
    response
}

/// The bytes of a file from `first` to before `end`, read on the threads for originals. A file that
/// has become shorter ends the connection, since its length was announced.
fn read(
    state: web::Data<AppState>,
    file: Original,
    first: u64,
    end: u64,
    place: OwnedSemaphorePermit,
) -> impl Stream<Item = io::Result<Bytes>> + 'static {
    stream::try_unfold((state, file, first, place), move |(state, file, at, place)| async move {
        if at >= end {
            return Ok(None);
        }
        let step = (end - at).min(STEP) as usize;
        let source = file.clone();
        let bytes = state::run_read(&state, move |_| source.read(at, step).map_err(unread));
        let bytes = bytes.await.map_err(io::Error::other)?;
        if bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let next = at + bytes.len() as u64;
        Ok(Some((Bytes::from(bytes), (state, file, next, place))))
    })
}
