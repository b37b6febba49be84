//! `glimpse eval`: measures that a user can repeat on data of their own.

mod calibrate;
mod captions;
mod classify;
mod coco;
mod coco_file;
mod confusion;
mod detect;
mod pixel_truth;
mod presence;
mod probe;
mod refer;
mod regions;
mod reliability;
mod retrieval;
mod search;
mod segment;
mod vectors;

use std::io::{BufWriter, StdoutLock, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use glimpse::engine::AdapterChoice;
use glimpse::{Engine, FileEvent, IngestOptions, Observer, Settings};
use serde::Serialize;
use tempfile::TempDir;

use super::args::{EvalArgs, EvalCommand};
use super::context::Context;
use super::outcome::{CliError, Outcome};
use super::output::write_json;

pub fn run(args: &EvalArgs, context: &Context) -> Result<Outcome, CliError> {
    match &args.command {
        EvalCommand::Calibrate(args) => calibrate::run(args, context),
        EvalCommand::Regions(args) => regions::run(args, context),
        EvalCommand::Detect(args) => detect::run(args, context),
        EvalCommand::Refer(args) => refer::run(args, context),
        EvalCommand::Segment(args) => segment::run(args, context),
        EvalCommand::Probe(args) => probe::run(args, context),
        EvalCommand::Captions(args) => captions::run(args, context),
        EvalCommand::Retrieval(args) => retrieval::run(args, context),
        EvalCommand::Classify(args) => classify::run(args, context),
        EvalCommand::Search(args) => search::run(args, context),
    }
}

/// Prints what was measured: as one JSON object, or as `print` writes it.
fn print_report(
    context: &Context,
    json: bool,
    report: &impl Serialize,
    print: impl FnOnce(&mut BufWriter<StdoutLock<'static>>) -> Result<(), CliError>,
) -> Result<Outcome, CliError> {
    let mut out = context.stdout();
    match json {
        true => write_json(&mut out, report)?,
        false => print(&mut out)?,
    }
    out.flush()?;
    Ok(Outcome::Done)
}

/// A library of its own, which goes when the measuring is done. It shares what the user's library
/// has computed of models.
struct Bench {
    engine: Engine,
    _home: TempDir,
}

impl Bench {
    fn new(context: &Context) -> Result<Self, CliError> {
        let home = TempDir::new().map_err(|error| CliError::new(format!("temporary folder: {error}")))?;
        let mut settings = Settings { home: home.path().to_path_buf(), ..context.settings.clone() };
        if settings.model.is_none()
            && let Some(model) = context.engine()?.model_info()?
        {
            settings.model = Some(model.name);
            settings.max_patches = settings.max_patches.or(model.max_patches);
            settings.adapter = settings.adapter.or(model.adapter.map(AdapterChoice::At));
        }
        Ok(Self { engine: Engine::open(settings)?, _home: home })
    }

    /// Indexes files; those that cannot be used are named on stderr.
    fn index(&self, options: &IngestOptions, context: &Context) -> Result<(), CliError> {
        context.note(format_args!("indexing {} images", options.roots.len()));
        self.engine.index(options, &AtomicBool::new(false), &mut Complaints(context))?;
        Ok(())
    }
}

struct Complaints<'a>(&'a Context);

impl Observer for Complaints<'_> {
    fn found(&mut self, _: usize, _: bool) {}

    fn event(&mut self, event: &FileEvent) {
        if let FileEvent::Skipped { path, reason } | FileEvent::Failed { path, reason } = event {
            self.0.note(format_args!("left out {}: {reason}", path.display()));
        }
    }
}

/// A text file, whole.
fn read(path: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(path).map_err(|error| CliError::new(format!("{}: {error}", path.display())))
}

/// The folder of images: as named, or that of the data.
fn folder(named: &Option<PathBuf>, data: &Path) -> PathBuf {
    named.clone().unwrap_or_else(|| data.parent().unwrap_or(Path::new("")).to_path_buf())
}

/// `part / of`, 0 for nothing.
fn share(part: f64, of: f64) -> f64 {
    if of > 0.0 { part / of } else { 0.0 }
}
