//! A worker: a server that encodes batches of other libraries, and holds none.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Bytes, Data};
use glimpse_engine::{Engine, EngineError, WorkerFault, WorkerInfo};

use crate::access::{Access, check};
use crate::error::ApiError;
use crate::pool::Pool;
use crate::server::{Running, ServeError, listen};

/// Most connections at a time.
const CONNECTIONS: usize = 128;
/// Batches that wait while one is encoded: two of each of some libraries.
const WAITING: usize = 8;
/// Largest batch. Eight images at the model's size are 2 MB, with many windows each 100 MB.
const MOST_BYTES: usize = 256 << 20;
/// Requests for texts that wait while one is encoded.
const WAITING_TEXTS: usize = 64;
/// How long texts are worked on.
const TEXTS_LIMIT: Duration = Duration::from_secs(120);
/// How long a batch is worked on.
const BATCH_LIMIT: Duration = Duration::from_secs(600);

/// Where to listen, and what every request must show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerOptions {
    /// Address and port; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Needed on an address that other machines reach.
    pub token: Option<String>,
}

/// What a worker works with.
struct State {
    engine: Arc<Engine>,
    info: WorkerInfo,
    encoding: Pool,
    /// Texts do not wait for batches of images: somebody waits for the answer to a query.
    texts: Pool,
}

/// Encodes for others until [`Running::stop`] is called. `ready` is called once, when requests are
/// answered: the model is loaded by then.
///
/// # Errors
/// [`ServeError`], also if the model cannot be loaded.
pub fn work(engine: Arc<Engine>, options: &WorkerOptions, ready: impl FnOnce(Running)) -> Result<(), ServeError> {
    let host = options.listen.ip();
    if !host.is_loopback() && options.token.is_none() {
        return Err(ServeError::NeedsToken(host));
    }
    let access = Data::new(Access::new(options.token.clone()).ok_or(ServeError::WeakToken)?);
    let info = engine.worker_info()?;
    let encoding = Pool::start("encode", 1, WAITING).map_err(ServeError::Run)?.lasting(BATCH_LIMIT);
    let texts = Pool::start("texts", 1, WAITING_TEXTS).map_err(ServeError::Run)?.lasting(TEXTS_LIMIT);
    let state = Data::new(State { engine, info, encoding, texts });
    let configure = move |config: &mut web::ServiceConfig| {
        let routes = web::scope("")
            .service(web::resource("/api/v1/worker").route(web::get().to(describe)))
            .service(web::resource("/api/v1/worker/encode").route(web::post().to(encode)))
            .service(web::resource("/api/v1/worker/texts").route(web::post().to(encode_texts)))
            .default_service(web::to(nothing_here))
            .wrap(from_fn(check));
        config.app_data(access.clone()).app_data(state.clone()).app_data(web::PayloadConfig::new(MOST_BYTES));
        config.service(routes);
    };
    listen(options.listen, CONNECTIONS, configure, |url, handle| ready(Running::new(url, handle)))
}

/// What this worker is.
async fn describe(state: Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(&state.info)
}

/// Encodes a batch.
async fn encode(state: Data<State>, batch: Bytes) -> Result<HttpResponse, ApiError> {
    make(&state.engine, &state.encoding, move |engine| engine.encode_for(&batch)).await
}

/// Encodes texts.
async fn encode_texts(state: Data<State>, texts: Bytes) -> Result<HttpResponse, ApiError> {
    make(&state.engine, &state.texts, move |engine| engine.encode_texts_for(&texts)).await
}

/// The bytes that the model makes of a request, or why it made none.
async fn make(
    engine: &Arc<Engine>,
    pool: &Pool,
    encode: impl FnOnce(&Engine) -> Result<Vec<u8>, EngineError> + Send + 'static,
) -> Result<HttpResponse, ApiError> {
    let engine = Arc::clone(engine);
    let made = pool.run(move || match encode(&engine) {
        Ok(made) => Ok(Ok(made)),
        Err(error @ EngineError::Worker(WorkerFault::Encode(_))) => Ok(Err(ApiError::from(error))),
        Err(error) => Err(error.into()),
    });
    Ok(match made.await? {
        Ok(made) => HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/octet-stream")).body(made),
        // Not this server's fault, and another worker's model would fail as well.
        Err(error) => HttpResponse::UnprocessableEntity().json(error),
    })
}

async fn nothing_here() -> Result<HttpResponse, ApiError> {
    Err(ApiError::not_found("a worker answers at /api/v1/worker; the page is at the address of `glimpse serve`"))
}
