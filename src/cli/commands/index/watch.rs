//! `glimpse index --watch`: a line for each update.

use std::io::{BufWriter, StdoutLock, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use glimpse::engine::{RegionOptions, Update, WatchControl, WatchObserver};
use glimpse::web::wire::EventLine;
use glimpse::{Engine, FileEvent, IngestOptions, Observer};

use super::report::sentence;
use crate::cli::args::WatchArgs;
use crate::cli::context::Context;
use crate::cli::interrupt::{GRACE, exit_unless, on_interrupt};
use crate::cli::outcome::CliError;
use crate::cli::output::{printable, write_json};

/// Bad files of an update that are named.
const NAMED: usize = 10;
/// Folders of an update that are named.
const FOLDERS: usize = 3;

/// Follows the folders of the library until Ctrl-C.
pub fn follow(
    engine: &Engine,
    first: &IngestOptions,
    args: &WatchArgs,
    json: bool,
    context: &Context,
) -> Result<(), CliError> {
    let control = Arc::new(WatchControl::new());
    let ended = Arc::new(AtomicBool::new(false));
    let (asked, has_ended) = (Arc::clone(&control), Arc::clone(&ended));
    on_interrupt(move || {
        asked.stop();
        exit_unless(Arc::clone(&has_ended), GRACE);
    })?;
    context.note("following the folders of the library (Ctrl-C stops)");
    // What was asked for once is done once.
    let regions = RegionOptions { make: first.regions.make, ..RegionOptions::default() };
    let base = IngestOptions { rehash: false, force: false, regions, ..first.clone() };
    let mut printer = Printer { context, json, bad: Vec::new(), control: &control, lost: None };
    engine.watch(&args.options(), &base, args.pace(), &control, &mut printer);
    ended.store(true, Ordering::SeqCst);
    printer.lost.map_or(Ok(()), Err)
}

/// Prints what watching does.
struct Printer<'a> {
    context: &'a Context,
    json: bool,
    /// Files of this update that could not be indexed, and why.
    bad: Vec<(&'static str, PathBuf, String)>,
    control: &'a WatchControl,
    lost: Option<CliError>,
}

impl Printer<'_> {
    /// Prints a line. If nobody reads, watching ends.
    fn print(&mut self, write: impl FnOnce(&mut BufWriter<StdoutLock<'static>>) -> Result<(), CliError>) {
        let mut out = self.context.stdout();
        let written = write(&mut out).and_then(|()| Ok(out.flush()?));
        if let (Err(error), None) = (written, &self.lost) {
            self.lost = Some(error);
            self.control.stop();
        }
    }
}

impl Observer for Printer<'_> {
    fn found(&mut self, _: usize, _: bool) {}

    fn event(&mut self, event: &FileEvent) {
        if self.json {
            self.print(|out| write_json(out, &EventLine::from(event)));
        }
        match event {
            FileEvent::Failed { path, reason } => self.bad.push(("failed", path.clone(), reason.text.clone())),
            FileEvent::Skipped { path, reason } => self.bad.push(("skipped", path.clone(), reason.text.clone())),
            _ => {}
        }
    }

    fn note(&mut self, text: &str) {
        self.context.note(text);
    }
}

impl WatchObserver for Printer<'_> {
    fn updated(&mut self, update: &Update) {
        // What was wrong before is not told each time that all is looked through.
        let bad = std::mem::take(&mut self.bad);
        let named = if update.folders.is_empty() && !self.context.verbose { 0 } else { NAMED };
        for (what, path, reason) in bad.iter().take(named) {
            self.context.note(format_args!("{what} {}: {}", self.context.name(path), printable(reason)));
        }
        match self.json {
            true => self.print(|out| write_json(out, &EventLine::from(&update.summary))),
            false if update.is_of_note() || self.context.verbose => {
                let line = line(update, self.context);
                self.print(|out| Ok(writeln!(out, "{line}")?));
            }
            false => {}
        }
    }
}

/// An update in a line: where, and what.
pub fn line(update: &Update, context: &Context) -> String {
    let name = |path: &PathBuf| context.name(Path::new(path));
    let mut folders: Vec<String> = update.folders.iter().take(FOLDERS).map(name).collect();
    let more = update.folders.len().saturating_sub(FOLDERS);
    match more {
        _ if folders.is_empty() => folders.push("all folders".to_owned()),
        0 => {}
        more => folders.push(format!("{more} more")),
    }
    format!("{}: {}", folders.join(", "), sentence(&update.summary))
}
