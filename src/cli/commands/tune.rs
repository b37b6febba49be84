//! `glimpse tune`: queries learn from what the library says of its own images.

use std::io::Write;

use glimpse::engine::{Gain, TextSource, TuneOptions, TuneReport};

use crate::cli::args::TuneArgs;
use crate::cli::context::Context;
use crate::cli::interrupt::interruptible;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{Table, count, write_json};

pub fn run(args: &TuneArgs, context: &Context) -> Result<Outcome, CliError> {
    let engine = context.engine()?;
    if args.undo {
        let undone = engine.untune()?;
        context.note(if undone { "queries are the model's own again" } else { "nothing was tuned" });
        return Ok(Outcome::found(undone));
    }
    let mut sources: Vec<TextSource> = args.from.iter().map(|&source| source.into()).collect();
    if sources.is_empty() {
        sources = TextSource::ALL.to_vec();
    }
    let options = TuneOptions { sources, rank: args.rank, dry_run: args.dry_run };
    let bar = context.progress_bar(None, "learning, step {human_pos} of {human_len}");
    let report = interruptible(|| {
        engine.tune(&options, &mut |done, all| {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        })
    });
    bar.finish_and_clear();
    let report = report?;
    let mut out = context.stdout();
    if args.json {
        write_json(&mut out, &report)?;
    } else {
        print(&report, &mut out)?;
    }
    out.flush()?;
    if !report.applied {
        let mut note = match args.dry_run {
            true => "nothing was kept".to_owned(),
            false => "nothing was kept: it finds no more of what it was not learnt from".to_owned(),
        };
        if report.earlier_is_used {
            note.push_str("; what was learnt before stays in use, until `glimpse tune --undo`");
        }
        context.note(&note);
    }
    Ok(Outcome::found(report.applied || args.dry_run))
}

fn print(report: &TuneReport, out: &mut impl Write) -> Result<(), CliError> {
    let texts: Vec<String> = report.texts.iter().map(|(source, count)| format!("{count} {}", source.name())).collect();
    let images = count(report.images, "image", "images");
    writeln!(out, "learnt from {} of {images}; average precision on what it was not learnt from:", texts.join(", "))?;
    let mut table = Table::default();
    table.row(["", "texts", "before", "after", "at least", ""].map(str::to_owned));
    let mut row = |name: &str, gain: &Gain, is_used: bool| {
        let used = if is_used { "used" } else { "not used" };
        let at_least = format!("{:+.3}", gain.at_least);
        table.row([
            name.to_owned(),
            gain.texts.to_string(),
            format!("{:.3}", gain.before),
            format!("{:.3}", gain.after),
            at_least,
            used.to_owned(),
        ]);
    };
    if let Some(gain) = &report.map {
        row("all texts", gain, report.map_is_used);
    }
    row("own words", &report.biases, !report.words.is_empty());
    for line in table.lines() {
        writeln!(out, "{line}")?;
    }
    if report.map_is_used || !report.words.is_empty() {
        writeln!(out, "ordinary words keep {:.0} % of their ten nearest images", 100.0 * report.ordinary_kept)?;
    }
    if !report.words.is_empty() {
        writeln!(out, "own words: {}", report.words.join(", "))?;
    }
    Ok(())
}
