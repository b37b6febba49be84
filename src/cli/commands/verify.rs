//! `glimpse verify`

use std::io::Write;

use crate::cli::args::VerifyArgs;
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{count, printable, write_json};

pub fn run(args: &VerifyArgs, context: &Context) -> Result<Outcome, CliError> {
    let report = context.engine()?.verify(args.repair)?;
    let mut out = context.stdout();
    if args.json {
        write_json(&mut out, &report)?;
    } else {
        for problem in &report.problems {
            writeln!(out, "problem: {}", printable(problem))?;
        }
        for repaired in &report.repaired {
            writeln!(out, "mended: {}", printable(repaired))?;
        }
        if report.problems.is_empty() {
            writeln!(out, "{} checked; all is well", count(report.images, "image", "images"))?;
        }
    }
    out.flush()?;
    let left = report.problems.len().saturating_sub(report.repaired.len());
    match left {
        0 => Ok(Outcome::Done),
        _ if args.repair => Err(CliError::new(format!("{} could not be mended", count(left, "problem", "problems")))),
        _ => Err(CliError::with_hint(
            format!("{} found", count(left, "problem", "problems")),
            "`glimpse verify --repair` mends what can be mended",
        )),
    }
}
