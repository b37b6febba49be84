//! The command line. Results go to stdout, everything else to stderr; what an exit status means is
//! in `cli::outcome`.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    cli::run(&cli::args::Arguments::parse())
}
