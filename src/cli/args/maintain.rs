//! Arguments of the commands that look after a library.

use clap::Args;

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
