//! `glimpse model check`

use std::io::Write;

use glimpse::engine::{PublishedReport, check_published};
use glimpse::{DEFAULT_MODEL, Engine, Settings};
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{Table, write_json};

/// What `--json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    model: &'a str,
    /// Whether all values are as published; none if there are no values to compare with.
    as_published: Option<bool>,
    #[serde(flatten)]
    report: Option<&'a PublishedReport>,
}

/// Compares a model with what was published of it.
pub fn check(name: Option<&str>, checkpoint: Option<&str>, json: bool, context: &Context) -> Result<Outcome, CliError> {
    let name = match name.or(context.settings.model.as_deref()) {
        Some(name) => name.to_owned(),
        None => {
            let own = Engine::open(context.settings.clone())?.model_info()?;
            own.map_or_else(|| DEFAULT_MODEL.to_owned(), |model| model.name)
        }
    };
    let report = check_published(&name, checkpoint, &context.settings)?;
    if json {
        let as_published = report.as_ref().map(|report| report.differing().next().is_none());
        let mut out = context.stdout();
        write_json(&mut out, &Printed { model: &name, as_published, report: report.as_ref() })?;
        out.flush()?;
    }
    match report {
        None => {
            context.note(format_args!("no values were published of `{name}` that it could be compared with"));
            Ok(Outcome::Nothing)
        }
        Some(report) => verdict(&report, json, context),
    }
}

/// After a download: as [`check`], but a model of which nothing was published is fine.
pub fn check_pulled(dir: &str, id: &str, context: &Context) -> Result<(), CliError> {
    let settings = Settings { device: None, ..context.settings.clone() };
    match check_published(dir, Some(id), &settings) {
        Ok(Some(report)) => verdict(&report, true, context).map(drop),
        Ok(None) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Says how it ended; values go to stdout, unless they stand there already.
fn verdict(report: &PublishedReport, printed: bool, context: &Context) -> Result<Outcome, CliError> {
    let differing: Vec<_> = report.differing().collect();
    let (all, tolerance) = (report.values.len(), report.tolerance);
    let how = format!("computed in {} on {}", name_of(report), report.backend);
    if differing.is_empty() {
        let line = format!("{}: {all} values as published, to {tolerance:e} ({how})", report.checkpoint);
        if printed {
            context.note(line);
        } else {
            let mut out = context.stdout();
            writeln!(out, "{line}")?;
            out.flush()?;
        }
        return Ok(Outcome::Done);
    }
    if !printed {
        let mut table = Table::default();
        table.row(["value", "here", "published", "difference"].map(str::to_owned));
        for value in &differing {
            let numbers = [value.here, value.published, value.difference].map(|number| format!("{number:.6}"));
            let [here, published, difference] = numbers;
            table.row([value.what.clone(), here, published, difference]);
        }
        let mut out = context.stdout();
        for line in table.lines() {
            writeln!(out, "{}", line.trim_end())?;
        }
        out.flush()?;
    }
    let named: Vec<String> = differing.iter().take(3).map(|value| value.what.clone()).collect();
    Err(CliError::with_hint(
        format!(
            "{} of {all} values of `{}` differ by more than {tolerance:e} from those in {} ({how}), among them the {}",
            differing.len(),
            report.checkpoint,
            report.source,
            named.join(", the ")
        ),
        "fetch the model again, and if that does not help, please report it with the output of `glimpse model check --json`",
    ))
}

/// `f32`, `bf16` or `int8`.
fn name_of(report: &PublishedReport) -> String {
    format!("{:?}", report.precision).to_lowercase()
}
