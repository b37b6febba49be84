//! The HTTP API under a closed loop: each client asks again as soon as it is answered.
//!
//!     cargo bench --bench serve [-- --count 10000 --seconds 5 --dim 768]
//!
//! A made-up library (random vectors round a mean, random captions, no image files) is served by a
//! real server on a free port, and asked over real connections. A model that costs next to nothing
//! stands in for the text tower, so that what is measured is the server: HTTP, queues, calibration,
//! both rankings, records, JSON.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "a bench talks and may stop")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use glimpse::encoder::{
    Embedding, Encode, EncodeError, ImageFeatures, ModelInfo, Outputs, PixelInput, Projection, Scoring,
};
use glimpse::indexer::Library;
use glimpse::web::{ServeOptions, serve};
use glimpse::{Engine, Settings};

use common::library::{fill, pick};
use common::{Args, Noise, resident};

const CLIENTS: [usize; 3] = [1, 8, 64];

fn main() {
    let args = Args::read();
    let (count, dim) = (args.number("count", 10_000), args.number("dim", 768));
    let seconds = Duration::from_secs(args.number("seconds", 5) as u64);
    let home = tempfile::tempdir().expect("a folder");
    let settings =
        Settings { home: home.path().to_path_buf(), model: None, device: None, max_patches: None, adapter: None };
    let encoder = Arc::new(Hashed(info(dim)));

    let start = Instant::now();
    let index = Library::at(&settings.library_dir()).open_for(encoder.info(), false).expect("a library");
    fill(&index, count, dim);
    index.finish().expect("words and graph");
    drop(index);
    println!("{count} images of {dim} values filled in {:.1} s", start.elapsed().as_secs_f64());

    let before = resident();
    let engine = Arc::new(Engine::with_encoder(settings, encoder).expect("an engine"));
    let (tell, told) = mpsc::channel();
    let options = ServeOptions { port: 0, ..ServeOptions::default() };
    let server = std::thread::spawn(move || serve(engine, &options, |running| tell.send(running).unwrap()));
    let running = told.recv().expect("a server");
    let address = running.url.strip_prefix("http://").expect("an address").to_owned();

    println!("search: {}", answer(&address, "GET", "/api/v1/stats", "").1.split("\"search\":").nth(1).unwrap_or("?"));
    std::thread::sleep(Duration::from_secs(1));
    println!("resident when idle: {} MB, of which {} MB before the library was opened", resident() >> 20, before >> 20);
    println!("\n| request | clients | answers/s | p50 ms | p95 ms | p99 ms | refused |\n|---|---|---|---|---|---|---|");
    for (name, request) in REQUESTS {
        for clients in CLIENTS {
            measure(name, &address, clients, seconds, request);
        }
    }
    println!("\nresident after all that: {} MB", resident() >> 20);
    running.stop();
    server.join().expect("the server's thread").expect("an orderly end");
}

/// Method, path and body of the next request.
type Request = fn(&mut Noise) -> (&'static str, String, String);

const REQUESTS: [(&str, Request); 7] = [
    ("a new text", |noise| search(&text(noise), "")),
    ("a new text and all that is weaker, 60 tiles", |noise| search(&text(noise), r#","all":true"#)),
    ("the same text, 60 tiles", |_| search("cat on a mountain", r#","all":true"#)),
    ("words alone, a sixth of all has one, 60 tiles", |noise| search(&text(noise), r#","all":true,"mode":"words""#)),
    ("like an image, 60 tiles", |noise| {
        ("GET", format!("/api/v1/images/{}/similar?limit=60", noise.below(9_000)), String::new())
    }),
    ("60 records", |noise| {
        let ids: Vec<_> = (0..60).map(|_| noise.below(9_000).to_string()).collect();
        ("GET", format!("/api/v1/images?ids={}", ids.join(",")), String::new())
    }),
    ("health", |_| ("GET", "/api/v1/health".to_owned(), String::new())),
];

fn text(noise: &mut Noise) -> String {
    format!("{} {} {}", pick(noise), pick(noise), noise.next() % 1_000_000)
}

fn search(text: &str, more: &str) -> (&'static str, String, String) {
    // Random texts match nothing: only the weak tail gives tiles.
    ("POST", "/api/v1/search".to_owned(), format!(r#"{{"terms":[{{"text":"{text}"}}],"limit":60{more}}}"#))
}

/// Lets `clients` ask for a while; the first tenth of the time is not counted.
fn measure(name: &str, address: &str, clients: usize, seconds: Duration, request: Request) {
    let start = Instant::now();
    let client = |seed: usize| {
        let mut noise = Noise(seed as u64 * 7919 + name.len() as u64);
        let mut connection = Connection::open(address);
        let (mut times, mut refused) = (Vec::new(), 0usize);
        while start.elapsed() < seconds {
            let (method, path, body) = request(&mut noise);
            let asked = Instant::now();
            let status = connection.ask(method, &path, &body).0;
            let elapsed = asked.elapsed();
            if start.elapsed() > seconds / 10 {
                match status {
                    200 => times.push(elapsed),
                    503 => refused += 1,
                    other => panic!("{method} {path}: {other}"),
                }
            }
            if status == 503 {
                std::thread::sleep(Duration::from_millis(5)); // a polite client would wait a second
            }
        }
        (times, refused)
    };
    let answers: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients).map(|seed| scope.spawn(move || client(seed))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a client")).collect()
    });
    let refused: usize = answers.iter().map(|(_, refused)| refused).sum();
    let mut times: Vec<Duration> = answers.into_iter().flat_map(|(times, _)| times).collect();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let rate = times.len() as f64 / (seconds.as_secs_f64() * 0.9);
    println!("| {name} | {clients} | {rate:.0} | {:.2} | {:.2} | {:.2} | {refused} |", at(0.5), at(0.95), at(0.99));
}

/// One connection, kept open.
struct Connection {
    address: String,
    stream: BufReader<TcpStream>,
}

impl Connection {
    fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("an option");
        Self { address: address.to_owned(), stream: BufReader::new(stream) }
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> (u16, String) {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        self.stream.get_mut().write_all(head.as_bytes()).expect("a request");
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("an answer");
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line).expect("a head");
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("a body");
        (status, String::from_utf8_lossy(&body).into_owned())
    }
}

fn answer(address: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    Connection::open(address).ask(method, path, body)
}

/// Turns a text into a vector by its hash.
struct Hashed(ModelInfo);

impl Encode for Hashed {
    fn info(&self) -> &ModelInfo {
        &self.0
    }

    fn prepare(&self, image: &image::RgbImage) -> Result<PixelInput, EncodeError> {
        Ok(PixelInput { rows: 1, cols: 1, pixels: image.clone() })
    }

    fn encode_images(&self, _: &[PixelInput], _: Outputs) -> Result<Vec<ImageFeatures>, EncodeError> {
        Err(EncodeError::Backend { stage: "images", reason: "this bench has none".into() })
    }

    fn encode_texts(&self, texts: &[&str]) -> Result<Vec<Embedding>, EncodeError> {
        let vector = |text: &&str| {
            let mut noise = Noise(text.bytes().fold(5, |sum, byte| sum * 31 + u64::from(byte)));
            Embedding::new((0..self.0.dim).map(|_| noise.gauss()).collect())
        };
        texts.iter().map(vector).collect()
    }

    fn token_ids(&self, _: &str) -> Result<Vec<u32>, EncodeError> {
        Ok(Vec::new())
    }

    fn align(&self, tokens: &[f32], _: Projection) -> Result<Vec<f32>, EncodeError> {
        Ok(tokens.to_vec())
    }
}

fn info(dim: usize) -> ModelInfo {
    ModelInfo {
        name: "hashed".into(),
        fingerprint: format!("hashed-{dim}"),
        image_fingerprint: None,
        adapter: None,
        model_type: "siglip".into(),
        dim,
        image_size: Some(1),
        max_patches: None,
        patch_size: 1,
        text_length: 64,
        vocab_size: 1,
        scoring: Scoring { scale: 100.0, bias: -10.0 },
        backend: "none".into(),
    }
}
