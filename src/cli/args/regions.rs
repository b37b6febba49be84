//! Arguments of the commands that ask where things are.

use std::path::PathBuf;

use clap::Args;

use super::{BoundArgs, ExportArgs, FilterArgs, PrintArgs};

const FIND_HELP: &str = "\
Query (docs/query-form.md has it all):
  red umbrella                 one thing, in any language
  dog and ball                 both, as different regions of one image
  dog and no leash             no region shows the second; also: dog - leash
  two or more dogs             also: 2+ dogs, at least 2, at most 3, exactly 2, 2 to 4
  dog left of ball             also: right of, above, below, inside, larger than, smaller than
  \"salt and pepper\"            words in quotes are taken as they are
With --lang de also: mindestens zwei Hunde links von Ball, keine Katze

Examples:
  glimpse find red umbrella
  glimpse find 'dog and ball and no cat' --min-area 0.02
  glimpse find bicycle --coco bicycles.json --annotated images/
  glimpse find 自転車 --after 2020 --json

Where few images fulfil the query, those that come closest follow below a line, each with its best boxes. --strict, lists of
paths and files for other programs leave them out; --all gives every image.

JSON lines have: id, path, width, height, score, strength, boxes: [{thing, text, x, y, width, height, area, score, z}], refined:
whether --fine found finer boxes, matches: {strong, likely, weaker}. Boxes are in pixels of the upright image; `matches` counts
those of the whole result set.";

#[derive(Debug, Args)]
#[command(after_help = FIND_HELP)]
pub struct FindArgs {
    /// What to find
    #[arg(value_name = "QUERY", required = true)]
    pub query: Vec<String>,

    /// Language of the query's own words, beside English: de, fr, es, it, pt, ru, tr, ja, zh, ko,
    /// ar or he
    #[arg(long = "lang", value_name = "LANG", default_value = "en", hide_default_value = true)]
    pub language: String,

    #[command(flatten)]
    pub bounds: BoundArgs,
    #[command(flatten)]
    pub filter: FilterArgs,
    #[command(flatten)]
    pub print: PrintArgs,
    #[command(flatten)]
    pub export: ExportArgs,
}

const CAPTION_HELP: &str = "\
Needs a model with a decoder (decoder.safetensors beside its weights). The bundled model has one; Google publishes none, and
training/README.md says how to train one.

Examples:
  glimpse caption image.jpg
  glimpse caption image.jpg --lang ja
  glimpse caption image.jpg --box 120,40,300,200
  glimpse caption image.jpg --parts --json

JSON lines, one for each caption: image, text, probability, language; with --box and --parts also x, y, width, height.";

#[derive(Debug, Args)]
#[command(after_help = CAPTION_HELP)]
pub struct CaptionArgs {
    /// Image files, or numbers of images of the library
    #[arg(value_name = "FILE|ID", required = true)]
    pub images: Vec<PathBuf>,

    /// Describe this part: left, top, width and height in pixels
    #[arg(long, value_name = "X,Y,W,H", allow_hyphen_values = true, conflicts_with = "parts")]
    pub r#box: Option<String>,

    /// Describe parts that are worth a word, with their boxes
    #[arg(long)]
    pub parts: bool,

    /// Language of the words [default: the first that the decoder knows]
    #[arg(long, value_name = "CODE")]
    pub lang: Option<String>,

    /// Most captions of an image
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub limit: Option<u8>,

    /// One JSON object for each caption
    #[arg(long)]
    pub json: bool,
}

const GROUND_HELP: &str = "\
Needs no library: the image is compared with itself, and with texts for what is hardly ever there.

Examples:
  glimpse ground street.jpg bicycle 'red car'
  glimpse ground street.jpg bicycle --annotated .
  glimpse ground plan.png fenêtre --detail 2 --json

JSON lines, one for each text: text, width, height, boxes: [{x, y, width, height, area, score, z}], heatmap: {rows, cols,
scores}.";

#[derive(Debug, Args)]
#[command(after_help = GROUND_HELP)]
pub struct GroundArgs {
    /// An image file
    #[arg(value_name = "IMAGE")]
    pub image: PathBuf,

    /// What to look for in it, in any language; quote texts of several words
    #[arg(value_name = "TEXT", required = true)]
    pub texts: Vec<String>,

    /// Patches along the shorter side, in sides of the model's own grid: 2 reads the image in
    /// windows of half its size, which finds smaller things and may cut large ones. Models of fixed
    /// resolution only
    #[arg(long, value_name = "TIMES", default_value_t = 1.0, value_parser = super::detail)]
    pub detail: f32,

    /// Weaker boxes too
    #[arg(long)]
    pub all: bool,

    /// One JSON object for each text
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub export: ExportArgs,
}
