//! Archives, lists, and the compression of answers.

use std::io::{Cursor, Read};

use actix_web::test::TestRequest;
use glimpse_nonempty::each;
use serde_json::json;
use zip::ZipArchive;

use super::*;

/// Names and bytes of the files in an archive, by name.
fn unpacked(answer: &Answer) -> Vec<(String, Vec<u8>)> {
    assert!(answer.status.is_success(), "{}: {:?}", answer.status, answer.body);
    let mut archive = ZipArchive::new(Cursor::new(answer.body.to_vec())).unwrap();
    let mut files: Vec<_> = (0..archive.len())
        .map(|n| {
            let mut file = archive.by_index(n).unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap(); // compares the checksum
            (file.name().unwrap().into_owned(), bytes)
        })
        .collect();
    files.sort();
    files
}

async fn archive(state: &web::Data<AppState>, images: Value) -> Answer {
    post(state, "/api/v1/archive", json!({"images": images})).await
}

#[actix_web::test]
async fn an_archive_has_the_files_as_they_are() {
    let state = shelf();
    let ids: Vec<u64> = tiles(&state).await;
    let answer = archive(&state, json!(ids)).await;
    assert_eq!((answer.header("content-type"), answer.header("content-encoding")), ("application/zip", ""));
    let disposition = answer.header("content-disposition");
    assert!(disposition.starts_with("attachment; filename=\"glimpse-") && disposition.ends_with(".zip\""));
    let files = unpacked(&answer);
    assert_eq!(files.len(), 40);
    for (name, bytes) in each(&files) {
        assert_eq!(bytes, &std::fs::read(SHELF.images.join(name)).unwrap(), "{name}");
    }
    // Those of one folder have no folder in their names.
    let blue = get(&state, "/api/v1/search?q=blue+07&mode=words&limit=1").await.good()["hits"][0]["id"].clone();
    assert_eq!(unpacked(&archive(&state, json!([blue, blue])).await)[0].0, "blue 07.jpg");
}

/// Numbers of all images.
async fn tiles(state: &web::Data<AppState>) -> Vec<u64> {
    let page = post(state, "/api/v1/search", json!({})).await.good();
    page["hits"].as_array().unwrap().iter().map(|tile| tile["id"].as_u64().unwrap()).collect()
}

#[actix_web::test]
async fn a_plain_form_downloads_too() {
    let state = shelf();
    let form = |body: &'static str| {
        let request = TestRequest::post().uri("/api/v1/archive");
        ask(&state, request.insert_header(("Content-Type", "application/x-www-form-urlencoded")).set_payload(body))
    };
    assert_eq!(unpacked(&form("images=3%2C5,3").await).len(), 2);
    for wrong in ["", "images=", "images=x", "images=1&other=2", "images=1;2"] {
        form(wrong).await.error(400, "bad_request");
    }
    for wrong in [json!([]), json!(["a"]), json!([-1]), json!("x"), json!(vec![0; 0])] {
        archive(&state, wrong).await.error(400, "bad_request");
    }
    let many: Vec<u32> = (0..50_001).collect();
    assert!(archive(&state, json!(many)).await.error(400, "bad_request").contains("50000"));
    let text = TestRequest::post().uri("/api/v1/archive").set_payload("3");
    ask(&state, text).await.error(415, "unsupported_media_type");
}

#[cfg(unix)]
#[actix_web::test]
async fn what_cannot_be_read_is_told_in_the_archive() {
    let home = tempfile::tempdir().unwrap();
    let images = home.path().join("images");
    for (name, red) in [("kept.png", 10), ("gone.png", 20), ("changed.png", 30), ("linked.png", 40), ("x/KEPT.png", 50)]
    {
        draw(&images.join(name), [red, 0, 0]);
    }
    let engine = engine(home.path());
    index(&engine, &images);
    let state = state_of(&engine, Limits::default());
    let secret = home.path().join("secret");
    std::fs::write(&secret, vec![7; std::fs::metadata(images.join("linked.png")).unwrap().len() as usize]).unwrap();
    std::fs::remove_file(images.join("gone.png")).unwrap();
    draw(&images.join("changed.png"), [31, 0, 0]);
    std::fs::remove_file(images.join("linked.png")).unwrap();
    std::os::unix::fs::symlink(&secret, images.join("linked.png")).unwrap();

    let mut ids = tiles(&state).await;
    ids.push(999);
    let files = unpacked(&archive(&state, json!(ids)).await);
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["NOT READ.txt", "kept.png", "x/KEPT.png"]);
    let told = String::from_utf8(files[0].1.clone()).unwrap();
    for part in ["gone.png", "changed.png", "linked.png", "image 999"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!answer_has(&files, &[7; 64]));
}

fn answer_has(files: &[(String, Vec<u8>)], part: &[u8]) -> bool {
    files.iter().any(|(_, bytes)| bytes.windows(part.len()).any(|window| window == part))
}

#[actix_web::test]
async fn more_archives_than_places_are_refused_and_one_that_is_left_frees_its_place() {
    let state = state_of(&SHELF.engine, Limits { archives: 1, ..Limits::default() });
    let service = init_service(App::new().configure(configure(state.clone()))).await;
    let request = TestRequest::post().uri("/api/v1/archive").set_json(json!({"images": [3, 4]}));
    let open = call_service(&service, request.insert_header((header::HOST, "localhost")).to_request()).await;
    assert!(open.status().is_success());
    let refused = archive(&state, json!([3])).await;
    assert!(refused.error(503, "busy").contains("archives"));
    drop(open);
    assert_eq!(unpacked(&archive(&state, json!([3])).await).len(), 1);
}

#[actix_web::test]
async fn lists_have_what_is_known_in_three_forms() {
    let state = shelf();
    let list = async |format: &str| {
        let answer = post(&state, "/api/v1/export", json!({"images": [7, 3, 999], "format": format})).await;
        assert!(answer.status.is_success(), "{:?}", answer.body);
        String::from_utf8(answer.body.to_vec()).unwrap()
    };
    let record = async |id: u64| get(&state, &format!("/api/v1/images/{id}")).await.good();
    let (seven, three) = (record(7).await, record(3).await);
    let path = |record: &Value| record["path"].as_str().unwrap().to_owned();
    assert_eq!(list("paths").await, format!("{}\n{}\n", path(&seven), path(&three)));
    let json = list("json").await;
    let lines: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, [seven.clone(), three]);
    let csv = list("csv").await;
    let rows: Vec<&str> = csv.split("\r\n").collect();
    assert!(rows[0].starts_with("id,path,content,format,") && rows.len() == 4, "{csv}");
    assert!(rows[1].starts_with(&format!("7,{},", path(&seven))), "{csv}");
    assert_eq!(rows[0].split(',').count(), rows[1].split(',').count());
    for wrong in [json!({"images": [3]}), json!({"images": [3], "format": "xml"}), json!({"format": "csv"})] {
        post(&state, "/api/v1/export", wrong).await.error(400, "bad_request");
    }
    let all = json!({"images": tiles(&state).await, "format": "paths"});
    let all = post(&state, "/api/v1/export", all).await;
    assert_eq!(all.body.iter().filter(|&&byte| byte == b'\n').count(), 40);
    assert!(all.header("content-disposition").contains(".txt"));
}

#[actix_web::test]
async fn texts_are_compressed_and_images_and_archives_are_not() {
    let state = shelf();
    let encoded = async |request: TestRequest, accepts: &str| {
        let answer = ask(&state, request.insert_header(("Accept-Encoding", accepts.to_owned()))).await;
        assert!(answer.status.is_success(), "{}", answer.status);
        (answer.header("content-encoding").to_owned(), answer.body.len())
    };
    let search = || TestRequest::post().uri("/api/v1/search").set_json(json!({}));
    let plain = encoded(search(), "identity").await;
    assert_eq!(plain.0, "");
    for kind in ["gzip", "br"] {
        let (encoding, bytes) = encoded(search(), kind).await;
        assert!(encoding == kind && bytes < plain.1 / 3, "{kind}: {encoding}, {bytes} of {} bytes", plain.1);
    }
    for path in ["/", "/static/app.js", "/api/v1/openapi.json", "/api/v1/stats"] {
        assert_eq!(encoded(TestRequest::get().uri(path), "gzip").await.0, "gzip", "{path}");
    }
    let [small, plain] = [
        encoded(TestRequest::get().uri("/static/app.js"), "br, gzip"),
        encoded(TestRequest::get().uri("/static/app.js"), "identity"),
    ];
    let (small, plain) = (small.await, plain.await);
    assert!(small.0 == "br" && plain.0.is_empty() && small.1 < plain.1 / 2, "{small:?}, {plain:?}");
    assert_eq!(encoded(TestRequest::get().uri("/static/icons/192.png"), "br, gzip").await.0, "");
    let archive = TestRequest::post().uri("/api/v1/archive").set_json(json!({"images": [3]}));
    assert_eq!(encoded(archive, "gzip, br").await.0, "");
    for path in ["/api/v1/images/3/thumbnail", "/api/v1/images/3/original"] {
        assert_eq!(encoded(TestRequest::get().uri(path), "gzip, br").await.0, "", "{path}");
    }
    let refused = TestRequest::get().uri("/api/v1/nothing").insert_header(("Accept-Encoding", "gzip"));
    assert_eq!(ask(&state, refused).await.header("content-encoding"), "gzip", "errors are answers too");
}
