//! The library as a whole, and the server's own state.

use glimpse_nonempty::Every as _;
use serde_json::json;

use super::*;

#[actix_web::test]
async fn an_empty_library_says_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let state = empty(&home);
    for path in ["/api/v1/search?q=cat", "/api/v1/stats", "/api/v1/facets", "/api/v1/folders", "/api/v1/images/1"] {
        let answer = get(&state, path).await;
        assert!(answer.error(503, "not_ready").contains("glimpse index"), "{path}");
        assert!(!answer.header("retry-after").is_empty());
    }
    assert_eq!(get(&state, "/api/v1/health").await.good()["status"], "ok");
}

#[actix_web::test]
async fn facets_and_folders_count() {
    let state = shelf();
    let facets = get(&state, "/api/v1/facets").await.good();
    assert_eq!(facets["formats"], json!([{"value": "jpeg", "images": 20}, {"value": "png", "images": 20}]));
    assert_eq!(facets["folders"].as_array().unwrap().len(), 2);
    let narrow = get(&state, "/api/v1/facets?format=png").await.good();
    assert_eq!(narrow["folders"].as_array().unwrap().len(), 1);
    let folders = get(&state, "/api/v1/folders").await.good();
    assert_eq!((&folders["roots"][0]["images"], &folders["roots"][0]["present"]), (&json!(40), &json!(true)));
    assert_eq!(folders["folders"].as_array().unwrap().len(), 3);
}

#[actix_web::test]
async fn labels_tag_images_page_by_page() {
    let state = shelf();
    let body = |after: Option<u64>| json!({"labels": ["red", "blue"], "min_score": 0.0, "limit": 25, "after": after});
    let first = post(&state, "/api/v1/tag", body(None)).await.good();
    assert_eq!(first["images"].as_array().unwrap().len(), 25);
    let rest = post(&state, "/api/v1/tag", body(first["next"].as_u64())).await.good();
    assert_eq!((rest["images"].as_array().unwrap().len(), rest["next"].is_null()), (15, true));
    for wrong in [
        json!({"labels": []}),
        json!({"labels": [""]}),
        json!({"labels": vec!["a"; 501]}),
        json!({"labels": ["a"], "min_score": 2}),
    ] {
        post(&state, "/api/v1/tag", wrong).await.error(400, "bad_request");
    }
}

#[actix_web::test]
async fn near_duplicates_come_in_groups_and_pages() {
    let state = shelf();
    let all = get(&state, "/api/v1/duplicates?min_cosine=0.9").await.good();
    let total = all["total"].as_u64().unwrap();
    assert!(total > 0 && all["groups"][0]["images"].as_array().unwrap().len() > 1);
    let past = get(&state, &format!("/api/v1/duplicates?min_cosine=0.9&offset={total}")).await.good();
    assert_eq!((past["groups"].as_array().unwrap().len(), past["total"].as_u64()), (0, Some(total)));
    for wrong in ["min_cosine=0.5", "min_cosine=nan", "min_cosine=x", "limit=0", "offset=-1"] {
        get(&state, &format!("/api/v1/duplicates?{wrong}")).await.error(400, "bad_request");
    }
}

#[actix_web::test]
async fn counters_count() {
    let state = shelf();
    get(&state, "/api/v1/images/3").await.good();
    get(&state, "/api/v1/images/4").await.good();
    get(&state, "/api/v1/nothing").await.error(404, "not_found");
    let metrics = get(&state, "/api/v1/metrics").await;
    let text = String::from_utf8(metrics.body.to_vec()).unwrap();
    let line = r#"glimpse_request_seconds_count{route="/api/v1/images/{id}",method="GET",status="200"} 2"#;
    assert!(text.contains(line), "{text}");
    assert!(text.contains("glimpse_images 40") && !text.contains("nothing"), "{text}");
    assert!(text.lines().every(|line| line.starts_with('#') || line.split(' ').count() == 2));
}

#[actix_web::test]
async fn too_much_work_is_refused_at_once() {
    let full = Limits { searches: 0, ..Limits::default() };
    let state = state_of(&SHELF.engine, full);
    let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8);
    let held = occupy(&state, |state| &state.searches, threads).await;
    let refused = get(&state, "/api/v1/search?q=red").await;
    refused.error(503, "busy");
    assert_eq!(refused.header("retry-after"), "1");
    held.free().await;
    soon(async || get(&state, "/api/v1/search?q=red&mode=words").await).await.good();
}
