//! Arguments of the commands that look after a library.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use glimpse::engine::TextSource;

#[derive(Debug, Args)]
pub struct StatsArgs {
    /// One JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

const TUNE_HELP: &str = "\
Texts that the library keeps with its images (captions, keywords, names of albums and folders, and
texts of searches whose answers you called right or wrong, see `feedback`) teach what its owner means
by them: names of people and places, words of a trade. Searches for images and tags go by that from then on; regions (`find`, `ground`) do not. Images stay as they are, nothing is
encoded again. What is learnt is measured on texts and images that were held back, and used only if
more of these is found; ordinary words keep their images. A server that runs goes by it from its next
start on. Run it again when there are more keywords.

Examples:
  glimpse tune --dry-run                   measure, and keep nothing
  glimpse tune --from keywords             learn from keywords alone
  glimpse tune --undo                      search as the model does by itself

Exit status: 0 if something was kept, 1 if nothing was.";

#[derive(Debug, Args)]
#[command(after_help = TUNE_HELP)]
pub struct TuneArgs {
    /// What to learn from (repeatable) [default: everything]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SOURCE")]
    pub from: Vec<SourceArg>,

    /// Directions in which texts may move
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=64))]
    pub rank: usize,

    /// Measure what could be learnt, and keep nothing
    #[arg(long, conflicts_with = "undo")]
    pub dry_run: bool,

    /// Drop what was learnt
    #[arg(long)]
    pub undo: bool,

    /// One JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

/// Where texts stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SourceArg {
    Captions,
    Keywords,
    Albums,
    Folders,
    Feedback,
}

impl From<SourceArg> for TextSource {
    fn from(source: SourceArg) -> Self {
        match source {
            SourceArg::Captions => Self::Caption,
            SourceArg::Keywords => Self::Keyword,
            SourceArg::Albums => Self::Album,
            SourceArg::Folders => Self::Folder,
            SourceArg::Feedback => Self::Feedback,
        }
    }
}

const VERIFY_HELP: &str = "\
Exit status: 0 if all is well or was mended, 2 if problems remain.";

#[derive(Debug, Args)]
#[command(after_help = VERIFY_HELP)]
pub struct VerifyArgs {
    /// Mend what can be mended
    #[arg(long)]
    pub repair: bool,

    /// One JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

const ROOTS_HELP: &str = "\
Examples:
  glimpse roots list
  glimpse roots forget ~/Pictures/old      its images leave the library; no file is touched
  glimpse index ~/Pictures/old             and come back";

#[derive(Debug, Args)]
#[command(after_help = ROOTS_HELP)]
pub struct RootsArgs {
    #[command(subcommand)]
    pub command: RootsCommand,
}

#[derive(Debug, Subcommand)]
pub enum RootsCommand {
    /// List the folders that were indexed
    List {
        /// One JSON object a line: path, images
        #[arg(long)]
        json: bool,
    },
    /// Forget a folder and its images, but for those that another folder of the library holds too
    Forget {
        /// The folder, as it was indexed
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

#[derive(Debug, Args)]
pub struct RunsArgs {
    /// Most runs to print, the latest first
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub limit: usize,

    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}
