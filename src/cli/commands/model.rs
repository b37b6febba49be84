//! `glimpse model`

mod check;

use std::io::Write;

use glimpse::engine::BundledModel;
use glimpse::engine::Published;
use glimpse::engine::hub::{Cache, CachedModel, Hub, ModelId};
use glimpse::{DEFAULT_MODEL, Engine, ModelInfo, Settings};
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::cli::args::{ModelArgs, ModelCommand};
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{Table, write_json};

pub fn run(args: &ModelArgs, context: &Context) -> Result<Outcome, CliError> {
    match &args.command {
        ModelCommand::Pull { id, revision } => pull(id.as_deref(), revision.as_deref(), context),
        ModelCommand::Check { name, checkpoint, json } => {
            check::check(name.as_deref(), checkpoint.as_deref(), *json, context)
        }
        ModelCommand::List { json } => list(*json, context),
        ModelCommand::Info { name, json } => info(name.as_deref(), *json, context),
    }
}

/// Downloads a model, prints its directory, and compares it with what was published of it.
fn pull(id: Option<&str>, revision: Option<&str>, context: &Context) -> Result<Outcome, CliError> {
    let id = id.or(context.settings.model.as_deref()).unwrap_or(DEFAULT_MODEL);
    if let Some(bundled) = BundledModel::of_name(id) {
        let remedy = format!("use it with --model {}", bundled.name());
        return Err(CliError::with_hint("a bundled model needs no download", remedy));
    }
    let id = ModelId::parse(id)?;
    let hub = Hub::from_env();
    context.note(format_args!("fetching {id} into {}", hub.cache().dir().display()));

    let bar = ProgressBar::no_length().with_style(
        ProgressStyle::with_template("{wide_bar} {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left  {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    if context.quiet || !context.notes_to_terminal {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let dir = hub.pull(&id, revision, &mut |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        if bar.message() != progress.file {
            bar.set_message(progress.file.clone());
        }
    })?;
    bar.finish_and_clear();
    let mut out = context.stdout();
    writeln!(out, "{}", dir.display())?;
    out.flush()?;
    match Published::of(id.as_str()) {
        Some(_) => check::check_pulled(&dir.display().to_string(), id.as_str(), context)?,
        None => context.note("no values were published of this model that it could be compared with"),
    }
    Ok(Outcome::Done)
}

/// A line of `glimpse model list --json`.
#[derive(Serialize)]
struct Listed<'a> {
    id: &'a str,
    path: Option<String>,
    model_type: Option<&'a str>,
    bytes: u64,
    /// Files that are still to be fetched.
    missing: &'a [String],
}

/// The models of the cache that belong to the family; others that Python keeps there are left out.
fn list(json: bool, context: &Context) -> Result<Outcome, CliError> {
    let ours = |model: &CachedModel| model.files.model_type.as_deref().is_none_or(|kind| kind.starts_with("siglip"));
    let models: Vec<CachedModel> = Cache::from_env().list()?.into_iter().filter(ours).collect();
    let mut out = context.stdout();
    if json {
        for bundled in BundledModel::ALL {
            let model_type = Some(bundled.model_type());
            write_json(&mut out, &Listed { id: bundled.name(), path: None, model_type, bytes: 0, missing: &[] })?;
        }
        for model in &models {
            let path = Some(model.files.dir.to_string_lossy().into_owned());
            let (model_type, missing) = (model.files.model_type.as_deref(), &model.files.missing[..]);
            write_json(
                &mut out,
                &Listed { id: model.id.as_str(), path, model_type, bytes: model.bytes_on_disk, missing },
            )?;
        }
    } else {
        let mut table = Table::default();
        for bundled in BundledModel::ALL {
            table.row([bundled.name().to_owned(), "bundled".to_owned(), String::new()]);
        }
        for model in &models {
            let state = match model.files.missing.is_empty() {
                true => String::new(),
                false => format!("not complete: lacks {}", model.files.missing.join(", ")),
            };
            table.row([model.id.to_string(), HumanBytes(model.bytes_on_disk).to_string(), state]);
        }
        for line in table.lines() {
            writeln!(out, "{}", line.trim_end())?;
        }
    }
    out.flush()?;
    Ok(Outcome::Done)
}

fn info(name: Option<&str>, json: bool, context: &Context) -> Result<Outcome, CliError> {
    let mut settings: Settings = context.settings.clone();
    settings.model = name.map(str::to_owned).or(settings.model);
    let model = Engine::open(settings)?.load_model()?;
    let mut out = context.stdout();
    if json {
        write_json(&mut out, &model)?;
    } else {
        let mut table = Table::default();
        describe(&model, &mut table);
        for line in table.lines() {
            writeln!(out, "{line}")?;
        }
    }
    out.flush()?;
    Ok(Outcome::Done)
}

/// Rows of facts about a model.
pub fn describe(model: &ModelInfo, table: &mut Table) {
    let mut fact = |name: &str, value: String| table.row([name.to_owned(), value]);
    let size = match (model.image_size, model.max_patches) {
        (Some(side), _) => format!("{side} x {side} pixels"),
        (None, Some(budget)) => format!("in their own shape (NaFlex), at most {budget} patches"),
        (None, None) => "in their own shape (NaFlex)".to_owned(),
    };
    fact("model", model.name.clone());
    if let Some(adapter) = &model.adapter {
        fact("adapter", adapter.display().to_string());
    }
    fact("kind", model.model_type.clone());
    fact("reads images", format!("{size}, patches of {}", model.patch_size));
    fact("reads texts", format!("{} tokens of {}", model.text_length, model.vocab_size));
    fact("vectors", format!("{} values", model.dim));
    fact("runs on", model.backend.clone());
    fact("fingerprint", model.fingerprint.clone());
}
