//! What handlers share.

use std::sync::Arc;

use actix_web::web;
use glimpse_engine::Engine;

use crate::access::Access;
use crate::error::ApiError;
use crate::gate::Gate;
use crate::thumbnails::ThumbnailCache;

/// Requests that may run or wait at a time; a page of results asks for a few dozen thumbnails at once.
const MAX_IN_FLIGHT: usize = 128;
/// Bytes of thumbnails kept in memory: some 3,000 of the usual size.
const THUMBNAIL_BYTES: usize = 64 << 20;

/// One per server.
pub struct AppState {
    /// The open library.
    pub engine: Arc<Engine>,
    /// Who may ask.
    pub access: Access,
    /// Thumbnails made lately.
    pub thumbnails: ThumbnailCache,
    /// Bound on work in progress.
    pub gate: Gate,
}

impl AppState {
    pub fn new(engine: Arc<Engine>, access: Access) -> Self {
        let gate = Gate::new(MAX_IN_FLIGHT);
        Self { engine, access, thumbnails: ThumbnailCache::new(THUMBNAIL_BYTES), gate }
    }
}

/// Runs `work` on a blocking thread, if the gate lets it in. It keeps its pass to the end even if the client goes away.
pub async fn ask<T, F>(state: &web::Data<AppState>, work: F) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: FnOnce(&AppState) -> Result<T, ApiError> + Send + 'static,
{
    let pass = state.gate.enter().ok_or_else(ApiError::busy)?;
    let state = state.clone();
    let answer = web::block(move || {
        let answer = work(&state);
        drop(pass);
        answer
    });
    answer.await.map_err(|_| ApiError::internal("the request was dropped while the server stops"))?
}
