//! The routes over a library that is still empty: what they answer before there is anything to find.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use actix_web::body::to_bytes;
use actix_web::http::{StatusCode, header};
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, web};
use glimpse_engine::{Engine, Settings};
use serde_json::Value;

use crate::access::Access;
use crate::app::configure;
use crate::gate::Gate;
use crate::state::AppState;

/// Status, `Retry-After` and JSON body of the answer to a request.
async fn ask(state: AppState, request: TestRequest) -> (StatusCode, Option<String>, Value) {
    let service = init_service(App::new().configure(configure(web::Data::new(state)))).await;
    let response = call_service(&service, request.insert_header((header::HOST, "localhost")).to_request()).await;
    let retry = response.headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
    let status = response.status();
    let body = to_bytes(response.into_body()).await.unwrap();
    (status, retry, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

fn empty(home: &tempfile::TempDir) -> AppState {
    let settings = Settings { home: home.path().into(), model: Some("demo".into()), device: None };
    AppState::new(Arc::new(Engine::open(settings).unwrap()), Access::new(None).unwrap())
}

#[actix_web::test]
async fn an_empty_library_says_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    for path in ["/api/v1/search?q=cat", "/api/v1/stats", "/api/v1/facets", "/api/v1/images/1"] {
        let (status, retry, body) = ask(empty(&home), TestRequest::get().uri(path)).await;
        assert_eq!((status, &body["code"]), (StatusCode::SERVICE_UNAVAILABLE, &"not_ready".into()), "{path}: {body}");
        assert!(body["message"].as_str().unwrap().contains("glimpse index") && retry.is_some(), "{path}: {body}");
    }
    let (status, _, body) = ask(empty(&home), TestRequest::get().uri("/api/v1/health")).await;
    assert_eq!((status, &body["status"]), (StatusCode::OK, &"ok".into()));
}

#[actix_web::test]
async fn too_much_work_is_refused_at_once() {
    let home = tempfile::tempdir().unwrap();
    let state = AppState { gate: Gate::new(0), ..empty(&home) };
    let (status, retry, body) = ask(state, TestRequest::get().uri("/api/v1/stats")).await;
    assert_eq!((status, &body["code"]), (StatusCode::SERVICE_UNAVAILABLE, &"busy".into()));
    assert_eq!(retry.as_deref(), Some("1"));
}

#[actix_web::test]
async fn every_answer_bounds_what_a_browser_does_with_it() {
    let home = tempfile::tempdir().unwrap();
    let service = init_service(App::new().configure(configure(web::Data::new(empty(&home))))).await;
    for path in ["/", "/static/app.js", "/api/v1/health", "/api/v1/nothing"] {
        let request = TestRequest::get().uri(path).insert_header((header::HOST, "localhost")).to_request();
        let response = call_service(&service, request).await;
        for name in ["content-security-policy", "x-content-type-options", "referrer-policy", "cache-control"] {
            assert_eq!(response.headers().get_all(name).count(), 1, "{name} of {path}");
        }
    }
}
