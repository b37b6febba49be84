//! `glimpse stats`

use std::io::Write;

use glimpse::web::wire::{KeptTagsView, StatsView};
use indicatif::HumanBytes;

use super::model::describe;
use crate::cli::args::StatsArgs;
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{Table, write_json};

pub fn run(args: &StatsArgs, context: &Context) -> Result<Outcome, CliError> {
    let view = StatsView::read(&context.engine()?)?;
    let mut out = context.stdout();
    if args.json {
        write_json(&mut out, &view)?;
        out.flush()?;
        return Ok(Outcome::Done);
    }
    let StatsView { stats, model, scores_fitted_on, region_tags, .. } = view;
    let mut table = Table::default();
    let mut fact = |name: &str, value: String| table.row([name.to_owned(), value]);
    fact("library", context.settings.home.display().to_string());
    fact("images", stats.images.to_string());
    fact("files", format!("{} present, {} missing", stats.files, stats.missing));
    fact("on disk", HumanBytes(stats.disk_bytes).to_string());
    let mapped = match stats.mapped_bytes {
        0 => String::new(),
        bytes => format!(", and {} of vectors that are read from a file", HumanBytes(bytes as u64)),
    };
    fact("in memory", format!("{}{mapped}", HumanBytes(stats.memory_bytes as u64)));
    fact("vectors", format!("{} values as {}", stats.dim, stats.vectors));
    fact("search", stats.search);
    if let Some(KeptTagsView { labels, tagged, waiting }) = region_tags {
        fact("region tags", format!("{labels} labels, {tagged} images tagged, {waiting} waiting"));
    }
    describe(&model, &mut table);
    table.row(["scores".to_owned(), scores(scores_fitted_on)]);
    for line in table.lines() {
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}

/// What scores stand on.
fn scores(fitted_on: Option<String>) -> String {
    match fitted_on {
        Some(data) => format!("fitted on {data}"),
        None => "estimates; `glimpse eval calibrate` fits them to this model".to_owned(),
    }
}
