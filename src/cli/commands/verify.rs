//! `glimpse verify`

use std::io::Write;

use crate::cli::args::VerifyArgs;
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::write_json;

pub fn run(args: &VerifyArgs, context: &Context) -> Result<Outcome, CliError> {
    let report = context.engine()?.verify(args.repair)?;
    let mut out = context.stdout();
    if args.json {
        write_json(&mut out, &report)?;
    } else {
        for problem in &report.problems {
            writeln!(out, "problem: {problem}")?;
        }
        for repaired in &report.repaired {
            writeln!(out, "mended: {repaired}")?;
        }
        if report.problems.is_empty() {
            writeln!(out, "{} pictures checked; all is well", report.images)?;
        }
    }
    out.flush()?;
    let left = report.problems.len().saturating_sub(report.repaired.len());
    match left {
        0 => Ok(Outcome::Done),
        _ if args.repair => Err(CliError::new(format!("{left} problems could not be mended"))),
        _ => Err(CliError::with_hint(
            format!("{left} problems found"),
            "`glimpse verify --repair` mends what can be mended",
        )),
    }
}
