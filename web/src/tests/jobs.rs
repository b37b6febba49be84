//! Index jobs.

use std::time::{Duration, Instant};

use actix_web::rt::time::sleep;
use actix_web::test::TestRequest;
use glimpse_nonempty::Every as _;
use serde_json::{Value, json};

use super::*;

/// Waits until a job is over.
pub async fn finished(state: &web::Data<AppState>, id: &Value) -> Value {
    let start = Instant::now();
    loop {
        let job = get(state, &format!("/api/v1/jobs/{id}")).await.good();
        if !["running", "paused"].contains(&job["state"].as_str().unwrap()) {
            return job;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{job}");
        sleep(Duration::from_millis(20)).await;
    }
}

#[actix_web::test]
async fn a_job_indexes_tells_its_failures_and_tries_them_again() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    (0..6u8).for_each(|n| draw(&images.join(format!("{n}.png")), [n * 40, 90, 30]));
    std::fs::write(images.join("broken.jpg"), "no image").unwrap();
    let state = empty(&folder);
    get(&state, "/api/v1/stats").await.error(503, "not_ready");
    assert_eq!(get(&state, "/api/v1/health").await.good()["library"], "empty");

    let started = post(&state, "/api/v1/jobs", json!({"roots": [images]})).await;
    assert_eq!(started.status.as_u16(), 202);
    let place = started.header("location").to_owned();
    let id = started.json()["id"].clone();
    assert_eq!(place, format!("jobs/{id}"), "from /api/v1/jobs, whatever stands before it");
    let job = finished(&state, &id).await;
    assert_eq!((&job["state"], &job["counts"]["indexed"], &job["failures"]), (&json!("done"), &json!(6), &json!(1)));
    assert_eq!((&job["done"], &job["found"]), (&json!(7), &json!(7)));

    let failures = get(&state, &format!("/api/v1/{place}/failures")).await.good();
    let first = &failures["failures"][0];
    assert!(first["path"].as_str().unwrap().ends_with("broken.jpg") && !first["reason"].as_str().unwrap().is_empty());
    assert_eq!(first["reason_code"], "unknown_format");

    draw(&images.join("fine.png"), [1, 2, 3]);
    std::fs::rename(images.join("fine.png"), images.join("broken.jpg")).unwrap();
    let again = post(&state, &format!("/api/v1/{place}/retry"), json!({})).await;
    assert_eq!(again.status.as_u16(), 202);
    let again = finished(&state, &again.json()["id"]).await;
    assert_eq!((&again["counts"]["indexed"], &again["counts"]["missing"]), (&json!(1), &json!(0)));
    assert_eq!(get(&state, "/api/v1/health").await.good()["images"], 7);
    let tiles = post(&state, "/api/v1/search", json!({})).await.good();
    assert!(tiles["hits"].as_array().unwrap().iter().every(|tile| tile["blur"].is_string()), "made while indexing");
    post(&state, &format!("/api/v1/jobs/{}/retry", again["id"]), json!({})).await.error(409, "conflict");
    post(&state, &format!("/api/v1/{place}/pause"), json!({})).await.error(409, "conflict");
}

#[actix_web::test]
async fn searches_are_answered_while_a_job_runs() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    (0..10u8).for_each(|n| draw(&images.join(format!("first/red {n}.png")), [255 - n, n, n]));
    (0..150u8).for_each(|n| draw(&images.join(format!("second/blue {n}.png")), [n, n, 255 - n]));
    let state = empty(&folder);
    let first = post(&state, "/api/v1/jobs", json!({"roots": [images.join("first")]})).await.good();
    finished(&state, &first["id"]).await;

    let second = post(&state, "/api/v1/jobs", json!({"roots": [images.join("second")]})).await.good();
    let mut answered = 0;
    let job = loop {
        // Another text each time: none is remembered.
        let text = format!("red thing {answered}");
        let found = post(&state, "/api/v1/search", json!({"terms": [{"text": text}], "all": true})).await.good();
        assert!(found["searched"].as_u64() >= Some(10) && !found["hits"].as_array().unwrap().is_empty(), "{found}");
        let things = post(&state, "/api/v1/find", json!({"q": "circle", "all": true})).await.good();
        assert!(things["searched"].as_u64() >= Some(10), "{things}");
        let job = get(&state, &format!("/api/v1/jobs/{}", second["id"])).await.good();
        if job["state"] != "running" {
            break job;
        }
        answered += 1;
    };
    assert!(answered > 0, "no search came to its end before the job did");
    assert_eq!((&job["state"], &job["counts"]["indexed"]), (&json!("done"), &json!(150)));
}

#[actix_web::test]
async fn a_job_pauses_goes_on_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    (0..120u8).for_each(|n| draw(&images.join(format!("{n}.png")), [n, n, 255 - n]));
    let state = empty(&folder);
    let id = post(&state, "/api/v1/jobs", json!({"roots": [images]})).await.good()["id"].clone();
    let act = |name: &str| format!("/api/v1/jobs/{id}/{name}");
    assert_eq!(post(&state, &act("pause"), json!({})).await.good()["state"], "paused");
    post(&state, "/api/v1/jobs", json!({})).await.error(409, "conflict");
    assert_eq!(get(&state, "/api/v1/health").await.good()["job"]["state"], "paused");
    sleep(Duration::from_millis(150)).await;
    let before = get(&state, &format!("/api/v1/jobs/{id}")).await.good();
    sleep(Duration::from_millis(300)).await;
    let after = get(&state, &format!("/api/v1/jobs/{id}")).await.good();
    assert!(after["counts"]["indexed"].as_u64() < Some(120), "{after}");
    assert_eq!(before["state"], after["state"]);
    assert_eq!(post(&state, &act("resume"), json!({})).await.good()["state"], "running");
    assert_eq!(post(&state, &act("cancel"), json!({})).await.status.as_u16(), 200);
    assert_eq!(finished(&state, &id).await["state"], "cancelled");
    let second = post(&state, "/api/v1/jobs", json!({"roots": [images]})).await.good();
    assert_eq!(finished(&state, &second["id"]).await["state"], "done");
    assert_eq!(get(&state, "/api/v1/jobs").await.good()["jobs"].as_array().unwrap().len(), 2);
    assert_eq!(get(&state, "/api/v1/health").await.good()["images"], 120);
}

#[actix_web::test]
async fn progress_streams_to_the_end_of_the_job() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    (0..5u8).for_each(|n| draw(&images.join(format!("{n}.png")), [n * 50, 9, 9]));
    let state = empty(&folder);
    let id = post(&state, "/api/v1/jobs", json!({"roots": [images]})).await.good()["id"].clone();
    let events = get(&state, &format!("/api/v1/jobs/{id}/events")).await;
    assert!(events.header("content-type").starts_with("text/event-stream"));
    let text = String::from_utf8(events.body.to_vec()).unwrap();
    let last = text.trim_end().rsplit("data: ").next().unwrap();
    let last: Value = serde_json::from_str(last).unwrap();
    assert_eq!((&last["state"], &last["counts"]["indexed"]), (&json!("done"), &json!(5)), "{text}");
}

#[actix_web::test]
async fn a_folder_that_is_away_does_not_keep_the_others_from_being_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let roots = ["here", "away"].map(|name| folder.path().join(name));
    roots.iter().enumerate().for_each(|(n, root)| draw(&root.join("a.png"), [n as u8 * 90, 40, 40]));
    let state = empty(&folder);
    let both = post(&state, "/api/v1/jobs", json!({"roots": roots})).await.good();
    assert_eq!(finished(&state, &both["id"]).await["counts"]["indexed"], 2);
    std::fs::rename(&roots[1], folder.path().join("elsewhere")).unwrap();
    draw(&roots[0].join("b.png"), [7, 80, 160]);
    let rest = post(&state, "/api/v1/jobs", json!({})).await.good();
    let rest = finished(&state, &rest["id"]).await;
    assert_eq!(
        (&rest["roots"], &rest["counts"]["indexed"], &rest["counts"]["missing"]),
        (&json!([roots[0].canonicalize().unwrap()]), &json!(1), &json!(0))
    );
    std::fs::rename(&roots[0], folder.path().join("elsewhere too")).unwrap();
    assert!(post(&state, "/api/v1/jobs", json!({})).await.error(400, "folder_not_found").contains("not there"));
}

#[actix_web::test]
async fn orders_that_make_no_sense_are_refused() {
    let state = shelf();
    let none = SHELF.images.join("none");
    for (root, code, part) in
        [(Path::new("relative"), "folder_not_absolute", "absolute"), (&none, "folder_not_found", "not there")]
    {
        let refused = post(&state, "/api/v1/jobs", json!({"roots": [root]})).await;
        assert!(refused.error(400, code).contains(part));
    }
    post(&state, "/api/v1/jobs", json!({"folders": []})).await.error(400, "bad_request");
    get(&state, "/api/v1/jobs/99").await.error(404, "not_found");
    get(&state, "/api/v1/jobs/99/events").await.error(404, "not_found");
    let wrong = ask(&state, TestRequest::get().uri("/api/v1/jobs/1/pause")).await;
    wrong.error(405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), "POST");
}

#[actix_web::test]
async fn a_server_that_stops_ends_streams_and_jobs() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    (0..60u8).for_each(|n| draw(&images.join(format!("{n}.png")), [n, 7, 7]));
    let state = empty(&folder);
    let id = post(&state, "/api/v1/jobs", json!({"roots": [images]})).await.good()["id"].clone();
    post(&state, &format!("/api/v1/jobs/{id}/pause"), json!({})).await.good();
    state.stopping.send_replace(true);
    let events = get(&state, &format!("/api/v1/jobs/{id}/events")).await;
    assert!(events.status.is_success(), "and it ended, though the job is paused");
    state.jobs.close();
    state.jobs.join(Duration::from_secs(60));
    assert_eq!(finished(&state, &id).await["state"], "cancelled");
    post(&state, "/api/v1/jobs", json!({"roots": [images]})).await.error(409, "conflict");
}
