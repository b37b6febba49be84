//! Images by number, and what browsers may keep of them.

use actix_web::test::TestRequest;
use serde_json::Value;

use super::*;

async fn some_image(state: &web::Data<AppState>) -> Value {
    get(state, "/api/v1/search?q=blue+07&mode=words&limit=1").await.good()["hits"][0].clone()
}

#[actix_web::test]
async fn thumbnails_are_kept_by_browsers_as_long_as_the_image_stays() {
    let state = shelf();
    let image = some_image(&state).await;
    let (id, content) = (&image["id"], image["content"].as_str().unwrap());
    let path = format!("/api/v1/images/{id}/thumbnail?size=160");
    let loose = get(&state, &path).await;
    assert_eq!((loose.header("content-type"), loose.header("cache-control")), ("image/jpeg", "private, no-cache"));
    let exact = get(&state, &format!("{path}&v={content}")).await;
    assert!(exact.header("cache-control").contains("immutable"));
    let tag = exact.header("etag").to_owned();
    for asked in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
        let again = ask(&state, TestRequest::get().uri(&path).insert_header(("If-None-Match", asked))).await;
        assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    }
    let other = ask(&state, TestRequest::get().uri(&path).insert_header(("If-None-Match", "\"other\""))).await;
    assert_eq!(other.status.as_u16(), 200);
    get(&state, &format!("/api/v1/images/{id}/thumbnail?size=17")).await.error(400, "bad_request");
}

#[actix_web::test]
async fn originals_come_whole_in_parts_and_for_keeping() {
    let state = shelf();
    let image = some_image(&state).await;
    let (id, file) = (&image["id"], image["path"].as_str().unwrap());
    let bytes = std::fs::read(file).unwrap();
    let path = format!("/api/v1/images/{id}/original");
    let whole = get(&state, &path).await;
    assert_eq!((whole.body.as_ref(), whole.header("content-type")), (bytes.as_slice(), "image/jpeg"));
    assert_eq!(whole.header("x-content-type-options"), "nosniff");
    let part = ask(&state, TestRequest::get().uri(&path).insert_header(("Range", "bytes=2-5"))).await;
    assert_eq!((part.status.as_u16(), part.body.as_ref()), (206, &bytes[2..6]));
    let kept = get(&state, &format!("{path}?download=true")).await;
    let disposition = kept.header("content-disposition");
    assert!(disposition.starts_with("attachment") && disposition.contains("blue%2007.jpg"), "{disposition}");
    let tag = whole.header("etag").to_owned();
    let again = ask(&state, TestRequest::get().uri(&path).insert_header(("If-None-Match", tag))).await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
}

#[actix_web::test]
async fn ranges_and_conditions_are_answered_or_refused_in_words() {
    let state = shelf();
    let image = some_image(&state).await;
    let bytes = std::fs::read(image["path"].as_str().unwrap()).unwrap();
    let path = format!("/api/v1/images/{}/original", image["id"]);
    let tag = get(&state, &path).await.header("etag").to_owned();
    let with = |headers: &[(&'static str, &str)]| {
        let request =
            headers.iter().fold(TestRequest::get().uri(&path), |request, header| request.insert_header(*header));
        ask(&state, request)
    };
    let end = with(&[("Range", "bytes=-3")]).await;
    let place = format!("bytes {}-{}/{}", bytes.len() - 3, bytes.len() - 1, bytes.len());
    assert_eq!((end.body.as_ref(), end.header("content-range")), (&bytes[bytes.len() - 3..], place.as_str()));
    let rest = with(&[("Range", "bytes=4-"), ("If-Range", &tag), ("If-Match", &tag)]).await;
    assert_eq!((rest.status.as_u16(), rest.body.as_ref()), (206, &bytes[4..]));
    let changed = with(&[("Range", "bytes=4-"), ("If-Range", "\"other\"")]).await;
    assert_eq!((changed.status.as_u16(), changed.body.as_ref()), (200, bytes.as_slice()), "a part would not fit");
    for odd in ["bytes=9-4", "bytes=x", "lines=1-2", "bytes=0-1,4-5"] {
        assert_eq!(with(&[("Range", odd)]).await.body.as_ref(), bytes, "{odd} may be answered with the whole");
    }

    let beyond = with(&[("Range", "bytes=99999999-")]).await;
    beyond.error(416, "range_not_satisfiable");
    assert_eq!(beyond.header("content-range"), format!("bytes */{}", bytes.len()));
    let other = with(&[("If-Match", "\"other\"")]).await;
    other.error(412, "precondition_failed");
    for refused in [beyond, other] {
        assert_eq!((refused.header("content-type"), refused.header("cache-control")), ("application/json", "no-store"));
    }
}

#[actix_web::test]
async fn records_come_together_in_the_order_asked_for() {
    let state = shelf();
    let answer = get(&state, "/api/v1/images?ids=7,3,999,5").await.good();
    let ids: Vec<_> = answer["images"].as_array().unwrap().iter().map(|image| image["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, [7, 3, 5]);
    for wrong in ["", "?ids=", "?ids=a", "?ids=1,,2", "?ids=-1", "?ids=1,18446744073709551616"] {
        get(&state, &format!("/api/v1/images{wrong}")).await.error(400, "bad_request");
    }
    let many = vec!["1"; 201].join(",");
    get(&state, &format!("/api/v1/images?ids={many}")).await.error(400, "bad_request");
}

#[actix_web::test]
async fn a_file_that_changed_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    let (secret, shown) = (folder.path().join("secret"), folder.path().join("images/a.png"));
    draw(&shown, [10, 20, 30]);
    draw(&folder.path().join("images/b.png"), [90, 20, 30]);
    let engine = engine(folder.path());
    index(&engine, &folder.path().join("images"));
    let state = state_of(&engine, Limits::default());
    let id = get(&state, "/api/v1/search?q=a.png&mode=words&limit=1").await.good()["hits"][0]["id"].clone();
    let size = std::fs::metadata(&shown).unwrap().len() as usize;
    std::fs::write(&secret, vec![b's'; size]).unwrap();
    std::fs::remove_file(&shown).unwrap();
    std::fs::rename(&secret, &shown).unwrap();
    for path in ["original", "thumbnail?size=320"] {
        let refused = get(&state, &format!("/api/v1/images/{id}/{path}")).await;
        assert!(refused.error(404, "not_found").contains("changed"), "{path}");
    }
    std::fs::remove_file(&shown).unwrap();
    get(&state, &format!("/api/v1/images/{id}/original")).await.error(404, "not_found");
}

#[actix_web::test]
async fn of_two_copies_one_may_vanish() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("images/1.png"), folder.path().join("images/2.png"));
    draw(&first, [40, 50, 60]);
    std::fs::copy(&first, &second).unwrap();
    let engine = engine(folder.path());
    index(&engine, &folder.path().join("images"));
    let state = state_of(&engine, Limits::default());
    let image = get(&state, "/api/v1/search?limit=1").await.good()["hits"][0].clone();
    assert_eq!(image["files"].as_array().unwrap().len(), 2);
    std::fs::remove_file(image["path"].as_str().unwrap()).unwrap();
    for path in ["original", "thumbnail?size=320"] {
        assert!(get(&state, &format!("/api/v1/images/{}/{path}", image["id"])).await.status.is_success(), "{path}");
    }
}

#[actix_web::test]
async fn stand_ins_are_told_once_an_image_was_drawn() {
    let state = shelf();
    let image = some_image(&state).await;
    let (id, page) = (&image["id"], serde_json::json!({"terms": [{"text": "blue 07"}], "mode": "words", "limit": 1}));
    assert!(get(&state, &format!("/api/v1/images/{id}/thumbnail")).await.status.is_success());
    let tile = post(&state, "/api/v1/search", page).await.good()["hits"][0].clone();
    assert_eq!(tile["blur"].as_str().map(str::len), Some(28), "{tile}");
}
