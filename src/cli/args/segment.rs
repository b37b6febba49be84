//! Arguments of `glimpse segment`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use glimpse::engine::{PixelConfig, SegmentOptions};

const SEGMENT_HELP: &str = "\
Every pixel gets the label that it shows, or none if none of them fits. Needs no library: an image that is in none is compared with
itself, and with texts for what is hardly ever there. Labels may be in any language; without any, the keywords of the library are
taken.

Examples:
  glimpse segment beach.jpg --labels 'sky, sea, sand, person'
  glimpse segment beach.jpg --labels 'sky, sea, sand, person' --output masks/
  glimpse segment *.jpg --labels-file labels.txt --panoptic --format panoptic,coco --output masks/
  glimpse segment street.jpg --labels 'car, tree' --panoptic --stuff tree --json
  glimpse segment cat.jpg --labels cat --format cutouts --output .

Formats (--format, with --output):
  colour        the image with colours laid over it, and legend.html with what they mean
  palette       a PNG whose pixels are numbers of labels, 0 for none (PASCAL VOC), and the legend
  panoptic      panoptic.json and PNG files with numbers of segments (COCO panoptic)
  coco          instances.json with masks as runs (COCO)
  label-studio  label-studio.json with brush masks; started with the images' common folder as document root
  cvat          annotations.xml with masks (CVAT for images 1.1)
  cutouts       every segment as a PNG that is clear around it

JSON lines, one for each image: image, width, height, labels: [{name, is_thing}], unlabelled (share of the image), segments:
[{label, is_thing, score, area, x, y, width, height, rle: {size, counts}}], largest first. Boxes and masks are in pixels of the
upright image, `rle` as COCO has it.";

/// Masks for other programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MaskFormat {
    #[value(alias = "color")]
    Colour,
    Palette,
    Panoptic,
    Coco,
    LabelStudio,
    Cvat,
    Cutouts,
}

#[derive(Debug, Args)]
#[command(after_help = SEGMENT_HELP)]
pub struct SegmentArgs {
    /// Image files, or numbers of images of the library
    #[arg(value_name = "FILE|ID", required = true)]
    pub images: Vec<PathBuf>,

    /// What pixels may show, with commas between
    #[arg(long, value_name = "LABELS", value_delimiter = ',')]
    pub labels: Vec<String>,

    /// A file with one label on a line
    #[arg(long, value_name = "FILE")]
    pub labels_file: Option<PathBuf>,

    /// Things one by one; all there is of a stuff stays one segment
    #[arg(long)]
    pub panoptic: bool,

    /// The labels that are stuff, with commas between [default: words such as sky, grass and road]
    #[arg(long, value_name = "LABELS", value_delimiter = ',', requires = "panoptic")]
    pub stuff: Option<Vec<String>>,

    #[command(flatten)]
    pub map: MapArgs,

    /// Write files into this folder
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,

    /// What to write [default: colour]
    #[arg(long, value_name = "FORMATS", value_enum, value_delimiter = ',', requires = "output")]
    pub format: Vec<MaskFormat>,

    /// One JSON object for each image
    #[arg(long)]
    pub json: bool,
}

/// How closely an image is looked at.
#[derive(Debug, Args)]
pub struct MapArgs {
    /// Smallest score of a pixel that has a label, from 0 to 1: lower ones show more, and more that
    /// is not there
    #[arg(long, value_name = "SCORE", default_value_t = SegmentOptions::default().min_score)]
    pub min_score: f32,

    /// Smallest share of the image that a segment covers, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = SegmentOptions::default().min_area)]
    pub min_area: f32,

    /// Pixels along the longer side of the map that is worked at; masks are brought to the size of
    /// the image
    #[arg(long, value_name = "PIXELS", default_value_t = SegmentOptions::default().size)]
    pub size: u32,

    /// Windows along the shorter side of the image if they stood side by side, 1 to 8: more show
    /// smaller things and take longer
    #[arg(long, value_name = "TIMES", default_value_t = PixelConfig::default().detail)]
    pub detail: f32,

    /// How far windows advance, in sides of a window, 0.1 to 1
    #[arg(long, value_name = "SHARE", default_value_t = PixelConfig::default().stride)]
    pub stride: f32,

    /// Leave edges as patches have them, instead of moving them to those of the image
    #[arg(long)]
    pub no_edges: bool,
}

impl MapArgs {
    /// The options, for these labels.
    pub fn options(&self, labels: Vec<String>) -> SegmentOptions {
        SegmentOptions {
            labels,
            size: self.size,
            min_score: self.min_score,
            min_area: self.min_area,
            pixels: PixelConfig { detail: self.detail, stride: self.stride, edges: !self.no_edges },
            ..SegmentOptions::default()
        }
    }
}
