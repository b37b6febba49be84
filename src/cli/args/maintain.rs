//! Arguments of the commands that look after a library.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct StatsArgs {
    /// One JSON object on stdout
    #[arg(long)]
    pub json: bool,
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
