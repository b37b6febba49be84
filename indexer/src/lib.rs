//! The index of an image library: records, vectors and words, kept in sled, HNSW and tantivy.
//!
//! [`Library`] holds generations of an index; [`Index`] is one generation, made with one model;
//! [`ingest`] fills it from folders, and [`watch`] says when. Reading code sees only [`Index`] and
//! plain types.

pub mod backend;
pub mod collections;
pub mod hnsw;
pub mod ingest;
pub mod regions;
pub mod sidecars;
pub mod vectors;
pub mod watch;

mod among;
mod error;
mod fair;
mod fault;
mod filter;
mod folder;
mod id_set;
mod ids;
mod index;
mod library;
mod manifest;
mod mounts;
mod private;
mod reason;
mod record;
mod refusal;
mod snapshot;
mod store;
mod words;

pub use among::Among;
pub use error::IndexError;
pub use filter::{Cluster, Facets, Filter, GeoBox, TagCount};
pub use id_set::{IdSet, Numbered, VectorSet};
pub use ids::{ContentHash, ContentHasher, ImageId, VectorId};
pub use index::{Index, IndexOptions, MeasuredSearch, SearchedBy, Stats, VerifyReport};
pub use library::Library;
pub use manifest::{Manifest, RegionRebuild};
pub use mounts::MountTable;
pub use private::{create_private_dir_all, create_private_file};
pub use reason::{Reason, ReasonCode};
pub use record::{Exposure, Facts, FileRecord, FileRole, ImageRecord, Moment, Place, TileFacts};
pub use refusal::Refusal;
