//! The JSON of Glimpse: what the HTTP API answers and what the command line prints with `--json`.
//! Field names are stable; new ones may be added. Paths that are not UTF-8 are shown with
//! replacement characters.

mod bytes;
pub(crate) mod csv;
mod dates;
mod events;
mod image_tags;
mod images;
pub(crate) mod names;
pub(crate) mod paths;
mod regions;
mod results;
mod saved;
mod segments;
mod tiles;

pub use bytes::FileBytes;
pub use dates::{DateError, format_taken, parse_date};
pub use events::{EventLine, SummaryLine};
pub use image_tags::ImageTagsView;
pub use images::{CompanionView, FrameView, HitView, ImageView, Kind, PlaceView};
pub use regions::{BoxView, FoundTileView, FoundView};
pub use results::{GroupView, KeptTagsView, StatsView, TaggedView};
pub use saved::SavedQuery;
pub use segments::{LabelView, SegmentationView};
pub use tiles::TileView;
