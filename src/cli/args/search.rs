//! Arguments of the commands that ask.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{BoundArgs, DepthArgs, ExportArgs, FilterArgs, PrintArgs, SortArg};

const SEARCH_HELP: &str = "\
Query:
  words                 what to look for, in any language; quotes are not needed
  + words               and this as well
  - words               away from this; the same inside quotes: 'cat - dog'
  2:words               counts twice (any positive number)
  ./file.jpg            an image as part of the query (also /... and ../..., or --image FILE)

Examples:
  glimpse search ein rotes Fahrrad
  glimpse search dog + ball - beach
  glimpse search 2:mountain + lake + 0.5:sunset
  glimpse search ./sofa.jpg + in green
  glimpse search birthday --after 2019-06 --before 2020 --camera Pixel
  glimpse search --sort newest --folder ~/Pictures/Trips -n 50
  glimpse search -0 screenshot | xargs -0 mv -t ~/Screenshots

A score of 0.5 or more is a match (likely, then strong) whatever the query and its language. Where matches are few, the
closest weaker ones follow below a line; --strict leaves them out, --all shows every one. Without a match the exit status is 1.
Questions about things (two dogs, dog and no cat, dog left of ball) are answered by `glimpse find`.

JSON lines have: id, path, files, content, format, width, height, bytes, taken, camera, place, caption, keywords, score,
strength, why, matches: {strong, likely, weaker}; `matches` counts those of the whole result set.";

#[derive(Debug, Args)]
#[command(after_help = SEARCH_HELP)]
pub struct SearchArgs {
    /// What to look for
    #[arg(value_name = "QUERY")]
    pub query: Vec<OsString>,

    /// An image file as part of the query
    #[arg(long, value_name = "FILE")]
    pub image: Vec<PathBuf>,

    /// An image of the library as part of the query
    #[arg(long, value_name = "ID|FILE")]
    pub like: Vec<PathBuf>,

    /// How words are matched: by meaning, by names and captions, or both
    #[arg(long, value_enum, default_value_t)]
    pub mode: ModeArg,

    /// Order of the matches
    #[arg(long, value_enum, default_value_t)]
    pub sort: SortArg,

    #[command(flatten)]
    pub depth: DepthArgs,

    /// Where to go on, as told at the end of a page
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,

    #[command(flatten)]
    pub filter: FilterArgs,
    #[command(flatten)]
    pub print: PrintArgs,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum ModeArg {
    #[default]
    Hybrid,
    Semantic,
    Words,
}

const SIMILAR_HELP: &str = "\
Examples:
  glimpse similar holiday/beach.jpg
  glimpse similar 1207                an image of the library by its number
  glimpse similar new.jpg --all -n 5
  glimpse similar street.jpg --box 120,40,300,200      regions like this part of it";

#[derive(Debug, Args)]
#[command(after_help = SIMILAR_HELP)]
pub struct SimilarArgs {
    /// An image file, or the number of an image of the library
    #[arg(value_name = "FILE|ID")]
    pub image: PathBuf,

    /// Only this part of it, in pixels: find regions like it
    #[arg(long, value_name = "X,Y,W,H", allow_hyphen_values = true)]
    pub r#box: Option<String>,

    #[command(flatten)]
    pub bounds: BoundArgs,
    #[command(flatten)]
    pub filter: FilterArgs,
    #[command(flatten)]
    pub print: PrintArgs,
    #[command(flatten)]
    pub export: ExportArgs,
}

const DUPS_HELP: &str = "\
The first image of a group is the best one: the largest, then the oldest. With -l or -0 only the others are printed.

Examples:
  glimpse dups
  glimpse dups --min-cosine 0.99
  glimpse dups -0 | xargs -0 mv -t ~/duplicates

JSON lines have: min_cosine, images (best first; the fields of `search --json`).";

#[derive(Debug, Args)]
#[command(after_help = DUPS_HELP)]
pub struct DupsArgs {
    /// How alike two images must be, from 0 to 1
    #[arg(long, value_name = "COSINE")]
    pub min_cosine: Option<f32>,

    /// One JSON object for each group
    #[arg(long, group = "print")]
    pub json: bool,

    /// Only paths of the lesser copies, one on a line
    #[arg(short = 'l', long, group = "print")]
    pub paths: bool,

    /// Only paths of the lesser copies, each followed by a NUL
    #[arg(short = '0', long, group = "print")]
    pub null: bool,
}

/// A number from 0 to 1.
fn score(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(score) if (0.0..=1.0).contains(&score) => Ok(score),
        _ => Err("a number from 0 to 1 is expected".to_owned()),
    }
}

const TAG_HELP: &str = "\
Examples:
  glimpse tag dog cat bicycle 'birthday cake'
  glimpse tag --labels labels.txt --json > tags.jsonl
  glimpse tag screenshot receipt --after 2024
  glimpse tag dog ball --regions                # parts of images, each with its box
  glimpse tag --regions --json                  # out of the library's own keywords
  glimpse tag dog --regions --captions          # and the model's own words for each part
  glimpse tag --regions --keep --labels coco.txt   # keeps them with the index
  glimpse search beach --region-tag dog         # which all commands can then filter by

--keep tags the parts of all images once and keeps that with the index: filters, counts and the page use it, and every
`glimpse index` tags what came. Ctrl-C loses nothing, the same command goes on; other labels take the place of those before.

JSON lines have the fields of `search --json` that describe an image, and tags: [{label, score}]; with --regions, regions:
[{label, score, area, x, y, width, height}], boxes in pixels and area as a share of the image, with --captions also
caption; with --keep: {labels, tagged, unchanged, without_regions, cancelled}.";

#[derive(Debug, Args)]
#[command(after_help = TAG_HELP)]
pub struct TagArgs {
    /// Labels in any language; quote those of several words
    #[arg(value_name = "LABEL", required_unless_present_any = ["labels", "regions"])]
    pub label: Vec<String>,

    /// A file with one label on a line
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,

    /// Tag parts of images, by their stored regions; without labels, with the keywords of the
    /// library, or common words where it has none
    #[arg(long)]
    pub regions: bool,

    /// Tag the parts of all images, and keep their tags with the index from now on
    #[arg(long, requires = "regions", conflicts_with_all = ["drop", "captions", "max_tags", "min_score", "untagged"])]
    pub keep: bool,

    /// Forget the tags that are kept, and keep none any more
    #[arg(
        long,
        requires = "regions",
        conflicts_with_all = ["label", "labels", "captions", "max_tags", "min_score", "untagged", "json"]
    )]
    pub drop: bool,

    /// Words of the model's decoder for each part, in a language that it writes
    #[arg(long, value_name = "LANG", requires = "regions", num_args = 0..=1, require_equals = true)]
    pub captions: Option<Option<String>>,

    /// Most tags of an image
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub max_tags: usize,

    /// Smallest score of a tag, from 0 to 1
    #[arg(long, value_name = "SCORE", default_value_t = 0.5, value_parser = score)]
    pub min_score: f32,

    /// Images without a tag too
    #[arg(long)]
    pub untagged: bool,

    #[command(flatten)]
    pub filter: FilterArgs,

    /// One JSON object for each image
    #[arg(long)]
    pub json: bool,
}
