//! Bytes of a file: the whole of it, or the one range that is asked for. Not by actix-files, whose conditions know only a tag
//! of its own, made of facts of the file, while a picture's tag here is that of its content.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use actix_web::body::SizedStream;
use actix_web::http::header::{self, HeaderMap, HeaderValue, Range};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError, web};
use futures_util::{Stream, stream};

use crate::error::{ApiError, Code};

/// Bytes read at a time.
const STEP: u64 = 64 << 10;

/// Answers a request with a file of `length` bytes whose content has the tag `etag`. `response` has the headers that every
/// success gets.
pub fn send(
    request: &HttpRequest,
    mut file: File,
    length: u64,
    etag: &str,
    mut response: HttpResponseBuilder,
) -> Result<HttpResponse, ApiError> {
    response.insert_header((header::ETAG, etag)).insert_header((header::ACCEPT_RANGES, "bytes"));
    let asked = |name| request.headers().get(name);
    if asked(header::IF_MATCH).is_some_and(|tags| !matches(tags, etag)) {
        return Err(ApiError::new(Code::PreconditionFailed, "the picture is not the one that `If-Match` names"));
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
    file.seek(SeekFrom::Start(first)).map_err(|error| ApiError::internal(error.to_string()))?;
    let count = if length == 0 { 0 } else { last + 1 - first };
    Ok(response.body(SizedStream::new(count, read(file, count))))
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

/// The next `count` bytes of a file, read beside the threads that answer.
fn read(file: File, count: u64) -> impl Stream<Item = io::Result<Bytes>> {
    stream::try_unfold((file, count), |(mut file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let step = left.min(STEP);
        let read = move || {
            let mut bytes = vec![0; step as usize];
            file.read_exact(&mut bytes).map(|()| (Bytes::from(bytes), file))
        };
        let (bytes, file) = web::block(read).await.map_err(io::Error::other)??;
        Ok(Some((bytes, (file, left - step))))
    })
}

/// True if the browser's copy, by the `If-None-Match` header, still has the tag.
pub fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    headers.get(header::IF_NONE_MATCH).is_some_and(|tags| matches(tags, etag))
}

/// True if one of the tags of a header is `etag`.
pub fn matches(header: &HeaderValue, etag: &str) -> bool {
    let tags = header.to_str().unwrap_or_default();
    tags.split(',').any(|shown| {
        let shown = shown.trim();
        shown == "*" || shown.trim_start_matches("W/") == etag
    })
}
