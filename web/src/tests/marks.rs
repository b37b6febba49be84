//! Hidden images and tags of one's own.

use serde_json::json;

use super::albums::{library, opened};
use super::*;

fn id_of(state: &AppState, home: &TempDir, name: &str) -> u64 {
    let path = home.path().canonicalize().unwrap().join("images").join(name);
    state.engine.image_at(&path).unwrap().unwrap().0
}

async fn count(state: &web::Data<AppState>, query: Value) -> usize {
    post(state, "/api/v1/search", query).await.good()["hits"].as_array().unwrap().len()
}

#[actix_web::test]
async fn hidden_images_are_left_out_of_everything_but_what_asks_for_them() {
    let (home, state) = library();
    let hidden = id_of(&state, &home, "blue 1.png");
    let album = post(&state, "/api/v1/albums", json!({"name": "all", "images": [hidden]})).await.good()["id"].clone();
    let counts = async |hidden: bool| {
        let flag = if hidden { "?hidden=1" } else { "" };
        let filter = if hidden { json!({"hidden": true}) } else { json!({}) };
        let timeline = post(&state, "/api/v1/timeline", json!({"filter": filter})).await.good();
        let facets = get(&state, &format!("/api/v1/facets{flag}")).await.good();
        let words = json!({"terms": [{"text": "blue"}], "mode": "words", "filter": filter});
        let looks = json!({"terms": [{"text": "blue"}], "filter": filter, "all": true});
        [
            count(&state, json!({"filter": filter})).await,
            count(&state, words).await,
            count(&state, looks).await,
            timeline["count"].as_u64().unwrap() as usize,
            facets["formats"][0]["images"].as_u64().unwrap_or_default() as usize,
        ]
    };
    assert_eq!(counts(false).await, [6, 3, 6, 6, 6]);
    assert_eq!(counts(true).await, [0, 0, 0, 0, 0]);
    let set = async |body: Value| post(&state, "/api/v1/hidden", body).await;
    assert_eq!(set(json!({"add": [hidden, hidden]})).await.good(), json!({"count": 1}));
    assert_eq!(counts(false).await, [5, 2, 5, 5, 5], "no answer is remembered for too long");
    assert_eq!(counts(true).await, [1, 1, 1, 1, 1]);
    let albums = get(&state, "/api/v1/albums").await.good();
    assert_eq!((&albums["albums"][0]["id"], &albums["albums"][0]["count"]), (&album, &json!(0)));
    let record = async || get(&state, &format!("/api/v1/images/{hidden}")).await.good()["hidden"].clone();
    assert_eq!(record().await, json!(true), "it can be opened");
    assert_eq!(count(&state, json!({"terms": [{"image": hidden}], "all": true})).await, 5, "and searched with");
    assert_eq!(set(json!({"remove": [hidden]})).await.good(), json!({"count": 0}));
    assert_eq!((record().await, counts(false).await), (json!(false), [6, 3, 6, 6, 6]));
    set(json!({"add": [hidden, 999]})).await.error(404, "not_found");
    set(json!({"more": []})).await.error(400, "bad_request");
    get(&state, "/api/v1/search?hidden=maybe").await.error(400, "bad_request");
}

#[actix_web::test]
async fn tags_count_as_keywords_and_stay_with_the_content() {
    let (home, state) = library();
    let (a, b) = (id_of(&state, &home, "blue 1.png"), id_of(&state, &home, "red 2.png"));
    let set = async |body: Value| post(&state, "/api/v1/tags", body).await;
    let tagged = set(json!({"images": [a, b], "add": [" Tante Rosa ", "tante rosa", "party"]})).await;
    assert_eq!(tagged.good(), json!({"changed": 2}));
    assert_eq!(set(json!({"images": [a], "add": ["PARTY"], "remove": ["blue"]})).await.good(), json!({"changed": 0}));
    assert_eq!(set(json!({"images": [b], "remove": ["Party"]})).await.good(), json!({"changed": 1}));
    let of = async |state: &web::Data<AppState>, id: u64| {
        let record = get(state, &format!("/api/v1/images/{id}")).await.good();
        (record["keywords"].clone(), record["own_tags"].clone())
    };
    let both = json!(["Tante Rosa", "party"]);
    assert_eq!(of(&state, a).await, (both.clone(), both.clone()));
    assert_eq!(of(&state, b).await.0, json!(["Tante Rosa"]));
    let tags = get(&state, "/api/v1/tags").await.good()["tags"].clone();
    assert_eq!((&tags[0]["tag"], &tags[0]["images"]), (&json!("Tante Rosa"), &json!(2)));
    assert_eq!(count(&state, json!({"filter": {"tags": ["PARTY"]}})).await, 1);
    assert_eq!(count(&state, json!({"terms": [{"text": "rosa"}], "mode": "words"})).await, 2);

    // A moved file, a sidecar that is new, and a library that is made anew.
    drop(state);
    let images = home.path().join("images");
    std::fs::rename(images.join("blue 1.png"), images.join("moved.png")).unwrap();
    let sidecar = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
        <rdf:Description xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:subject><rdf:Bag><rdf:li>lake</rdf:li></rdf:Bag>\
        </dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>";
    std::fs::write(images.join("moved.png.xmp"), sidecar).unwrap();
    let state = opened(&home);
    let a = id_of(&state, &home, "moved.png");
    assert_eq!(of(&state, a).await, (json!(["lake", "Tante Rosa", "party"]), both.clone()));
    drop(state);
    for generation in std::fs::read_dir(home.path().join("home/library")).unwrap() {
        let path = generation.unwrap().path();
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        }
    }
    std::fs::remove_file(home.path().join("home/library/library.json")).unwrap();
    let state = opened(&home);
    let a = id_of(&state, &home, "moved.png");
    assert_eq!(of(&state, a).await, (json!(["lake", "Tante Rosa", "party"]), both));

    let set = async |body: Value| post(&state, "/api/v1/tags", body).await;
    for wrong in [json!({"add": ["x"]}), json!({"images": [a], "add": [""]}), json!({"images": [a], "add": ["a\nb"]})] {
        set(wrong).await.error(400, "bad_request");
    }
    set(json!({"images": [a, 999], "add": ["x"]})).await.error(404, "not_found");
}
