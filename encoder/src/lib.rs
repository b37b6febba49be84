//! Images and text to unit vectors of one space, with every model of the SigLIP 2 family.
//!
//! The crate knows nothing of libraries or indexes: it turns bytes into pixels ([`image_file`]),
//! pixels and text into model input ([`preprocess`], [`tokenize`]), and model input into features
//! ([`Encode`]).

pub mod config;
pub mod decoder;
pub mod dense;
pub mod files;
pub mod hub;
pub mod image_file;
pub mod preprocess;
pub mod published;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod tokenize;
pub mod video;

mod adapter;
mod candle;
mod checked;
mod cpu;
mod embedding;
mod encode;
mod error;
mod features;
mod guard;
mod open_clip;
mod siglip;
mod weights;

pub use checked::Checked;
pub use embedding::{Embedding, dot};
pub use encode::{Encode, LoadOptions, ModelInfo, Projection, Scoring};
pub use error::EncodeError;
pub use features::{DenseGrid, ImageFeatures, Outputs, PixelInput};
pub use siglip::{Precision, SiglipEncoder, Stage, Towers, Trace, backend_of, exact_device, precision_of};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
