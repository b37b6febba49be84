//! Every route in one list, used by the server and by the tests.

use actix_web::middleware::{DefaultHeaders, from_fn};
use actix_web::{HttpRequest, HttpResponse, Resource, ResponseError, web};

use crate::access::{CONTENT_POLICY, check};
use crate::error::{ApiError, Code};
use crate::routes::{images, page, search, status};
use crate::state::AppState;

/// Largest JSON body: a query of a few terms and filters.
const MAX_JSON: usize = 64 << 10;

/// The whole service over `state`.
pub fn configure(state: web::Data<AppState>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        let routes = web::scope("")
            .service(at("/").route(web::get().to(page::index)))
            .service(at("/static/{name}").route(web::get().to(page::asset)))
            .service(at("/api/v1/search").route(web::get().to(search::simple)).route(web::post().to(search::full)))
            .service(at("/api/v1/images/{id}").route(web::get().to(images::record)))
            .service(at("/api/v1/images/{id}/thumbnail").route(web::get().to(images::thumbnail)))
            .service(at("/api/v1/images/{id}/original").route(web::get().to(images::original)))
            .service(at("/api/v1/facets").route(web::get().to(status::facets)))
            .service(at("/api/v1/stats").route(web::get().to(status::stats)))
            .service(at("/api/v1/health").route(web::get().to(status::health)))
            .default_service(web::to(nothing_here));
        config
            .app_data(state)
            .app_data(web::JsonConfig::default().limit(MAX_JSON).error_handler(|error, _| bad_json(&error).into()))
            .app_data(web::QueryConfig::default().error_handler(|error, _| bad_input(&error).into()))
            .app_data(web::PathConfig::default().error_handler(|error, _| bad_input(&error).into()))
            .service(routes.wrap(from_fn(check)).wrap(headers()));
    }
}

/// A place that knows what to say to a wrong method.
fn at(path: &str) -> Resource {
    web::resource(path).default_service(web::to(wrong_method))
}

/// Headers of every answer; a handler may set its own `Cache-Control`.
fn headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add(("Content-Security-Policy", CONTENT_POLICY))
        .add(("X-Content-Type-Options", "nosniff"))
        .add(("X-Frame-Options", "DENY"))
        .add(("Referrer-Policy", "no-referrer"))
        .add(("Cross-Origin-Opener-Policy", "same-origin"))
        .add(("Cross-Origin-Resource-Policy", "same-origin"))
        .add(("Cache-Control", "no-store"))
}

async fn nothing_here(request: HttpRequest) -> HttpResponse {
    ApiError::not_found(format!("nothing is at {}", request.path())).error_response()
}

async fn wrong_method(request: HttpRequest) -> HttpResponse {
    let message = format!("{} is not answered at {}", request.method(), request.path());
    ApiError::new(Code::MethodNotAllowed, message).error_response()
}

fn bad_json(error: &actix_web::error::JsonPayloadError) -> ApiError {
    use actix_web::error::JsonPayloadError::{ContentType, Overflow, OverflowKnownLength};
    match error {
        Overflow { .. } | OverflowKnownLength { .. } => {
            ApiError::new(Code::TooLarge, format!("a query has at most {MAX_JSON} bytes"))
        }
        ContentType => bad_input(error).hint("send `Content-Type: application/json`"),
        _ => bad_input(error),
    }
}

fn bad_input(error: &dyn std::fmt::Display) -> ApiError {
    ApiError::bad_request(error.to_string())
}
