//! The towers beside `transformers`, stage by stage, on small random checkpoints of every
//! architecture of the family.
//!
//! `tests/golden/generate.py` at the root of the repository writes the checkpoints and what the
//! reference computes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod adapters;
mod candle_transformers;
mod damaged;
mod demo;
mod golden;
mod independence;
mod open_clip;
mod stages;
