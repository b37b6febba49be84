//! Behind a reverse proxy: which names and origins are answered, and where the routes stand.

use super::*;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn behind(urls: &[&str], token: Option<&str>) -> web::Data<AppState> {
    let access = Access::new(token.map(str::to_owned)).unwrap();
    let access = access.behind(urls.iter().map(|url| url.parse().unwrap()).collect());
    let state = AppState::new(Arc::clone(&SHELF.engine), access, AllowedRoots::default(), Limits::default());
    web::Data::new(state.unwrap())
}

async fn ask_as(state: &web::Data<AppState>, path: &str, headers: &[(&'static str, &str)]) -> Answer {
    let service = init_service(App::new().configure(configure(state.clone()))).await;
    let request = headers.iter().fold(TestRequest::get().uri(path), |request, pair| request.insert_header(*pair));
    let response = call_service(&service, request.to_request()).await;
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, body: to_bytes(response.into_body()).await.unwrap() }
}

#[actix_web::test]
async fn the_public_address_is_answered_whichever_host_the_proxy_sends() {
    let state = behind(&["https://photos.example/glimpse/"], None);
    for host in ["127.0.0.1:4747", "photos.example", "photos.example:443"] {
        for origin in ["https://photos.example", ""] {
            let headers = [("Host", host), ("Origin", origin)];
            let headers = if origin.is_empty() { &headers[..1] } else { &headers[..] };
            assert!(ask_as(&state, "/api/v1/stats", headers).await.status.is_success(), "{headers:?}");
        }
    }
    for headers in [
        [("Host", "127.0.0.1:4747"), ("Origin", "https://evil.example")],
        [("Host", "photos.example"), ("Origin", "https://photos.example:8443")],
        [("Host", "evil.example"), ("Origin", "https://photos.example")],
        [("Host", "evil.example"), ("X-Forwarded-Host", "photos.example")],
    ] {
        ask_as(&state, "/api/v1/stats", &headers).await.error(403, "forbidden");
    }
}

#[actix_web::test]
async fn the_routes_stand_below_the_public_path_too() {
    let state = behind(&["https://photos.example/a/glimpse"], None);
    let host = [("Host", "photos.example")];
    for path in ["/", "/api/v1/stats", "/static/app.js", "/a/glimpse/", "/a/glimpse/api/v1/stats"] {
        assert!(ask_as(&state, path, &host).await.status.is_success(), "{path}");
    }
    let bare = ask_as(&state, "/a/glimpse", &host).await;
    assert_eq!((bare.status.as_u16(), bare.header("location")), (303, "./glimpse/"));
    ask_as(&state, "/glimpse/", &host).await.error(404, "not_found");
    ask_as(&state, "/a/glimpse/", &[("Host", "evil.example")]).await.error(403, "forbidden");
}

#[actix_web::test]
async fn the_cookie_is_bound_to_the_public_address() {
    let state = behind(&["https://photos.example/glimpse/", "http://nas.local/"], Some(TOKEN));
    let address = format!("/?q=dog&token={TOKEN}");
    let cookie = async |headers: &[(&'static str, &str)]| {
        let answer = ask_as(&state, &address, headers).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "./?q=dog"));
        answer.header("set-cookie").to_owned()
    };
    let public = cookie(&[("Host", "photos.example")]).await;
    assert!(public.contains("Path=/glimpse/;") && public.ends_with("; Secure"), "{public}");
    let forwarded = cookie(&[("Host", "127.0.0.1:4747"), ("X-Forwarded-Host", "photos.example")]).await;
    assert_eq!(forwarded, public);
    let plain = cookie(&[("Host", "nas.local")]).await;
    assert!(plain.contains("Path=/;") && !plain.contains("Secure"), "{plain}");
    // No header adds an address.
    let unknown = [("Host", "127.0.0.1"), ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "https")];
    assert_eq!(cookie(&unknown).await, plain);
}
