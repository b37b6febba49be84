//! Arguments of `glimpse eval`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::MapArgs;
use crate::cli::outcome::CliError;

const EVAL_HELP: &str = "\
The data are yours: images are indexed in a temporary library with the model that --model names, and nothing else is touched.

Examples:
  glimpse eval regions --data annotations.json --images val2017 --model google/siglip2-base-patch16-512
  glimpse eval regions --data annotations.json --lang en,de --reliability reliability.svg
  glimpse eval detect --data instances_val2017.json --images val2017 --model google/siglip2-base-patch16-512
  glimpse eval refer --data finetune_refcoco_val.json --images train2014
  glimpse eval segment --data panoptic_val2017.json --images val2017
  glimpse eval segment --data SegmentationClass --names voc.tsv --images JPEGImages --none background
  glimpse eval probe --data panoptic_val2017.json --images val2017
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
    /// Finding things as a detector: COCO or LVIS annotations; average precision
    Detect(EvalDetectArgs),
    /// Whether the box that words refer to is found in their image: RefCOCO and the like
    Refer(EvalReferArgs),
    /// What every pixel shows: COCO panoptic, or PNG files with numbers of categories
    Segment(EvalSegmentArgs),
    /// What the model's patches know: a linear layer on top of them says the category of a pixel,
    /// how far away it is, or which way it faces
    Probe(EvalProbeArgs),
    /// What the model's decoder says: COCO annotations; a caption should name the categories of its
    /// image
    Captions(EvalCaptionsArgs),
    /// Captions to images and back: Karpathy JSON, Crossmodal-3600 JSONL, or TSV (file, [language,]
    /// caption; equal captions are one that is right for several files)
    Retrieval(EvalRetrievalArgs),
    /// Zero-shot labels: a folder with one folder of images for each class
    Classify(EvalClassifyArgs),
    /// How much of what comparing all vectors finds the searches of this library find, and how
    /// soon; beside its graph, that of hnsw_rs over the same vectors
    Search(EvalSearchArgs),
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

    /// Not the first images, so that choices can be made on them
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub skip: usize,

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

const EVAL_DETECT_HELP: &str = "\
The name of every category is looked for in all images, as `find` does it; boxes below the cut count too, as average precision goes
by order. Printed are AP (overlaps from 0.5 to 0.95), AP50, AP75, AP and recall by size of object, and for LVIS AP of rare, common
and frequent categories, as pycocotools and the API of LVIS compute them; --out writes the boxes for these.

Examples:
  glimpse eval detect --data instances_val2017.json --images val2017 --limit 500
  glimpse eval detect --data lvis_v1_val.json --images val2017 --fine --out boxes.json --json";

#[derive(Debug, Args)]
#[command(after_help = EVAL_DETECT_HELP)]
pub struct EvalDetectArgs {
    /// COCO annotations, or those of LVIS
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,

    /// Where the images are [default: beside the data]
    #[arg(long, value_name = "DIR")]
    pub images: Option<PathBuf>,

    /// Only the first images
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,

    /// Most boxes of a category in an image
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=63), default_value_t = 20)]
    pub max_boxes: u16,

    /// Look at all images again for finer boxes, as `find --fine`: slow
    #[arg(long)]
    pub fine: bool,

    /// Patches along the shorter side, in sides of the model's own grid
    #[arg(long, value_name = "TIMES", default_value_t = 1.0, value_parser = super::detail)]
    pub detail: f32,

    /// Write the boxes, as COCO and LVIS have results
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

const EVAL_REFER_HELP: &str = "\
Every expression is looked for in its image, as `ground` does it, and its best box counts whatever the cut: right if it overlaps the
true one by 0.5 (Acc@0.5).

The data are one JSON file whose images have a `caption` each (as those that MDETR made of RefCOCO, RefCOCO+ and RefCOCOg), or
whose annotations have one, or a list of references (ref_id, ann_id, image_id, split, sentences) with the annotations beside it.

Examples:
  glimpse eval refer --data finetune_refcoco_val.json --images train2014
  glimpse eval refer --data refs.json --annotations instances.json --split testA --images train2014 --json";

#[derive(Debug, Args)]
#[command(after_help = EVAL_REFER_HELP)]
pub struct EvalReferArgs {
    /// Expressions and their boxes, or references to annotations
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,

    /// The COCO annotations that a list of references is about
    #[arg(long, value_name = "FILE")]
    pub annotations: Option<PathBuf>,

    /// The part of a list of references [default: all]
    #[arg(long, value_name = "NAME", requires = "annotations")]
    pub split: Option<String>,

    /// Where the images are [default: beside the data]
    #[arg(long, value_name = "DIR")]
    pub images: Option<PathBuf>,

    /// Only the first expressions
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,

    /// Patches along the shorter side, in sides of the model's own grid
    #[arg(long, value_name = "TIMES", default_value_t = 1.0, value_parser = super::detail)]
    pub detail: f32,

    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// Images whose every pixel is known.
#[derive(Debug, Args)]
pub struct MaskDataArgs {
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

    /// Only the first images
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,

    /// Not the first images, so that choices can be made on them
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub skip: usize,
}

impl MaskDataArgs {
    /// Those of all images that count.
    ///
    /// # Errors
    /// If there are none.
    pub fn chosen<T>(&self, mut images: Vec<T>) -> Result<Vec<T>, CliError> {
        images.truncate(self.limit.unwrap_or(usize::MAX));
        images.drain(..self.skip.min(images.len()));
        match images.is_empty() {
            true => Err(CliError::new(format!("{}: no image", self.data.display()))),
            false => Ok(images),
        }
    }
}

const EVAL_SEGMENT_HELP: &str = "\
All categories are asked of every image, or few (--present, --absent). Printed are the mean intersection over union (mIoU), the share
of right pixels, and of those with a label that the image shows elsewhere (misplaced) or not at all (absent); of COCO panoptic also
panoptic, segmentation and recognition quality (PQ, SQ, RQ) for all, things and stuff, as panopticapi computes them. Beside ours
stand the best that could be said of the same segments (oracle), and categories at random (chance).

Examples:
  glimpse eval segment --data panoptic_val2017.json --images val2017
  glimpse eval segment --data gallery/panoptic.json --none background --json
  glimpse eval segment --data gallery/panoptic.json --none background --present 1 --absent 2
  glimpse eval segment --data SegmentationClass --names voc.tsv --images JPEGImages --none background";

#[derive(Debug, Args)]
#[command(after_help = EVAL_SEGMENT_HELP)]
pub struct EvalSegmentArgs {
    #[command(flatten)]
    pub data: MaskDataArgs,

    /// The category of pixels that show none of the others: it is not asked for
    #[arg(long, value_name = "NAME")]
    pub none: Option<String>,

    /// Ask an image for few labels, this many of those that it shows: pixels of all others should
    /// then have none
    #[arg(long, value_name = "N")]
    pub present: Option<usize>,

    /// Ask an image for few labels, this many of those that it does not show
    #[arg(long, value_name = "N")]
    pub absent: Option<usize>,

    #[command(flatten)]
    pub map: MapArgs,

    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

const EVAL_PROBE_HELP: &str = "\
The model stays as it is. One linear layer is fitted on top of its patches (ridge regression, in closed form: the same figures in
every run) to the first half of the images, or as many as --train says, and measured on the others, pixel by pixel: mean intersection
over union (mIoU) of categories, root of the mean squared error (RMSE) of distances, mean angular error of directions. Beside it
stands a layer that sees nothing and always says the same. A layer sees a patch's token and the embedding of the whole image.

The truth is what `eval segment` reads, or for --task depth and normals a folder of PNG files with the names of the images: distances
in grey of 16 bits (0 is unknown, --steps a unit), directions as red, green and blue from -1 to 1 (black is unknown).

Examples:
  glimpse eval probe --data panoptic_val2017.json --images val2017 --limit 2000 --train 1500
  glimpse eval probe --data SegmentationClass --names voc.tsv --images JPEGImages
  glimpse eval probe --task depth --data nyu/depth --images nyu/rgb --json
  glimpse eval probe --task normals --data nyu/normals --images nyu/rgb";

/// What a linear layer is to say of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProbeTask {
    Segmentation,
    Depth,
    Normals,
}

#[derive(Debug, Args)]
#[command(after_help = EVAL_PROBE_HELP)]
pub struct EvalProbeArgs {
    /// What the layer is to say of pixels
    #[arg(long, value_enum, default_value_t = ProbeTask::Segmentation)]
    pub task: ProbeTask,

    #[command(flatten)]
    pub data: MaskDataArgs,

    /// Images that the layer is fitted to, the first ones [default: half of them]
    #[arg(long, value_name = "N")]
    pub train: Option<usize>,

    /// How much small weights are preferred, for each sample
    #[arg(long, value_name = "STRENGTH", default_value_t = 0.01)]
    pub ridge: f64,

    /// For depth: steps of a PNG to a unit
    #[arg(long, value_name = "N", default_value_t = 1000.0)]
    pub steps: f64,

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

#[derive(Debug, Args)]
pub struct EvalSearchArgs {
    /// Queries: each is the mean of the vectors of two images
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub queries: usize,

    /// Nearest vectors that are asked for
    #[arg(short, value_name = "N", default_value_t = 10)]
    pub k: usize,

    /// One JSON object
    #[arg(long)]
    pub json: bool,
}
