//! The Glimpse web server: an HTTP API and a page over one [`glimpse_engine::Engine`].
//!
//! Safe as started: it listens on loopback, where a request must name this machine (against DNS rebinding) and must not
//! come from another site; any other address needs a token. Pictures are served by number, from indexed files only.
//! Handlers only translate: every call of the engine runs on a blocking thread behind a bound.

mod access;
mod app;
mod error;
mod gate;
mod routes;
mod server;
mod state;
mod thumbnails;
pub mod wire;

#[cfg(test)]
mod tests;

pub use server::{Running, ServeError, ServeOptions, serve};
