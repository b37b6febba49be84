//! Queries over an image library. [`Engine`] is the one type that the web server and the command
//! line hold.

pub mod calibrate;
pub mod prompt;
pub mod query;
pub mod regions;

mod best_frame;
mod bundled;
mod cancel;
mod caption;
mod collections;
mod common_folder;
mod control;
mod discard;
mod duplicates;
mod embed;
mod engine;
mod error;
mod feedback;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod fixture;
mod folder_tree;
mod frames;
mod hit;
mod image_bytes;
mod image_cache;
mod indexing;
mod labels;
mod library_files;
mod lru;
mod map;
mod memoized;
mod model;
mod models;
mod originals;
mod places;
mod published;
mod rating_sidecars;
mod roots;
mod runs;
mod search;
mod segment;
mod served;
mod settings;
mod suggest;
mod tag;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
mod text_workers;
mod texts;
mod timeline;
mod tune;
mod turns;
mod watching;
mod worker;

pub use best_frame::seconds;
pub use bundled::BundledModel;
pub use cancel::Cancel;
pub use caption::{Caption, CaptionOptions, MAX_CAPTIONS};
pub use collections::{SavedCount, SearchToSave};
pub use control::RunControl;
pub use discard::{PutAway, Trashed, move_to_trash};
pub use duplicates::{DuplicateGroup, DuplicateOptions};
pub use embed::{EmbedInput, Embedded};
pub use engine::{Described, Engine};
pub use error::{EngineError, ErrorKind};
pub use feedback::{Feedback, NewFeedback};
pub use folder_tree::FolderNode;
pub use frames::Frame;
pub use hit::{Explanation, FrameHit, Hit, Page, Strength};
pub use image_bytes::ImageBytes;
pub use labels::MAX_LABELS;
pub use map::Map;
pub use model::{DEFAULT_MODEL, DEMO_MODEL, ModelChoice, load_model};
pub use originals::Original;
pub use places::{City, nearest_city};
pub use published::{PublishedReport, check_published};
pub use query::{Cursor, Depth, Mode, Query, Sort, Source, Term};
pub use rating_sidecars::SidecarsWritten;
pub use regions::{
    Example, FindPage, FindQuery, FoundBox, FoundImage, Grounded, GroundedObject, Heatmap, ImageFeatures,
    PatchFeatures, Phrase, PhraseGrounding, QueryObject, Relation, SpatialRelation, StructuredQuery, Target,
};
pub use roots::expand_home;
pub use runs::{RunBy, RunOutcome, RunRecord};
pub use segment::{LabelMap, Segment, SegmentLabel, SegmentOptions, Segmentation};
pub use settings::{AdapterChoice, Settings, home_dir};
pub use suggest::{Correction, is_form_of_things};
pub use tag::{
    KeptLabels, KeptTags, MAX_KEPT_LABELS, RegionTag, RegionTagging, Tag, TagOptions, TagStage, Tagged, TaggedRegions,
};
pub use timeline::{Month, MonthCount};
pub use tune::{Gain, TextSource, TuneOptions, TuneReport};
pub use watching::{Update, WatchControl, WatchObserver};

// The types of the layers below that belong to this crate's interface.
pub use glimpse_encoder::dense::{DenseConfig, DenseProfile, Mask, PixelConfig, Rect, RegionMap, detail_limit};
pub use glimpse_encoder::image_file::{DecodedImage, Format, ImageError, Limits, decode, decode_reduced};
pub use glimpse_encoder::published::Published;
pub use glimpse_encoder::{DenseGrid, Embedding, Encode, ModelInfo, files, hub};
pub use glimpse_indexer::backend::{IndexType, VectorsAt};
pub use glimpse_indexer::collections::{Album, SavedSearch};
pub use glimpse_indexer::ingest::{
    FileEvent, ImageDecoder, ImageHook, IngestOptions, Observer, Pace, RegionChoice, RegionOptions, Summary, Worker,
    WorkerFault, WorkerInfo, Workers,
};
pub use glimpse_indexer::sidecars;
pub use glimpse_indexer::vectors::VectorStorage;
pub use glimpse_indexer::watch::WatchOptions;
pub use glimpse_indexer::{
    Cluster, ContentHash, Exposure, Facets, FileRecord, FileRole, Filter, GeoBox, ImageId, ImageRecord, IndexOptions,
    MeasuredSearch, Moment, Place, Reason, ReasonCode, Refusal, Stats, TagCount, TileFacts, VerifyReport,
};
pub use glimpse_indexer::{create_private_dir_all, create_private_file};
