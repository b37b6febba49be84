//! Arguments of `glimpse eval`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::MapArgs;

const EVAL_HELP: &str = "\
The data are yours: images are indexed in a temporary library with the model that --model names, and nothing else is touched.

Examples:
  glimpse eval regions --data annotations.json --images val2017 --model google/siglip2-base-patch16-512
  glimpse eval regions --data annotations.json --lang en,de --reliability reliability.svg
  glimpse eval segment --data panoptic_val2017.json --images val2017
  glimpse eval segment --data SegmentationClass --names voc.tsv --images JPEGImages --none background
  glimpse eval retrieval --data dataset_coco.json --images val2014
  glimpse eval retrieval --data crossmodal3600.jsonl --images xm3600
  glimpse eval captions --data annotations.json --lang en,ja
  glimpse eval calibrate --data instances_val2017.json --images val2017 --limit 2000
  glimpse eval classify imagenet-val --template 'a photo of a {}'";

#[derive(Debug, Args)]
#[command(after_help = EVAL_HELP)]
pub struct EvalArgs {
    #[command(subcommand)]
    pub command: EvalCommand,
}

#[derive(Debug, Subcommand)]
pub enum EvalCommand {
    /// Scores: fits what turns a model's cosines into probabilities to images whose content is
    /// known, and keeps it
    Calibrate(EvalCalibrateArgs),
    /// Where things are: COCO annotations; names or captions of annotations are the queries
    Regions(EvalRegionsArgs),
    /// What every pixel shows: COCO panoptic, or PNG files with numbers of categories
    Segment(EvalSegmentArgs),
    /// What the model's decoder says: COCO annotations; a caption should name the categories of its
    /// image
    Captions(EvalCaptionsArgs),
    /// Captions to images and back: Karpathy JSON, Crossmodal-3600 JSONL, or TSV (file, [language,]
    /// caption; equal captions are one that is right for several files)
    Retrieval(EvalRetrievalArgs),
    /// Zero-shot labels: a folder with one folder of images for each class
    Classify(EvalClassifyArgs),
}

#[derive(Debug, Args)]
pub struct EvalCalibrateArgs {
    /// COCO annotations (names of categories are the queries; those without annotations, and a list
    /// `absent`, ask for what is not there), or captions as `eval retrieval` reads them
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,

    /// Where the images are [default: beside the data]
    #[arg(long, value_name = "DIR")]
    pub images: Option<PathBuf>,

    /// The part of a Karpathy file
    #[arg(long, value_name = "NAME", default_value = "test")]
    pub split: String,

    /// Languages, as the data name them [default: all]
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    pub lang: Vec<String>,

    /// Only the first images
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,

    /// Not the first images, so that they are left to measure on
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub skip: usize,

    /// Where to write: `calibration.json` beside a model's weights serves every library of that
    /// model [default: in the library, for it alone]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct EvalRegionsArgs {
    /// COCO annotations; a category may have `names`, its names by language. Categories without
    /// annotations, and the texts of a list `absent`, are asked as things that are not there
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,

    /// Where the images are [default: beside the data]
    #[arg(long, value_name = "DIR")]
    pub images: Option<PathBuf>,

    /// Languages, as the data name them [default: all]
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    pub lang: Vec<String>,

    /// Only the first images
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,

    /// Regions of an image, before they are merged into larger ones
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=32), default_value_t = 16)]
    pub leaves: u16,

    /// Patches along the shorter side, in sides of the model's own grid
    #[arg(long, value_name = "TIMES", default_value_t = 1.0, value_parser = super::detail)]
    pub detail: f32,

    /// What patches are grouped by
    #[arg(long, value_name = "FEATURE", value_parser = ["tokens", "aligned"], default_value = "tokens")]
    pub affinity: String,

    /// How far the mean of a region goes through the pooling head: with its MLP, or without
    #[arg(long, value_name = "PATH", value_parser = ["full", "linear"], default_value = "full")]
    pub projection: String,

    /// Draw how often a score of p was right
    #[arg(long, value_name = "FILE.svg")]
    pub reliability: Option<PathBuf>,

    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

const EVAL_SEGMENT_HELP: &str = "\
All categories are asked of every image. Printed are the mean intersection over union (mIoU) and the share of right pixels; of COCO
panoptic also panoptic, segmentation and recognition quality (PQ, SQ, RQ) for all, things and stuff, as panopticapi computes them.
Beside ours stand the best that could be said of the same segments (oracle), and categories at random (chance).

Examples:
  glimpse eval segment --data panoptic_val2017.json --images val2017
  glimpse eval segment --data gallery/panoptic.json --none background --json
  glimpse eval segment --data SegmentationClass --names voc.tsv --images JPEGImages --none background";

#[derive(Debug, Args)]
#[command(after_help = EVAL_SEGMENT_HELP)]
pub struct EvalSegmentArgs {
    /// COCO panoptic annotations, or a folder of PNG files with numbers of categories
    #[arg(long, value_name = "FILE|DIR")]
    pub data: PathBuf,

    /// Where the PNG files of panoptic annotations are [default: the folder of the same name]
    #[arg(long, value_name = "DIR")]
    pub masks: Option<PathBuf>,

    /// Where the images are [default: beside the data]
    #[arg(long, value_name = "DIR")]
    pub images: Option<PathBuf>,

    /// For a folder of PNG files: lines of number, tab, name of category; other numbers do not
    /// count
    #[arg(long, value_name = "FILE")]
    pub names: Option<PathBuf>,

    /// The category of pixels that show none of the others: it is not asked for
    #[arg(long, value_name = "NAME")]
    pub none: Option<String>,

    /// Only the first images
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,

    #[command(flatten)]
    pub map: MapArgs,

    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct EvalCaptionsArgs {
    /// COCO annotations; a category may have `names`, its names by language
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,

    /// Where the images are [default: beside the data]
    #[arg(long, value_name = "DIR")]
    pub images: Option<PathBuf>,

    /// Languages, as the data name them [default: those that both the data and the decoder know]
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    pub lang: Vec<String>,

    /// Only the first images
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,

    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct EvalRetrievalArgs {
    /// Captions
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,

    /// Where the images are [default: beside the data]
    #[arg(long, value_name = "DIR")]
    pub images: Option<PathBuf>,

    /// The part of a Karpathy file
    #[arg(long, value_name = "NAME", default_value = "test")]
    pub split: String,

    /// Languages, as the data name them [default: all]
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    pub lang: Vec<String>,

    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct EvalClassifyArgs {
    /// A folder of folders of images; their names are the labels
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,

    /// Other labels: lines of folder name, tab, label
    #[arg(long, value_name = "FILE")]
    pub names: Option<PathBuf>,

    /// A sentence around a label; several are averaged [default: the label alone, as `glimpse tag`
    /// asks for it]
    #[arg(long, value_name = "TEXT")]
    pub template: Vec<String>,

    /// One JSON object
    #[arg(long)]
    pub json: bool,
}
