//! Tags of regions: what an image shows at three levels, counts, and the filter.

use glimpse_nonempty::{each, if_any};
use serde_json::{Value, json};

use super::*;

/// A library of its own, whose regions are tagged.
fn tagged() -> (web::Data<AppState>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    (0..6u8).for_each(|n| draw(&images.join(format!("{n}.png")), [n * 40, 90, 200 - n * 30]));
    let engine = engine(folder.path());
    index(&engine, &images);
    (state_of(&engine, Limits::default()), folder)
}

fn keep(state: &AppState, labels: &[&str]) {
    let labels: Vec<String> = labels.iter().map(|&label| label.to_owned()).collect();
    state.engine.keep_region_tags(&labels, &AtomicBool::new(false), &mut |_, _, _| ()).unwrap();
}

fn scores(tags: &Value) -> Vec<f64> {
    tags.as_array().unwrap().iter().map(|tag| tag["score"].as_f64().unwrap()).collect()
}

#[actix_web::test]
async fn an_image_has_tags_at_three_levels() {
    let (state, _folder) = tagged();
    let before = get(&state, "/api/v1/images/0/tags").await.good();
    assert_eq!((&before["kept"], &before["regions"], &before["pixels"]), (&json!(false), &json!([]), &Value::Null));
    assert_eq!(get(&state, "/api/v1/health").await.good()["region_tags"], false);
    keep(&state, &["wall", "sky", "lemon", "red", "purple"]);
    assert_eq!(get(&state, "/api/v1/health").await.good()["region_tags"], true);
    for id in each(0..6) {
        let tags = get(&state, &format!("/api/v1/images/{id}/tags?pixels=1")).await.good();
        assert_eq!(
            (&tags["id"], &tags["kept"], &tags["width"], &tags["height"]),
            (&json!(id), &json!(true), &json!(90), &json!(60))
        );
        for level in ["image", "regions"] {
            let scores = scores(&tags[level]);
            assert!(scores.is_sorted_by(|a, b| a >= b) && if_any(&scores).all(|&score| score >= 0.4999), "{tags}");
        }
        for region in if_any(tags["regions"].as_array().unwrap()) {
            let side = |name: &str| region[name].as_f64().unwrap();
            assert!(side("x") >= 0.0 && side("x") + side("width") <= 90.01 && side("area") <= 1.0, "{region}");
            assert!(side("y") >= 0.0 && side("y") + side("height") <= 60.01 && side("width") > 0.0, "{region}");
        }
        let pixels = &tags["pixels"];
        let labels = pixels["labels"].as_array().unwrap();
        let shares: Vec<f64> = labels.iter().map(|label| label["area"].as_f64().unwrap()).collect();
        assert!(shares.is_sorted_by(|a, b| a >= b) && if_any(&shares).all(|&share| share > 0.0), "{pixels}");
        assert!((shares.iter().sum::<f64>() + pixels["unlabelled"].as_f64().unwrap() - 1.0).abs() < 1e-4, "{pixels}");
    }
    get(&state, "/api/v1/images/999/tags").await.error(404, "not_found");
    get(&state, "/api/v1/images/999/tags?pixels=1").await.error(404, "not_found");
    for wrong in ["?pixels=2", "?pixel=1", "?pixels"] {
        get(&state, &format!("/api/v1/images/0/tags{wrong}")).await.error(400, "bad_request");
    }
}

#[actix_web::test]
async fn counts_and_the_filter_go_by_what_regions_show() {
    let (state, _folder) = tagged();
    let filter = json!({"filter": {"region_tags": ["wall"]}});
    let refused = post(&state, "/api/v1/search", filter.clone()).await.error(400, "bad_request");
    assert!(refused.contains("--keep"), "{refused}");
    get(&state, "/api/v1/facets?region_tag=wall").await.error(400, "bad_request");
    assert_eq!(get(&state, "/api/v1/facets").await.good()["region_tags"], json!([]));
    let labels = ["wall", "sky", "lemon", "red", "purple", "blue", "apple", "ball"];
    keep(&state, &labels);
    let mut counts: Vec<(String, u64)> = Vec::new();
    for label in each(labels) {
        let mut showing = 0;
        for id in 0..6 {
            let tags = get(&state, &format!("/api/v1/images/{id}/tags")).await.good();
            showing += u64::from(tags["regions"].as_array().unwrap().iter().any(|tag| tag["label"] == label));
        }
        if showing > 0 {
            counts.push((label.to_owned(), showing));
        }
        let body = json!({"filter": {"region_tags": [label.to_uppercase()]}});
        assert_eq!(post(&state, "/api/v1/search", body.clone()).await.good()["accepted"], showing, "{label}");
        let months = post(&state, "/api/v1/timeline", body).await.good();
        assert_eq!(months["count"].as_u64().unwrap_or(0), showing, "{months}");
        let simple = get(&state, &format!("/api/v1/search?region_tag={label}&sort=newest")).await.good();
        assert_eq!(simple["hits"].as_array().unwrap().len() as u64, showing);
        assert_eq!(get(&state, &format!("/api/v1/find?q=wall&all=true&region_tag={label}")).await.status.as_u16(), 200);
        get(&state, &format!("/api/v1/tags?region_tag={label}")).await.good();
    }
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let facets: Vec<Value> = counts.iter().map(|(value, images)| json!({"value": value, "images": images})).collect();
    assert_eq!(get(&state, "/api/v1/facets").await.good()["region_tags"], json!(facets));
    let many = json!({"filter": {"region_tags": vec!["x"; 101]}});
    let refused = post(&state, "/api/v1/search", many).await.error(400, "bad_request");
    assert!(refused.contains("region_tags"), "{refused}");
}
