//! Looking into folders, forgetting them, past runs, and moving files to the trash.

use serde_json::json;

use super::*;

/// A library of `one` and `two`, in a home that clients may add folders from.
fn album() -> (TempDir, web::Data<AppState>) {
    let home = tempfile::tempdir().unwrap();
    let images = home.path().join("images");
    draw(&images.join("one/a.png"), [10, 0, 0]);
    draw(&images.join("one/deep/b.png"), [20, 0, 0]);
    draw(&images.join("two/c.png"), [30, 0, 0]);
    std::fs::create_dir_all(images.join("new/.hidden")).unwrap();
    let engine = engine(home.path());
    index(&engine, &images.join("one"));
    index(&engine, &images.join("two"));
    let state = adding(&engine, &images, Limits::default());
    (home, state)
}

fn images_of(home: &TempDir) -> String {
    home.path().canonicalize().unwrap().join("images").to_str().unwrap().to_owned()
}

#[actix_web::test]
async fn folders_are_looked_into_from_those_that_are_allowed() {
    let (home, state) = album();
    let images = images_of(&home);
    let start = get(&state, "/api/v1/browse").await.good();
    let folder = |name: &str, path: String, images: usize| json!({"name": name, "path": path, "images": images});
    let begin = [
        folder("images", images.clone(), 3),
        folder("one", format!("{images}/one"), 2),
        folder("two", format!("{images}/two"), 1),
    ];
    assert_eq!(start, json!({"path": "", "parent": null, "folders": begin}));
    let inside = get(&state, &format!("/api/v1/browse?path={images}")).await.good();
    let folders = [
        folder("new", format!("{images}/new"), 0),
        folder("one", format!("{images}/one"), 2),
        folder("two", format!("{images}/two"), 1),
    ];
    assert_eq!(inside, json!({"path": images, "parent": null, "folders": folders}));
    let file = format!("/api/v1/browse?path={images}/one/a.png");
    get(&state, &file).await.error(400, "folder_not_found");
    let below = get(&state, &format!("/api/v1/browse?path={images}/one")).await.good();
    assert_eq!((&below["parent"], &below["folders"][0]["name"]), (&json!(images), &json!("deep")));
    let hidden = get(&state, &format!("/api/v1/browse?path={images}/new")).await.good();
    assert_eq!(hidden["folders"], json!([]));
    for outside in ["/", "/etc", "~", &format!("{images}/../home"), &format!("{images}/new/../../home")] {
        get(&state, &format!("/api/v1/browse?path={outside}")).await.error(403, "folder_not_allowed");
    }
    get(&state, &format!("/api/v1/browse?path={images}/none")).await.error(400, "folder_not_found");
    get(&state, "/api/v1/browse?path=images").await.error(400, "folder_not_absolute");
}

#[actix_web::test]
async fn a_folder_is_forgotten_if_it_is_below_one_that_is_allowed() {
    let (home, state) = album();
    let images = images_of(&home);
    let forget = async |path: &str| ask(&state, TestRequest::delete().uri(&format!("/api/v1/roots?path={path}"))).await;
    for outside in ["/", &format!("{images}/../images/one"), home.path().join("home").to_str().unwrap()] {
        forget(outside).await.error(403, "folder_not_allowed");
    }
    forget(&format!("{images}/new")).await.error(400, "bad_request");
    let left = forget(&format!("{images}/one")).await.good();
    assert_eq!(left, json!({"files": 2, "roots": [format!("{images}/two")]}));
    assert_eq!(post(&state, "/api/v1/search", json!({})).await.good()["hits"].as_array().unwrap().len(), 1);
    assert!(Path::new(&images).join("one/a.png").exists(), "no file is touched");
    let closed = state_of(&state.engine, Limits::default());
    let path = format!("/api/v1/roots?path={images}/two");
    ask(&closed, TestRequest::delete().uri(&path)).await.error(403, "folder_not_allowed");
}

#[actix_web::test]
async fn runs_are_remembered() {
    let (home, state) = album();
    let runs = get(&state, "/api/v1/runs").await.good();
    let last = &runs["runs"][0];
    let told = json!([last["by"], last["added"], last["outcome"], last["roots"], last["message"]]);
    let two = home.path().join("images/two");
    assert_eq!(told, json!(["command line", 1, "done", [two], null]));
    assert_eq!(runs["runs"].as_array().unwrap().len(), 2);
    assert_eq!(get(&state, "/api/v1/runs?limit=1").await.good()["runs"].as_array().unwrap().len(), 1);
    get(&state, "/api/v1/runs?limit=0").await.error(400, "bad_request");
}

/// A trash for tests: a folder beside that of the file.
fn beside(path: &Path) -> std::io::Result<()> {
    let name = path.file_name().unwrap();
    std::fs::create_dir_all(path.with_file_name("trash"))?;
    std::fs::rename(path, path.with_file_name("trash").join(name))
}

#[actix_web::test]
async fn companions_are_listed_and_go_to_the_trash_only_if_that_is_said() {
    let home = tempfile::tempdir().unwrap();
    let images = home.path().join("images");
    draw(&images.join("a.jpg"), [10, 0, 0]);
    draw(&images.join("a-edited.jpg"), [20, 0, 0]);
    draw(&images.join("b.jpg"), [30, 0, 0]);
    std::fs::write(images.join("a.mov"), b"a video").unwrap();
    std::fs::write(images.join("b.mp4"), b"a video").unwrap();
    let engine = engine(home.path());
    index(&engine, &images);
    let images = images.canonicalize().unwrap();
    let mut state =
        AppState::new(engine, Access::new(None).unwrap(), AllowedRoots::default(), Limits::default()).unwrap();
    state.put_away = Some(beside);
    let state = web::Data::new(state);
    let at = |path: &str| state.engine.image_at(&images.join(path)).unwrap().unwrap().0;
    let (a, b) = (at("a-edited.jpg"), at("b.jpg"));
    assert_eq!((at("a.jpg"), at("a.mov"), at("b.mp4")), (a, a, b));

    let told = get(&state, &format!("/api/v1/images?ids={a}")).await.good()["images"][0].clone();
    let companion = |path: &str, role: &str| json!({"path": images.join(path), "role": role});
    assert_eq!(told["files"], json!([images.join("a-edited.jpg")]));
    assert_eq!(told["companions"], json!([companion("a.jpg", "original"), companion("a.mov", "motion")]));
    let csv = post(&state, "/api/v1/export", json!({"images": [b], "format": "csv"})).await;
    let csv = String::from_utf8(csv.body.to_vec()).unwrap();
    assert!(csv.ends_with(&format!(",motion: {},image,,,\r\n", images.join("b.mp4").display())), "{csv}");

    // What nobody named stays.
    let moved = post(&state, "/api/v1/trash", json!({"images": [b]})).await.good();
    assert_eq!(moved["moved"], json!([images.join("b.jpg")]));
    assert!(images.join("b.mp4").exists());
    // A companion that has changed stays, and its image goes.
    std::fs::write(images.join("a.mov"), b"another video").unwrap();
    let moved = post(&state, "/api/v1/trash", json!({"images": [a], "companions": true})).await.good();
    assert_eq!(moved["moved"], json!([images.join("a-edited.jpg"), images.join("a.jpg")]));
    assert_eq!(moved["failed"][0]["path"], json!(images.join("a.mov")));
    assert!(images.join("a.mov").exists() && images.join("trash/a.jpg").exists());
}

#[actix_web::test]
async fn files_go_to_the_trash_only_where_that_is_allowed_and_if_they_are_as_they_were() {
    let (home, state) = album();
    let images = home.path().canonicalize().unwrap().join("images");
    let at = |path: &str| state.engine.image_at(&images.join(path)).unwrap().unwrap().0;
    let (a, b, c) = (at("one/a.png"), at("one/deep/b.png"), at("two/c.png"));
    assert_eq!(
        get(&state, "/api/v1/health").await.good()["allows"],
        json!({"trash": false, "sidecars": false, "rate": false, "tag": true, "hide": true, "feedback": true, "reveal": false, "roots": true})
    );
    post(&state, "/api/v1/trash", json!({"images": [a]})).await.error(403, "trash_not_allowed");

    let roots = AllowedRoots::default();
    let mut allowing =
        AppState::new(Arc::clone(&state.engine), Access::new(None).unwrap(), roots, Limits::default()).unwrap();
    allowing.put_away = Some(beside);
    let state = web::Data::new(allowing);
    assert_eq!(
        get(&state, "/api/v1/health").await.good()["allows"],
        json!({"trash": true, "sidecars": false, "rate": false, "tag": true, "hide": true, "feedback": true, "reveal": false, "roots": false})
    );
    post(&state, "/api/v1/trash", json!({"images": [a, 999]})).await.error(404, "not_found");
    assert!(images.join("one/a.png").exists(), "nothing is moved for a wrong number");
    std::fs::copy(images.join("two/c.png"), images.join("one/deep/b.png")).unwrap();
    let moved = post(&state, "/api/v1/trash", json!({"images": [a, b]})).await.good();
    assert_eq!(moved["moved"], json!([images.join("one/a.png")]));
    assert_eq!(moved["failed"][0]["path"], json!(images.join("one/deep/b.png")));
    assert!(moved["failed"][0]["reason"].as_str().unwrap().contains("has changed"), "{moved}");
    assert_eq!(moved["failed"][0]["reason_code"], "changed");
    assert!(images.join("one/trash/a.png").exists() && images.join("one/deep/b.png").exists());
    let found = post(&state, "/api/v1/search", json!({})).await.good();
    let left: Vec<u64> = found["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_u64().unwrap()).collect();
    assert!(!left.contains(&a) && left.contains(&c), "{found}");
    let many: Vec<u64> = (0..501).collect();
    post(&state, "/api/v1/trash", json!({"images": many})).await.error(400, "bad_request");
}
