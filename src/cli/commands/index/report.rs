//! What the reader sees while folders are indexed: a progress bar, JSON lines, what could not be
//! indexed and why.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use glimpse::web::wire::EventLine;
use glimpse::{FileEvent, Observer, Summary};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::context::Context;
use crate::cli::outcome::CliError;
use crate::cli::output::{printable, write_json};

/// Most skipped and failed files that are listed on a terminal without `--verbose`.
const LISTED: usize = 20;

/// An [`Observer`] that prints.
pub struct Report<'a> {
    context: &'a Context,
    json: bool,
    bar: ProgressBar,
    /// Files that could not be indexed, so far.
    bad: usize,
    /// Set when nobody reads the JSON lines any more.
    cancel: Arc<AtomicBool>,
    lost: Option<CliError>,
}

impl<'a> Report<'a> {
    pub fn new(context: &'a Context, json: bool) -> Self {
        let bar = ProgressBar::no_length();
        if context.quiet || !context.notes_to_terminal {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        bar.set_style(style("{spinner} {human_pos} files done, still counting: {human_len}"));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { context, json, bar, bad: 0, cancel: Arc::default(), lost: None }
    }

    /// The bar, for others that print to stderr meanwhile.
    pub fn bar(&self) -> ProgressBar {
        self.bar.clone()
    }

    /// Sets `cancel` when nobody reads the JSON lines any more.
    pub fn cancel_with(&mut self, cancel: Arc<AtomicBool>) {
        self.cancel = cancel;
    }

    /// Ends the progress bar and prints the sums.
    pub fn finish(self, summary: &Summary) -> Result<(), CliError> {
        self.bar.finish_and_clear();
        if let Some(error) = self.lost {
            return Err(error);
        }
        let left_out = self.bad.saturating_sub(self.listed());
        if left_out > 0 {
            self.context.note(format_args!("... and {left_out} more; --verbose lists all"));
        }
        let mut out = self.context.stdout();
        match self.json {
            true => write_json(&mut out, &EventLine::from(summary))?,
            false => writeln!(out, "{}{}", sentence(summary), shares(summary, self.context.verbose))?,
        }
        Ok(out.flush()?)
    }

    fn listed(&self) -> usize {
        if self.context.notes_to_terminal && !self.context.verbose { LISTED } else { usize::MAX }
    }

    fn bad_file(&mut self, what: &str, path: &Path, reason: &str) {
        self.bad += 1;
        if self.bad <= self.listed() {
            self.print_note(&format!("{what} {}: {}", self.context.name(path), printable(reason)));
        }
    }

    fn print_note(&self, text: &str) {
        self.bar.suspend(|| self.context.note(text));
    }

    /// Prints one JSON line. If nobody reads, the run is stopped in order.
    fn line(&mut self, event: &FileEvent) {
        let mut out = self.context.stdout();
        let written = write_json(&mut out, &EventLine::from(event)).and_then(|()| Ok(out.flush()?));
        if let (Err(error), None) = (written, &self.lost) {
            self.lost = Some(error);
            self.cancel.store(true, Ordering::Relaxed);
        }
    }
}

impl Observer for Report<'_> {
    fn found(&mut self, files: usize, complete: bool) {
        self.bar.set_length(files as u64);
        if complete {
            self.bar
                .set_style(style("{wide_bar} {percent} %  {human_pos} of {human_len} files  {per_sec}  {eta} left"));
        }
    }

    fn linked(&mut self, done: usize, all: usize) {
        if done == 0 {
            self.bar.set_style(style("{wide_bar} building the index, {human_pos} of {human_len}  {eta} left"));
            self.bar.reset();
        }
        self.bar.set_length(all as u64);
        self.bar.set_position(done as u64);
    }

    fn note(&mut self, text: &str) {
        self.print_note(&printable(text));
    }

    fn tagged(&mut self, done: usize, all: usize) {
        if done == 0 {
            self.bar.set_style(style("{wide_bar} tagging regions of {human_pos} of {human_len} images  {eta} left"));
            self.bar.reset();
        }
        self.bar.set_length(all as u64);
        self.bar.set_position(done as u64);
    }

    fn event(&mut self, event: &FileEvent) {
        if self.json {
            self.line(event);
        }
        match event {
            FileEvent::Skipped { path, reason } => self.bad_file("skipped", path, &reason.text),
            FileEvent::Failed { path, reason } => self.bad_file("failed", path, &reason.text),
            FileEvent::Missing(path) if self.context.verbose => {
                self.print_note(&format!("missing {}", self.context.name(path)))
            }
            FileEvent::Pruned(path) if self.context.verbose => {
                self.print_note(&format!("pruned {}", self.context.name(path)))
            }
            FileEvent::Moved { from, to } if self.context.verbose => {
                self.print_note(&format!("moved {} -> {}", self.context.name(from), self.context.name(to)));
            }
            FileEvent::Duplicate { path, of } if self.context.verbose => {
                self.print_note(&format!("duplicate {} = {}", self.context.name(path), self.context.name(of)));
            }
            FileEvent::Paired { path, with } if self.context.verbose => {
                self.print_note(&format!("paired {} with {}", self.context.name(path), self.context.name(with)));
            }
            _ => {}
        }
        if !matches!(event, FileEvent::Missing(_) | FileEvent::Pruned(_)) {
            self.bar.inc(1);
        }
    }
}

/// A template of ours; one that indicatif could not read would show its default bar.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The sums in words, without those that are zero.
pub fn sentence(summary: &Summary) -> String {
    let counts = [
        (summary.indexed, "indexed"),
        (summary.unchanged, "unchanged"),
        (summary.moved, "moved"),
        (summary.duplicate, "duplicate"),
        (summary.paired, "paired"),
        (summary.skipped, "skipped"),
        (summary.failed, "failed"),
        (summary.missing, "missing"),
        (summary.pruned, "pruned"),
    ];
    let told: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let told = if told.is_empty() { "no images found".to_owned() } else { told.join(", ") };
    let rate = match summary.indexed as f64 / summary.elapsed.as_secs_f64().max(1e-3) {
        rate if summary.indexed >= 10 => format!(", {rate:.1} images/s"),
        _ => String::new(),
    };
    let end = if summary.cancelled { "; stopped before the end" } else { "" };
    format!("{told} in {}{rate}{end}", duration(summary.elapsed))
}

/// Which stage the others waited for: told of a run that was long enough to ask, or if every detail
/// is wanted.
fn shares(summary: &Summary, verbose: bool) -> String {
    const LONG: Duration = Duration::from_secs(5);
    let asked = summary.indexed > 0 && (verbose || summary.elapsed >= LONG);
    let percent = |share: f32| (100.0 * share).round();
    let (model, decoders) = (percent(summary.encoder_busy), percent(summary.decoders_busy));
    if asked { format!(" (model busy {model} %, decoders {decoders} %)") } else { String::new() }
}

/// `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`
fn duration(elapsed: Duration) -> String {
    match elapsed.as_secs() {
        0..10 => format!("{:.1} s", elapsed.as_secs_f64()),
        seconds @ 10..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_are_told_without_zeros() {
        let elapsed = Duration::from_secs(4);
        let summary = Summary { indexed: 20, skipped: 2, elapsed, ..Summary::default() };
        assert_eq!(sentence(&summary), "20 indexed, 2 skipped in 4.0 s, 5.0 images/s");
        let stopped = Summary { cancelled: true, elapsed, ..Summary::default() };
        let long = Summary { elapsed: 2 * elapsed, encoder_busy: 0.926, decoders_busy: 0.25, ..summary.clone() };
        assert_eq!(shares(&long, false), " (model busy 93 %, decoders 25 %)");
        assert_eq!((shares(&summary, false), shares(&stopped, true)), (String::new(), String::new()));
        assert_ne!(shares(&summary, true), "");
        assert_eq!(sentence(&stopped), "no images found in 4.0 s; stopped before the end");
        let told = [0.44, 59.0, 185.0, 7800.0].map(|seconds| duration(Duration::from_secs_f64(seconds)));
        assert_eq!(told, ["0.4 s", "59 s", "3 min 05 s", "2 h 10 min"]);
    }
}
