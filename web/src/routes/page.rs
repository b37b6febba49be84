//! The page: files of `web/static`, compiled in, so that nothing is read or fetched at run time.

use std::collections::HashMap;
use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use glimpse_engine::ContentHash;
use include_dir::{Dir, File, include_dir};
use serde_json::Value;

use crate::error::ApiError;
use crate::etag::is_known;
use crate::packed::Coding;

static FILES: Dir = include_dir!("$CARGO_MANIFEST_DIR/static");
/// Tags by which browsers tell whether their copy is still right; weak, since answers are
/// compressed in more than one way.
static TAGS: LazyLock<HashMap<&'static str, String>> = LazyLock::new(|| {
    let tags = all().map(|file| (name(file), format!("W/\"{}\"", ContentHash::of(file.contents()))));
    tags.collect()
});

/// The script that keeps copies of all others. It tells browsers that they are out of date by being
/// another one itself: this place in it holds a hash of all files.
const WORKER: &str = "sw.js";
const VERSION_PLACE: &str = "{version}";
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut tags: Vec<_> = TAGS.iter().map(|(name, tag)| format!("{name} {tag}\n")).collect();
    tags.sort_unstable();
    ContentHash::of(tags.concat().as_bytes()).to_string()
});

/// `GET /`
pub async fn index(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    send("index.html", &request)
}

/// `GET /api/docs`
pub async fn docs(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    send("docs.html", &request)
}

/// `GET /static/{name}`
pub async fn asset(name: web::Path<String>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    send(&name, &request)
}

/// What a browser shows when the token is missing or wrong: a field for it, in the browser's
/// language. Strangers get nothing else from here, so its few styles stand in it.
const TOKEN: &str = include_str!("token.html");
const TOKEN_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The page that asks for the token.
pub fn token(request: &HttpRequest) -> HttpResponse {
    let asked = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|asked| asked.to_str().ok());
    let names = asked.unwrap_or_default().split(',').filter_map(|range| range.trim().split([';', '-']).next());
    let known = names.chain(["en"]).find_map(|name| Some((name, words(name)?)));
    let (language, words) = known.unwrap_or_default();
    let word = |key: &str| words.get(key).and_then(Value::as_str).unwrap_or_default();
    let wrong = request.query_string().contains("token=");
    // The words are those of Brazil, whatever Portuguese is asked for.
    let tag = if language == "pt" { "pt-BR" } else { language };
    let page = TOKEN
        .replace("{language}", tag)
        .replace("{direction}", if ["ar", "he"].contains(&language) { "rtl" } else { "ltr" })
        .replace("{problem}", word(if wrong { "tokenWrong" } else { "error_unauthorized" }))
        .replace("{mood}", if wrong { "wrong" } else { "asked" })
        .replace("{ask}", word("tokenAsk"))
        .replace("{open}", word("tokenOpen"))
        .replace("{kept}", &kept(request));
    HttpResponse::Unauthorized()
        .insert_header((header::CONTENT_SECURITY_POLICY, TOKEN_POLICY))
        .insert_header((header::WWW_AUTHENTICATE, "Bearer"))
        .content_type("text/html; charset=utf-8")
        .body(page)
}

/// Hidden fields that keep what else the address asks for: a form that is sent replaces its query.
fn kept(request: &HttpRequest) -> String {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let pairs = pairs.map(web::Query::into_inner).unwrap_or_default();
    let field = |(name, value): &(String, String)| {
        format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escaped(name), escaped(value))
    };
    pairs.iter().filter(|(name, _)| name != "token").map(field).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The sentences of a language that the page speaks.
fn words(language: &str) -> Option<serde_json::Map<String, Value>> {
    serde_json::from_slice(FILES.get_file(format!("words/{language}.json"))?.contents()).ok()
}

fn send(name: &str, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    let file = FILES.get_file(name).ok_or_else(|| ApiError::not_found(format!("the page has no file `{name}`")))?;
    if name == WORKER {
        return Ok(send_worker(file));
    }
    let tag = TAGS.get(name).map(String::as_str).unwrap_or_default();
    let known = is_known(request.headers(), tag);
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::ETAG, tag)).insert_header((header::CACHE_CONTROL, "no-cache"));
    if known {
        return Ok(response.finish());
    }
    response.content_type(kind(name)).insert_header((header::VARY, "accept-encoding"));
    let coding = Coding::wanted_by(request).filter(|_| is_text(name));
    Ok(match coding.and_then(|coding| Some((coding.name(), packed(file, coding)?))) {
        Some((coding, packed)) => response.insert_header((header::CONTENT_ENCODING, coding)).body(packed),
        None => response.body(file.contents()),
    })
}

fn packed(file: &'static File<'static>, coding: Coding) -> Option<web::Bytes> {
    coding.packed(name(file), file.contents()).ok()
}

/// Compresses all files, as browsers of this machine take them: one is about to open the page.
pub fn prepare() {
    all().filter(|file| is_text(name(file))).for_each(|file| _ = packed(file, Coding::Brotli));
}

/// Images are compressed by themselves.
fn is_text(name: &str) -> bool {
    !name.ends_with(".png")
}

/// Its place is that of the page, one folder up, whatever path a reverse proxy shows it below.
fn send_worker(file: &File<'_>) -> HttpResponse {
    let script = file.contents_utf8().unwrap_or_default().replace(VERSION_PLACE, &VERSION);
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header(("Service-Worker-Allowed", "../"))
        .content_type(kind(WORKER))
        .body(script)
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

/// Every file of the page.
fn all() -> impl Iterator<Item = &'static File<'static>> {
    let mut folders = vec![&FILES];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        files.extend(folder.files());
        folders.extend(folder.dirs());
    }
    files.into_iter()
}

fn name(file: &File<'static>) -> &'static str {
    file.path().to_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::{BTreeMap, BTreeSet};

    use glimpse_nonempty::{Every as _, each, if_any};

    use super::*;

    fn text(file: &'static File<'static>) -> &'static str {
        file.contents_utf8().unwrap()
    }

    fn texts() -> impl Iterator<Item = &'static File<'static>> {
        all().filter(|file| is_text(name(file)))
    }

    #[test]
    fn every_file_has_a_kind_and_names_no_other_site() {
        assert!(all().every(|file| kind(name(file)) != "application/octet-stream"));
        for file in each(texts()) {
            let allowed = ["http://www.w3.org/2000/svg"];
            let text = allowed.iter().fold(text(file).to_owned(), |text, known| text.replace(known, ""));
            assert!(!text.contains("http://") && !text.contains("https://"), "{} names another site", name(file));
        }
    }

    /// As `errors.js` finds it: by the reason's name, or under that of an error that says the same.
    #[test]
    fn every_reason_has_a_sentence_in_each_language() {
        let said = |code: &str| match code {
            "not_found" | "too_large" | "unreachable" => format!("error_{code}"),
            "fault" => "error_internal".to_owned(),
            _ => format!("reason_{code}"),
        };
        let languages = all().filter_map(|file| name(file).strip_prefix("words/")?.strip_suffix(".json"));
        for language in each(languages) {
            let words = words(language).unwrap();
            for code in each(glimpse_engine::ReasonCode::ALL) {
                assert!(words.contains_key(&said(code.name())), "{language} has no {}", said(code.name()));
            }
        }
    }

    /// What the page keeps for a time without its server, and fetches at once: all that its modules
    /// import, but for pages that are loaded when they are opened.
    #[test]
    fn the_page_names_every_module_that_it_needs_at_once() {
        let read = |name: &str| text(FILES.get_file(name).unwrap());
        let (mut needed, mut next) = (BTreeSet::new(), vec!["app.js"]);
        while let Some(module) = next.pop() {
            let passed_on = |line: &&str| line.starts_with("import ") || line.starts_with("export ");
            let named = read(module).lines().filter(passed_on).filter_map(|line| line.split_once("\"./"));
            let names = named.filter_map(|(_, rest)| rest.split_once('"')).map(|(name, _)| name);
            next.extend(names.filter(|name| needed.insert(*name)));
        }
        assert!(needed.len() > 30);
        let page = read("index.html");
        for module in each(&needed) {
            assert!(page.contains(&format!("\"static/{module}\"")), "index.html does not name {module}");
        }
    }

    #[test]
    fn what_the_page_loads_is_there() {
        for file in each(texts()) {
            let folder = file.path().parent().unwrap();
            let passed_on = |line: &&str| line.starts_with("import") || line.starts_with("export");
            for line in if_any(text(file).lines().filter(passed_on)) {
                let Some(target) = line.split(" from \"").nth(1) else { continue };
                let target = target.split('"').next().unwrap().trim_start_matches("./");
                assert!(FILES.get_file(folder.join(target)).is_some(), "{}: {target}", name(file));
            }
            let addresses = text(file).split("=\"").skip(1).filter_map(|rest| rest.split('"').next());
            for part in if_any(addresses.filter_map(|part| part.trim_start_matches("../").strip_prefix("static/"))) {
                assert!(FILES.get_file(part).is_some(), "{}: {part}", name(file));
            }
        }
    }

    #[test]
    fn the_worker_has_a_place_for_the_version() {
        let worker = FILES.get_file(WORKER).unwrap();
        assert_eq!(text(worker).matches(VERSION_PLACE).count(), 1);
        let sent = send_worker(worker);
        assert_eq!(sent.headers().get("Service-Worker-Allowed").unwrap(), "../");
        assert!(VERSION.len() > 16 && !VERSION.contains('"'));
    }

    /// What the manifest names is there, from where the manifest is.
    #[test]
    fn icons_of_the_manifest_are_there() {
        let manifest: Value = serde_json::from_str(text(FILES.get_file("site.webmanifest").unwrap())).unwrap();
        let icons = manifest["icons"].as_array().unwrap();
        assert!(icons.len() >= 3);
        for icon in each(icons) {
            assert!(FILES.get_file(icon["src"].as_str().unwrap()).is_some(), "{icon}");
        }
    }

    /// A reverse proxy may show the page below any path.
    #[test]
    fn every_address_is_relative() {
        for file in each(texts().filter(|file| !name(file).starts_with("words/"))) {
            for start in ["\"/static", "\"/api", "`/static", "`/api", "href=\"/", "src=\"/", "url(/"] {
                assert!(!text(file).contains(start), "{}: {start}", name(file));
            }
        }
    }

    /// Keys of a language, each with the places that its sentences fill in.
    fn sentences(file: &'static File<'static>) -> BTreeMap<String, BTreeSet<String>> {
        let words: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text(file)).unwrap();
        let places =
            |text: &str| text.split('{').skip(1).map(|part| part.split('}').next().unwrap().to_owned()).collect();
        let all = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => places(&text),
            // The form for one of a thing may leave its number out.
            serde_json::Value::Object(forms) => places(forms["other"].as_str().unwrap()),
            other => panic!("{other} is no sentence"),
        };
        words.into_iter().map(|(key, value)| (key, all(value))).collect()
    }

    /// `explain` of errors.js: which sentence it takes for a code.
    #[test]
    fn every_code_of_the_server_has_a_sentence() {
        let script = text(FILES.get_file("errors.js").unwrap());
        let english = sentences(FILES.get_file("words/en.json").unwrap());
        let list = |start: &str, end: char| script.split_once(start).unwrap().1.split(end).next().unwrap();
        let named = list("const NAMED = {", '}');
        let unsaid: Value = serde_json::from_str(&format!("[{}]", list("const UNSAID = [", ']'))).unwrap();
        let codes = crate::openapi::codes();
        assert!(codes.len() > 15 && codes.iter().any(|code| code == "took_too_long"));
        for code in each(codes) {
            let other = named.split_once(&format!("{code}: \"")).map(|(_, rest)| rest.split('"').next().unwrap());
            let key = other.map_or_else(|| format!("error_{code}"), str::to_owned);
            let is_for_programs = unsaid.as_array().unwrap().iter().any(|unsaid| *unsaid == code);
            assert!(english.contains_key(&key) || is_for_programs, "{code}: no sentence `{key}`");
        }
    }

    #[test]
    fn every_language_has_every_sentence() {
        let languages: Vec<_> = FILES.get_dir("words").unwrap().files().collect();
        assert!(languages.len() >= 10);
        let english = sentences(FILES.get_file("words/en.json").unwrap());
        for language in each(languages) {
            assert_eq!(sentences(language), english, "{}", name(language));
        }
    }
}
