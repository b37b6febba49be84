//! The page: files of `web/static`, compiled in, so that nothing is read or fetched at run time.

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use crate::error::ApiError;

/// Name, content type and text of each file.
const ASSETS: [(&str, &str, &str); 7] = [
    ("index.html", "text/html; charset=utf-8", include_str!("../../static/index.html")),
    ("style.css", "text/css; charset=utf-8", include_str!("../../static/style.css")),
    ("icon.svg", "image/svg+xml", include_str!("../../static/icon.svg")),
    ("app.js", "text/javascript; charset=utf-8", include_str!("../../static/app.js")),
    ("api.js", "text/javascript; charset=utf-8", include_str!("../../static/api.js")),
    ("grid.js", "text/javascript; charset=utf-8", include_str!("../../static/grid.js")),
    ("words.js", "text/javascript; charset=utf-8", include_str!("../../static/words.js")),
];

/// `GET /`
pub async fn index() -> Result<HttpResponse, ApiError> {
    find("index.html")
}

/// `GET /static/{name}`
pub async fn asset(name: web::Path<String>) -> Result<HttpResponse, ApiError> {
    find(&name)
}

fn find(name: &str) -> Result<HttpResponse, ApiError> {
    let found = ASSETS.iter().find(|(known, ..)| *known == name);
    let (_, kind, text) = found.ok_or_else(|| ApiError::not_found(format!("the page has no file `{name}`")))?;
    let headers = [(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, "no-cache")];
    let mut response = HttpResponse::Ok();
    headers.into_iter().for_each(|header| {
        response.insert_header(header);
    });
    Ok(response.body(*text))
}
