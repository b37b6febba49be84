//! What is said of answers.

use glimpse_nonempty::Every as _;
use serde_json::json;

use super::albums::library;
use super::*;

#[actix_web::test]
async fn answers_are_called_right_and_wrong_and_forgiven() {
    let (_home, state) = library();
    let ask = async || post(&state, "/api/v1/search", json!({"terms": [{"text": "blue"}], "all": true})).await.good();
    let give = async |body: Value| post(&state, "/api/v1/feedback", body).await;
    let before = ask().await;
    let first = before["hits"][0]["id"].clone();
    assert_eq!(before["said_wrong"], 0);

    let said = give(json!({"text": " Blue", "wrong": [first]})).await.good();
    assert_eq!(said, json!({"text": "blue", "right": [], "wrong": [first]}));
    let after = ask().await;
    assert_eq!((after["said_wrong"].as_u64(), after["searched"].as_u64()), (Some(1), Some(5)));
    let hits = after["hits"].as_array().unwrap();
    assert!(hits.len() == 5 && hits.iter().every(|hit| hit["id"] != first));
    assert_eq!(get(&state, "/api/v1/feedback").await.good(), json!({"feedback": [said]}));

    assert_eq!(give(json!({"text": "blue", "unsaid": [first]})).await.good()["wrong"], json!([]));
    assert_eq!(ask().await["hits"], before["hits"]);
    assert_eq!(get(&state, "/api/v1/feedback").await.good(), json!({"feedback": []}));

    give(json!({"text": "blue", "wrong": [999]})).await.error(404, "not_found");
    give(json!({"text": " ", "wrong": [first]})).await.error(400, "bad_request");
    give(json!({"wrong": [first]})).await.error(400, "bad_request");
}
