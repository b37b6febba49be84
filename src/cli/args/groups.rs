//! Groups of arguments that several commands take.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use glimpse::Depth;

/// Conditions on what is known of an image.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Filters")]
pub struct FilterArgs {
    /// Taken at the start of DATE or later: 2024, 2024-05, 2024-05-17, 2024-05-17T18:30
    #[arg(long, value_name = "DATE")]
    pub after: Option<String>,

    /// Taken before the start of DATE
    #[arg(long, value_name = "DATE")]
    pub before: Option<String>,

    /// In this folder or below (repeatable)
    #[arg(long, value_name = "DIR")]
    pub folder: Vec<PathBuf>,

    /// Camera whose make or model contains TEXT (repeatable)
    #[arg(long, value_name = "TEXT")]
    pub camera: Vec<String>,

    /// Lens whose name contains TEXT (repeatable)
    #[arg(long, value_name = "TEXT")]
    pub lens: Vec<String>,

    /// Keyword, whatever its case (repeatable: images that have one of them)
    #[arg(long, value_name = "KEYWORD")]
    pub tag: Vec<String>,

    /// Label that a part of the image shows, where `glimpse tag --regions --keep` keeps them
    /// (repeatable: images that show one of them)
    #[arg(long, value_name = "LABEL")]
    pub region_tag: Vec<String>,

    /// Format: jpeg, png, webp, gif, tiff, bmp, heic, avif, jxl, raw (repeatable)
    #[arg(long, value_name = "FORMAT")]
    pub format: Vec<String>,

    /// Taken within KM kilometres (default 10) of a place, in degrees
    #[arg(long, value_name = "LAT,LON[,KM]", allow_hyphen_values = true, conflicts_with = "place_box")]
    pub near: Option<String>,

    /// Taken inside a box, in degrees
    #[arg(long, value_name = "SOUTH,WEST,NORTH,EAST", allow_hyphen_values = true)]
    pub place_box: Option<String>,

    /// Only favourites
    #[arg(long)]
    pub favourite: bool,

    /// Only hidden images, which are left out otherwise
    #[arg(long)]
    pub hidden: bool,

    /// In this album, by its id as `glimpse album list` shows it
    #[arg(long, value_name = "ID")]
    pub album: Option<String>,
}

/// How to print images.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct PrintArgs {
    /// Most images to print
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub limit: usize,

    /// One JSON object for each image
    #[arg(long, group = "print")]
    pub json: bool,

    /// Only paths, one on a line
    #[arg(short = 'l', long, group = "print")]
    pub paths: bool,

    /// Only paths, each followed by a NUL, for `xargs -0`
    #[arg(short = '0', long, group = "print")]
    pub null: bool,

    /// Draw small images in terminals that can (kitty, iTerm2, WezTerm, Ghostty)
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub thumbnails: super::When,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum SortArg {
    #[default]
    Relevance,
    Newest,
    Oldest,
    /// That of --album
    Album,
}

/// How far below the cut an answer goes.
#[derive(Debug, Default, Args)]
pub struct DepthArgs {
    /// Only strong and likely matches; -l and -0 give no others in any case
    #[arg(long)]
    pub strict: bool,

    /// Weaker matches too, down to the last
    #[arg(long, conflicts_with = "strict")]
    pub all: bool,
}

impl DepthArgs {
    /// Lists of paths, which are made for other programs, hold what is sure unless all is asked
    /// for.
    pub fn resolve(&self, print: &PrintArgs) -> Depth {
        match (self.all, self.strict || print.paths || print.null) {
            (true, _) => Depth::All,
            (false, true) => Depth::Strict,
            (false, false) => Depth::Usual,
        }
    }
}

/// Which regions count, and where to go on.
#[derive(Debug, Args)]
pub struct BoundArgs {
    /// Smallest share of its image that a region covers, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub min_area: f32,

    /// Most boxes of a thing in an image
    #[arg(long, alias = "max-per-photo", value_name = "N", default_value_t = 5)]
    pub max_per_image: usize,

    /// Order of the images
    #[arg(long, value_enum, default_value_t)]
    pub sort: SortArg,

    /// Look at the images that are shown again, for finer boxes
    #[arg(long)]
    pub fine: bool,

    #[command(flatten)]
    pub depth: DepthArgs,

    /// Where to go on, as told at the end of a page
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,
}

/// Boxes for other programs.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "For other programs")]
pub struct ExportArgs {
    /// Write a COCO data set (images, categories, annotations with scores)
    #[arg(long, value_name = "FILE")]
    pub coco: Option<PathBuf>,

    /// Write Label Studio tasks with predictions; images are named from their common folder, its
    /// document root
    #[arg(long, value_name = "FILE")]
    pub label_studio: Option<PathBuf>,

    /// Write CVAT annotations (CVAT for images 1.1)
    #[arg(long, value_name = "FILE")]
    pub cvat: Option<PathBuf>,

    /// Write an XMP sidecar with named regions (MWG) for each image
    #[arg(long, value_name = "DIR")]
    pub xmp: Option<PathBuf>,

    /// Write each box as an image
    #[arg(long, value_name = "DIR")]
    pub crops: Option<PathBuf>,

    /// Write each image as a PNG with its heatmap and boxes drawn in
    #[arg(long, value_name = "DIR")]
    pub annotated: Option<PathBuf>,
}
