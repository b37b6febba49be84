//! Folders that are followed while the server runs, and clients that hear of it.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use actix_web::rt::time::sleep;
use glimpse_engine::WatchOptions;
use glimpse_nonempty::if_any;
use serde_json::json;

use super::*;
use crate::watching::{WatchNote, Watching};

/// How long a change may take to be noticed before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

fn watch(state: &web::Data<AppState>) -> (Watching, mpsc::Receiver<WatchNote>) {
    let (tell, told) = mpsc::channel();
    let options = WatchOptions { settle: Duration::from_millis(100), ..WatchOptions::default() };
    (Watching::start(state.clone().into_inner(), options, tell).unwrap(), told)
}

async fn until(said: &str, what: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !what().await {
        assert!(start.elapsed() < PATIENCE, "not yet: {said}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn has_images(state: &web::Data<AppState>, images: usize) {
    until(&format!("{images} images"), async || get(state, "/api/v1/health").await.good()["images"] == images).await;
}

#[actix_web::test]
async fn folders_are_followed_beside_jobs_as_they_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    draw(&first.join("a.png"), [10, 1, 1]);
    draw(&second.join("b.png"), [20, 2, 2]);
    let state = empty(&folder);
    // There is no library yet.
    let (watching, told) = watch(&state);
    let job = post(&state, "/api/v1/jobs", json!({"roots": [first]})).await.good();
    until("a job", async || get(&state, &format!("/api/v1/jobs/{}", job["id"])).await.good()["state"] == "done").await;
    draw(&first.join("deep/c.png"), [30, 3, 3]);
    has_images(&state, 2).await;

    let job = post(&state, "/api/v1/jobs", json!({"roots": [second]})).await.good();
    until("a job", async || get(&state, &format!("/api/v1/jobs/{}", job["id"])).await.good()["state"] == "done").await;
    draw(&second.join("d.png"), [40, 4, 4]);
    has_images(&state, 4).await;
    let forgotten = ask(
        &state,
        TestRequest::delete().uri(&format!("/api/v1/roots?path={}", second.canonicalize().unwrap().display())),
    );
    forgotten.await.good();
    draw(&second.join("e.png"), [50, 5, 5]);
    draw(&first.join("f.png"), [60, 6, 6]);
    has_images(&state, 3).await;

    std::fs::remove_file(first.join("a.png")).unwrap();
    has_images(&state, 2).await;
    let runs = get(&state, "/api/v1/runs").await.good()["runs"].clone();
    assert!(runs.as_array().unwrap().iter().any(|run| run["by"] == "watch"), "{runs}");
    watching.stop(PATIENCE);
    let told: Vec<WatchNote> = told.iter().collect();
    let is_of_note = |note: &WatchNote| matches!(note, WatchNote::Updated(update) if update.is_of_note());
    // Several changes may be one update.
    assert!(told.iter().any(is_of_note), "{told:?}");
    assert!(!if_any(&told).any(|note| matches!(note, WatchNote::Problem(_))), "{told:?}");
}

#[actix_web::test]
async fn clients_hear_that_the_library_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    draw(&folder.path().join("images/a.png"), [10, 1, 1]);
    let state = empty(&folder);
    let engine = Arc::clone(&state.engine);
    index(&engine, &folder.path().join("images"));
    let (changed, stopping) = (folder.path().join("images"), state.stopping.clone());
    let change = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300)); // most likely the stream has begun; it is right in any case
        draw(&changed.join("b.png"), [20, 2, 2]);
        index(&engine, &changed);
        std::thread::sleep(Duration::from_millis(2500));
        stopping.send_replace(true);
    });
    let events = get(&state, "/api/v1/events").await;
    change.join().unwrap();
    assert!(events.header("content-type").starts_with("text/event-stream"));
    let text = String::from_utf8(events.body.to_vec()).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let told: Vec<Value> = data.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told.last().unwrap()["images"], 2, "{text}");
    assert!(if_any(told.windows(2)).all(|two| two[0]["revision"] != two[1]["revision"]), "{text}");
    assert_eq!(get(&state, "/api/v1/health").await.good()["watching"], false);
}
