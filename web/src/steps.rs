//! Bodies that are made while they are sent: each step on a thread, and none while the client does
//! not read.

use std::io;

use actix_web::web::{self, Bytes};
use futures_util::{Stream, stream};

use crate::error::ApiError;
use crate::state::{AppState, run_read};

/// The pieces that `step` gives, made on the threads for originals, until it gives `None`. An error
/// ends the connection, so that the client does not take the part it has for the whole.
pub fn stream<F>(state: web::Data<AppState>, step: F) -> impl Stream<Item = io::Result<Bytes>> + 'static
where
    F: FnMut(&AppState) -> Result<Option<Vec<u8>>, ApiError> + Send + 'static,
{
    stream::try_unfold((state, step), |(state, mut step)| async move {
        loop {
            let work = move |state: &AppState| step(state).map(|piece| (piece, step));
            let (piece, next) = run_read(&state, work).await.map_err(io::Error::other)?;
            step = next;
            match piece {
                None => return Ok(None),
                Some(piece) if piece.is_empty() => {} // an empty chunk would end the body
                Some(piece) => return Ok(Some((Bytes::from(piece), (state, step)))),
            }
        }
    })
}
