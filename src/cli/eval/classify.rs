//! `glimpse eval classify`: zero-shot labels of a folder with one folder for each class.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use glimpse::engine::{Embedding, prompt};
use serde::Serialize;

use super::{Bench, read, share, vectors};
use crate::cli::args::EvalClassifyArgs;
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{Table, write_json};

#[derive(Debug, Serialize)]
struct Report {
    classes: usize,
    images: usize,
    top1: f64,
    top5: f64,
    /// Classes by their share of right images, the worst first.
    worst: Vec<(String, f64)>,
}

pub fn run(args: &EvalClassifyArgs, context: &Context) -> Result<Outcome, CliError> {
    let classes = classes(&args.dir)?;
    let labels = match &args.names {
        Some(path) => renamed(&classes, &read(path)?),
        None => classes.iter().map(|(name, _)| name.clone()).collect(),
    };
    let templates: Vec<String> = match args.template.as_slice() {
        [] => prompt::TEMPLATES.map(str::to_owned).into(),
        given => given.to_vec(),
    };
    if let Some(odd) = templates.iter().find(|template| !template.contains("{}")) {
        return Err(CliError::new(format!("the template `{odd}` has no {{}} for the label")));
    }
    let bench = Bench::new(context)?;
    let prompts: Vec<String> = labels.iter().flat_map(|label| prompt::prompts(label, &templates)).collect();
    let prompts = vectors::texts(&bench.engine, &prompts)?;
    let labels: Vec<Embedding> = prompts.chunks(templates.len()).map(average).collect::<Result<_, _>>()?;

    let (mut images, mut top1, mut top5, mut worst) = (0, 0.0, 0.0, Vec::new());
    for (class, (name, paths)) in classes.iter().enumerate() {
        let embedded: Vec<_> = vectors::images(&bench.engine, paths, context)?.into_iter().flatten().collect();
        let ranks: Vec<usize> =
            embedded.iter().map(|image| vectors::rank(image, &labels, |label| label == class)).collect();
        let within = |depth: usize| ranks.iter().filter(|&&rank| rank < depth).count() as f64;
        images += ranks.len();
        top1 += within(1);
        top5 += within(5);
        worst.push((name.clone(), share(within(1), ranks.len() as f64)));
    }
    worst.sort_by(|a, b| a.1.total_cmp(&b.1));
    let count = images as f64;
    let report = Report { classes: classes.len(), images, top1: share(top1, count), top5: share(top5, count), worst };
    print(&report, args.json, context)?;
    Ok(Outcome::Done)
}

fn print(report: &Report, json: bool, context: &Context) -> Result<(), CliError> {
    const SHOWN: usize = 5;
    let mut out = context.stdout();
    if json {
        write_json(&mut out, report)?;
        return Ok(out.flush()?);
    }
    writeln!(
        out,
        "{} images of {} classes: top-1 {:.3}, top-5 {:.3}",
        report.images, report.classes, report.top1, report.top5
    )?;
    let mut table = Table::default();
    report.worst.iter().take(SHOWN).for_each(|(name, right)| table.row([format!("{right:.3}"), name.clone()]));
    for line in table.lines() {
        writeln!(out, "{line}")?;
    }
    Ok(out.flush()?)
}

/// Folders and the files in them, by name.
fn classes(dir: &Path) -> Result<Vec<(String, Vec<PathBuf>)>, CliError> {
    let failed = |path: &Path, error: std::io::Error| CliError::new(format!("{}: {error}", path.display()));
    let list = |path: &Path| {
        let entries = std::fs::read_dir(path).map_err(|error| failed(path, error))?;
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        Ok::<_, CliError>(paths)
    };
    let mut classes = Vec::new();
    for folder in list(dir)?.into_iter().filter(|path| path.is_dir()) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let files: Vec<PathBuf> = list(&folder)?.into_iter().filter(|path| path.is_file()).collect();
        if !files.is_empty() {
            classes.push((name, files));
        }
    }
    match classes.len() {
        0 | 1 => Err(CliError::new(format!("{}: a folder for each class was expected, two at least", dir.display()))),
        _ => Ok(classes),
    }
}

/// Labels from lines of folder name, tab, label; folders without a line keep their name.
fn renamed(classes: &[(String, Vec<PathBuf>)], text: &str) -> Vec<String> {
    let given: HashMap<&str, &str> = text.lines().filter_map(|line| line.split_once('\t')).collect();
    let label = |name: &String| given.get(name.as_str()).map_or_else(|| name.clone(), |label| label.trim().to_owned());
    classes.iter().map(|(name, _)| label(name)).collect()
}

/// The direction between the prompts of one label.
fn average(prompts: &[Embedding]) -> Result<Embedding, CliError> {
    prompt::mean(prompts).map_err(|error| CliError::new(format!("the templates cancel each other: {error}")))
}
