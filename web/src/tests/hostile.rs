//! What strangers and broken programs send.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use glimpse_nonempty::{Every as _, each};
use serde_json::{Value, json};

use super::*;
use crate::extract::MAX_JSON;
use crate::uploads::MAX_UPLOAD;

#[actix_web::test]
async fn every_answer_bounds_what_a_browser_does_with_it() {
    let state = shelf();
    for path in ["/", "/static/app.js", "/api/docs", "/api/v1/health", "/api/v1/nothing", "/api/v1/images/3/thumbnail"]
    {
        let answer = get(&state, path).await;
        for name in ["content-security-policy", "x-content-type-options", "referrer-policy", "cache-control"] {
            assert_eq!(answer.headers.get_all(name).count(), 1, "{name} of {path}");
        }
    }
}

#[actix_web::test]
async fn other_sites_and_other_names_are_refused() {
    let state = shelf();
    let with =
        |name: &'static str, value: &'static str| TestRequest::get().uri("/api/v1/stats").append_header((name, value));
    for (name, value) in
        [("Origin", "http://evil.example"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site"), ("Origin", "")]
    {
        ask(&state, with(name, value)).await.error(403, "forbidden");
    }
    assert!(ask(&state, with("Origin", "http://localhost")).await.status.is_success());
    assert!(ask(&state, with("Sec-Fetch-Site", "same-origin")).await.status.is_success());
    let link = with("Sec-Fetch-Site", "cross-site").insert_header(("Sec-Fetch-Mode", "navigate"));
    assert!(ask(&state, link).await.status.is_success(), "a link may be followed");
    let service = init_service(App::new().configure(configure(state.clone()))).await;
    for hosts in
        [vec![], vec!["evil.example"], vec!["localhost", "evil.example"], vec!["localhost", "localhost"], vec![""]]
    {
        let mut request = TestRequest::get().uri("/api/v1/health");
        for host in &hosts {
            request = request.append_header((header::HOST, *host));
        }
        let status = call_service(&service, request.to_request()).await.status();
        assert!(status.is_client_error(), "{hosts:?}: {status}");
    }
}

#[actix_web::test]
async fn without_a_token_none_is_taken() {
    let state = shelf();
    for address in ["/?token=x", "//evil.example/?token=x", "/?token=x;%20Max-Age=9"] {
        let answer = get(&state, address).await;
        assert_eq!((answer.header("location"), answer.header("set-cookie")), ("", ""), "{address}");
    }
    let post = TestRequest::post().uri("/api/v1/search").set_json(json!({}));
    let form = post.insert_header(("Sec-Fetch-Site", "cross-site")).insert_header(("Sec-Fetch-Mode", "navigate"));
    ask(&state, form).await.error(403, "forbidden");
    let other = TestRequest::get().uri("/api/v1/stats").insert_header(("Origin", "ftp://localhost"));
    ask(&state, other).await.error(403, "forbidden");
}

#[actix_web::test]
async fn paths_lead_nowhere_else() {
    let state = shelf();
    let tricks = [
        "/static/../Cargo.toml",
        "/static/..%2f..%2fCargo.toml",
        "/static/%2e%2e/lib.rs",
        "/static//etc/passwd",
        "/etc/passwd",
        "//etc/passwd",
        "/static/words/../../Cargo.toml",
        "/static/words/en.json%00.html",
        "/static/",
        "/static/words",
        "/api/v1/images/../../etc/passwd",
        "/api/v1/images/1/../2/original",
        "/api/v1/uploads/..%2f..%2fetc%2fpasswd/thumbnail",
    ];
    for path in tricks {
        get(&state, path).await.error(404, "not_found");
    }
    for id in ["-1", "1.5", "0x1", "18446744073709551616", "%00", "1%20", "NaN"] {
        let answer = get(&state, &format!("/api/v1/images/{id}")).await;
        answer.error(400, "bad_request");
    }
}

#[actix_web::test]
async fn wrong_types_are_answered_in_words() {
    let state = shelf();
    let bodies = [
        json!(null),
        json!([]),
        json!("text"),
        json!({"terms": {}}),
        json!({"terms": [1]}),
        json!({"terms": [{}]}),
        json!({"terms": [{"text": "a", "image": 1}]}),
        json!({"terms": [{"text": 5}]}),
        json!({"terms": [{"text": "a", "weight": "2"}]}),
        json!({"terms": [{"text": "a", "weight": 0}]}),
        json!({"terms": [{"text": "a", "weight": 1e30}]}),
        json!({"terms": [{"image": -4}]}),
        json!({"terms": [{"text": " "}]}),
        json!({"limit": 0}),
        json!({"limit": 5001}),
        json!({"limit": -1}),
        json!({"sort": "random"}),
        json!({"cursor": "zz"}),
        json!({"cursor": 5}),
        json!({"filter": {"after": "soon"}}),
        json!({"filter": {"formats": ["exe"]}}),
        json!({"filter": {"place": {"south": 9, "west": 0, "north": 1, "east": 0}}}),
        json!({"filter": {"place": 1}}),
        json!({"unknown": 1}),
        json!({"mode": "words", "terms": [{"image": 3}]}),
        json!({"terms": vec![json!({"text": "a"}); 65]}),
    ];
    for body in each(bodies) {
        let message = post(&state, "/api/v1/search", body.clone()).await.error(400, "bad_request");
        assert!(!message.is_empty(), "{body}");
    }
    for raw in ["", "{", "\u{0}", "{\"terms\":[{\"text\":\"\\ud800\"}]}", &"[".repeat(100_000)] {
        let request = TestRequest::post().uri("/api/v1/search").insert_header(("Content-Type", "application/json"));
        ask(&state, request.set_payload(raw.to_owned())).await.error(400, "bad_request");
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let request = TestRequest::post().uri("/api/v1/search").insert_header(("Content-Type", kind)).set_payload("{}");
        ask(&state, request).await.error(415, "unsupported_media_type");
    }
    for query in
        ["limit=0", "limit=201", "limit=x", "colour=red", "after=soon", "like=x", "cursor=%F0%9F%A6%8A", "q=a&q=b"]
    {
        get(&state, &format!("/api/v1/search?{query}")).await.error(400, "bad_request");
    }
    for (query, name) in [("limit=x", "limit"), ("q=a&favourite=maybe&limit=1", "favourite")] {
        let message = get(&state, &format!("/api/v1/search?{query}")).await.error(400, "bad_request");
        assert!(message.contains(&format!("`{name}`")), "{query}: {message}");
    }
}

#[actix_web::test]
async fn wrong_methods_are_told_the_right_ones() {
    let state = shelf();
    for (method, path, allowed) in [
        (Method::DELETE, "/api/v1/search", "GET, HEAD, POST"),
        (Method::POST, "/api/v1/images/3", "GET, HEAD"),
        (Method::PUT, "/api/v1/uploads", "POST"),
        (Method::TRACE, "/", "GET, HEAD"),
    ] {
        let answer = ask(&state, TestRequest::with_uri(path).method(method)).await;
        answer.error(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allowed);
    }
    assert!(ask(&state, TestRequest::with_uri("/api/v1/health").method(Method::HEAD)).await.status.is_success());
}

#[actix_web::test]
async fn uploads_are_bounded_and_looked_into() {
    let state = shelf();
    let send = |kind: &'static str, bytes: Vec<u8>| {
        TestRequest::post().uri("/api/v1/uploads").insert_header(("Content-Type", kind)).set_payload(bytes)
    };
    let png = std::fs::read(SHELF.images.join("warm/red 00.png")).unwrap();
    for (kind, bytes) in [
        ("image/png", Vec::new()),
        ("image/png", b"not an image".to_vec()),
        ("image/jpeg", png[..40].to_vec()),
        ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>".to_vec()),
        ("image/png", bomb()),
    ] {
        ask(&state, send(kind, bytes)).await.error(400, "bad_image");
    }
    ask(&state, send("text/html", png.clone())).await.error(415, "unsupported_media_type");
    ask(&state, send("image/png", vec![0; MAX_UPLOAD + 1])).await.error(413, "too_large");
    let lie = send("image/png", png.clone()).insert_header(("Content-Length", "99999999999"));
    ask(&state, lie).await.error(413, "too_large");
    assert_eq!(ask(&state, send("image/gif", png)).await.status.as_u16(), 201, "what counts is what it is");
    let long = json!({"terms": [{"text": "a".repeat(MAX_JSON)}]});
    post(&state, "/api/v1/search", long).await.error(413, "too_large");
}

#[actix_web::test]
async fn lists_are_counted_before_their_members_are_looked_up() {
    let state = shelf();
    let many = |member: Value| vec![member; 300];
    let terms = json!({"terms": many(json!({"upload": "0123456789abcdef0123456789abcdef"}))});
    let refused = post(&state, "/api/v1/search", terms).await;
    assert!(refused.error(400, "bad_request").contains("`terms` has 300"), "the upload is not even looked for");
    for (path, form, name) in [
        ("search", json!({"filter": {"folders": many(json!("/p"))}}), "folders"),
        ("search", json!({"filter": {"cameras": many(json!("x"))}}), "cameras"),
        ("search", json!({"filter": {"formats": many(json!("png"))}}), "formats"),
        ("find", json!({"things": many(json!({"text": "x"}))}), "things"),
        ("find", json!({"q": "dog", "without": many(json!("x"))}), "without"),
        (
            "find",
            json!({"q": "dog", "relations": many(json!({"first": 0, "is": "left-of", "second": 1}))}),
            "relations",
        ),
    ] {
        let refused = post(&state, &format!("/api/v1/{path}"), form).await;
        assert!(refused.error(400, "bad_request").contains(&format!("`{name}` has 300")), "{name}");
    }
    let last = usize::MAX;
    let beyond = json!({"q": "dog", "things": [{"text": "cat"}],
        "relations": [{"first": last, "is": "left-of", "second": last}]});
    post(&state, "/api/v1/find", beyond).await.error(400, "bad_request");
}

#[actix_web::test]
async fn terms_share_the_bytes_of_an_upload() {
    let uploads = crate::uploads::Uploads::default();
    let png = std::fs::read(SHELF.images.join("warm/red 03.png")).unwrap();
    let upload = crate::uploads::Upload::read(png.into()).unwrap();
    let (key, bytes) = (upload.key.clone(), Arc::downgrade(&upload.bytes));
    uploads.keep(upload);
    let form: crate::routes::forms::FullForm =
        serde_json::from_value(json!({"terms": vec![json!({"upload": key}); 64]})).unwrap();
    let query = form.into_query(1, 1, &uploads).unwrap();
    assert_eq!((query.terms.len(), bytes.strong_count()), (64, 65), "64 terms and the one that is kept");
}

/// A PNG whose header announces 60,000 by 60,000 pixels.
fn bomb() -> Vec<u8> {
    let mut png = std::fs::read(SHELF.images.join("warm/red 01.png")).unwrap();
    for at in [16, 20] {
        png[at..at + 4].copy_from_slice(&60_000u32.to_be_bytes());
    }
    let crc = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&crc.to_be_bytes());
    png
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

#[actix_web::test]
async fn strangers_learn_nothing_without_the_token() {
    let token = "0123456789abcdef0123456789abcdef";
    let access = Access::new(Some(token.to_owned())).unwrap();
    let state = web::Data::new(
        AppState::new(Arc::clone(&SHELF.engine), access, AllowedRoots::default(), Limits::default()).unwrap(),
    );
    for path in [
        "/",
        "/static/app.js",
        "/api/docs",
        "/api/v1/health",
        "/api/v1/metrics",
        "/api/v1/openapi.json",
        "/api/v1/images/1/original",
    ] {
        get(&state, path).await.error(401, "unauthorized");
    }
    let refused = ask(&state, TestRequest::post().uri("/api/v1/jobs").set_json(json!({}))).await;
    refused.error(401, "unauthorized");
    let with = |value: String| TestRequest::get().uri("/api/v1/stats").insert_header(("Authorization", value));
    ask(&state, with(format!("Bearer {token}x"))).await.error(401, "unauthorized");
    ask(&state, with(format!("Basic {token}"))).await.error(401, "unauthorized");
    assert!(ask(&state, with(format!("Bearer {token}"))).await.status.is_success());
    let named = with(format!("Bearer {token}")).insert_header(("X-Forwarded-Host", "evil.example"));
    assert!(ask(&state, named).await.status.is_success(), "what a proxy claims is not looked at");
}

#[actix_web::test]
async fn a_person_without_the_token_is_asked_for_it() {
    let token = "0123456789abcdef0123456789abcdef";
    let access = Access::new(Some(token.to_owned())).unwrap();
    let state = web::Data::new(
        AppState::new(Arc::clone(&SHELF.engine), access, AllowedRoots::default(), Limits::default()).unwrap(),
    );
    let open = |path: &str, language: &'static str| {
        let accept = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        ask(&state, TestRequest::get().uri(path).insert_header(accept).insert_header(("Accept-Language", language)))
    };
    let text = |answer: &Answer| String::from_utf8(answer.body.to_vec()).unwrap();
    let first = open("/", "xx, de-DE;q=0.8").await;
    assert_eq!((first.status.as_u16(), first.header("content-type")), (401, "text/html; charset=utf-8"));
    assert!(text(&first).contains("lang=\"de\"") && text(&first).contains("name=\"token\""), "{}", text(&first));
    assert!(
        ["{ask}", "{open}", "{problem}"].iter().every(|place| !text(&first).contains(place)),
        "places are filled in"
    );
    assert!(!first.header("content-security-policy").contains("script"), "and runs nothing");
    assert!(text(&open("/", "he").await).contains("dir=\"rtl\""));
    assert!(text(&open("/", "pt-PT").await).contains("lang=\"pt-BR\""), "the words of Brazil serve all");
    let shown = open("/?q=dog%22%3E%3Cb%3E&c=t%3A1%3Acat&token=wrong", "en").await;
    let place = "./?q=dog%22%3E%3Cb%3E&c=t%3A1%3Acat&token=";
    assert_eq!((shown.status.as_u16(), shown.header("location")), (303, place), "it leaves the address bar");
    assert_eq!(shown.header("set-cookie"), "");
    let deep = text(&open(&place[1..], "en").await);
    assert!(deep.contains("name=\"q\" value=\"dog&quot;&gt;&lt;b&gt;\""), "the form keeps what was asked for: {deep}");
    assert!(deep.contains("name=\"c\" value=\"t:1:cat\"") && !deep.contains("value=\"wrong\""), "{deep}");
    let shown = open("/?token=0123456789abcdef0123456789abcdeX", "en").await;
    assert_eq!((shown.status.as_u16(), shown.header("location")), (303, "./?token="));
    let wrong = open("/?token=", "en").await;
    assert_eq!(wrong.status.as_u16(), 401);
    assert_ne!(text(&wrong), text(&open("/", "en").await), "a wrong token is said to be wrong");
    let right = open(&format!("/?token={token}"), "en").await;
    assert_eq!((right.status.as_u16(), right.header("location")), (303, "./"));
    assert!(right.header("set-cookie").contains("HttpOnly"));
    // Only the right token becomes a cookie, and the address leads nowhere else.
    for (address, clean) in [
        ("/?a=1&token={}&b=2", "./?a=1&b=2"),
        ("//evil.example/?token={}", "./"),
        ("//evil.example?token={}", "./evil.example"),
        ("/\\\\evil.example?token={}", "./evil.example"),
    ] {
        let right = open(&address.replace("{}", token), "en").await;
        assert_eq!((right.status.as_u16(), right.header("location")), (303, clean), "{address}");
        assert!(
            right.header("set-cookie").contains("SameSite=Strict") && right.header("set-cookie").contains("Max-Age")
        );
    }
    let cookie = ("Cookie", format!("glimpse_token={token}"));
    let kept = ask(&state, TestRequest::get().uri("/?token=wrong;Domain=x").insert_header(cookie)).await;
    assert!(kept.status.is_success() && kept.header("set-cookie").is_empty(), "a wrong token replaces no right one");
    // What is left of another token, or of a server at another port, hides no right one.
    let old = ("Cookie", "glimpse_token=fedcba9876543210fedcba9876543210");
    let renewed = ask(&state, TestRequest::get().uri(&format!("/?token={token}")).insert_header(old)).await;
    assert_eq!((renewed.status.as_u16(), renewed.header("location")), (303, "./"));
    let two = ("Cookie", format!("{}; glimpse_token_4747={token}", old.1));
    assert!(ask(&state, TestRequest::get().uri("/").insert_header(two)).await.status.is_success());
    let bearer = ("Authorization", format!("bearer {token}"));
    assert!(
        ask(&state, TestRequest::get().uri("/").insert_header(old).insert_header(bearer)).await.status.is_success()
    );
    assert_eq!(ask(&state, TestRequest::get().uri("/").insert_header(old)).await.status.as_u16(), 401);
    // Servers of one machine keep a cookie each.
    for (host, name) in
        [("localhost:4747", "glimpse_token_4747="), ("[::1]:80", "glimpse_token_80="), ("[::1]", "glimpse_token=")]
    {
        let service = init_service(App::new().configure(configure(state.clone()))).await;
        let entry = TestRequest::get().uri(&format!("/?token={token}")).insert_header(("Host", host));
        let entered = call_service(&service, entry.to_request()).await;
        assert!(entered.headers().get("set-cookie").unwrap().to_str().unwrap().starts_with(name), "{host}");
    }
    // A program that posts is told in its own way.
    let post = TestRequest::post().uri("/api/v1/search").insert_header(("Accept", "text/html")).set_json(json!({}));
    ask(&state, post).await.error(401, "unauthorized");
}

#[actix_web::test]
async fn clients_cannot_have_any_folder_indexed() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().canonicalize().unwrap();
    let [shared, private] = ["shared", "private"].map(|name| place.join(name));
    draw(&shared.join("a.png"), [3, 60, 9]);
    draw(&private.join("b.png"), [90, 60, 9]);
    let state = adding(&engine(&place), &shared, Limits::default());
    let ask = async |root: &Path| post(&state, "/api/v1/jobs", json!({"roots": [root]})).await;
    let mut outside = vec![private.clone(), private.join("none"), place.clone(), "/".into(), shared.join("../private")];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&private, shared.join("link")).unwrap();
        outside.push(shared.join("link"));
    }
    let messages: Vec<String> = {
        let mut messages = Vec::new();
        for root in &outside {
            messages.push(ask(root).await.error(403, "folder_not_allowed").replace(&root.display().to_string(), "it"));
        }
        messages
    };
    assert!(messages.iter().every(|message| *message == messages[0]), "nobody learns what is there: {messages:?}");
    assert!(ask(&shared.join("none")).await.error(400, "folder_not_found").contains("not there"));
    let job = ask(&shared).await.good();
    let done = super::jobs::finished(&state, &job["id"]).await;
    assert_eq!((&done["state"], &done["counts"]["indexed"]), (&json!("done"), &json!(1)));
    // A folder of the library may be brought up to date whatever else is allowed, and what is in
    // it.
    let later = state_of(&state.engine, Limits::default());
    for root in [shared.clone(), shared.join("a.png")] {
        let job = post(&later, "/api/v1/jobs", json!({"roots": [root]})).await.good();
        super::jobs::finished(&later, &job["id"]).await;
    }
}

#[actix_web::test]
async fn few_uploads_are_read_at_a_time() {
    let state = state_of(&SHELF.engine, Limits { uploads: 0, ..Limits::default() });
    let png = std::fs::read(SHELF.images.join("warm/red 02.png")).unwrap();
    let send = TestRequest::post().uri("/api/v1/uploads").insert_header(("Content-Type", "image/png")).set_payload(png);
    let refused = ask(&state, send).await;
    refused.error(503, "busy");
    assert_eq!(refused.header("retry-after"), "1");
}

#[actix_web::test]
async fn the_description_names_every_route_that_answers() {
    let state = shelf();
    let description: Value = get(&state, "/api/v1/openapi.json").await.good();
    for path in description["paths"].as_object().unwrap().keys() {
        let path = path.replace("{id}", "3").replace("{key}", "0");
        let answer = ask(&state, TestRequest::with_uri(&path).method(Method::OPTIONS)).await;
        answer.error(405, "method_not_allowed");
    }
}
