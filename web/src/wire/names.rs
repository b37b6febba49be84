//! Types of the layers below, as the description of the API shows them. They only describe: tests
//! compare them with what is really sent.
#![allow(dead_code, reason = "these are read by the description's generator")]

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// Order of hits; within a date, the better match comes first.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Sort {
    Relevance,
    Newest,
    Oldest,
    /// That of the album which the filter names.
    Album,
}

/// How text is matched: by meaning and words, by meaning alone, or by names, captions and dates
/// alone, which needs no model.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Mode {
    Hybrid,
    Semantic,
    Words,
}

/// How far down its ranking an answer goes: only what is at or above the cut; the same, and where
/// that is fewer than six hits the closest weaker ones too, up to twelve in all; or everything.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Depth {
    Strict,
    Usual,
    All,
}

/// How good a match is. `weak` is below the cut.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Strength {
    Weak,
    Likely,
    Strong,
}

/// What a file is to the image that it belongs to: the raw file of the same shot, the video of a
/// live photo, or what the image was edited from.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum FileRole {
    Raw,
    Motion,
    Original,
}

/// An image file format: what the engine reads is the list.
pub struct Format;

impl PartialSchema for Format {
    fn schema() -> RefOr<Schema> {
        let names = glimpse_engine::Format::ALL.iter().map(|format| format.name());
        let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
        schema.description(Some("An image file format.")).build().into()
    }
}

impl ToSchema for Format {}

/// Why something came to nothing, for programs: the indexer has the list.
pub struct ReasonCode;

impl PartialSchema for ReasonCode {
    fn schema() -> RefOr<Schema> {
        let names = glimpse_engine::ReasonCode::ALL.iter().map(|code| code.name());
        let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
        schema.description(Some("Why something came to nothing, for programs.")).build().into()
    }
}

impl ToSchema for ReasonCode {}

/// What images show: different things, how many of each, what must not be there, and how they lie.
#[derive(ToSchema)]
pub struct StructuredQuery {
    /// What an image must show, as different regions of it.
    things: Vec<QueryObject>,
    /// What no region of it may show.
    without: Option<Vec<String>>,
    /// How things lie to each other.
    relations: Option<Vec<Relation>>,
}

/// Something that an image must show.
#[derive(ToSchema)]
pub struct QueryObject {
    /// Its name, in any language.
    #[schema(min_length = 1, max_length = 16384)]
    text: String,
    /// Fewest regions that show it, 1 unless said otherwise.
    #[schema(minimum = 1, maximum = 10, required = false)]
    at_least: usize,
    /// Most regions that show it.
    #[schema(minimum = 1, maximum = 10)]
    at_most: Option<usize>,
}

/// How one thing lies to another.
#[derive(ToSchema)]
pub struct Relation {
    /// A place in `things`, from 0.
    first: usize,
    is: SpatialRelation,
    /// Another place in `things`.
    second: usize,
}

/// Left, right, above and below: the centre lies there, and the boxes share less than half of the
/// smaller one's width or height. Inside: four fifths of the first box lie in the second. Larger,
/// smaller: by the area of the box.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub enum SpatialRelation {
    LeftOf,
    RightOf,
    Above,
    Below,
    Inside,
    LargerThan,
    SmallerThan,
}

/// A run that brought the library up to date and is over.
#[derive(ToSchema)]
pub struct RunRecord {
    /// In UTC: `2024-05-17T18:30:00Z`.
    began: String,
    ended: String,
    by: RunBy,
    /// The folders that it went through, up to 100; none if all of the library were meant.
    roots: Vec<String>,
    /// Files that it looked at.
    seen: usize,
    /// Images that are new.
    added: usize,
    /// Files that are gone, or were forgotten.
    removed: usize,
    /// Files that could not be read.
    failed: usize,
    outcome: RunOutcome,
    /// Why it failed, worded for people.
    message: Option<String>,
    /// Why it failed, for programs; none if that is about what was asked.
    reason_code: Option<ReasonCode>,
}

/// Who asked for a run.
#[derive(ToSchema)]
pub enum RunBy {
    #[schema(rename = "command line")]
    CommandLine,
    #[schema(rename = "server")]
    Server,
    #[schema(rename = "watch")]
    Watch,
}

/// How a run ended. What it did before it was stopped, or failed, is kept.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum RunOutcome {
    Done,
    Stopped,
    Failed,
}

/// A box on the map in degrees; `west > east` crosses the date line.
#[derive(ToSchema)]
pub struct GeoBox {
    #[schema(minimum = -90, maximum = 90)]
    south: f64,
    #[schema(minimum = -180, maximum = 180)]
    west: f64,
    #[schema(minimum = -90, maximum = 90)]
    north: f64,
    #[schema(minimum = -180, maximum = 180)]
    east: f64,
}

/// The parts of a score.
#[derive(ToSchema)]
pub struct Explanation {
    /// Cosine of image and query.
    cosine: Option<f32>,
    /// Standard deviations above what unrelated images of this library score for this query.
    z: Option<f32>,
    /// The `z` from which an image counts as found.
    bar: Option<f32>,
    /// Probability that the library holds what was asked for.
    presence: Option<f32>,
    /// The model's own probability, for queries of one text.
    model_probability: Option<f32>,
    /// Rank by meaning, from 1.
    meaning_rank: Option<usize>,
    /// Rank by words, from 1.
    words_rank: Option<usize>,
    /// BM25 score of the words.
    bm25: Option<f32>,
    /// Somebody said that the image shows what was asked for (`/feedback`).
    said_right: bool,
}

/// A label and how sure it is.
#[derive(ToSchema)]
pub struct Tag {
    /// The label as given.
    label: String,
    /// Calibrated score, 0 to 1.
    score: f32,
}

/// Numbers about a library.
#[derive(ToSchema)]
pub struct Stats {
    /// Distinct images, a video being one.
    images: usize,
    /// Further frames of videos and animations.
    frames: usize,
    /// Files that hold them.
    files: usize,
    /// Files that were missing when last looked for.
    missing: usize,
    /// Stored values that could not be read.
    damaged: usize,
    /// Bytes on disk.
    disk_bytes: u64,
    /// Bytes of vectors, graph and facts in memory.
    memory_bytes: usize,
    /// Bytes of vectors that are mapped from a file instead.
    mapped_bytes: usize,
    /// Width of vectors.
    dim: usize,
    /// How the vectors of images are kept: `int8`, `int16` (in two planes of int8), `f32`.
    vectors: String,
    /// How vectors are searched now.
    search: String,
    /// The same, for programs.
    searched_by: SearchedBy,
}

/// What compares a query with the vectors of a library.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum SearchedBy {
    /// A scan of all vectors.
    Scan,
    /// The same, until a graph is built.
    ScanWhileGraphIsBuilt,
    /// The same, since the stored graph cannot be used.
    ScanInPlaceOfGraph,
    /// A graph of neighbours; with narrow filters, a scan.
    Graph,
    /// A server of vectors.
    Server,
}

/// What a model is.
#[derive(ToSchema)]
pub struct Model {
    /// As the user named it.
    name: String,
    /// Equal digest, equal vectors.
    fingerprint: String,
    /// Family.
    model_type: String,
    /// Width of vectors.
    dim: usize,
    /// Side of the input image in pixels; none for NaFlex.
    image_size: Option<usize>,
    /// Largest number of patches of one image; none for fixed resolution.
    max_patches: Option<usize>,
    /// Side of a patch in pixels.
    patch_size: usize,
    /// Tokens of one text.
    text_length: usize,
    /// Size of the token table.
    vocab_size: usize,
    /// Turns a cosine into the model's own probability.
    scoring: Scoring,
    /// What runs it.
    backend: String,
}

/// Scale and bias of the model's sigmoid.
#[derive(ToSchema)]
pub struct Scoring {
    scale: f32,
    bias: f32,
}
