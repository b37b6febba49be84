//! A checkpoint as a whole: its preprocessor, tokenizer and towers, and the choice of what computes
//! them.
//!
//! - `encoder`: [`SiglipEncoder`], what a directory of files becomes; `batches`: how its inputs are
//!   cut
//! - `towers`: [`Towers`], the weights alone, on one of the two backends ([`crate::cpu`],
//!   [`crate::candle`])
//! - `features`: what a backend gives
//! - `device`: names of devices; `turn`: one forward pass at a time; `lazy_load`: parts that are
//!   loaded when they are needed
//! - `position`, `trace`: what both backends need of positions, and of those who compare them

mod batches;
mod device;
mod encoder;
mod features;
mod lazy_load;
mod position;
mod towers;
mod trace;
mod turn;

pub use device::{Precision, backend_of, exact_device, precision_of};
pub use encoder::SiglipEncoder;
pub(crate) use features::{Features, HEAD, TEXT, VISION};
pub(crate) use lazy_load::LazyLoad;
pub(crate) use position::PositionGrid;
pub use towers::Towers;
pub use trace::{Stage, Trace};
