//! A real server on a free port.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use glimpse_nonempty::{Every as _, each};
use serde_json::Value;

use crate::util::{Fixture, shared};

/// A running `glimpse serve`; killed when dropped.
struct Server {
    child: Child,
    address: String,
}

/// What a request was answered.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Server {
    fn start(fixture: &Fixture, more: &[&str]) -> Self {
        Self::of(fixture.command(["serve", "--port", "0", "--no-open"]).args(more))
    }

    fn of(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).unwrap_or_else(|| panic!("no address in `{line}`"));
        let address = address.split(['/', ' ']).next().unwrap().to_owned();
        let server = Self { child, address };
        // Until the model is loaded, what needs it is refused with a word of when to ask again.
        while server.get("/api/v1/health").json()["model"]["state"] == "loading" {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        server
    }

    /// Sends bytes as they are.
    fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: bytes[end + 4..].to_vec() }
    }

    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let host = &self.address;
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        );
        self.raw(request.as_bytes())
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", "")
    }

    fn post(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, "Content-Type: application/json\r\n", body)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    fn json(&self) -> Value {
        assert!(self.head.contains("application/json"), "{}", self.head);
        serde_json::from_slice(&self.body).unwrap()
    }

    /// An error in its one shape.
    fn error(&self, status: u16, code: &str) -> String {
        let body = self.json();
        assert_eq!((self.status, body["code"].as_str()), (status, Some(code)), "{body}");
        body["message"].as_str().expect("a message").to_owned()
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn the_folder_of_an_image_is_opened_on_a_desktop_for_this_machine_alone() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::indexed();
    let (tools, told) = (fixture.path().join("tools"), fixture.path().join("told"));
    std::fs::create_dir(&tools).unwrap();
    let opener = tools.join("xdg-open");
    std::fs::write(
        &opener,
        format!("#!/bin/sh\nprintf '%s' \"$*\" >'{0}.new' && mv '{0}.new' '{0}'\n", told.display()),
    )
    .unwrap();
    std::fs::set_permissions(&opener, PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap_or_default());
    let start = |display: &str, more: &[&str]| {
        let mut command = fixture.command(["serve", "--port", "0", "--no-open"]);
        command.env("PATH", &path).env("DISPLAY", display).env_remove("WAYLAND_DISPLAY");
        Server::of(command.args(more))
    };
    let reveal = |server: &Server, headers: &str| {
        let id = &server.get("/api/v1/search?limit=1").json()["hits"][0]["id"];
        let headers = format!("Content-Type: application/json\r\n{headers}");
        server.send("POST", "/api/v1/reveal", &headers, &format!("{{\"image\": {id}}}"))
    };
    for (display, more) in [("", &[][..]), (":9", &["--public-url", "https://photos.example"])] {
        let server = start(display, more);
        assert_eq!(server.get("/api/v1/health").json()["allows"]["reveal"], false);
        reveal(&server, "").error(403, "reveal_not_allowed");
    }
    let server = start(":9", &[]);
    assert_eq!(server.get("/api/v1/health").json()["allows"]["reveal"], true);
    reveal(&server, "Origin: http://evil.example\r\n").error(403, "forbidden");
    assert!(!told.exists());
    assert_eq!(reveal(&server, "").status, 204);
    let folder = (0..200).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        std::fs::read_to_string(&told).ok()
    });
    let folder = std::path::PathBuf::from(folder.unwrap());
    assert!(folder.is_dir() && folder.starts_with(fixture.images().canonicalize().unwrap()), "{folder:?}");
}

#[test]
fn things_come_by_date_when_asked() {
    let fixture = shared();
    let server = Server::start(&fixture, &[]);
    // Dates in words, those of undated images last; matches and weaker ones apart.
    let found = |sort: &str| {
        let page = server.get(&format!("/api/v1/find?q=sunflower&all=true&limit=200&sort={sort}")).json();
        let hits = page["hits"].as_array().unwrap();
        let dates: Vec<_> = hits.iter().map(|hit| hit["taken"].as_str().unwrap_or("9").to_owned()).collect();
        let (above, below) = dates.split_at(page["accepted"].as_u64().unwrap() as usize);
        (above.to_vec(), below.to_vec())
    };
    let (above, below) = found("oldest");
    assert!(above.is_sorted() && below.is_sorted(), "{above:?} {below:?}");
    assert!(below.iter().any(|taken| taken != "9") && below.len() > 3, "{below:?}");
    let (_, mut best) = found("relevance");
    assert_ne!(best, below);
    best.sort();
    assert_eq!(best, below, "the same images");
}

#[test]
fn silent_clients_hold_nobody() {
    let fixture = shared();
    let server = Server::start(&fixture, &[]);
    let silent: Vec<TcpStream> = (0..600).map(|_| TcpStream::connect(&server.address).unwrap()).collect();
    let start = std::time::Instant::now();
    for _ in 0..3 {
        assert_eq!(server.get("/api/v1/search?q=sunflower&mode=words&limit=1").status, 200);
    }
    let waited = start.elapsed();
    assert!(waited < std::time::Duration::from_secs(4), "{waited:?} beside {} silent clients", silent.len());
    // They are asked to leave after a few seconds.
    let mut first = &silent[0];
    first.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    let mut answer = Vec::new();
    first.read_to_end(&mut answer).unwrap();
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn searches_are_answered() {
    let fixture = shared();
    let server = Server::start(&fixture, &[]);

    let page = server.get("/api/v1/search?q=sunflower&limit=5&all=true").json();
    let hits = page["hits"].as_array().unwrap();
    assert_eq!(hits.len(), 5);
    for field in ["id", "path", "content", "width", "height", "format", "score", "strength", "why"] {
        assert!(hits[0].get(field).is_some(), "no {field} in {}", hits[0]);
    }
    let next = page["next"].as_str().unwrap();
    let second = server.get(&format!("/api/v1/search?q=sunflower&limit=5&all=true&cursor={next}")).json();
    assert_ne!(hits[0]["id"], second["hits"][0]["id"]);

    let body = r#"{"terms":[{"text":"sunflower","weight":2},{"text":"bicycle","weight":-1}],"limit":5,"all":true}"#;
    assert_eq!(server.post("/api/v1/search", body).json()["hits"].as_array().unwrap().len(), 5);

    let id = &hits[0]["id"];
    let similar = server.get(&format!("/api/v1/search?like={id}&limit=3&all=true")).json();
    assert!(similar["hits"].as_array().unwrap().iter().every(|hit| hit["id"] != *id), "{similar}");

    let stats = server.get("/api/v1/stats").json();
    assert_eq!((stats["images"].as_u64().unwrap() > 0, &stats["model"]["name"]), (true, &"demo".into()));
    assert!(!server.get("/api/v1/facets").json()["formats"].as_array().unwrap().is_empty());
    assert_eq!(server.get("/api/v1/health").json()["status"], "ok");
}

#[test]
fn images_are_served_by_number() {
    let fixture = shared();
    let server = Server::start(&fixture, &[]);
    let hit = server.get("/api/v1/search?limit=1").json()["hits"][0].clone();
    let (id, content) = (&hit["id"], hit["content"].as_str().unwrap());

    let record = server.get(&format!("/api/v1/images/{id}")).json();
    assert_eq!(record["path"], hit["path"]);

    let original = server.get(&format!("/api/v1/images/{id}/original"));
    assert_eq!(original.body, std::fs::read(hit["path"].as_str().unwrap()).unwrap());
    assert!(original.head.contains("nosniff") && original.head.contains("content-type: image/"), "{}", original.head);

    let thumbnail = server.get(&format!("/api/v1/images/{id}/thumbnail?size=160&v={content}"));
    assert!(thumbnail.head.contains("image/jpeg") && thumbnail.head.contains("immutable"), "{}", thumbnail.head);
    let size = image::load_from_memory(&thumbnail.body).unwrap();
    assert_eq!(size.width().max(size.height()), 160);
    let tag = thumbnail.head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let again = server.send(
        "GET",
        &format!("/api/v1/images/{id}/thumbnail?size=160"),
        &format!("If-None-Match: {tag}\r\n"),
        "",
    );
    assert_eq!((again.status, again.body.len()), (304, 0));

    server.get(&format!("/api/v1/images/{id}/thumbnail?size=161")).error(400, "bad_request");
    server.get("/api/v1/images/987654321").error(404, "not_found");
    server.get("/api/v1/images/987654321/original").error(404, "not_found");
    server.get("/api/v1/images/-1").error(400, "bad_request");
}

#[test]
fn what_makes_no_sense_is_an_answer() {
    let fixture = shared();
    let server = Server::start(&fixture, &[]);
    server.get("/api/v1/nothing").error(404, "not_found");
    server.send("DELETE", "/api/v1/search", "", "").error(405, "method_not_allowed");
    assert!(server.get("/api/v1/search?q=a&limit=0").error(400, "bad_request").contains("limit"));
    assert!(server.get("/api/v1/search?q=a&colour=red").error(400, "bad_request").contains("colour"));
    assert!(server.get("/api/v1/search?q=a&after=soon").error(400, "bad_request").contains("soon"));
    server.get("/api/v1/search?q=a&cursor=nonsense").error(400, "bad_request");
    for body in ["", "{", "[1]", r#"{"terms":[{}]}"#, r#"{"terms":[{"text":"a","image":1}]}"#, r#"{"limit":-1}"#] {
        server.post("/api/v1/search", body).error(400, "bad_request");
    }
    server.send("POST", "/api/v1/search", "", "{}").error(415, "unsupported_media_type");
    server.post("/api/v1/search", &format!(r#"{{"cursor":"{}"}}"#, "a".repeat(300_000))).error(413, "too_large");
    assert_eq!(server.raw(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").status, 400);
}

#[test]
fn strangers_are_refused() {
    let fixture = shared();
    let server = Server::start(&fixture, &[]);
    let from = |host: &str, more: &str| {
        let request = format!("GET /api/v1/stats HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n");
        server.raw(request.as_bytes())
    };
    for host in ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example"] {
        from(host, "").error(403, "forbidden");
    }
    assert_eq!(from("localhost", "").status, 200);
    from(&server.address, "Origin: http://evil.example\r\n").error(403, "forbidden");
    from(&server.address, "Origin: null\r\n").error(403, "forbidden");
    assert_eq!(from(&server.address, &format!("Origin: http://{}\r\n", server.address)).status, 200);
    for path in [
        "/static/../Cargo.toml",
        "/static/..%2f..%2fCargo.toml",
        "/static/%2e%2e/lib.rs",
        "/etc/passwd",
        "//etc/passwd",
    ] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
}

#[test]
fn the_page_stays_at_home() {
    let fixture = shared();
    let server = Server::start(&fixture, &[]);
    let page = server.get("/");
    let text = String::from_utf8(page.body).unwrap();
    assert!(page.head.contains("content-security-policy: default-src 'none'"), "{}", page.head);
    assert!(!text.contains("http://") && !text.contains("https://"), "the page names another site");
    for name in each(text.split('"').filter(|part| part.starts_with("static/"))) {
        assert_eq!(server.get(&format!("/{name}")).status, 200, "{name}");
    }
}

#[test]
fn other_machines_need_a_token() {
    let fixture = shared();
    let refused = fixture.run(["serve", "--host", "0.0.0.0", "--port", "0", "--no-open"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("needs a token") && refused.stderr.contains("hint:"), "{}", refused.stderr);
    assert_eq!(fixture.run(["serve", "--port", "0", "--no-open", "--token", "short"]).code, 2);

    let token = "0123456789abcdef0123456789abcdef";
    let server = Server::start(&fixture, &["--token", token]);
    server.get("/api/v1/stats").error(401, "unauthorized");
    let with = |headers: &str| server.send("GET", "/api/v1/stats", headers, "");
    with("Authorization: Bearer 0123456789abcdef0123456789abcdee\r\n").error(401, "unauthorized");
    assert_eq!(with(&format!("Authorization: Bearer {token}\r\n")).status, 200);
    assert_eq!(with(&format!("Cookie: a=b; glimpse_token={token}\r\n")).status, 200);

    let entered = server.get(&format!("/?token={token}"));
    assert_eq!(entered.status, 303);
    assert!(entered.head.contains("httponly") && entered.head.contains("samesite=strict"), "{}", entered.head);
    assert!(entered.head.lines().any(|line| line == "location: ./"), "{}", entered.head);
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_the_server() {
    let fixture = shared();
    let mut server = Server::start(&fixture, &[]);
    assert_eq!(server.get("/api/v1/health").status, 200);
    let stopped = std::process::Command::new("kill").args(["-INT", &server.child.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_library_that_another_process_holds_is_no_library_to_serve() {
    let fixture = shared();
    let server = Server::start(&fixture, &["--host", "localhost"]);
    assert!(server.address.starts_with("127.0.0.1:"), "{}", server.address);
    let second = fixture.run(["serve", "--port", "0", "--no-open"]);
    assert_eq!((second.code, second.stdout.as_str()), (2, ""));
    assert!(second.stderr.contains("in use by another glimpse process"), "{}", second.stderr);
    assert!(!second.stderr.contains("serving"), "{}", second.stderr);
    let odd = fixture.run(["serve", "--host", "somewhere.example"]);
    assert!(odd.code == 2 && odd.stderr.contains("localhost"), "{}", odd.stderr);
}

#[test]
fn texts_go_to_workers_and_are_encoded_here_when_none_answers() {
    // One that hangs up on whatever it is asked.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, asked) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut line = String::new();
            let _ = BufReader::new(stream.unwrap()).read_line(&mut line);
            let _ = tell.send(line);
        }
    });
    let fixture = shared();
    let server = Server::start(&fixture, &["--workers", &url]);
    let question = r#"{"terms": [{"text": "a guitar"}], "limit": 3}"#;
    assert_ne!(server.post("/api/v1/search", question).json()["hits"], serde_json::json!([]));
    assert!(asked.try_iter().any(|line| line.starts_with("POST /api/v1/worker/texts ")));
}
