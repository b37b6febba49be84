//! Showing files in the file manager.

use parking_lot::Mutex;
use serde_json::json;

use super::*;

static SHOWN: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn noted(path: &Path) -> std::io::Result<()> {
    SHOWN.lock().push(path.to_path_buf());
    Ok(())
}

#[actix_web::test]
async fn files_are_shown_only_to_whoever_sits_in_front_of_the_server() {
    let home = tempfile::tempdir().unwrap();
    let images = home.path().canonicalize().unwrap().join("images");
    draw(&images.join("a.png"), [10, 0, 0]);
    let engine = engine(home.path());
    index(&engine, &images);
    let id = engine.image_at(&images.join("a.png")).unwrap().unwrap().0;
    let asked = || TestRequest::post().uri("/api/v1/reveal").set_json(json!({"image": id}));
    let state = state_of(&engine, Limits::default());
    ask(&state, asked()).await.error(403, "reveal_not_allowed");

    let roots = AllowedRoots::default();
    let access = Access::new(None).unwrap();
    let mut showing = AppState::new(Arc::clone(&engine), access, roots, Limits::default()).unwrap();
    showing.show_file = Some(noted);
    let state = web::Data::new(showing);
    assert_eq!(get(&state, "/api/v1/health").await.good()["allows"]["reveal"], json!(true));
    for (header, value) in [("x-forwarded-for", "10.0.0.7"), ("via", "1.1 proxy")] {
        ask(&state, asked().insert_header((header, value))).await.error(403, "reveal_not_allowed");
    }
    ask(&state, asked().insert_header((header::ORIGIN, "http://evil.example"))).await.error(403, "forbidden");
    ask(&state, asked().insert_header(("sec-fetch-site", "cross-site"))).await.error(403, "forbidden");
    let form = TestRequest::post().uri("/api/v1/reveal").set_form([("image", id)]);
    assert_eq!(ask(&state, form).await.status.as_u16(), 415, "no form of another page reaches it");
    ask(&state, TestRequest::get().uri("/api/v1/reveal")).await.error(405, "method_not_allowed");
    post(&state, "/api/v1/reveal", json!({"image": 999})).await.error(404, "not_found");
    post(&state, "/api/v1/reveal", json!({"path": "/etc"})).await.error(400, "bad_request");
    assert!(SHOWN.lock().is_empty());
    assert_eq!(ask(&state, asked()).await.status.as_u16(), 204);
    assert_eq!(*SHOWN.lock(), [images.join("a.png")]);
    std::fs::remove_file(images.join("a.png")).unwrap();
    ask(&state, asked()).await.error(404, "not_found");
}
