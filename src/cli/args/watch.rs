//! Arguments of the commands that follow folders as they change.

use std::time::Duration;

use clap::{Args, ValueEnum};
use glimpse::engine::{Pace, WatchOptions};

#[derive(Debug, Args)]
#[command(next_help_heading = "Watching")]
pub struct WatchArgs {
    /// Follow the folders of the library as they change: new, changed, moved and deleted files are
    /// taken in by themselves. Folders that are away stay as they are
    #[arg(long)]
    pub watch: bool,

    /// With --watch: look through all folders again after so many hours, for what no system tells
    #[arg(long, value_name = "HOURS", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=8760))]
    pub rescan_every: u32,

    /// With --watch: look through folders on network drives, which tell nothing of their changes,
    /// after so many minutes
    #[arg(long, value_name = "MINUTES", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10080))]
    pub poll_every: u32,

    /// With --watch: seconds for which a file has to stay the same before it is read, so that none
    /// is read while it is copied
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0, value_parser = seconds, hide_short_help = true)]
    pub settle: f32,

    /// How much of the machine indexing takes. `gentle` leaves about half of it free [default:
    /// normal; with --watch gentle while the machine runs on battery]
    #[arg(long, value_enum, value_name = "PACE")]
    pub pace: Option<PaceArg>,
}

/// How much of the machine indexing takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PaceArg {
    /// One thread reads images, and it and the model rest as long as they work
    Gentle,
    /// All cores
    Normal,
}

impl From<PaceArg> for Pace {
    fn from(pace: PaceArg) -> Self {
        match pace {
            PaceArg::Gentle => Self::Gentle,
            PaceArg::Normal => Self::Normal,
        }
    }
}

impl WatchArgs {
    /// When watched folders are looked at.
    pub fn options(&self) -> WatchOptions {
        WatchOptions {
            settle: Duration::from_secs_f32(self.settle),
            rescan_every: Duration::from_secs(u64::from(self.rescan_every) * 3600),
            poll_every: Duration::from_secs(u64::from(self.poll_every) * 60),
            ..WatchOptions::default()
        }
    }

    /// How much of the machine runs take, if that was said.
    pub fn pace(&self) -> Option<Pace> {
        self.pace.map(Into::into)
    }
}

fn seconds(text: &str) -> Result<f32, String> {
    let seconds = text.parse::<f32>().ok().filter(|seconds| (0.1..=3600.0).contains(seconds));
    seconds.ok_or_else(|| "give a number of seconds, 0.1 to 3600".to_owned())
}
