//! A hub on this machine that can be told to misbehave.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::json;
use sha1::Sha1;
use sha2::{Digest, Sha256};

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub const WEIGHTS: &str = "model.safetensors";

/// What is wrong with the server.
#[derive(Debug, Clone, Default)]
pub struct Fault {
    /// Answers every request with this status and error code.
    pub status: Option<(u16, &'static str)>,
    /// Answers as many requests with 503 before it behaves.
    pub busy: usize,
    /// Sends at most so many bytes of the weights at a time, then hangs up.
    pub hangs_up_after: Option<usize>,
    /// Sends files from the start, whatever range is asked for.
    pub ignores_ranges: bool,
    /// Adds this to the size that it announces for the weights, with HEAD.
    pub size_lie: i64,
    /// Flips a bit in the middle of the weights.
    pub corrupts: bool,
    /// Sends the weights from this other server.
    pub redirect_to: Option<String>,
    /// Lists these names too.
    pub more_names: Vec<&'static str>,
    /// Names another commit.
    pub commit: Option<&'static str>,
}

#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
}

struct State {
    files: BTreeMap<String, Vec<u8>>,
    fault: Fault,
    requests: Vec<Request>,
}

/// Serves one repository to whoever asks, until the process ends.
#[derive(Clone)]
pub struct Server {
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub fn start(files: BTreeMap<String, Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State { files, fault: Fault::default(), requests: Vec::new() }));
        let server = Self { url, state };
        let serving = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that hangs up is no failure of the server.
                let _ = serving.answer(stream);
            }
        });
        server
    }

    pub fn set(&self, fault: Fault) {
        self.state.lock().unwrap().fault = fault;
    }

    /// The requests since the last call.
    pub fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }

    fn answer(&self, stream: TcpStream) -> std::io::Result<()> {
        let request = read_request(&stream)?;
        let mut state = self.state.lock().unwrap();
        state.requests.push(request.clone());
        let fault = state.fault.clone();
        let mut send = Reply { stream, head: request.method == "HEAD" };
        if let Some((status, code)) = fault.status {
            return send.text(status, &[("x-error-code", code.into())], b"no");
        }
        if fault.busy > 0 {
            state.fault.busy -= 1;
            return send.text(503, &[], b"busy");
        }
        if request.path.starts_with("/api/models/") {
            let names = state.files.keys().map(String::as_str).chain(fault.more_names);
            let siblings: Vec<_> = names.map(|name| json!({"rfilename": name})).collect();
            let page = json!({"sha": fault.commit.unwrap_or(COMMIT), "siblings": siblings}).to_string();
            return send.text(200, &[], page.as_bytes());
        }
        let name = request.path.rsplit('/').next().unwrap_or_default();
        let Some(mut body) = state.files.get(name).cloned() else { return send.text(404, &[], b"nothing here") };
        drop(state);

        if name != WEIGHTS {
            let etag = hex(&Sha1::new().chain_update(format!("blob {}\0", body.len())).chain_update(&body).finalize());
            // As the hub does: small files move to another address on the same host.
            if !request.path.starts_with("/small/") {
                return send.text(307, &[("location", format!("/small/{name}"))], b"");
            }
            return send.text(200, &[("etag", format!("\"{etag}\""))], &body);
        }
        if request.path.contains("/resolve/") {
            let size = body.len() as i64 + fault.size_lie;
            let to = fault.redirect_to.unwrap_or_default();
            let headers = [
                ("x-linked-etag", format!("\"{}\"", hex(&Sha256::digest(&body)))),
                ("x-linked-size", size.to_string()),
                ("location", format!("{to}/cdn/{name}")),
            ];
            return send.text(302, &headers, b"");
        }
        if fault.corrupts {
            let middle = body.len() / 2;
            body[middle] ^= 1;
        }
        let asked = request.headers.get("range").filter(|_| !fault.ignores_ranges);
        let from = asked.map_or(0, |range| range["bytes=".len()..].trim_end_matches('-').parse::<usize>().unwrap());
        if from > 0 && from >= body.len() {
            return send.text(416, &[], b"");
        }
        let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
        let headers = [("content-range", range)];
        let headers = if from > 0 { &headers[..] } else { &[] };
        let part = &body[from..];
        let count = fault.hangs_up_after.unwrap_or(part.len()).min(part.len());
        send.part(if from > 0 { 206 } else { 200 }, headers, part, count)
    }
}

struct Reply {
    stream: TcpStream,
    head: bool,
}

impl Reply {
    fn text(&mut self, status: u16, headers: &[(&str, String)], body: &[u8]) -> std::io::Result<()> {
        self.part(status, headers, body, body.len())
    }

    /// Announces all of `body` and sends `count` bytes of it.
    fn part(&mut self, status: u16, headers: &[(&str, String)], body: &[u8], count: usize) -> std::io::Result<()> {
        write!(self.stream, "HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n", body.len())?;
        for (name, value) in headers {
            write!(self.stream, "{name}: {value}\r\n")?;
        }
        self.stream.write_all(b"\r\n")?;
        if !self.head {
            self.stream.write_all(&body[..count])?;
        }
        self.stream.flush()
    }
}

fn read_request(stream: &TcpStream) -> std::io::Result<Request> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = BTreeMap::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    Ok(Request { method, path, headers })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
