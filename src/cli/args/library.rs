//! Arguments of the commands that make a library and serve it.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use glimpse::engine::VectorStorage;
use glimpse::web::PublicUrl;

const INDEX_HELP: &str = "\
Examples:
  glimpse index ~/Pictures /media/photos
  glimpse index                             all folders of the library again
  glimpse index --watch                     the same, and then whatever changes in them
  glimpse index --model demo clip-art       with the small bundled model
  glimpse index --model demo-naflex wide    with its sibling that keeps the shape of images
  glimpse index --json ~/Pictures | jq      one JSON object for each file, and a summary

Unchanged files cost a look at their size and times; moved files keep what is known of them. Hidden files are skipped, and
a `.glimpseignore` file names more to skip, in the syntax of `.gitignore`. A bad image is named with its reason and does
not stop the rest. Ctrl-C keeps everything done so far, and ends the run within two seconds.

With --watch a line tells of each update. A file is read when it has stayed the same for 3 seconds. Folders are looked
through as a whole at the start, every 6 hours, and when the system has lost track; those on network drives every 10
minutes. Linux watches a limited number of folders (`sysctl fs.inotify.max_user_watches`); a root with more is named, and
looked through every 10 minutes too.

A drive that is away is not a folder that was emptied: what was indexed from a drive that is not mounted now stays as it
is. --prune forgets no whole folders with more than a tenth of the files, and no more than 1,000 files, without --force.

Exit status: 0 when done, also if files are no images that can be indexed; 2 if the index of another model was not
replaced since the new one lacks images; 3 when done but for files that could not be read, drives that are away, or what
--prune did not forget without --force; 130 after Ctrl-C.

JSON lines have an `event`: indexed, unchanged, moved (with `from`), duplicate (with `of`), paired (with
`with`), skipped and failed (with
`reason` and `reason_code`), missing, pruned; each comes after the change is safe on disk. The last one is `summary`.";

#[derive(Debug, Args)]
#[command(after_help = INDEX_HELP)]
pub struct IndexArgs {
    /// Folders and image files [default: all folders of the library that are there]
    #[arg(value_name = "DIR")]
    pub roots: Vec<PathBuf>,

    /// Forget files that are no longer there (otherwise they are marked missing)
    #[arg(long)]
    pub prune: bool,

    /// With --prune: tell what would be forgotten, and change nothing. A moved file counts as gone,
    /// since nothing is read
    #[arg(long, requires = "prune", conflicts_with_all = ["regions", "captions", "watch"])]
    pub dry_run: bool,

    /// Forget with --prune, or replace the index of another model, also where so much is gone that
    /// a drive may be away
    #[arg(long)]
    pub force: bool,

    /// Read all files, also those whose size and times say that they are unchanged: for what was
    /// changed in a way that leaves no trace. Images that are the same are not encoded again
    #[arg(long)]
    pub rehash: bool,

    /// Hidden files and folders too
    #[arg(long)]
    pub hidden: bool,

    /// Follow links that lead out of DIR; others are followed anyway
    #[arg(long)]
    pub follow_links: bool,

    /// Every file is an image of its own. Otherwise files of one shot are one image: a raw file and
    /// its JPEG or HEIC, a live photo and its video, an edited image and its original, told by
    /// their names. The library remembers it for later runs
    #[arg(long, conflicts_with = "pairs")]
    pub no_pairs: bool,

    /// Files of one shot are one image again, after --no-pairs
    #[arg(long)]
    pub pairs: bool,

    /// Images that the model sees at a time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub batch: Option<u16>,

    /// Threads that read and decode [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub threads: Option<u16>,

    /// Seconds that reading or decoding one image may take; one that takes longer has failed
    #[arg(long, alias = "picture-timeout", value_name = "SECONDS", default_value_t = 120,
          value_parser = clap::value_parser!(u32).range(1..),
          hide_short_help = true)]
    pub image_timeout: u32,

    /// Make regions, which `find` needs, for known images that have none yet
    #[arg(long, conflicts_with = "no_regions")]
    pub regions: bool,

    /// Make no regions for new images: a smaller library that `find` cannot use
    #[arg(long)]
    pub no_regions: bool,

    /// Make regions anew for all images of the library, not only for those in DIR, with --leaves
    /// and --detail if they are given. It takes as long as the first time; if it is stopped, the
    /// next `glimpse index` goes on
    #[arg(long, conflicts_with = "no_regions")]
    pub rebuild_regions: bool,

    /// Regions of an image, before they are merged into larger ones [default: as the library has
    /// them, 16 in a new one]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=32), conflicts_with = "no_regions")]
    pub leaves: Option<u16>,

    /// Patches along the shorter side, 1 to 8 times the model's own grid: 2 reads images in windows
    /// of half their size, which finds smaller things and takes some ten times as long [default: as
    /// the library has them, 1 in a new one]
    #[arg(long, value_name = "TIMES", value_parser = super::detail, conflicts_with = "no_regions")]
    pub detail: Option<f32>,

    /// How a new library keeps the vectors of images. `int8` takes half the memory and may change
    /// the order of images that are nearly alike; `f32` takes two and a half times as much and
    /// scores as exactly as the model
    #[arg(long, value_enum, value_name = "FORM", hide_short_help = true)]
    pub vectors: Option<VectorsArg>,

    #[cfg(feature = "milvus")]
    #[command(flatten)]
    pub place: super::NewPlaceArgs,

    /// Describe images in words that `search` finds, known ones too; needs a model with a decoder
    #[arg(long, value_name = "LANG", num_args = 0..=1, require_equals = true)]
    pub captions: Option<Option<String>>,

    /// One JSON object for each file on stdout
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub watch: super::WatchArgs,

    #[command(flatten)]
    pub workers: super::WorkersArgs,
}

/// How vectors are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VectorsArg {
    Int8,
    /// The default: two planes of int8
    Int16,
    F32,
}

impl From<VectorsArg> for VectorStorage {
    fn from(vectors: VectorsArg) -> Self {
        match vectors {
            VectorsArg::Int8 => Self::Int8,
            VectorsArg::Int16 => Self::Int16,
            VectorsArg::F32 => Self::F32,
        }
    }
}

const SERVE_HELP: &str = "\
Examples:
  glimpse serve
  glimpse serve --port 8080 --no-open
  glimpse serve --watch                     new images are found, and shown, without being asked for
  GLIMPSE_TOKEN=$(openssl rand -hex 16) glimpse serve --host 0.0.0.0

The page is at /, the API below /api/v1; /api/docs describes it, /api/v1/openapi.json does so for programs. An address that
other machines reach needs a token; open the page once with `?token=...`, or send `Authorization: Bearer ...`.";

#[derive(Debug, Args)]
#[command(after_help = SERVE_HELP)]
pub struct ServeArgs {
    #[command(flatten)]
    pub listen: ListenArgs,

    #[command(flatten)]
    pub watch: super::WatchArgs,

    #[command(flatten)]
    pub workers: super::WorkersArgs,
}

/// An address, or the name that every machine has for itself.
fn address(text: &str) -> Result<IpAddr, String> {
    match text {
        "localhost" => Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        _ => text.parse().map_err(|_| "give an address such as 127.0.0.1 or 0.0.0.0, or localhost".to_owned()),
    }
}

#[derive(Debug, Args)]
pub struct ListenArgs {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", value_parser = address)]
    pub host: IpAddr,

    /// Port to listen on; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 4747)]
    pub port: u16,

    /// Do not open the browser
    #[arg(long)]
    pub no_open: bool,

    /// Let clients add folders below this one to the library; may be given several times. Without
    /// it they can only bring those up to date that `glimpse index` has added
    #[arg(long, value_name = "DIR")]
    pub allow_root: Vec<PathBuf>,

    /// Let clients move files of images to the trash of this machine. Without it they can only copy
    /// their paths
    #[arg(long)]
    pub allow_trash: bool,

    /// Let clients write favourites to XMP sidecars beside the images, as 5 stars
    #[arg(long)]
    pub allow_sidecars: bool,

    /// When indexing, follow links that lead out of the folders
    #[arg(long)]
    pub follow_links: bool,

    /// Address that people type where a reverse proxy stands in front, with the path if it has one:
    /// https://photos.example/glimpse/. Requests for it are answered, and no other name. May be
    /// given several times, or with commas
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    pub public_url: Vec<PublicUrl>,

    /// What every request must show
    #[arg(long, value_name = "TOKEN", env = "GLIMPSE_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

const DEMO_HELP: &str = "\
Examples:
  glimpse demo
  glimpse demo --serve

The bundled images and their index are kept in the folder `demo` of the library folder; your own library is not touched.";

#[derive(Debug, Args)]
#[command(after_help = DEMO_HELP)]
pub struct DemoArgs {
    /// Then search the demo in the browser
    #[arg(long)]
    pub serve: bool,

    #[command(flatten)]
    pub listen: ListenArgs,

    /// Draw small images in the terminal
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub thumbnails: super::When,
}
