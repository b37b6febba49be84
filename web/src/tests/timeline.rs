//! The library by months, the tiles of a month, and folders as a tree.

use glimpse_nonempty::each;
use serde_json::json;

use super::*;

/// An image with a sidecar that says when it was taken.
fn dated(path: &Path, colour: [u8; 3], taken: &str) {
    draw(path, colour);
    let xmp = format!(
        r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
        <rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/"
        exif:DateTimeOriginal="{taken}"/></rdf:RDF></x:xmpmeta>"#
    );
    std::fs::write(path.with_extension("xmp"), xmp).unwrap();
}

/// Three months, one image without a date, one image in two folders.
fn album() -> (TempDir, web::Data<AppState>) {
    let home = tempfile::tempdir().unwrap();
    let images = home.path().join("images");
    dated(&images.join("2023/a.png"), [10, 0, 0], "2023-06-30T23:59:59");
    dated(&images.join("2023/b.png"), [20, 0, 0], "2023-06-01T00:00:00");
    dated(&images.join("2023/c.png"), [30, 0, 0], "2023-07-01T00:00:00");
    dated(&images.join("old/d.png"), [40, 0, 0], "1969-12-31T23:59:59");
    draw(&images.join("old/e.png"), [50, 0, 0]);
    std::fs::create_dir_all(images.join("copies/deep")).unwrap();
    std::fs::copy(images.join("old/e.png"), images.join("copies/deep/e.png")).unwrap();
    let engine = engine(home.path());
    index(&engine, &images);
    (home, state_of(&engine, Limits::default()))
}

#[actix_web::test]
async fn images_are_counted_by_month() {
    let (_home, state) = album();
    let all = post(&state, "/api/v1/timeline", json!({})).await.good();
    let months = json!([
        {"month": "2023-07", "count": 1},
        {"month": "2023-06", "count": 2},
        {"month": "1969-12", "count": 1},
        {"month": null, "count": 1},
    ]);
    assert_eq!(all, json!({"count": 5, "months": months}));
    let some = post(&state, "/api/v1/timeline", json!({"filter": {"after": "2023-06", "before": "2023-07"}})).await;
    assert_eq!(some.good(), json!({"count": 2, "months": [{"month": "2023-06", "count": 2}]}));
    for wrong in [json!({"filter": {"after": "soon"}}), json!({"month": "2023-06"}), json!({"filter": 1})] {
        post(&state, "/api/v1/timeline", wrong).await.error(400, "bad_request");
    }
}

#[actix_web::test]
async fn the_tiles_of_a_month_come_as_columns_newest_first() {
    let (_home, state) = album();
    let ask = async |body: Value| post(&state, "/api/v1/timeline/tiles", body).await;
    let june = ask(json!({"month": "2023-06"})).await.good();
    assert_eq!((&june["count"], &june["taken"]), (&json!(2), &json!([1_688_169_599, 1_685_577_600])));
    assert_eq!((&june["width"], &june["height"]), (&json!([90, 90]), &json!([60, 60])));
    let record = get(&state, &format!("/api/v1/images/{}", june["id"][0])).await.good();
    assert!(record["path"].as_str().unwrap().ends_with("2023/a.png"));
    assert_eq!(june["blur"], json!([null, null]), "nothing was drawn yet");

    let (id, version) = (&june["id"][0], june["version"][0].as_str().unwrap());
    let thumbnail = async |v: &str| get(&state, &format!("/api/v1/images/{id}/thumbnail?size=160&v={v}")).await;
    assert!(thumbnail(version).await.header("cache-control").contains("immutable"));
    assert!(!thumbnail(&version[..7]).await.header("cache-control").contains("immutable"), "too little of the hash");
    assert!(!thumbnail("00000000").await.header("cache-control").contains("immutable"));
    let drawn = ask(json!({"month": "2023-06"})).await.good();
    assert_eq!(drawn["blur"][0].as_str().map(str::len), Some(28));

    let undated = ask(json!({"month": null})).await.good();
    assert_eq!((&undated["taken"], &undated["count"]), (&json!([null]), &json!(1)));
    let part = ask(json!({"month": "2023-06", "offset": 1, "limit": 1})).await.good();
    assert_eq!((&part["count"], &part["taken"]), (&json!(2), &json!([1_685_577_600])));
    assert_eq!(ask(json!({"month": "2023-06", "offset": 9})).await.good()["id"], json!([]));
    for wrong in [json!({"month": "June"}), json!({"month": "2023-06", "limit": 0}), json!({"limit": 100_001})] {
        ask(wrong).await.error(400, "bad_request");
    }
}

#[actix_web::test]
async fn near_duplicates_of_a_day_are_stacked_on_the_first() {
    let home = tempfile::tempdir().unwrap();
    let images = home.path().join("images");
    dated(&images.join("a.png"), [200, 0, 0], "2023-06-30T12:00:00");
    dated(&images.join("b.png"), [0, 60, 220], "2023-06-30T11:59:00");
    dated(&images.join("c.png"), [200, 0, 1], "2023-06-30T11:58:00");
    dated(&images.join("d.png"), [200, 0, 2], "2023-06-30T11:57:00");
    dated(&images.join("e.png"), [200, 0, 3], "2023-06-29T12:00:00");
    let engine = engine(home.path());
    index(&engine, &images);
    let state = state_of(&engine, Limits::default());
    let june = post(&state, "/api/v1/timeline/tiles", json!({"month": "2023-06"})).await.good();
    let (first, id) = (&june["id"][0], &june["id"]);
    assert_eq!(id.as_array().unwrap().len(), 5);
    assert_eq!(june["stack"], json!([null, null, first, first, null]), "another day has its own");
    let part = post(&state, "/api/v1/timeline/tiles", json!({"month": "2023-06", "offset": 2})).await.good();
    assert_eq!(part["stack"], json!([null, id[2], null]), "on one of the same answer");
}

#[actix_web::test]
async fn folders_are_a_tree() {
    let (home, state) = album();
    let images = home.path().join("images").canonicalize().unwrap();
    let tree = get(&state, "/api/v1/folders/tree").await.good();
    let folder = |path: &str, name: &str, parent: Option<usize>, count: usize| {
        let path = if path.is_empty() { images.clone() } else { images.join(path) };
        json!({"path": path, "name": name, "parent": parent, "count": count})
    };
    let expected = json!([
        folder("", "images", None, 5),
        folder("2023", "2023", Some(0), 3),
        folder("copies", "copies", Some(0), 1),
        folder("copies/deep", "deep", Some(2), 1),
        folder("old", "old", Some(0), 2),
    ]);
    assert_eq!(tree["folders"], expected);
    for node in each(tree["folders"].as_array().unwrap()) {
        let filter = json!({"filter": {"folders": [node["path"]]}});
        assert_eq!(post(&state, "/api/v1/timeline", filter).await.good()["count"], node["count"], "{node}");
    }
}
