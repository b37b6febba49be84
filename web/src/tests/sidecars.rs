//! Writing favourites to sidecars.

use serde_json::json;

use super::*;

#[actix_web::test]
async fn sidecars_are_written_only_where_that_is_allowed() {
    let home = tempfile::tempdir().unwrap();
    let images = home.path().canonicalize().unwrap().join("images");
    for (name, colour) in [("a.png", [10, 0, 0]), ("b.png", [20, 0, 0]), ("c.png", [30, 0, 0])] {
        draw(&images.join(name), colour);
    }
    let engine = engine(home.path());
    index(&engine, &images);
    let ids: Vec<u64> =
        ["a.png", "b.png", "c.png"].map(|name| engine.image_at(&images.join(name)).unwrap().unwrap().0).into();
    let state = state_of(&engine, Limits::default());
    post(&state, "/api/v1/favourites", json!({"add": ids[..2]})).await.good();
    post(&state, "/api/v1/sidecars", json!({"images": ids})).await.error(403, "sidecars_not_allowed");
    assert!(!images.join("a.png.xmp").exists());

    let roots = AllowedRoots::default();
    let access = Access::new(None).unwrap();
    let mut allowing = AppState::new(Arc::clone(&engine), access, roots, Limits::default()).unwrap();
    allowing.allow_sidecars = true;
    let state = web::Data::new(allowing);
    let allows = json!({
        "trash": false, "sidecars": true, "rate": true, "tag": true, "hide": true, "feedback": true, "reveal": false, "roots": false
    });
    assert_eq!(get(&state, "/api/v1/health").await.good()["allows"], allows);
    std::fs::write(images.join("b.xmp"), "no XMP at all").unwrap();
    let done = post(&state, "/api/v1/sidecars", json!({"images": ids})).await.good();
    assert_eq!(done["written"], json!([images.join("a.png.xmp")]));
    assert_eq!(done["unchanged"], json!(1));
    assert_eq!(done["failed"][0]["path"], json!(images.join("b.png")));
    assert!(done["failed"][0]["reason"].as_str().unwrap().contains("b.xmp"), "{done}");
    assert_eq!(done["failed"][0]["reason_code"], "unusable_sidecar");
    let record = get(&state, &format!("/api/v1/images/{}", ids[0])).await.good();
    assert_eq!(record["rating"], json!(5));

    let rate = async |rating: u8| post(&state, "/api/v1/sidecars", json!({"images": [ids[0]], "rating": rating})).await;
    let sidecar = || std::fs::read_to_string(images.join("a.png.xmp")).unwrap();
    assert_eq!(rate(3).await.good()["written"], json!([images.join("a.png.xmp")]));
    assert!(sidecar().contains("xmp:Rating=\"3\"") && !sidecar().contains("xmp:Rating=\"5\""), "{}", sidecar());
    assert_eq!(rate(3).await.good()["unchanged"], json!(1), "it has this rating");
    assert_eq!(rate(0).await.good()["written"].as_array().map(Vec::len), Some(1));
    let record = get(&state, &format!("/api/v1/images/{}", ids[0])).await.good();
    assert_eq!((&record["rating"], sidecar().contains("xmp:Rating=\"0\"")), (&json!(0), true));
    rate(6).await.error(400, "bad_request");

    post(&state, "/api/v1/sidecars", json!({"images": [999]})).await.error(404, "not_found");
    post(&state, "/api/v1/sidecars", json!({})).await.error(400, "bad_request");
    let many: Vec<u64> = (0..501).collect();
    post(&state, "/api/v1/sidecars", json!({"images": many})).await.error(400, "bad_request");
    let elsewhere = TestRequest::post().uri("/api/v1/sidecars").insert_header((header::ORIGIN, "http://evil.example"));
    ask(&state, elsewhere.set_json(json!({"images": ids}))).await.error(403, "forbidden");
}
