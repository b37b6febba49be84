//! Every route in one list, used by the server and by the tests.

use std::collections::BTreeSet;
use std::sync::Arc;

use actix_web::guard::{self, Guard};
use actix_web::http::{Method, header};
use actix_web::middleware::{Compress, DefaultHeaders, from_fn};
use actix_web::{
    FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder, ResponseError, Route, Scope, web,
};

use crate::access::{CONTENT_POLICY, check};
use crate::error::{ApiError, Code};
use crate::metrics::measure;
use crate::openapi::description;
use crate::routes::{
    albums, caption, changes, downloads, feedback, find, folder_tree, groups, image_tags, images, jobs, library, map,
    marks, page, region_tags, regions, reveal, roots, search, segment, sidecars, status, suggest, tags, timeline,
    trash, uploads,
};
use crate::state::AppState;

/// The whole service over `state`.
pub fn configure(state: web::Data<AppState>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        let urls = state.access.public_urls().iter();
        let paths: BTreeSet<String> =
            urls.map(|url| url.path().trim_end_matches('/').to_owned()).filter(|path| !path.is_empty()).collect();
        config
            .app_data(web::Data::from(Arc::clone(&state.access)))
            .app_data(web::Data::from(Arc::clone(&state.metrics)))
            .app_data(state)
            .app_data(web::PathConfig::default().error_handler(|error, _| bad_input(&error).into()));
        // A reverse proxy may leave the path of its own address in front of ours, or take it off.
        for path in paths {
            config.service(routes(&path).wrap(from_fn(check)).wrap(from_fn(measure)).wrap(headers()));
        }
        config.service(routes("").wrap(from_fn(check)).wrap(from_fn(measure)).wrap(headers()));
    }
}

/// All routes below a path that does not end in a slash.
fn routes(path: &str) -> Scope {
    let api = web::scope("/api/v1")
        .service(at("/search", "GET, HEAD, POST", [get(search::simple), post(search::full)]))
        .service(at("/find", "GET, HEAD, POST", [get(find::typed), post(find::built)]))
        .service(at("/similar", "POST", [post(find::similar)]))
        .service(at("/ground", "POST", [post(regions::ground)]))
        .service(at("/segment", "POST", [post(segment::segment)]))
        .service(at("/caption", "POST", [post(caption::caption)]))
        .service(at("/uploads", "POST", [post(uploads::upload)]))
        .service(at("/uploads/{key}/thumbnail", READ, [get(uploads::thumbnail)]))
        .service(at("/images", READ, [get(images::records)]))
        .service(at("/images/{id}", READ, [get(images::record)]))
        .service(at("/images/{id}/thumbnail", READ, [get(images::thumbnail)]))
        .service(at("/images/{id}/original", READ, [get(images::original)]))
        .service(at("/images/{id}/tags", READ, [get(image_tags::tags)]))
        .service(at("/images/{id}/frames", READ, [get(images::frames)]))
        .service(at("/images/{id}/similar", READ, [get(search::similar)]))
        .service(at("/images/{id}/regions", READ, [get(regions::stored)]))
        .service(at("/images/{id}/heatmap", READ, [get(regions::heatmap)]))
        .service(at("/facets", READ, [get(library::facets)]))
        .service(at("/folders", READ, [get(library::folders)]))
        .service(at("/folders/tree", READ, [get(folder_tree::tree)]))
        .service(at("/tags", "GET, HEAD, POST", [get(tags::tags), post(marks::tags)]))
        .service(at("/hidden", "POST", [post(marks::hidden)]))
        .service(at("/feedback", "GET, HEAD, POST", [get(feedback::all), post(feedback::give)]))
        .service(at("/map", "POST", [post(map::map)]))
        .service(at("/suggest", "POST", [post(suggest::suggest)]))
        .service(at("/timeline", "POST", [post(timeline::timeline)]))
        .service(at("/timeline/tiles", "POST", [post(timeline::tiles)]))
        .service(at("/export", "POST", [post(downloads::export)]))
        .service(at("/browse", READ, [get(roots::browse)]))
        .service(at("/region-tags", "DELETE", [delete(region_tags::drop_all)]))
        .service(at("/roots", "DELETE", [delete(roots::forget)]))
        .service(at("/runs", READ, [get(roots::runs)]))
        .service(at("/trash", "POST", [post(trash::trash)]))
        .service(at("/reveal", "POST", [post(reveal::reveal)]))
        .service(at("/sidecars", "POST", [post(sidecars::sidecars)]))
        .service(at("/stats", READ, [get(library::stats)]))
        .service(at("/favourites", "POST", [post(albums::favourites)]))
        .service(at("/albums", "GET, HEAD, POST", [get(albums::list), post(albums::create)]))
        .service(at("/albums/{id}", "POST, DELETE", [post(albums::change), delete(albums::remove)]))
        .service(at("/albums/{id}/images", "POST", [post(albums::images)]))
        .service(at("/albums/{id}/seen", "POST", [post(albums::seen)]))
        .service(at("/tag", "POST", [post(groups::tag)]))
        .service(at("/duplicates", READ, [get(groups::duplicates)]))
        .service(at("/jobs", "GET, HEAD, POST", [get(jobs::list), post(jobs::start)]))
        .service(at("/jobs/{id}", READ, [get(jobs::one)]))
        .service(at("/jobs/{id}/pause", "POST", [post(jobs::pause)]))
        .service(at("/jobs/{id}/resume", "POST", [post(jobs::resume)]))
        .service(at("/jobs/{id}/cancel", "POST", [post(jobs::cancel)]))
        .service(at("/jobs/{id}/retry", "POST", [post(jobs::retry)]))
        .service(at("/jobs/{id}/failures", READ, [get(jobs::failures)]))
        .service(at("/health", READ, [get(status::health)]))
        .service(at("/metrics", READ, [get(status::metrics)]))
        .service(at("/openapi.json", READ, [get(description)]))
        .default_service(web::to(nothing_here));
    let compressed = web::scope("")
        .service(at("/", READ, [get(page::index)]))
        .service(at("/api/docs", READ, [get(page::docs)]))
        .service(at("/static/{name:.+}", READ, [get(page::asset)]))
        .service(api)
        .default_service(web::to(nothing_here))
        .wrap(Compress::default());
    // Compression holds bytes back, which events cannot wait for, and finds nothing in images. It
    // leaves answers alone that say they are images.
    let scope = match path.rsplit('/').next() {
        None | Some("") => web::scope(path),
        Some(last) => {
            let last = last.to_owned();
            let slash = move || std::future::ready(web::Redirect::to(format!("./{last}/")).see_other());
            web::scope(path).service(web::resource("").to(slash))
        }
    };
    scope
        .service(at("/api/v1/events", READ, [get(changes::events)]))
        .service(at("/api/v1/jobs/{id}/events", READ, [get(jobs::events)]))
        .service(at("/api/v1/archive", "POST", [post(downloads::archive)]))
        .service(compressed)
}

const READ: &str = "GET, HEAD";

/// A place, the methods that it answers, and what it says to others.
fn at<const N: usize>(path: &str, allowed: &'static str, routes: [Route; N]) -> Resource {
    let wrong = move |request: HttpRequest| async move { wrong_method(&request, allowed) };
    let place = web::resource(path).default_service(web::to(wrong));
    routes.into_iter().fold(place, Resource::route)
}

fn get<F, A>(handler: F) -> Route
where
    F: Handler<A>,
    A: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::route()
        .guard(guard::fn_guard(|request| guard::Get().check(request) || guard::Head().check(request)))
        .to(handler)
}

fn post<F, A>(handler: F) -> Route
where
    F: Handler<A>,
    A: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::method(Method::POST).to(handler)
}

fn delete<F, A>(handler: F) -> Route
where
    F: Handler<A>,
    A: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::method(Method::DELETE).to(handler)
}

/// Headers of every answer; a handler may set its own `Cache-Control`.
fn headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add(("Content-Security-Policy", CONTENT_POLICY))
        .add(("X-Content-Type-Options", "nosniff"))
        .add(("X-Frame-Options", "DENY"))
        // With `no-referrer` a form of the page would send `Origin: null`, as other sites can.
        .add(("Referrer-Policy", "same-origin"))
        .add(("Permissions-Policy", "camera=(), microphone=(), geolocation=()"))
        .add(("Cross-Origin-Opener-Policy", "same-origin"))
        .add(("Cross-Origin-Resource-Policy", "same-origin"))
        .add(("Cache-Control", "no-store"))
}

async fn nothing_here(request: HttpRequest) -> HttpResponse {
    ApiError::not_found(format!("nothing is at {}", request.path())).error_response()
}

fn wrong_method(request: &HttpRequest, allowed: &'static str) -> HttpResponse {
    let message = format!("{} is not answered at {}", request.method(), request.path());
    let mut response = ApiError::new(Code::MethodNotAllowed, message).error_response();
    response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static(allowed));
    response
}

fn bad_input(error: &dyn std::fmt::Display) -> ApiError {
    ApiError::bad_request(error.to_string())
}
