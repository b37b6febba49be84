//! Finding, grounding, regions and heatmaps. What the model finds is its own affair: these tests
//! ask for everything, or for what does not depend on it.

use actix_web::test::TestRequest;
use glimpse_engine::RegionOptions;
use glimpse_nonempty::{Every as _, each, if_any};
use serde_json::{Value, json};

use super::*;

fn hits(page: &Value) -> &[Value] {
    page["hits"].as_array().unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Every box lies within its image, is of a thing that was asked for, and has a score.
fn check_boxes(boxes: &Value, (width, height): (f64, f64), things: usize) {
    for found in if_any(boxes.as_array().unwrap()) {
        let side = |name: &str| number(&found[name]);
        assert!(side("x") >= 0.0 && side("width") > 0.0 && side("x") + side("width") <= width + 0.01, "{found}");
        assert!(side("y") >= 0.0 && side("height") > 0.0 && side("y") + side("height") <= height + 0.01, "{found}");
        assert!((0.0..=1.0).contains(&side("score")) && (0.0..=1.0).contains(&side("area")), "{found}");
        assert!((found["thing"].as_u64().unwrap() as usize) < things.max(1), "{found}");
    }
}

async fn some_image(state: &web::Data<AppState>) -> Value {
    get(state, "/api/v1/search?q=blue+07&mode=words&limit=1").await.good()["hits"][0].clone()
}

async fn upload(state: &web::Data<AppState>, name: &str) -> String {
    let bytes = std::fs::read(SHELF.images.join(name)).unwrap();
    let request = TestRequest::post().uri("/api/v1/uploads").insert_header(("Content-Type", "image/png"));
    ask(state, request.set_payload(bytes)).await.json()["key"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn things_are_found_with_boxes_as_records_or_as_tiles() {
    let state = shelf();
    let page = get(&state, "/api/v1/find?q=a+blue+wall&all=true&limit=7").await.good();
    assert_eq!(
        (hits(&page).len(), page["searched"].as_u64(), page["without_regions"].as_u64()),
        (7, Some(40), Some(0))
    );
    assert_eq!(page["form"], json!({"things": [{"text": "a blue wall", "at_least": 1}]}));
    for hit in each(hits(&page)) {
        assert!(hit["path"].is_string() && !hit["boxes"].as_array().unwrap().is_empty(), "{hit}");
        check_boxes(&hit["boxes"], (90.0, 60.0), 1);
    }
    let body = json!({"things": [{"text": "a blue wall"}], "all": true, "limit": 7});
    let tiles = post(&state, "/api/v1/find", body).await.good();
    let of = |page: &Value| hits(page).iter().map(|hit| (hit["id"].clone(), hit["boxes"].clone())).collect::<Vec<_>>();
    assert_eq!(of(&tiles), of(&page), "the same question");
    assert!(hits(&tiles)[0]["path"].is_null() && hits(&tiles)[0]["width"] == 90, "details come on demand");
}

#[actix_web::test]
async fn a_form_that_no_image_fulfils_shows_what_comes_closest() {
    let state = shelf();
    let q = "owl+left+of+lantern+inside+piano";
    let usual = get(&state, &format!("/api/v1/find?q={q}")).await.good();
    let strict = get(&state, &format!("/api/v1/find?q={q}&depth=strict")).await.good();
    let accepted = usual["accepted"].as_u64().unwrap() as usize;
    assert!(accepted < 6, "{usual}");
    assert_eq!((hits(&usual).len(), hits(&strict).len()), (12, accepted));
    assert_eq!(usual["weaker"], 40 - accepted);
    assert!(hits(&usual)[accepted..].iter().every(|hit| hit["strength"] == "weak" && hit["boxes"][0].is_object()));
}

#[actix_web::test]
async fn a_form_in_parts_and_a_typed_one_join() {
    let state = shelf();
    let relation = json!([{"first": 1, "is": "left-of", "second": 0}]);
    let things = json!([{"text": "a line", "at_least": 2, "at_most": 3}, {"text": "a wall"}]);
    let body = json!({"q": "door above roof, no cat", "things": things, "without": ["dog"], "relations": relation});
    let form = post(&state, "/api/v1/find", body).await.good()["form"].clone();
    let texts: Vec<_> =
        form["things"].as_array().unwrap().iter().map(|thing| thing["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["a line", "a wall", "door", "roof"]);
    assert_eq!((&form["things"][0]["at_most"], &form["without"]), (&json!(3), &json!(["dog", "cat"])));
    let above = json!({"first": 2, "is": "above", "second": 3});
    assert_eq!(form["relations"], json!([relation[0], above]), "places move along");
}

#[actix_web::test]
async fn pages_go_on_and_bounds_hold() {
    let state = shelf();
    let body = |cursor: &Value| json!({"q": "wall", "all": true, "limit": 15, "max_boxes": 1, "cursor": cursor});
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let page = post(&state, "/api/v1/find", body(&cursor)).await.good();
        assert!(hits(&page).iter().every(|hit| hit["boxes"].as_array().unwrap().len() == 1));
        seen.extend(hits(&page).iter().map(|hit| hit["id"].as_u64().unwrap()));
        cursor = page["next"].clone();
        if cursor.is_null() {
            break;
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 40);
    let large = post(&state, "/api/v1/find", json!({"q": "wall", "all": true, "min_area": 0.6})).await.good();
    let areas =
        hits(&large).iter().flat_map(|hit| hit["boxes"].as_array().unwrap()).map(|found| number(&found["area"]));
    assert!(areas.into_iter().every(|area| area >= 0.6));
    let cold = json!({"q": "wall", "all": true, "filter": {"folders": [SHELF.images.join("cold")]}});
    assert_eq!(post(&state, "/api/v1/find", cold).await.good()["searched"], 20);
    let fine = json!({"q": "wall", "all": true, "fine": true, "limit": 2});
    let fine = post(&state, "/api/v1/find", fine).await.good();
    hits(&fine).iter().for_each(|hit| check_boxes(&hit["boxes"], (90.0, 60.0), 1));
}

#[actix_web::test]
async fn regions_like_a_part_of_an_image_are_found() {
    let state = shelf();
    let image = some_image(&state).await;
    let part = json!({"x": 10, "y": 5.5, "width": 1000, "height": 30});
    let body = json!({"image": image["id"], "box": part, "all": true, "limit": 40});
    let page = post(&state, "/api/v1/similar", body).await.good();
    assert!(!hits(&page).is_empty() && hits(&page).iter().every(|hit| hit["id"] != image["id"]), "not itself");
    hits(&page).iter().for_each(|hit| check_boxes(&hit["boxes"], (90.0, 60.0), 0));

    let key = upload(&state, "warm/red 03.png").await;
    for part in [Value::Null, part] {
        let body = json!({"upload": key, "box": part, "all": true, "limit": 5});
        let page = post(&state, "/api/v1/similar", body).await.good();
        let next = json!({"upload": key, "box": part, "all": true, "limit": 5, "cursor": page["next"]});
        let more = post(&state, "/api/v1/similar", next).await.good();
        assert!(hits(&more).iter().every(|hit| !hits(&page).iter().any(|other| other["id"] == hit["id"])));
    }
}

#[actix_web::test]
async fn one_image_is_grounded() {
    let state = shelf();
    let image = some_image(&state).await;
    let key = upload(&state, "warm/red 03.png").await;
    for asked in [json!({"image": image["id"]}), json!({"upload": key})] {
        let mut body = asked.clone();
        body["texts"] = json!(["a blue wall", "ein roter Hund"]);
        let plain = post(&state, "/api/v1/ground", body.clone()).await.good();
        assert_eq!((plain["width"].as_u64(), plain["things"].as_array().unwrap().len()), (Some(90), 2));
        assert!(plain["things"][0]["heatmap"].is_null());
        (body["heatmap"], body["all"]) = (json!(true), json!(true));
        let whole = post(&state, "/api/v1/ground", body).await.good();
        let things = whole["things"].as_array().unwrap();
        for (at, thing) in each(things.iter().enumerate()) {
            check_boxes(&thing["boxes"], (90.0, 60.0), 2);
            assert!(if_any(thing["boxes"].as_array().unwrap()).all(|found| found["thing"] == at));
            let cells = thing["heatmap"]["rows"].as_u64().unwrap() * thing["heatmap"]["cols"].as_u64().unwrap();
            let scores = thing["heatmap"]["scores"].as_array().unwrap();
            assert!(scores.len() as u64 == cells && scores.iter().every(|score| (0.0..=1.0).contains(&number(score))));
        }
    }
}

#[actix_web::test]
async fn stored_regions_are_nested_and_cover_the_image() {
    let state = shelf();
    let image = some_image(&state).await;
    let map = get(&state, &format!("/api/v1/images/{}/regions", image["id"])).await.good();
    let (rows, cols) = (map["rows"].as_u64().unwrap(), map["cols"].as_u64().unwrap());
    let labels: Vec<u64> = map["labels"].as_array().unwrap().iter().map(|label| label.as_u64().unwrap()).collect();
    assert_eq!(labels.len() as u64, rows * cols);
    let regions = map["regions"].as_array().unwrap();
    let widest = regions.iter().map(|region| number(&region["area"])).fold(0.0, f64::max);
    assert!((widest - 1.0).abs() < 1e-6, "the last merge is the whole image");
    for region in each(regions) {
        let leaves: Vec<u64> = region["leaves"].as_array().unwrap().iter().map(|leaf| leaf.as_u64().unwrap()).collect();
        let share = labels.iter().filter(|label| leaves.contains(label)).count() as f64 / labels.len() as f64;
        assert!((share - number(&region["area"])).abs() < 1e-6, "{region}");
    }
    get(&state, "/api/v1/images/999/regions").await.error(404, "not_found");
}

#[actix_web::test]
async fn heatmaps_are_drawn_once_and_kept_by_browsers() {
    let state = shelf();
    let image = some_image(&state).await;
    let path = format!("/api/v1/images/{}/heatmap?text=a+blue+wall&size=160", image["id"]);
    let drawn = get(&state, &path).await;
    assert_eq!((drawn.header("content-type"), drawn.header("cache-control")), ("image/png", "private, no-cache"));
    let pixels = image::load_from_memory(&drawn.body).unwrap();
    assert_eq!((pixels.width(), pixels.height(), pixels.color().has_alpha()), (160, 107, true));
    let tag = drawn.header("etag").to_owned();
    let again = ask(&state, TestRequest::get().uri(&path).insert_header(("If-None-Match", tag.clone()))).await;
    assert_eq!((again.status.as_u16(), again.body.len(), again.header("etag")), (304, 0, tag.as_str()));
    assert_eq!(get(&state, &path).await.body, drawn.body);
    let other = get(&state, &path.replace("blue", "red")).await;
    assert_ne!(other.header("etag"), tag, "another text, another map");
    for wrong in ["", "?text=", "?text=%20", "?text=a&size=17", "?text=a&size=-1", "?text=a&colour=red"] {
        let answer = get(&state, &format!("/api/v1/images/{}/heatmap{wrong}", image["id"])).await;
        answer.error(400, "bad_request");
    }
    get(&state, "/api/v1/images/999/heatmap?text=a").await.error(404, "not_found");
}

#[actix_web::test]
async fn a_library_without_regions_says_so_and_gets_them() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    (0..3u8).for_each(|n| draw(&images.join(format!("{n}.png")), [n * 60, 90, 30]));
    let engine = engine(folder.path());
    let regions = RegionOptions { make: false, ..RegionOptions::default() };
    let options = IngestOptions { roots: vec![images], regions, ..IngestOptions::default() };
    engine.index(&options, &AtomicBool::new(false), &mut Silent).unwrap();
    let state = state_of(&engine, Limits::default());
    let id = get(&state, "/api/v1/search?limit=1").await.good()["hits"][0]["id"].clone();
    let message = get(&state, "/api/v1/find?q=wall").await.error(409, "no_regions");
    assert!(message.contains("without regions"), "{message}");
    post(&state, "/api/v1/similar", json!({"image": id})).await.error(409, "no_regions");
    get(&state, &format!("/api/v1/images/{id}/regions")).await.error(409, "no_regions");
    get(&state, &format!("/api/v1/images/{id}/heatmap?text=wall")).await.error(409, "no_regions");
    let grounded = post(&state, "/api/v1/ground", json!({"image": id, "texts": ["wall"]})).await.good();
    assert_eq!(grounded["width"], 90, "one image needs no library");

    let job = post(&state, "/api/v1/jobs", json!({"regions": true})).await.good();
    jobs::finished(&state, &job["id"]).await;
    assert_eq!(get(&state, "/api/v1/find?q=wall&all=true").await.good()["searched"], 3);
}

#[actix_web::test]
async fn images_are_described_by_models_that_can() {
    let state = shelf();
    let id = some_image(&state).await["id"].clone();
    let languages = state.engine.caption_languages().unwrap();
    let answer = post(&state, "/api/v1/caption", json!({"image": id, "count": 3})).await;
    if languages.is_empty() {
        let message = answer.error(409, "no_decoder");
        assert!(message.contains("decoder"), "{message}");
        return;
    }
    let whole = answer.good();
    let captions = whole["captions"].as_array().unwrap();
    assert!(!captions.is_empty() && captions.len() <= 3, "{whole}");
    assert!(captions.iter().every(|said| (0.0..=1.0).contains(&number(&said["probability"])) && said["box"].is_null()));
    let key = upload(&state, "warm/red 03.png").await;
    let part = json!({"x": 10, "y": 10, "width": 40, "height": 200});
    let body = json!({"upload": key, "box": part, "language": languages.last()});
    let said = post(&state, "/api/v1/caption", body).await.good();
    assert_eq!((&said["captions"][0]["box"]["height"], said["width"].as_u64()), (&json!(50.0), Some(90)));
    post(&state, "/api/v1/caption", json!({"image": id, "parts": true, "count": 4})).await.good();
    for wrong in [
        json!({"image": id, "count": 0}),
        json!({"image": id, "count": 17}),
        json!({"image": id, "language": "tlh"}),
        json!({"image": id, "parts": true, "box": part}),
        json!({"image": id, "box": {"x": 0, "y": 0, "width": -1, "height": 5}}),
        json!({"count": 1}),
    ] {
        post(&state, "/api/v1/caption", wrong).await.error(400, "bad_request");
    }
    post(&state, "/api/v1/caption", json!({"image": 999})).await.error(404, "not_found");
}

#[actix_web::test]
async fn hostile_questions_are_answered_in_words() {
    let state = shelf();
    let thing = |thing: Value| json!({ "things": [thing] });
    for body in [
        json!({}),
        json!({"q": "  "}),
        json!({"q": "dog and"}),
        json!({"q": "no cat"}),
        json!({"q": "\"dog"}),
        json!({"q": 5}),
        json!({"things": "dog"}),
        json!({"things": []}),
        thing(json!({})),
        thing(json!({"text": " "})),
        thing(json!({"text": "a".repeat(16 * 1024 + 1)})),
        thing(json!({"text": "a", "at_least": 0})),
        thing(json!({"text": "a", "at_least": 11})),
        thing(json!({"text": "a", "at_least": 3, "at_most": 2})),
        thing(json!({"text": "a", "at_least": -1})),
        thing(json!({"text": "a", "colour": "red"})),
        json!({"things": vec![json!({"text": "a"}); 9]}),
        json!({"q": "a", "without": vec!["b"; 9]}),
        json!({"q": "a", "without": [""]}),
        json!({"q": "a", "relations": [{"first": 0, "is": "above", "second": 1}]}),
        json!({"q": "a, b", "relations": [{"first": 0, "is": "above", "second": 0}]}),
        json!({"q": "a, b", "relations": [{"first": 0, "is": "near", "second": 1}]}),
        json!({"q": "a, b", "relations": [{"first": 18446744073709551615u64, "is": "above", "second": 1}]}),
        json!({"q": "a", "min_area": -0.1}),
        json!({"q": "a", "min_area": 1.5}),
        json!({"q": "a", "max_boxes": 0}),
        json!({"q": "a", "max_boxes": 64}),
        json!({"q": "a", "limit": 0}),
        json!({"q": "a", "limit": 5001}),
        json!({"q": "a", "limit": 51, "fine": true}),
        json!({"q": "a", "cursor": "zz"}),
        json!({"q": "a", "filter": {"after": "soon"}}),
        json!({"q": "a", "box": {"x": 0, "y": 0, "width": 1, "height": 1}}),
    ] {
        let answer = post(&state, "/api/v1/find", body.clone()).await;
        // What is typed has a code of its own.
        let code = if answer.json()["code"] == "bad_form" { "bad_form" } else { "bad_request" };
        assert!(!answer.error(400, code).is_empty(), "{body}");
    }
    for query in ["?q=", "?q=dog+left+of", "?q=2%2B"] {
        get(&state, &format!("/api/v1/find{query}")).await.error(400, "bad_form");
    }
    for query in ["", "?q=a&limit=201", "?q=a&min_area=nan", "?q=a&max_boxes=x", "?q=a&q=b", "?q=a&x=1"] {
        get(&state, &format!("/api/v1/find{query}")).await.error(400, "bad_request");
    }

    let id = some_image(&state).await["id"].clone();
    let part = |x: f64, y: f64, width: f64, height: f64| json!({"x": x, "y": y, "width": width, "height": height});
    for body in [
        json!({}),
        json!({"image": id, "upload": "ab"}),
        json!({"image": -1}),
        json!({"image": id, "box": []}),
        json!({"image": id, "box": {"x": 0, "y": 0, "width": 5}}),
        json!({"image": id, "box": part(0.0, 0.0, 0.0, 5.0)}),
        json!({"image": id, "box": part(0.0, 0.0, -5.0, 5.0)}),
        json!({"image": id, "box": part(90.0, 0.0, 5.0, 5.0)}),
        json!({"image": id, "box": part(-1e38, 0.0, 5.0, 5.0)}),
        json!({"image": id, "texts": ["a"]}),
    ] {
        post(&state, "/api/v1/similar", body.clone()).await.error(400, "bad_request");
    }
    for body in [
        json!({"image": id}),
        json!({"image": id, "texts": []}),
        json!({"image": id, "texts": [""]}),
        json!({"image": id, "texts": vec!["a"; 9]}),
        json!({"image": id, "texts": ["a".repeat(16 * 1024 + 1)]}),
        json!({"image": id, "texts": ["a"], "detail": 0}),
        json!({"image": id, "texts": ["a"], "detail": 1e30}),
        json!({"texts": ["a"]}),
    ] {
        post(&state, "/api/v1/ground", body.clone()).await.error(400, "bad_request");
    }
    for (path, body) in [
        ("/api/v1/similar", json!({"image": 999})),
        ("/api/v1/similar", json!({"upload": "0123"})),
        ("/api/v1/ground", json!({"upload": "0123", "texts": ["a"]})),
        ("/api/v1/ground", json!({"image": 999, "texts": ["a"]})),
    ] {
        post(&state, path, body).await.error(404, "not_found");
    }
}

#[actix_web::test]
async fn the_model_looks_at_few_images_at_a_time() {
    let state = state_of(&SHELF.engine, Limits { looks: 0, ..Limits::default() });
    let id = some_image(&state).await["id"].clone();
    let ground = json!({"image": id, "texts": ["a"]});
    let held = occupy(&state, |state| &state.looks, 2).await;
    post(&state, "/api/v1/ground", ground.clone()).await.error(503, "busy");
    get(&state, "/api/v1/search?q=red&mode=words").await.good(); // others are not held up
    held.free().await;
    soon(async || post(&state, "/api/v1/ground", ground.clone()).await).await.good();
}
