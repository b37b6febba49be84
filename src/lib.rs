//! Glimpse finds images by what is in them, in many languages, on your own machine.
//!
//! This crate is a facade: it names what most programs need. The layers stand behind it as
//! [`encoder`] (images and text to vectors of one space), [`indexer`] (a library of images on
//! disk), [`engine`] (queries) and [`web`] (HTTP).
//!
//! ```no_run
//! use std::sync::atomic::AtomicBool;
//!
//! use glimpse::{Engine, FileEvent, IngestOptions, Observer, Query, Settings};
//!
//! struct Silent;
//! impl Observer for Silent {
//!     fn found(&mut self, _files: usize, _complete: bool) {}
//!     fn event(&mut self, _event: &FileEvent) {}
//! }
//!
//! let settings = Settings { model: Some("demo".into()), ..Settings::at("library") };
//! let engine = Engine::open(settings)?;
//! let options = IngestOptions { roots: vec!["images".into()], ..IngestOptions::default() };
//! engine.index(&options, &AtomicBool::new(false), &mut Silent)?;
//!
//! for hit in engine.search(&Query::text("eine rote Katze"))?.hits {
//!     println!("{:.2} {}", hit.score, engine.files_of(hit.id)?[0].path.display());
//! }
//! # Ok::<(), glimpse::EngineError>(())
//! ```

pub use glimpse_encoder as encoder;
pub use glimpse_engine as engine;
pub use glimpse_indexer as indexer;
pub use glimpse_web as web;

pub use glimpse_engine::{
    Cursor, DEFAULT_MODEL, Depth, DuplicateOptions, EmbedInput, Embedding, Engine, EngineError, ErrorKind, FileEvent,
    Filter, Format, GeoBox, Hit, ImageId, IngestOptions, Mode, ModelInfo, Observer, Page, Query, Settings, Sort,
    Source, Strength, Summary, TagOptions, Term, home_dir,
};
