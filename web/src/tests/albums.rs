//! Favourites, albums and saved searches.

use glimpse_engine::SavedSearch;
use glimpse_nonempty::each;
use serde_json::json;

use super::*;
use crate::wire::SavedQuery;

/// Six images, three of them blue by name, over a library of their own.
pub(super) fn library() -> (TempDir, web::Data<AppState>) {
    let home = tempfile::tempdir().unwrap();
    for n in 0..3u8 {
        draw(&home.path().join(format!("images/blue {n}.png")), [n, n * 4, 220]);
        draw(&home.path().join(format!("images/red {n}.png")), [220, n * 4, n]);
    }
    let state = opened(&home);
    (home, state)
}

pub(super) fn opened(home: &TempDir) -> web::Data<AppState> {
    let engine = engine(home.path());
    index(&engine, &home.path().join("images"));
    state_of(&engine, Limits::default())
}

async fn by_name(state: &web::Data<AppState>, name: &str) -> u64 {
    let query = json!({"terms": [{"text": name}], "mode": "words", "limit": 1});
    post(state, "/api/v1/search", query).await.good()["hits"][0]["id"].as_u64().unwrap()
}

/// Numbers of the images that a filter lets pass.
async fn filtered(state: &web::Data<AppState>, filter: Value) -> Vec<u64> {
    let page = post(state, "/api/v1/search", json!({"filter": filter})).await.good();
    let mut ids: Vec<u64> = page["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    ids
}

#[actix_web::test]
async fn favourites_are_kept_shown_and_filtered_by() {
    let (home, state) = library();
    let (a, b) = (by_name(&state, "blue 1").await, by_name(&state, "red 2").await);
    let set = async |body: Value| post(&state, "/api/v1/favourites", body).await;
    assert_eq!(set(json!({"add": [a, b, a]})).await.good(), json!({"count": 2}));
    assert_eq!(filtered(&state, json!({"favourite": true})).await.len(), 2);
    assert_eq!(set(json!({"remove": [b]})).await.good(), json!({"count": 1}));
    assert_eq!(filtered(&state, json!({"favourite": true})).await, [a], "an answer is not remembered for too long");
    for (id, favourite) in [(a, true), (b, false)] {
        assert_eq!(get(&state, &format!("/api/v1/images/{id}")).await.good()["favourite"], favourite);
    }
    let simple = get(&state, "/api/v1/search?favourite=1").await.good();
    assert_eq!((simple["hits"][0]["id"].as_u64(), simple["accepted"].as_u64()), (Some(a), Some(1)));
    let timeline = post(&state, "/api/v1/timeline", json!({"filter": {"favourite": true}})).await.good();
    assert_eq!(timeline["count"], 1);
    let tiles = post(&state, "/api/v1/timeline/tiles", json!({})).await.good();
    assert_eq!(tiles["favourite"], json!([a]));
    assert_eq!(get(&state, "/api/v1/facets?favourite=true").await.good()["formats"][0]["images"], 1);
    for wrong in [json!({"add": ["x"]}), json!({"add": [-1]}), json!({"more": []})] {
        set(wrong).await.error(400, "bad_request");
    }
    set(json!({"add": [a, 999]})).await.error(404, "not_found");
    get(&state, "/api/v1/search?favourite=maybe").await.error(400, "bad_request");

    drop(state);
    std::fs::rename(home.path().join("images/blue 1.png"), home.path().join("images/moved.png")).unwrap();
    let state = opened(&home);
    let moved = by_name(&state, "moved").await;
    assert_eq!(filtered(&state, json!({"favourite": true})).await, [moved], "it is the content that is one");
}

#[actix_web::test]
async fn albums_hold_images_in_an_order() {
    let (_home, state) = library();
    let (a, b, c) = (by_name(&state, "blue 0").await, by_name(&state, "red 1").await, by_name(&state, "red 2").await);
    let made = post(&state, "/api/v1/albums", json!({"name": "Spain", "images": [b, a]})).await;
    assert_eq!(made.status.as_u16(), 201);
    let made = made.json();
    assert_eq!((&made["count"], &made["cover"], &made["query"]), (&json!(2), &json!(b), &json!(null)));
    let at = format!("/api/v1/albums/{}", made["id"].as_str().unwrap());
    let changed =
        post(&state, &format!("{at}/images"), json!({"add": [c], "remove": [a], "order": [c, b]})).await.good();
    assert_eq!((&changed["count"], &changed["cover"]), (&json!(2), &json!(c)));
    let renamed = post(&state, &at, json!({"name": "Portugal", "cover": b})).await.good();
    assert_eq!((&renamed["name"], &renamed["cover"]), (&json!("Portugal"), &json!(b)));
    let mut expected = [b, c];
    expected.sort_unstable();
    assert_eq!(filtered(&state, json!({"album": made["id"]})).await, expected);
    let in_order = async || {
        let asked = json!({"sort": "album", "filter": {"album": made["id"]}});
        let found = post(&state, "/api/v1/search", asked).await.good();
        found["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(in_order().await, [c, b]);
    let images = format!("{at}/images");
    post(&state, &images, json!({"add": [a]})).await.good();
    assert_eq!(in_order().await, [c, b, a]);
    post(&state, &images, json!({"order": [a], "after": c})).await.good();
    assert_eq!(in_order().await, [c, a, b]);
    post(&state, &images, json!({"order": [c], "after": b})).await.good();
    assert_eq!(in_order().await, [a, b, c]);
    post(&state, &images, json!({"order": [a], "after": 999})).await.error(404, "not_found");
    post(&state, "/api/v1/search", json!({"sort": "album"})).await.error(400, "bad_request");
    post(&state, &images, json!({"remove": [a], "order": [c, b]})).await.good();
    let listed = get(&state, "/api/v1/albums").await.good();
    assert_eq!((&listed["albums"], &listed["problem"]), (&json!([renamed]), &json!(null)));

    for (path, body) in [
        (at.clone(), json!({"name": " "})),
        (at.clone(), json!({"title": "x"})),
        ("/api/v1/albums".to_owned(), json!({})),
        ("/api/v1/albums".to_owned(), json!({"name": "a\nb"})),
        ("/api/v1/albums".to_owned(), json!({"name": "x".repeat(401)})),
        (format!("{at}/images"), json!({"add": "x"})),
    ] {
        post(&state, &path, body).await.error(400, "bad_request");
    }
    post(&state, &at, json!({"cover": 999})).await.error(404, "not_found");
    post(&state, "/api/v1/search", json!({"filter": {"album": "none"}})).await.error(404, "not_found");
    assert_eq!(delete(&state, &at).await.status.as_u16(), 204);
    for gone in [delete(&state, &at).await, post(&state, &at, json!({})).await] {
        gone.error(404, "not_found");
    }
    assert_eq!(filtered(&state, json!({})).await.len(), 6, "no image is touched");
}

#[actix_web::test]
async fn a_search_for_things_is_saved_with_its_form() {
    let (home, state) = library();
    let find = json!({"things": [{"text": "wall", "at_least": 1}], "without": ["zebra"], "min_area": 0.01});
    let found = post(&state, "/api/v1/find", find.clone()).await.good();
    let body = json!({"name": "Walls", "find": find, "address": "?find=1&c=t:1:wall"});
    let made = post(&state, "/api/v1/albums", body).await.good();
    assert_eq!((&made["find"], &made["query"], &made["new"]), (&find, &json!(null), &json!(0)));
    assert_eq!(made["count"], found["accepted"]);
    draw(&home.path().join("images/blue 9.png"), [3, 90, 220]);
    index(&state.engine, &home.path().join("images"));
    let now = post(&state, "/api/v1/find", find.clone()).await.good();
    let listed = get(&state, "/api/v1/albums").await.good()["albums"][0].clone();
    let (newest, accepted) = (by_name(&state, "blue 9").await, now["accepted"].as_u64().unwrap() as usize);
    let sure = &now["hits"].as_array().unwrap()[..accepted];
    let newer = usize::from(sure.iter().any(|hit| hit["id"] == json!(newest)));
    assert_eq!((&listed["count"], &listed["new"]), (&now["accepted"], &json!(newer)), "{now}");
    let at = format!("/api/v1/albums/{}", made["id"].as_str().unwrap());
    assert_eq!(post(&state, &format!("{at}/seen"), json!({})).await.good()["new"], 0);
    drop(state);
    let state = opened(&home);
    assert_eq!(get(&state, "/api/v1/albums").await.good()["albums"][0]["find"], find, "it outlives a restart");
}

#[actix_web::test]
async fn a_search_for_regions_like_one_is_saved_with_its_box() {
    let (home, state) = library();
    let image = by_name(&state, "blue 0").await;
    let similar = json!({"image": image, "box": {"x": 10, "y": 10, "width": 40, "height": 30}, "depth": "usual"});
    let found = post(&state, "/api/v1/similar", similar.clone()).await.good();
    let body = json!({"name": "Blue corners", "similar": similar, "address": "?find=1&c=r:1:10,10,40,30"});
    let made = post(&state, "/api/v1/albums", body).await.good();
    assert_eq!((&made["similar"], &made["find"], &made["query"]), (&similar, &json!(null), &json!(null)));
    assert_eq!((&made["count"], &made["new"]), (&found["accepted"], &json!(0)), "{found}");
    drop(state);
    let state = opened(&home);
    let listed = get(&state, "/api/v1/albums").await.good()["albums"][0].clone();
    assert_eq!((&listed["similar"], &listed["count"]), (&similar, &found["accepted"]), "it outlives a restart");

    for (wrong, why) in [
        (json!({"similar": {"upload": "abc"}}), "not kept"),
        (json!({"similar": {"box": {"x": 1, "y": 1, "width": 9, "height": 9}}}), "names an image"),
        (json!({"similar": {"image": image, "box": {"x": 900, "y": 1, "width": 9, "height": 9}}}), "outside"),
        (json!({"similar": {"image": image, "shape": 1}}), "shape"),
        (json!({"find": {"image": image}}), "by `similar`"),
        (json!({"similar": similar, "find": {"q": "dog"}}), "one of"),
        (json!({"similar": similar, "images": [image]}), "fills itself"),
    ] {
        let mut body = wrong;
        body["name"] = json!("x");
        let said = post(&state, "/api/v1/albums", body).await.error(400, "bad_request");
        assert!(said.contains(why), "{said}");
    }
    let gone = json!({"name": "x", "similar": {"image": 999}});
    post(&state, "/api/v1/albums", gone).await.error(404, "not_found");
}

#[actix_web::test]
async fn a_saved_search_fills_itself_and_tells_what_is_new() {
    let (home, state) = library();
    let query = json!({"terms": [{"text": "blue"}], "mode": "words"});
    let made =
        post(&state, "/api/v1/albums", json!({"name": "Blue", "query": query, "address": "?q=blue"})).await.good();
    assert_eq!((&made["count"], &made["new"], &made["query"]), (&json!(3), &json!(0), &query));
    draw(&home.path().join("images/blue 9.png"), [3, 90, 220]);
    index(&state.engine, &home.path().join("images"));
    let listed = get(&state, "/api/v1/albums").await.good()["albums"][0].clone();
    assert_eq!((&listed["count"], &listed["new"], &listed["address"]), (&json!(4), &json!(1), &json!("?q=blue")));
    let at = format!("/api/v1/albums/{}", made["id"].as_str().unwrap());
    assert_eq!(post(&state, &format!("{at}/seen"), json!({})).await.good()["new"], 0);

    post(&state, &format!("{at}/images"), json!({"add": [1]})).await.error(400, "bad_request");
    let asked = post(&state, "/api/v1/search", json!({"filter": {"album": made["id"]}})).await;
    assert!(asked.error(400, "bad_request").contains("saved search"));
    for wrong in [
        json!({"name": "x", "query": {"terms": 1}}),
        json!({"name": "x", "query": {"terms": [{"upload": "abc"}]}}),
        json!({"name": "x", "query": {}, "images": [1]}),
        json!({"name": "x", "find": {"q": "dog"}, "images": [1]}),
        json!({"name": "x", "find": {"q": "dog"}, "query": {}}),
        json!({"name": "x", "find": {}}),
        json!({"name": "x", "find": {"things": 1}}),
        json!({"name": "x", "query": {"filter": {"after": "soon"}}}),
    ] {
        post(&state, "/api/v1/albums", wrong).await.error(400, "bad_request");
    }
}

/// The bundled model with the last bit of its weights flipped: another model, which sees the same.
fn other_model(folder: &Path) -> PathBuf {
    let (from, to) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/demo"), folder.join("model"));
    std::fs::create_dir_all(&to).unwrap();
    let files = std::fs::read_dir(&from).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file());
    for file in files {
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
    let weights = to.join("model.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(weights, bytes).unwrap();
    to
}

/// Names of the images that a search of a body finds for sure.
async fn found(state: &web::Data<AppState>, album: &Value) -> Vec<String> {
    let (path, body) = match album["similar"].is_null() {
        true => ("/api/v1/search", &album["query"]),
        false => ("/api/v1/similar", &album["similar"]),
    };
    let page = post(state, path, body.clone()).await.good();
    let sure = page["hits"].as_array().unwrap().iter().take(page["accepted"].as_u64().unwrap() as usize);
    let mut names = Vec::new();
    for hit in each(sure) {
        names.push(name_of(state, hit["id"].as_u64().unwrap()).await);
    }
    names.sort_unstable();
    names
}

async fn albums(state: &web::Data<AppState>) -> Vec<Value> {
    get(state, "/api/v1/albums").await.good()["albums"].as_array().unwrap().clone()
}

async fn name_of(state: &web::Data<AppState>, id: u64) -> String {
    let record = get(state, &format!("/api/v1/images/{id}")).await.good();
    Path::new(record["path"].as_str().unwrap()).file_name().unwrap().to_str().unwrap().to_owned()
}

#[actix_web::test]
async fn a_saved_search_asks_with_the_same_images_after_a_change_of_the_model() {
    let (home, state) = library();
    draw(&home.path().join("images/aqua.png"), [0, 190, 200]); // the last number now, the first with another model
    index(&state.engine, &home.path().join("images"));
    let (red, blue, aqua) =
        (by_name(&state, "red 1").await, by_name(&state, "blue 1").await, by_name(&state, "aqua").await);
    let like = json!({"image": red, "box": {"x": 5, "y": 5, "width": 40, "height": 40}, "depth": "all"});
    for (name, asked) in [
        (
            "alike",
            json!({"query": {"terms": [{"image": red, "weight": 0.5}, {"image": blue, "weight": 0.5}]},
            "address": format!("?c=s%3A1%3A2%3A{red}.{blue}")}),
        ),
        (
            "mixed",
            json!({"query": {"terms": [{"text": "red"}, {"image": aqua}]}, "address": format!("?q=red&c=i%3A1%3A{aqua}")}),
        ),
        ("part", json!({"similar": like, "address": format!("?find=1&c=r%3A{red}%3A5%2C5%2C40%2C40")})),
    ] {
        let mut body = asked;
        body["name"] = json!(name);
        post(&state, "/api/v1/albums", body).await.good();
    }
    let before = albums(&state).await;
    let mut answers = Vec::new();
    for album in each(&before) {
        answers.push(found(&state, album).await);
    }

    drop(state);
    let model = Some(other_model(home.path()).to_str().unwrap().to_owned());
    let settings = Settings { home: home.path().join("home"), model, device: None, max_patches: None, adapter: None };
    let other = Arc::new(Engine::open(settings).unwrap());
    index(&other, &home.path().join("images"));
    let state = state_of(&other, Limits::default());
    let (red_now, blue_now, aqua_now) =
        (by_name(&state, "red 1").await, by_name(&state, "blue 1").await, by_name(&state, "aqua").await);
    assert_ne!([red, blue, aqua], [red_now, blue_now, aqua_now], "images have other numbers, or this shows nothing");
    let after = albums(&state).await;
    let terms = |album: &Value| album["query"]["terms"].clone();
    assert_eq!(terms(&after[0]), json!([{"image": red_now, "weight": 0.5}, {"image": blue_now, "weight": 0.5}]));
    assert_eq!(terms(&after[1]), json!([{"text": "red"}, {"image": aqua_now}]));
    assert_eq!(after[2]["similar"]["image"], red_now);
    let addresses: Vec<_> = each(&after).map(|album| album["address"].as_str().unwrap().to_owned()).collect();
    assert_eq!(addresses[0], format!("?c=s%3A1%3A2%3A{red_now}.{blue_now}"));
    assert_eq!(addresses[1], format!("?q=red&c=i%3A1%3A{aqua_now}"));
    assert_eq!(addresses[2], format!("?find=1&c=r%3A{red_now}%3A5%2C5%2C40%2C40"));
    for ((album, earlier), (known, names)) in each(after.iter().zip(&before)).zip(each(before.iter().zip(&answers))) {
        assert_eq!((&album["name"], &album["count"]), (&known["name"], &earlier["count"]));
        assert_eq!(&found(&state, album).await, names, "{}: the same images answer", known["name"]);
    }

    // An image that is gone is not taken for another.
    std::fs::remove_file(home.path().join("images/aqua.png")).unwrap();
    index(&other, &home.path().join("images"));
    let without = albums(&state).await[1].clone();
    let asked = post(&state, "/api/v1/search", without["query"].clone()).await.good();
    assert_eq!(asked["searched"], 6);
    assert!(get(&state, &format!("/api/v1/images/{}", terms(&without)[1]["image"])).await.status == 404);
    // One that was kept before contents were keeps its numbers.
    let old = SavedSearch {
        query: json!({"terms": [{"image": 3}]}).to_string(),
        regions: false,
        address: None,
        images: None,
        seen: None,
    };
    let read = SavedQuery::read(&other, &old).unwrap().unwrap();
    assert_eq!(read.query, json!({"terms": [{"image": 3}]}));
}
