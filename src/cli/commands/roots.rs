//! `glimpse roots` and `glimpse runs`

use std::io::Write;
use std::path::Path;

use glimpse::engine::RunOutcome;
use serde_json::json;

use crate::cli::args::{RootsArgs, RootsCommand, RunsArgs};
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{Table, count, printable, write_json};

pub fn run(args: &RootsArgs, context: &Context) -> Result<Outcome, CliError> {
    match &args.command {
        RootsCommand::List { json } => list(*json, context),
        RootsCommand::Forget { folder } => forget(folder, context),
    }
}

fn list(json: bool, context: &Context) -> Result<Outcome, CliError> {
    let engine = context.engine()?;
    let (roots, nodes) = (engine.roots()?, engine.folder_tree()?);
    let mut out = context.stdout();
    let mut table = Table::default();
    for root in &roots {
        let images = nodes.iter().find(|node| node.path == *root).map_or(0, |node| node.images);
        match json {
            true => write_json(&mut out, &json!({"path": root.to_string_lossy(), "images": images}))?,
            false => table.row([printable(root.to_string_lossy()), count(images, "image", "images")]),
        }
    }
    for line in table.lines() {
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    Ok(Outcome::found(!roots.is_empty()))
}

fn forget(folder: &Path, context: &Context) -> Result<Outcome, CliError> {
    let engine = context.engine()?;
    let roots = engine.roots()?;
    let spelled = [std::path::absolute(folder).ok(), folder.canonicalize().ok()];
    let known = spelled.into_iter().flatten().find(|folder| roots.contains(folder));
    let Some(root) = known else {
        let error = format!("{} is no folder of the library", folder.display());
        return Err(CliError::with_hint(error, "`glimpse roots list` shows them"));
    };
    let files = engine.forget_root(&root)?;
    let (shown, files) = (root.display(), count(files, "file", "files"));
    context.note(format_args!("forgot {shown} with {files}, none of which was touched"));
    Ok(Outcome::Done)
}

pub fn runs(args: &RunsArgs, context: &Context) -> Result<Outcome, CliError> {
    let runs = context.engine()?.runs(args.limit)?;
    let mut out = context.stdout();
    let mut table = Table::default();
    for run in &runs {
        if args.json {
            write_json(&mut out, run)?;
            continue;
        }
        let outcome = match run.outcome {
            RunOutcome::Done => "done",
            RunOutcome::Stopped => "stopped",
            RunOutcome::Failed => "failed",
        };
        let counts = format!("{} seen, {} new, {} gone, {} unreadable", run.seen, run.added, run.removed, run.failed);
        let roots: Vec<_> = run.roots.iter().map(|root| printable(root.to_string_lossy())).collect();
        let what = run.message.as_deref().map_or_else(|| roots.join(", "), printable);
        table.row([run.began.clone(), outcome.to_owned(), counts, what]);
    }
    for line in table.lines() {
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    Ok(Outcome::found(!runs.is_empty()))
}
