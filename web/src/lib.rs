//! The Glimpse web server: an HTTP API and a page over one [`glimpse_engine::Engine`].
//!
//! Safe as started: it listens on loopback, where a request must name this machine (against DNS
//! rebinding) and must not come from another site; any other address needs a token. Images are
//! served by number, from indexed files only. Handlers only translate: every call of the engine
//! runs on a thread of its kind (search, images, looking at one with the model, the whole library),
//! behind a bound.

mod access;
mod app;
mod archive;
mod chosen;
mod error;
mod etag;
mod extract;
mod file_manager;
mod heat;
mod jobs;
mod metrics;
mod openapi;
mod packed;
mod pool;
mod public_url;
mod roots;
mod routes;
mod server;
mod state;
mod steps;
mod thumbnails;
mod uploads;
mod watching;
pub mod wire;
mod worker;

#[cfg(test)]
mod tests;

use std::path::Path;

use glimpse_engine::ImageHook;

pub use public_url::{NotAnAddress, PublicUrl};
pub use server::{Running, ServeError, ServeOptions, serve};
pub use watching::WatchNote;
pub use worker::{WorkerOptions, work};

/// Makes what the page shows of an image, blurred stand-in and thumbnail, from every image that is
/// indexed. Give it to [`glimpse_engine::IngestOptions::on_image`], with the cache folder of the
/// library.
pub fn keep_thumbnails(cache: &Path) -> ImageHook {
    thumbnails::ThumbnailIndexer::open(cache).hook()
}
