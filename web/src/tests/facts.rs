//! What is known of images beside their pixels: how the camera was set, places, keywords; and what
//! is suggested by it.

use glimpse_nonempty::Every as _;
use serde_json::json;

use super::*;

const NAMESPACES: &str = r#"xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
    xmlns:aux="http://ns.adobe.com/exif/1.0/aux/" xmlns:xmp="http://ns.adobe.com/xap/1.0/""#;

/// An image with a sidecar of these attributes and keywords.
fn described(path: &Path, colour: [u8; 3], attributes: &str, keywords: &[&str]) {
    draw(path, colour);
    let keywords: String = keywords.iter().map(|keyword| format!("<rdf:li>{keyword}</rdf:li>")).collect();
    let xmp = format!(
        "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF {NAMESPACES}><rdf:Description {attributes}>\
         <dc:subject><rdf:Bag>{keywords}</rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
    );
    std::fs::write(path.with_extension("xmp"), xmp).unwrap();
}

const EIGER: &str = r#"exif:GPSLatitude="46,33.5N" exif:GPSLongitude="7,50.1E" exif:DateTimeOriginal="2023-07-01T10:00:00"
    aux:Lens="RF50mm F1.8 STM" exif:FocalLength="50/1" exif:FNumber="28/10" exif:ExposureTime="1/250" xmp:Rating="4""#;
const KYOTO: &str =
    r#"exif:GPSLatitude="35,0.7N" exif:GPSLongitude="135,46.1E" exif:DateTimeOriginal="2024-04-02T10:00:00""#;

/// Two images in the Alps, one in Kyoto, one nowhere.
fn album() -> (TempDir, web::Data<AppState>) {
    let home = tempfile::tempdir().unwrap();
    let images = home.path().join("images");
    described(&images.join("a.png"), [10, 0, 0], EIGER, &["Mountain", "Family"]);
    described(&images.join("b.png"), [20, 0, 0], &EIGER.replace("2023", "2022"), &["mountain"]);
    described(&images.join("c.png"), [30, 0, 0], KYOTO, &["Temple"]);
    draw(&images.join("d.png"), [40, 0, 0]);
    let engine = engine(home.path());
    index(&engine, &images);
    (home, state_of(&engine, Limits::default()))
}

/// The record of the image whose file has this name.
async fn named(state: &web::Data<AppState>, name: &str) -> Value {
    let all = post(state, "/api/v1/search", json!({"limit": 10})).await.good();
    for hit in all["hits"].as_array().unwrap() {
        let image = get(state, &format!("/api/v1/images/{}", hit["id"])).await.good();
        if image["path"].as_str().unwrap().ends_with(name) {
            return image;
        }
    }
    panic!("no image {name}")
}

/// Numbers of all images.
async fn all(state: &web::Data<AppState>) -> Vec<Value> {
    let page = post(state, "/api/v1/search", json!({})).await.good();
    page["hits"].as_array().unwrap().iter().map(|hit| hit["id"].clone()).collect()
}

/// How many images pass a filter.
async fn passing(state: &web::Data<AppState>, filter: Value) -> usize {
    let page = post(state, "/api/v1/search", json!({"filter": filter})).await.good();
    page["hits"].as_array().unwrap().len()
}

#[actix_web::test]
async fn records_say_how_the_camera_was_set_and_where() {
    let (_home, state) = album();
    let image = named(&state, "a.png").await;
    let exposure = json!(["RF50mm F1.8 STM", 50.0, 2.8, 0.004, null, 4, "Thun", "CH"]);
    let fields = ["lens", "focal_length", "aperture", "exposure_time", "iso", "rating", "place_name", "country"];
    let found: Vec<Value> = fields.iter().map(|field| image[field].clone()).collect();
    let (found, exposure) = (json!(found).to_string(), exposure.to_string());
    assert_eq!(found.replace("2.799999952316284", "2.8").replace("0.004000000189989805", "0.004"), exposure);
    let nowhere = named(&state, "d.png").await;
    assert!(fields.iter().every(|field| nowhere[field].is_null()), "{nowhere}");
}

#[actix_web::test]
async fn lenses_and_keywords_filter_and_are_counted() {
    let (_home, state) = album();
    assert_eq!(passing(&state, json!({"lenses": ["rf50"]})).await, 2);
    assert_eq!(passing(&state, json!({"tags": ["MOUNTAIN"]})).await, 2);
    assert_eq!(passing(&state, json!({"tags": ["family", "temple"]})).await, 2);
    assert_eq!(passing(&state, json!({"tags": ["mount"]})).await, 0, "a keyword is meant as a whole");
    assert_eq!(passing(&state, json!({"tags": ["mountain"], "lenses": ["leica"]})).await, 0);
    let facets = get(&state, "/api/v1/facets?tag=mountain").await.good();
    assert_eq!(facets["lenses"], json!([{"value": "RF50mm F1.8 STM", "images": 2}]));
    let first = &facets["tags"][0];
    assert_eq!((first["value"].as_str().unwrap().to_lowercase().as_str(), &first["images"]), ("mountain", &json!(2)));
    let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    post(&state, "/api/v1/search", json!({"filter": {"tags": many}})).await.error(400, "bad_request");
}

#[actix_web::test]
async fn keywords_have_their_newest_image() {
    let (_home, state) = album();
    let all = get(&state, "/api/v1/tags").await.good();
    assert_eq!((&all["source"], all["tags"].as_array().unwrap().len()), (&json!("keywords"), 3));
    let (first, newest) = (&all["tags"][0], named(&state, "a.png").await);
    assert_eq!((&first["images"], &first["cover"]), (&json!(2), &newest["id"]));
    let early = get(&state, "/api/v1/tags?before=2023&limit=1").await.good();
    assert_eq!((early["tags"].as_array().unwrap().len(), &early["tags"][0]["images"]), (1, &json!(1)));
    for wrong in ["?limit=0", "?limit=10001", "?after=soon", "?word=x"] {
        get(&state, &format!("/api/v1/tags{wrong}")).await.error(400, "bad_request");
    }
}

#[actix_web::test]
async fn the_map_gathers_what_lies_together() {
    let (_home, state) = album();
    let map = post(&state, "/api/v1/map", json!({"zoom": 4})).await.good();
    assert_eq!(map["count"], 3);
    let clusters = map["clusters"].as_array().unwrap();
    let told = |cluster: &Value| (cluster["images"].clone(), cluster["name"].clone(), cluster["country"].clone());
    assert_eq!(
        clusters.iter().map(told).collect::<Vec<_>>(),
        [(json!(1), json!("Kyoto"), json!("JP")), (json!(2), json!("Thun"), json!("CH")),]
    );
    assert_eq!(clusters[1]["id"], named(&state, "a.png").await["id"], "the newest");
    assert!(map["bounds"]["west"].as_f64().unwrap() < 8.0 && map["bounds"]["east"].as_f64().unwrap() > 135.0);
    let alps = json!({"south": 45.0, "west": 6.0, "north": 48.0, "east": 10.0});
    let part = post(&state, "/api/v1/map", json!({"box": alps, "zoom": 18, "filter": {"after": "2023"}})).await.good();
    assert_eq!((&part["count"], part["clusters"].as_array().unwrap().len()), (&json!(1), 1));
    let empty = post(&state, "/api/v1/map", json!({"filter": {"after": "2030"}, "zoom": 0})).await.good();
    assert_eq!(empty, json!({"count": 0, "bounds": null, "clusters": []}));
    for wrong in [json!({"zoom": 19}), json!({"zoom": -1}), json!({}), json!({"zoom": 1, "box": {"south": 1}})] {
        post(&state, "/api/v1/map", wrong).await.error(400, "bad_request");
    }
}

#[actix_web::test]
async fn an_empty_text_has_examples_and_mistyped_words_have_neighbours() {
    let (_home, state) = album();
    let suggest =
        async |text: &str| post(&state, "/api/v1/suggest", json!({"text": text, "language": "en"})).await.good();
    let examples = suggest(" ").await["examples"].as_array().unwrap().clone();
    assert!(!examples.contains(&json!("Temple")) && examples.len() <= 8, "a keyword of one image: {examples:?}");
    let images = all(&state).await;
    post(&state, "/api/v1/albums", json!({"name": "Journeys", "images": images})).await.good();
    assert_eq!(suggest(" ").await["examples"][0], "Journeys");
    let mistyped = suggest("mountian lake").await;
    assert_eq!(mistyped["did_you_mean"], json!([{"typed": "mountian", "word": "mountain"}]));
    assert_eq!((&mistyped["examples"], &mistyped["question"]), (&json!([]), &json!(null)));
    assert_eq!(suggest("two dogs").await["question"], "find");
    assert_eq!(suggest("temple and no people").await["question"], "find");
    assert_eq!(suggest(&"word ".repeat(4000)).await["did_you_mean"], json!([]));
    post(&state, "/api/v1/suggest", json!({"language": "en"})).await.error(400, "bad_request");
}
