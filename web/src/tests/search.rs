//! Search and what belongs to it.

use std::collections::HashSet;

use actix_web::test::TestRequest;
use glimpse_nonempty::Every as _;
use serde_json::{Value, json};

use super::*;

fn ids(page: &Value) -> Vec<u64> {
    page["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_u64().unwrap()).collect()
}

#[actix_web::test]
async fn words_find_with_records_or_with_tiles() {
    let state = shelf();
    let page = get(&state, "/api/v1/search?q=blue&mode=words&limit=7").await.good();
    assert_eq!((ids(&page).len(), page["accepted"].as_u64(), page["searched"].as_u64()), (7, Some(20), Some(40)));
    assert!(page["hits"][0]["path"].as_str().unwrap().contains("blue"));
    let tiles = post(&state, "/api/v1/search", json!({"terms": [{"text": "blue"}], "mode": "words"})).await.good();
    assert_eq!(ids(&tiles).len(), 20);
    let tile = &tiles["hits"][0];
    assert_eq!((tile["width"].as_u64(), tile["height"].as_u64()), (Some(90), Some(60)));
    assert!(tile["path"].is_null(), "details come on demand");
}

#[actix_web::test]
async fn an_image_that_is_gone_is_left_out_of_what_is_asked_with_others() {
    let state = shelf();
    let ask = async |terms: Value| post(&state, "/api/v1/search", json!({"terms": terms})).await;
    let both = ask(json!([{"image": 1, "weight": 0.5}, {"image": 999, "weight": 0.5}])).await.good();
    let alone = ask(json!([{"image": 1, "weight": 0.5}])).await.good();
    assert_eq!((&both["gone"], &alone["gone"]), (&json!(1), &json!(0)));
    assert!(!ids(&both).is_empty() && ids(&both) == ids(&alone), "{both}");
    for terms in [json!([{"image": 999}]), json!([{"image": 998}, {"image": 999}])] {
        let answer = ask(terms).await;
        assert_eq!(answer.json()["reason_code"], "examples_gone");
        answer.error(404, "not_found");
    }
}

#[actix_web::test]
async fn few_sure_hits_are_followed_by_the_closest_others() {
    let state = shelf();
    let ask = async |depth: Value| {
        let body = json!({"terms": [{"text": "an owl at night"}], "mode": "semantic", "depth": depth});
        post(&state, "/api/v1/search", body).await.good()
    };
    let (strict, usual, all) = (ask(json!("strict")).await, ask(json!("usual")).await, ask(json!("all")).await);
    let number = |page: &Value, name: &str| page[name].as_u64().unwrap() as usize;
    for page in [&strict, &usual, &all] {
        assert_eq!(number(page, "accepted"), number(page, "strong") + number(page, "likely"));
        assert_eq!(number(page, "accepted") + number(page, "weaker"), 40);
    }
    let accepted = number(&usual, "accepted");
    assert_eq!((ids(&strict).len(), ids(&all).len()), (accepted, 40));
    assert_eq!(ids(&usual).len(), if accepted < 6 { 12 } else { accepted });
    let old = get(&state, "/api/v1/search?q=an+owl+at+night&mode=semantic&all=true").await.good();
    assert_eq!(ids(&old), ids(&all), "the older name of the same");
    let typed = get(&state, "/api/v1/search?q=blue+-+green&limit=40&depth=all").await.good();
    let parts = json!({"terms": [{"text": "blue"}, {"text": "green", "weight": -1}], "depth": "all"});
    assert_eq!(ids(&typed), ids(&post(&state, "/api/v1/search", parts).await.good()), "signs that are typed");
}

#[actix_web::test]
async fn a_text_that_asks_about_things_comes_with_its_form() {
    let state = shelf();
    let page = get(&state, "/api/v1/search?q=two+dogs").await.good();
    assert_eq!(page["find"], "at least 2 dogs");
    assert!(get(&state, "/api/v1/search?q=a+blue+wall").await.good()["find"].is_null());
}

#[actix_web::test]
async fn pages_neither_repeat_nor_lose_an_image() {
    let state = shelf();
    let mut seen = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let page = post(&state, "/api/v1/search", json!({"limit": 7, "cursor": cursor})).await.good();
        seen.extend(ids(&page));
        cursor = page["next"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!((seen.len(), seen.iter().collect::<HashSet<_>>().len()), (40, 40));
    // The cursor alone is enough while the result set is remembered.
    let first =
        post(&state, "/api/v1/search", json!({"terms": [{"text": "red"}], "mode": "words", "limit": 5})).await.good();
    let next = post(&state, "/api/v1/search", json!({"cursor": first["next"], "limit": 5})).await.good();
    assert!(ids(&next).len() == 5 && ids(&next).iter().every(|id| !ids(&first).contains(id)));
}

#[actix_web::test]
async fn filters_and_order_are_kept() {
    let state = shelf();
    let cold = SHELF.images.join("cold");
    let page = post(&state, "/api/v1/search", json!({"filter": {"folders": [cold]}, "sort": "oldest"})).await.good();
    assert_eq!(ids(&page).len(), 20);
    let page = post(&state, "/api/v1/search", json!({"filter": {"formats": ["png"]}})).await.good();
    assert_eq!(ids(&page).len(), 20);
    let page = post(&state, "/api/v1/search", json!({"filter": {"after": "2020"}})).await.good();
    assert_eq!((ids(&page).len(), page["searched"].as_u64()), (0, Some(0)), "none has a date");
}

#[actix_web::test]
async fn an_uploaded_image_is_a_term() {
    let state = shelf();
    let bytes = std::fs::read(SHELF.images.join("warm/red 03.png")).unwrap();
    let request = || TestRequest::post().uri("/api/v1/uploads").insert_header(("Content-Type", "image/png"));
    let sent = ask(&state, request().set_payload(bytes.clone())).await;
    assert_eq!(sent.status.as_u16(), 201);
    let sent = sent.json();
    let (key, size) = (sent["key"].as_str().unwrap(), sent["bytes"].as_u64());
    assert_eq!((sent["width"].as_u64(), size), (Some(90), Some(bytes.len() as u64)));

    let body = json!({"terms": [{"upload": key}], "all": true, "limit": 3});
    let page = post(&state, "/api/v1/search", body).await.good();
    let best = get(&state, &format!("/api/v1/images/{}", ids(&page)[0])).await.good();
    assert!(best["path"].as_str().unwrap().ends_with("red 03.png"), "{best}");
    let mixed = json!({"terms": [{"upload": key, "weight": 0.5}, {"text": "blue", "weight": -1}], "all": true});
    assert_eq!(ids(&post(&state, "/api/v1/search", mixed).await.good()).len(), 40);

    let small = get(&state, &format!("/api/v1/uploads/{key}/thumbnail")).await;
    assert_eq!(small.header("content-type"), "image/jpeg");
    let known = ("If-None-Match", small.header("etag").to_owned());
    let again = TestRequest::get().uri(&format!("/api/v1/uploads/{key}/thumbnail")).insert_header(known);
    let again = ask(&state, again).await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    get(&state, "/api/v1/uploads/0123/thumbnail").await.error(404, "not_found");
    post(&state, "/api/v1/search", json!({"terms": [{"upload": "0123"}]})).await.error(404, "not_found");
}

#[actix_web::test]
async fn images_like_one_need_no_model() {
    let state = shelf();
    let id = ids(&get(&state, "/api/v1/search?q=red+05&mode=words&limit=1").await.good())[0];
    let page = get(&state, &format!("/api/v1/images/{id}/similar?all=true&limit=5")).await.good();
    assert!(ids(&page).len() == 5 && !ids(&page).contains(&id));
    get(&state, "/api/v1/images/999/similar").await.error(404, "not_found");
}

#[actix_web::test]
async fn near_duplicates_are_told() {
    let state = shelf();
    let page = post(&state, "/api/v1/search", json!({"limit": 40})).await.good();
    let hits = page["hits"].as_array().unwrap();
    let stacked: Vec<_> = hits.iter().filter(|hit| !hit["stack"].is_null()).collect();
    assert!(!stacked.is_empty(), "plain colours are nearly the same");
    let place = |id: &Value| hits.iter().position(|hit| hit["id"] == *id).unwrap();
    assert!(stacked.iter().every(|hit| place(&hit["stack"]) < place(&hit["id"])), "on a better one");
}

#[actix_web::test]
async fn what_needs_the_model_is_refused_at_once_while_it_loads_and_the_rest_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    (0..4u8).for_each(|n| draw(&images.join(format!("red {n}.png")), [n * 60, 9, 30]));
    index(&engine(folder.path()), &images);
    let state = empty(&folder); // the same library, and no model in memory
    state.begin_loading();
    for (path, body) in [
        ("/api/v1/search", json!({"terms": [{"text": "red"}]})),
        ("/api/v1/find", json!({"q": "red"})),
        ("/api/v1/similar", json!({"image": 0, "box": {"x": 1, "y": 1, "width": 40, "height": 40}})),
        ("/api/v1/ground", json!({"image": 0, "texts": ["red"]})),
        ("/api/v1/caption", json!({"image": 0})),
        ("/api/v1/tag", json!({"labels": ["red"]})),
    ] {
        let early = post(&state, path, body).await;
        assert!(early.error(503, "not_ready").contains("loaded"), "{path}");
        assert_eq!(early.header("retry-after"), "1", "{path}");
    }
    assert_eq!(get(&state, "/api/v1/health").await.good()["model"]["state"], "loading");
    let words = get(&state, "/api/v1/search?q=red&mode=words").await.good();
    assert_eq!(ids(&words).len(), 4);
    let like = get(&state, &format!("/api/v1/images/{}/similar?all=true", ids(&words)[0])).await.good();
    assert_eq!(ids(&like).len(), 3);

    let mut opened = None;
    state.warm_up(|library| opened = library.ok());
    assert_eq!(opened, Some(4));
    assert_eq!(get(&state, "/api/v1/health").await.good()["model"]["state"], "ready");
    assert_eq!(ids(&get(&state, "/api/v1/search?q=red&all=true").await.good()).len(), 4);
}
