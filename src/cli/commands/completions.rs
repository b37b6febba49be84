//! `glimpse completions`

use std::io::Write;

use clap::CommandFactory;

use crate::cli::args::{Arguments, CompletionsArgs};
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};

pub fn run(args: &CompletionsArgs, context: &Context) -> Result<Outcome, CliError> {
    let mut script = Vec::new(); // `generate` panics on a writer that fails
    clap_complete::generate(args.shell, &mut Arguments::command(), "glimpse", &mut script);
    let mut out = context.stdout();
    out.write_all(&script)?;
    out.flush()?;
    Ok(Outcome::Done)
}
