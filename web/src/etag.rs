//! Conditions of a request on the tag of what it asks for (RFC 9110, sections 8.8.3 and 13.1).

use actix_web::http::header::{self, HeaderMap, HeaderValue};

/// True if the browser's copy, by the `If-None-Match` header, still has the tag.
pub fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    headers.get(header::IF_NONE_MATCH).is_some_and(|tags| matches(tags, etag))
}

/// True if one of the tags of a header is `etag`.
pub fn matches(header: &HeaderValue, etag: &str) -> bool {
    let tags = header.to_str().unwrap_or_default();
    tags.split(',').any(|shown| {
        let shown = shown.trim();
        shown == "*" || shown.trim_start_matches("W/") == etag.trim_start_matches("W/")
    })
}
