//! Segmenting. What the model finds is its own affair: these tests take every pixel that has a
//! score at all.

use actix_web::test::TestRequest;
use glimpse_engine::Mask;
use glimpse_nonempty::{Every as _, each};
use serde_json::{Value, json};

use super::*;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

async fn segmented(state: &web::Data<AppState>, body: Value) -> Value {
    post(state, "/api/v1/segment", body).await.good()
}

#[actix_web::test]
async fn pixels_of_an_image_have_labels_and_masks() {
    let state = shelf();
    let image = get(&state, "/api/v1/search?q=blue+07&mode=words&limit=1").await.good()["hits"][0]["id"].clone();
    let bytes = std::fs::read(SHELF.images.join("warm/red 03.png")).unwrap();
    let sent = TestRequest::post().uri("/api/v1/uploads").insert_header(("Content-Type", "image/png"));
    let key = ask(&state, sent.set_payload(bytes)).await.json()["key"].clone();
    for asked in [json!({"image": image}), json!({"upload": key})] {
        let mut body = asked.clone();
        (body["labels"], body["min_score"]) = (json!(["a blue wall", "ein roter Ball", "sky"]), json!(0));
        let found = segmented(&state, body.clone()).await;
        assert_eq!((found["width"].as_u64(), found["height"].as_u64()), (Some(90), Some(60)));
        let labels = found["labels"].as_array().unwrap();
        assert_eq!(labels.len(), 3);
        assert_eq!((&labels[1]["label"], &labels[1]["is_thing"]), (&json!("ein roter Ball"), &json!(true)));
        assert_eq!(labels[2]["is_thing"], false);
        let shares: f64 = labels.iter().map(|label| number(&label["area"])).sum();
        assert!((shares + number(&found["unlabelled"]) - 1.0).abs() < 1e-4, "{found}");
        assert!(
            labels.iter().every(|label| label["colour"].is_string() == (number(&label["area"]) > 0.0)),
            "{labels:?}"
        );
        let segments = found["segments"].as_array().unwrap();
        for segment in each(segments) {
            let rle = &segment["rle"];
            assert_eq!(rle["size"], json!([60, 90]));
            let mask = Mask::from_coco_text(90, 60, rle["counts"].as_str().unwrap()).unwrap();
            assert!((mask.area() as f64 / 5400.0 - number(&segment["area"])).abs() < 1e-5, "{segment}");
            let [x, y, width, height] = mask.bounds().map(f64::from);
            let side = |name: &str| number(&segment[name]);
            assert!((side("x") - x).abs() < 0.01 && (side("y") - y).abs() < 0.01, "{segment}");
            assert!((side("width") - width).abs() < 0.01 && (side("height") - height).abs() < 0.01, "{segment}");
            assert!(segment["label"].as_u64().unwrap() < 3);
        }
        (body["size"], body["masks"], body["panoptic"]) = (json!(45), json!("map"), json!(true));
        let small = segmented(&state, body.clone()).await;
        assert!(
            small["segments"].as_array().unwrap().iter().every(|segment| segment["rle"]["size"] == json!([30, 45]))
        );
        body["masks"] = json!("none");
        let bare = segmented(&state, body).await;
        assert!(bare["segments"].as_array().unwrap().iter().every(|segment| segment["rle"].is_null()));
    }
}

#[actix_web::test]
async fn what_cannot_be_segmented_says_why() {
    let state = shelf();
    let one = json!({"image": 1, "labels": ["wall"]});
    let wrong = [
        json!({"labels": ["wall"]}),
        json!({"image": 1, "upload": "x", "labels": ["wall"]}),
        json!({"image": 1, "labels": ["wall", " "]}),
        json!({"image": 1, "labels": vec!["wall"; 201]}),
        json!({"image": 1, "labels": ["wall"], "stuff": [""]}),
        json!({"image": 1, "labels": ["wall"], "size": 5}),
        json!({"image": 1, "labels": ["wall"], "size": 5000}),
        json!({"image": 1, "labels": ["wall"], "detail": 9}),
        json!({"image": 1, "labels": ["wall"], "min_score": 1.5}),
        json!({"image": 1, "labels": ["wall"], "masks": "huge"}),
        json!({"image": 1, "label": ["wall"]}),
    ];
    for body in each(&wrong) {
        post(&state, "/api/v1/segment", body.clone()).await.error(400, "bad_request");
    }
    let message = post(&state, "/api/v1/segment", json!({"image": 1})).await.error(400, "bad_request");
    assert!(message.contains("keywords"), "{message}");
    post(&state, "/api/v1/segment", json!({"image": 999, "labels": ["wall"]})).await.error(404, "not_found");
    post(&state, "/api/v1/segment", json!({"upload": "none", "labels": ["wall"]})).await.error(404, "not_found");
    let none = post(&state, "/api/v1/segment", one).await.good();
    assert_eq!(none["labels"].as_array().unwrap().len(), 1);
}
