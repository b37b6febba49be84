//! The API through its real routes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod albums;
mod downloads;
mod facts;
mod feedback;
mod folders;
mod hostile;
mod image_tags;
mod images;
mod jobs;
mod library;
mod marks;
mod proxy;
mod regions;
mod reveal;
mod search;
mod segment;
mod sidecars;
mod sockets;
mod timeline;
mod videos;
mod waiting;
mod watching;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock};

use actix_web::body::to_bytes;
use actix_web::http::header::HeaderMap;
use actix_web::http::{StatusCode, header};
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::web::Bytes;
use actix_web::{App, web};
use glimpse_engine::{Engine, FileEvent, IngestOptions, Observer, Settings};
use image::{Rgb, RgbImage};
use serde_json::Value;
use tempfile::TempDir;

use crate::access::Access;
use crate::app::configure;
use crate::pool::Pool;
use crate::roots::AllowedRoots;
use crate::state::{AppState, Limits};

/// What a request was answered.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The answer, which must be a success.
    fn good(self) -> Value {
        assert!(self.status.is_success(), "{}: {:?}", self.status, self.body);
        self.json()
    }

    /// The message of an error in its one shape.
    fn error(&self, status: u16, code: &str) -> String {
        let body = self.json();
        assert_eq!((self.status.as_u16(), body["code"].as_str()), (status, Some(code)), "{body}");
        body["message"].as_str().expect("a message").to_owned()
    }
}

async fn ask(state: &web::Data<AppState>, request: TestRequest) -> Answer {
    let service = init_service(App::new().configure(configure(state.clone()))).await;
    let response = call_service(&service, request.insert_header((header::HOST, "localhost")).to_request()).await;
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, body: to_bytes(response.into_body()).await.unwrap() }
}

async fn get(state: &web::Data<AppState>, path: &str) -> Answer {
    ask(state, TestRequest::get().uri(path)).await
}

async fn delete(state: &web::Data<AppState>, path: &str) -> Answer {
    ask(state, TestRequest::delete().uri(path)).await
}

async fn post(state: &web::Data<AppState>, path: &str, body: Value) -> Answer {
    ask(state, TestRequest::post().uri(path).set_json(body)).await
}

/// A library that nobody changes, over images of one colour each: `red 00.png` to `red 19.png`,
/// `blue 00.png`, ...
struct Shelf {
    engine: Arc<Engine>,
    images: PathBuf,
    _folder: TempDir,
}

static SHELF: LazyLock<Shelf> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images").canonicalize().unwrap_or_else(|_| folder.path().join("images"));
    for n in 0..20u8 {
        draw(&images.join(format!("warm/red {n:02}.png")), [200, n * 4, n]);
        draw(&images.join(format!("cold/blue {n:02}.jpg")), [n, n * 4, 220]);
    }
    let engine = engine(folder.path());
    index(&engine, &images);
    let images = images.canonicalize().unwrap();
    Shelf { engine, images, _folder: folder }
});

/// An engine with the bundled model.
fn engine(home: &Path) -> Arc<Engine> {
    let settings = Settings {
        home: home.join("home"),
        model: Some("demo".into()),
        device: None,
        max_patches: None,
        adapter: None,
    };
    Arc::new(Engine::open(settings).unwrap())
}

/// An image with a line across it, so that no two colours have equal pixels.
fn draw(path: &Path, colour: [u8; 3]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let line = colour.map(|value| 255 - value);
    RgbImage::from_fn(90, 60, |x, y| Rgb(if x == y + u32::from(colour[1]) { line } else { colour }))
        .save(path)
        .unwrap();
}

struct Silent;

impl Observer for Silent {
    fn found(&mut self, _: usize, _: bool) {}
    fn event(&mut self, _: &FileEvent) {}
}

fn index(engine: &Engine, folder: &Path) {
    let options = IngestOptions { roots: vec![folder.to_path_buf()], ..IngestOptions::default() };
    engine.index(&options, &AtomicBool::new(false), &mut Silent).unwrap();
}

fn state_of(engine: &Arc<Engine>, limits: Limits) -> web::Data<AppState> {
    let access = Access::new(None).unwrap();
    web::Data::new(AppState::new(Arc::clone(engine), access, AllowedRoots::default(), limits).unwrap())
}

/// As [`state_of`], of a server whose clients may add folders below one.
fn adding(engine: &Arc<Engine>, below: &Path, limits: Limits) -> web::Data<AppState> {
    let (access, roots) = (Access::new(None).unwrap(), AllowedRoots::new(&[below.to_path_buf()]).unwrap());
    web::Data::new(AppState::new(Arc::clone(engine), access, roots, limits).unwrap())
}

/// A server over the shared library.
fn shelf() -> web::Data<AppState> {
    state_of(&SHELF.engine, Limits::default())
}

/// A server over nothing, whose clients may add folders beside its own.
fn empty(home: &TempDir) -> web::Data<AppState> {
    adding(&engine(home.path()), home.path(), Limits::default())
}

/// Threads that wait for nothing.
struct Held {
    until: std::sync::mpsc::Sender<()>,
    tasks: Vec<actix_web::rt::task::JoinHandle<()>>,
}

impl Held {
    async fn free(self) {
        drop(self.until);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

/// The answer of threads that were freed: they gave their last one a moment before they wait for
/// more.
async fn soon(ask: impl AsyncFn() -> Answer) -> Answer {
    for _ in 0..1000 {
        let answer = ask().await;
        if answer.status.as_u16() != 503 {
            return answer;
        }
        actix_web::rt::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    ask().await
}

/// Keeps all threads of a pool busy. One without places in its queue takes work only while a thread
/// waits for it.
async fn occupy(state: &web::Data<AppState>, pool: fn(&AppState) -> &Pool, threads: usize) -> Held {
    let (until, held) = std::sync::mpsc::channel::<()>();
    let held = Arc::new(parking_lot::Mutex::new(held));
    let mut tasks = Vec::new();
    while pool(state).running() < threads {
        let (state, held) = (state.clone(), Arc::clone(&held));
        tasks.push(actix_web::rt::spawn(async move {
            let work = move || {
                let _ = held.lock().recv(); // until the other end is dropped
                Ok(())
            };
            drop(pool(&state).run(work).await);
        }));
        actix_web::rt::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    Held { until, tasks }
}
