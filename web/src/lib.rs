//! The Glimpse web server: an HTTP API and a page over one [`glimpse_engine::Engine`].
//!
//! Safe as started: it listens on loopback, where a request must name this machine (against DNS rebinding) and must not
//! come from another site; any other address needs a token. Pictures are served by number, from indexed files only.
//! Handlers only translate: every call of the engine runs on a thread of its kind (search, pictures, looking at one with
//! the model, the whole library), behind a bound.

mod access;
mod app;
mod error;
mod extract;
mod heat;
mod jobs;
mod metrics;
mod openapi;
mod pool;
mod public_url;
mod roots;
mod routes;
mod server;
mod state;
mod thumbnails;
mod uploads;
pub mod wire;

#[cfg(test)]
mod tests;

use std::path::Path;

use glimpse_engine::PictureHook;

pub use public_url::{NotAnAddress, PublicUrl};
pub use server::{Running, ServeError, ServeOptions, serve};

/// Makes what the page shows of a picture, blurred stand-in and thumbnail, from every picture that is indexed. Give it to
/// [`glimpse_engine::IngestOptions::on_picture`], with the cache folder of the library.
pub fn keep_thumbnails(cache: &Path) -> PictureHook {
    thumbnails::Keeper::open(cache).hook()
}
