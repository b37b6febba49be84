//! Tags of regions: what an image shows at three levels, counts, and the filter.

use std::collections::{HashMap, HashSet};

use glimpse_engine::TagOptions;
use glimpse_nonempty::{Every as _, each, if_any};
use image::codecs::gif::GifEncoder;
use image::{Delay, Frame};
use serde_json::{Value, json};

use super::jobs::finished;
use super::*;

/// Animals, and what none of the images shows.
const LABELS: [&str; 12] =
    ["zebra", "lion", "tiger", "penguin", "elephant", "giraffe", "camel", "bird", "dog", "butterfly", "car", "pizza"];
/// Images of the demo library, and what they show so well that all three levels say it.
const SHOWN: [(&str, &str); 5] = [
    ("DSC04121.jpg", "zebra"),
    ("DSC04109.jpg", "lion"),
    ("DSC04112.jpg", "penguin"),
    ("DSC04148.jpg", "elephant"),
    ("DSC04187.jpg", "giraffe"),
];

/// A library of its own: animals of the demo library, and an animation that shows two of them for
/// three seconds each.
fn animals() -> (web::Data<AppState>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    std::fs::create_dir(&images).unwrap();
    let zoo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/demo/library/Zoo");
    for entry in each(std::fs::read_dir(&zoo).unwrap()) {
        let path = entry.unwrap().path();
        std::fs::copy(&path, images.join(path.file_name().unwrap())).unwrap();
    }
    let mut moving = GifEncoder::new(std::fs::File::create(images.join("moving.gif")).unwrap());
    for (name, _) in [SHOWN[0], SHOWN[2]] {
        let frame = image::open(zoo.join(name)).unwrap().into_rgba8();
        moving.encode_frame(Frame::from_parts(frame, 0, 0, Delay::from_numer_denom_ms(3000, 1))).unwrap();
    }
    drop(moving);
    let engine = engine(folder.path());
    index(&engine, &images);
    (state_of(&engine, Limits::default()), folder)
}

fn keep(state: &AppState, labels: &[&str]) {
    let labels: Vec<String> = labels.iter().map(|&label| label.to_owned()).collect();
    state.engine.keep_region_tags(&labels, &AtomicBool::new(false), &mut |_, _, _| ()).unwrap();
}

/// The image of a file.
fn id_of(state: &AppState, folder: &TempDir, name: &str) -> u64 {
    let path = folder.path().join("images").canonicalize().unwrap().join(name);
    state.engine.image_at(&path).unwrap().unwrap().0
}

fn scores(tags: &Value) -> Vec<f64> {
    tags.as_array().unwrap().iter().map(|tag| tag["score"].as_f64().unwrap()).collect()
}

fn labels_of(tags: &Value) -> Vec<&str> {
    tags.as_array().unwrap().iter().map(|tag| tag["label"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn an_image_has_tags_at_three_levels() {
    let (state, folder) = animals();
    let before = get(&state, "/api/v1/images/0/tags").await.good();
    assert_eq!((&before["kept"], &before["regions"], &before["pixels"]), (&json!(false), &json!([]), &Value::Null));
    assert_eq!(get(&state, "/api/v1/health").await.good()["region_tags"], false);
    keep(&state, &LABELS);
    assert_eq!(get(&state, "/api/v1/health").await.good()["region_tags"], true);
    for (name, label) in each(SHOWN) {
        let id = id_of(&state, &folder, name);
        let tags = get(&state, &format!("/api/v1/images/{id}/tags?pixels=1")).await.good();
        let record = get(&state, &format!("/api/v1/images/{id}")).await.good();
        assert_eq!((&tags["id"], &tags["kept"]), (&json!(id), &json!(true)));
        assert_eq!((&tags["width"], &tags["height"]), (&record["width"], &record["height"]));
        for level in ["image", "regions"] {
            let scores = scores(&tags[level]);
            assert!(scores.is_sorted_by(|a, b| a >= b) && scores.iter().every(|&score| score >= 0.4999), "{tags}");
            assert!(labels_of(&tags[level]).contains(&label), "{level} of {name}: {tags}");
        }
        let [wide, high] = ["width", "height"].map(|side| tags[side].as_f64().unwrap());
        for region in each(tags["regions"].as_array().unwrap()) {
            let side = |name: &str| region[name].as_f64().unwrap();
            assert!(side("x") >= 0.0 && side("x") + side("width") <= wide + 0.01 && side("width") > 0.0, "{region}");
            assert!(side("y") >= 0.0 && side("y") + side("height") <= high + 0.01 && side("height") > 0.0, "{region}");
            assert!(side("area") > 0.0 && side("area") <= 1.0, "{region}");
        }
        let pixels = &tags["pixels"];
        let shares: Vec<f64> =
            pixels["labels"].as_array().unwrap().iter().map(|label| label["area"].as_f64().unwrap()).collect();
        assert!(labels_of(&pixels["labels"]).contains(&label), "pixels of {name}: {pixels}");
        assert!(shares.is_sorted_by(|a, b| a >= b) && shares.iter().every(|&share| share > 0.0), "{pixels}");
        assert!((shares.iter().sum::<f64>() + pixels["unlabelled"].as_f64().unwrap() - 1.0).abs() < 1e-4, "{pixels}");
    }
    get(&state, "/api/v1/images/999/tags").await.error(404, "not_found");
    get(&state, "/api/v1/images/999/tags?pixels=1").await.error(404, "not_found");
    for wrong in ["?pixels=2", "?pixel=1", "?pixels"] {
        get(&state, &format!("/api/v1/images/0/tags{wrong}")).await.error(400, "bad_request");
    }
}

#[actix_web::test]
async fn labels_of_images_as_a_whole_are_those_that_tag_gives() {
    let (state, folder) = animals();
    keep(&state, &LABELS);
    let moving = id_of(&state, &folder, "moving.gif");
    let options = TagOptions { max_tags: LABELS.len(), ..TagOptions::default() };
    let tagged = state.engine.tag(&LABELS.map(str::to_owned), &options).unwrap();
    let mut compared = 0;
    for tagged in each(tagged.into_iter().filter(|tagged| tagged.id.0 != moving)) {
        let kept = get(&state, &format!("/api/v1/images/{}/tags", tagged.id.0)).await.good();
        let given: Vec<&str> = tagged.tags.iter().map(|tag| tag.label.as_str()).collect();
        assert_eq!(labels_of(&kept["image"]), given, "{kept}");
        for (kept, given) in if_any(scores(&kept["image"]).into_iter().zip(&tagged.tags)) {
            assert!((kept - f64::from(given.score)).abs() < 1e-3, "{kept} {given:?}");
            compared += 1;
        }
    }
    assert!(compared >= 10, "{compared} labels");
}

#[actix_web::test]
async fn a_frame_has_tags_of_its_own() {
    let (state, folder) = animals();
    keep(&state, &LABELS);
    let moving = id_of(&state, &folder, "moving.gif");
    let shots = get(&state, &format!("/api/v1/images/{moving}/frames")).await.good();
    let frames = shots["frames"].as_array().unwrap();
    assert_eq!(frames.len(), 2, "{shots}");
    for (frame, shown, other) in each([(0, "zebra", "penguin"), (1, "penguin", "zebra")]) {
        let id = &frames[frame]["id"];
        let tags = get(&state, &format!("/api/v1/images/{id}/tags?pixels=1")).await.good();
        assert_eq!(tags["id"], *id);
        for level in ["image", "regions"] {
            let labels = labels_of(&tags[level]);
            assert!(labels.contains(&shown) && !labels.contains(&other), "{level}: {tags}");
        }
        let labels = labels_of(&tags["pixels"]["labels"]);
        assert!(labels.contains(&shown) && !labels.contains(&other), "{tags}");
    }
}

#[actix_web::test]
async fn counts_and_the_filter_go_by_what_regions_show() {
    let (state, _folder) = animals();
    let filter = json!({"filter": {"region_tags": ["lion"]}});
    let refused = post(&state, "/api/v1/search", filter.clone()).await.error(400, "bad_request");
    assert!(refused.contains("--keep"), "{refused}");
    get(&state, "/api/v1/facets?region_tag=lion").await.error(400, "bad_request");
    assert_eq!(get(&state, "/api/v1/facets").await.good()["region_tags"], json!([]));
    keep(&state, &LABELS);
    let images = post(&state, "/api/v1/search", json!({"limit": 1000})).await.good();
    let images: Vec<u64> = images["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_u64().unwrap()).collect();
    let mut shown: HashMap<String, u64> = HashMap::new();
    for id in each(&images) {
        // A video shows what its frames show.
        let frames = get(&state, &format!("/api/v1/images/{id}/frames")).await.good();
        let mut ids: Vec<u64> =
            frames["frames"].as_array().unwrap().iter().map(|f| f["id"].as_u64().unwrap()).collect();
        if ids.is_empty() {
            ids.push(*id);
        }
        let mut labels = HashSet::new();
        for id in ids {
            let tags = get(&state, &format!("/api/v1/images/{id}/tags")).await.good();
            labels.extend(labels_of(&tags["regions"]).into_iter().map(str::to_owned));
        }
        labels.into_iter().for_each(|label| *shown.entry(label).or_default() += 1);
    }
    assert!(shown.len() >= 5 && shown["lion"] >= 3, "{shown:?}");
    let mut counts: Vec<(String, u64)> = Vec::new();
    for label in each(LABELS) {
        let showing = shown.get(label).copied().unwrap_or(0);
        if showing > 0 {
            counts.push((label.to_owned(), showing));
        }
        let body = json!({"filter": {"region_tags": [label.to_uppercase()]}});
        assert_eq!(post(&state, "/api/v1/search", body.clone()).await.good()["accepted"], showing, "{label}");
        let months = post(&state, "/api/v1/timeline", body).await.good();
        assert_eq!(months["count"].as_u64().unwrap_or(0), showing, "{months}");
        let simple = get(&state, &format!("/api/v1/search?region_tag={label}&sort=newest")).await.good();
        assert_eq!(simple["hits"].as_array().unwrap().len() as u64, showing);
        assert_eq!(get(&state, &format!("/api/v1/find?q=lion&all=true&region_tag={label}")).await.status.as_u16(), 200);
        get(&state, &format!("/api/v1/tags?region_tag={label}")).await.good();
    }
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let facets: Vec<Value> = counts.iter().map(|(value, images)| json!({"value": value, "images": images})).collect();
    assert_eq!(get(&state, "/api/v1/facets").await.good()["region_tags"], json!(facets));
    let many = json!({"filter": {"region_tags": vec!["x"; 101]}});
    let refused = post(&state, "/api/v1/search", many).await.error(400, "bad_request");
    assert!(refused.contains("region_tags"), "{refused}");
}

#[actix_web::test]
async fn a_job_tags_regions_and_goes_on_with_the_labels_that_are_kept() {
    let (state, _folder) = animals();
    assert_eq!(get(&state, "/api/v1/stats").await.good()["region_tags"], Value::Null);
    let order = json!({"kind": "tag_regions", "labels": ["lion", " zebra", "Lion"]});
    let started = post(&state, "/api/v1/jobs", order).await;
    assert_eq!(started.status.as_u16(), 202);
    let id = started.json()["id"].clone();
    assert_eq!(started.header("location"), format!("jobs/{id}"));
    let job = finished(&state, &id).await;
    assert_eq!([&job["state"], &job["kind"], &job["unit"]], ["done", "tag_regions", "images"], "{job}");
    let all = job["found"].as_u64().unwrap();
    assert!(all > 30 && job["done"] == all && job["found_all"] == true && job["roots"] == json!([]), "{job}");
    let stats = get(&state, "/api/v1/stats").await.good();
    let kept = json!({"labels": 2, "tagged": all, "waiting": 0});
    assert_eq!((&stats["regions"], &stats["region_tags"]), (&json!(true), &kept));
    let facets = get(&state, "/api/v1/facets").await.good()["region_tags"].clone();
    assert_eq!(facets.as_array().unwrap().len(), 2, "{facets}");
    // Without labels, what is kept stays.
    let again = post(&state, "/api/v1/jobs", json!({"kind": "tag_regions"})).await.good();
    let again = finished(&state, &again["id"]).await;
    assert_eq!((&again["state"], &again["found"]), (&json!("done"), &json!(0)), "nothing is left");
    assert_eq!(get(&state, "/api/v1/stats").await.good()["region_tags"], kept);
    post(&state, &format!("/api/v1/jobs/{id}/retry"), json!({})).await.error(409, "conflict");
    // And can be dropped, once.
    for were_kept in [true, false] {
        let dropped = delete(&state, "/api/v1/region-tags").await.good();
        assert_eq!(dropped, json!({"were_kept": were_kept}));
        assert_eq!(get(&state, "/api/v1/stats").await.good()["region_tags"], Value::Null);
        assert_eq!(get(&state, "/api/v1/facets").await.good()["region_tags"], json!([]));
    }
}

#[actix_web::test]
async fn a_job_that_tags_is_refused_what_makes_no_sense() {
    let (state, folder) = animals();
    let images = folder.path().join("images");
    for wrong in each([
        json!({"kind": "tag_regions", "roots": [images]}),
        json!({"kind": "tag_regions", "prune": true}),
        json!({"kind": "tag_regions", "labels": [" "]}),
        json!({"kind": "tag_regions", "labels": vec!["x".repeat(201)]}),
        json!({"labels": ["lion"]}),
        json!({"kind": "tags"}),
    ]) {
        post(&state, "/api/v1/jobs", wrong).await.error(400, "bad_request");
    }
    assert_eq!(get(&state, "/api/v1/jobs").await.good()["jobs"], json!([]));
    let home = tempfile::tempdir().unwrap();
    post(&empty(&home), "/api/v1/jobs", json!({"kind": "tag_regions"})).await.error(503, "not_ready");
}

#[actix_web::test]
async fn a_job_that_tags_waits_and_stops() {
    let (state, _folder) = animals();
    // Many labels take long enough to be told to wait.
    let labels: Vec<String> = (0..1500).map(|n| format!("label {n}")).collect();
    let job = post(&state, "/api/v1/jobs", json!({"kind": "tag_regions", "labels": labels})).await.good();
    let act = |name: &str| format!("/api/v1/jobs/{}/{name}", job["id"]);
    assert_eq!(post(&state, &act("pause"), json!({})).await.good()["state"], "paused");
    post(&state, "/api/v1/jobs", json!({})).await.error(409, "conflict");
    delete(&state, "/api/v1/region-tags").await.error(409, "conflict");
    assert_eq!(post(&state, &act("cancel"), json!({})).await.status.as_u16(), 200);
    let job = finished(&state, &job["id"]).await;
    assert_eq!((&job["state"], &job["kind"]), (&json!("cancelled"), &json!("tag_regions")), "{job}");
}
