//! Nobody waits for what does not answer.

use std::time::{Duration, Instant};

use actix_web::test::TestRequest;
use serde_json::json;

use super::*;

#[cfg(unix)]
#[actix_web::test]
async fn a_pipe_in_place_of_an_image_holds_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    ["a", "b"].iter().zip([10, 90]).for_each(|(name, red)| draw(&images.join(format!("{name}.png")), [red, 20, 30]));
    let engine = engine(folder.path());
    index(&engine, &images);
    let state = state_of(&engine, Limits::default());
    let number = async |name: &str| {
        get(&state, &format!("/api/v1/search?q={name}.png&mode=words&limit=1")).await.good()["hits"][0]["id"].clone()
    };
    let (pipe, other) = (number("a").await, number("b").await);
    std::fs::remove_file(images.join("a.png")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(images.join("a.png")).status().unwrap().success());
    let start = Instant::now();
    for _ in 0..20 {
        for path in ["original", "thumbnail?size=160", "thumbnail?size=1600"] {
            let refused = get(&state, &format!("/api/v1/images/{pipe}/{path}")).await;
            assert!(refused.error(404, "not_found").contains("changed"), "{path}");
        }
    }
    for path in ["original", "thumbnail?size=160"] {
        assert!(get(&state, &format!("/api/v1/images/{other}/{path}")).await.status.is_success(), "{path}");
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[actix_web::test]
async fn streams_of_events_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    (0..60u8).for_each(|n| draw(&images.join(format!("{n}.png")), [n, 7, 7]));
    let limits = Limits { streams: 2, ..Limits::default() };
    let state = adding(&engine(folder.path()), folder.path(), limits);
    let id = post(&state, "/api/v1/jobs", json!({"roots": [images]})).await.good()["id"].clone();
    post(&state, &format!("/api/v1/jobs/{id}/pause"), json!({})).await.good();
    let events = format!("/api/v1/jobs/{id}/events");
    let service = init_service(App::new().configure(configure(state.clone()))).await;
    let open = || {
        let request = TestRequest::get().uri(&events).insert_header((header::HOST, "localhost"));
        call_service(&service, request.to_request())
    };
    let (first, second) = (open().await, open().await);
    assert!(first.status().is_success() && second.status().is_success());
    let refused = get(&state, &events).await;
    assert!(refused.error(503, "busy").contains("2 streams"));
    assert_eq!(refused.header("retry-after"), "1");
    drop(first);
    assert!(open().await.status().is_success(), "whoever leaves makes room");
    state.jobs.close();
    state.jobs.join(Duration::from_secs(60));
}

#[actix_web::test]
async fn counters_and_jobs_do_not_wait_for_busy_threads() {
    let state = state_of(&SHELF.engine, Limits { searches: 0, ..Limits::default() });
    let held = occupy(&state, |state| &state.searches, 1).await;
    for path in ["/api/v1/metrics", "/api/v1/jobs", "/", "/static/app.js"] {
        assert!(get(&state, path).await.status.is_success(), "{path}");
    }
    held.free().await;
}

#[actix_web::test]
async fn finding_takes_no_thread_of_searches() {
    let state = shelf();
    let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4);
    let held = occupy(&state, |state| &state.finds, threads).await;
    get(&state, "/api/v1/search?q=red&mode=words").await.good();
    get(&state, "/api/v1/images/3/regions").await.good();
    held.free().await;
}
