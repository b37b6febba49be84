//! The description of the API, made from the handlers and types themselves.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, Ref, ResponseBuilder, Server};
use utoipa::{Modify, OpenApi};

use crate::access::Access;
use crate::error::ApiError;
use crate::routes::{
    albums, caption, changes, downloads, feedback, find, folder_tree, groups, image_tags, images, jobs, library, map,
    marks, region_tags, regions, reveal, roots, search, segment, sidecars, status, suggest, tags, timeline, trash,
    uploads,
};

/// The Glimpse API.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Glimpse",
        description = "Finds images by what is in them, in many languages, on your own machine.\n\n\
            Every error has the same shape: `code` for programs, `message` and sometimes `hint` for people. `busy` and \
            `not_ready` come with a `Retry-After` header. On an address that other machines reach, send \
            `Authorization: Bearer TOKEN`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        search::simple, search::full, search::similar, find::typed, find::built, find::similar, regions::ground,
        segment::segment, caption::caption, uploads::upload, uploads::thumbnail,
        images::records, images::record, images::thumbnail, images::original, images::frames, image_tags::tags, region_tags::drop_all,
        regions::stored, regions::heatmap,
        albums::favourites, albums::list, albums::create, albums::change, albums::remove, albums::images, albums::seen,
        marks::hidden, marks::tags, feedback::all, feedback::give,
        downloads::archive, downloads::export, library::facets, library::folders, folder_tree::tree,
        suggest::suggest, tags::tags, map::map, roots::browse, roots::forget, roots::runs, trash::trash,
        sidecars::sidecars, reveal::reveal,
        timeline::timeline, timeline::tiles, library::stats, groups::tag, groups::duplicates,
        jobs::start, jobs::list, jobs::one, jobs::pause, jobs::resume, jobs::cancel, jobs::retry, jobs::failures,
        jobs::events, changes::events, status::health, status::metrics,
    ),
    tags(
        (name = "search", description = "Finding images"),
        (name = "regions", description = "Where images show what"),
        (name = "images", description = "Images of the library, by number"),
        (name = "albums", description = "Favourites, hidden images, tags of one's own, albums, and searches that are kept"),
        (name = "library", description = "The library as a whole"),
        (name = "jobs", description = "Bringing the library up to date"),
        (name = "server", description = "How the server is doing"),
    ),
    components(schemas(ApiError)),
    modifiers(&Token, &Errors),
    security((), ("token" = []))
)]
struct Description;

/// How a request shows the token, where one is needed.
struct Token;

impl Modify for Token {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let text =
            "Needed when the server was started with a token, as it must be on an address that other machines reach.";
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(text)).build();
        description.components.get_or_insert_default().add_security_scheme("token", SecurityScheme::Http(bearer));
    }
}

/// Adds the answer that every operation gives when it fails.
struct Errors;

impl Modify for Errors {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let content = Content::new(Some(Ref::from_schema_name("ApiError")));
        let text = "What went wrong: `code` for programs, `message` and sometimes `hint` for people";
        let error = ResponseBuilder::new().description(text).content("application/json", content).build();
        for operation in description.paths.paths.values_mut().flat_map(operations) {
            operation.responses.responses.insert("default".to_owned(), error.clone().into());
        }
    }
}

/// The operations of a path; it has none of other methods.
fn operations(path: &mut utoipa::openapi::PathItem) -> impl Iterator<Item = &mut Operation> {
    [path.get.as_mut(), path.post.as_mut(), path.delete.as_mut()].into_iter().flatten()
}

/// `GET /api/v1/openapi.json`
pub async fn description(access: web::Data<Access>, request: HttpRequest) -> HttpResponse {
    let mut description = Description::openapi();
    description.servers = Some(servers(&access, &request));
    HttpResponse::Ok().json(description)
}

/// Where the server is: at its public addresses, or where this request found it.
fn servers(access: &Access, request: &HttpRequest) -> Vec<Server> {
    let public = access.public_urls().iter().map(|url| Server::new(url.to_string().trim_end_matches('/')));
    let public: Vec<Server> = public.collect();
    if !public.is_empty() {
        return public;
    }
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    vec![Server::new(format!("http://{}", host.unwrap_or("localhost")))]
}

/// All codes of errors, as programs see them.
#[cfg(test)]
pub fn codes() -> Vec<String> {
    let description = serde_json::to_value(Description::openapi()).unwrap_or_default();
    let codes = description["components"]["schemas"]["Code"]["enum"].as_array();
    codes.into_iter().flatten().filter_map(|code| code.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use glimpse_engine::{Depth, Format, Mode, RunBy, RunOutcome, Sort, SpatialRelation};
    use glimpse_nonempty::each;
    use serde::de::DeserializeOwned;
    use serde_json::Value;

    use super::*;

    fn described() -> Value {
        serde_json::to_value(Description::openapi()).unwrap()
    }

    fn all_read<T: DeserializeOwned>(name: &str) {
        let description = described();
        let values = description["components"]["schemas"][name]["enum"].as_array().unwrap();
        assert!(!values.is_empty());
        values.iter().for_each(|value| drop(serde_json::from_value::<T>(value.clone()).unwrap()));
    }

    #[test]
    fn names_that_are_described_are_read() {
        all_read::<Sort>("Sort");
        all_read::<Mode>("Mode");
        all_read::<Depth>("Depth");
        all_read::<Format>("Format");
        all_read::<SpatialRelation>("SpatialRelation");
        all_read::<RunBy>("RunBy");
        all_read::<RunOutcome>("RunOutcome");
    }

    #[test]
    fn clients_learn_how_to_show_the_token() {
        let description = described();
        assert_eq!(description["components"]["securitySchemes"]["token"]["scheme"], "bearer");
        assert_eq!(description["security"], serde_json::json!([{}, {"token": []}]), "needed or not");
    }

    #[test]
    fn every_operation_says_what_it_does() {
        let description = described();
        for (path, operations) in each(description["paths"].as_object().unwrap()) {
            for (method, operation) in each(operations.as_object().unwrap()) {
                assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}");
                assert!(operation["responses"]["default"].is_object(), "{method} {path} does not describe errors");
            }
        }
    }

    #[test]
    fn every_answer_is_described_and_every_operation_has_its_own_name() {
        let description = described();
        let mut names = std::collections::HashSet::new();
        for (path, operations) in each(description["paths"].as_object().unwrap()) {
            for (method, operation) in each(operations.as_object().unwrap()) {
                assert!(names.insert(operation["operationId"].as_str().unwrap()), "{method} {path} shares its name");
                for (status, answer) in each(operation["responses"].as_object().unwrap()) {
                    let text = answer["description"].as_str().unwrap_or_default();
                    assert!(!text.is_empty(), "{method} {path}: {status} has no description");
                }
                if let Some(body) = operation["requestBody"]["content"]["application/json"].as_object() {
                    assert!(body.contains_key("example"), "{method} {path} shows no example of its body");
                }
            }
        }
        assert!(names.len() > 30);
        assert_eq!(description["components"]["schemas"]["FileBytes"]["format"], "binary");
    }
}
