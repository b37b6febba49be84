//! `glimpse eval refer`: is the box found that words refer to?

mod accuracy;
mod truth;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use glimpse::engine::{Rect, RegionChoice, RegionOptions};
use glimpse::{EngineError, ImageId, IngestOptions};
use serde::Serialize;

use super::{Bench, folder, share};
use crate::cli::args::EvalReferArgs;
use crate::cli::context::Context;
use crate::cli::interrupt::interruptible;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::Table;
use accuracy::{Accuracy, Shares};
use truth::Expression;

/// Everything that was measured.
#[derive(Debug, Default, Serialize)]
struct Report {
    expressions: usize,
    images: usize,
    /// Expressions whose image could not be indexed: they count as missed.
    missing: usize,
    seconds_per_expression: f64,
    /// The box that a search shows in the end.
    #[serde(flatten)]
    refined: Accuracy,
    /// The best of the regions that the index keeps.
    region: Accuracy,
}

pub fn run(args: &EvalReferArgs, context: &Context) -> Result<Outcome, CliError> {
    let expressions = truth::expressions(args)?;
    let dir = folder(&args.images, &args.data);
    let files: BTreeSet<&Path> = expressions.iter().map(|expression| expression.file.as_path()).collect();
    let bench = Bench::new(context)?;
    let choice = RegionChoice { detail: Some(args.detail), ..RegionChoice::default() };
    let regions = RegionOptions { choice, ..RegionOptions::default() };
    let roots = files.iter().map(|file| dir.join(file)).collect();
    bench.index(&IngestOptions { roots, regions, ..IngestOptions::default() }, context)?;
    let mut images: BTreeMap<&Path, ImageId> = BTreeMap::new();
    for file in files {
        if let Some(id) = bench.engine.image_at(&dir.join(file))? {
            images.insert(file, id);
        }
    }
    if images.is_empty() {
        return Err(CliError::new(format!("{}: none of its images is in {}", args.data.display(), dir.display())));
    }
    let mut report = Report { expressions: expressions.len(), images: images.len(), ..Report::default() };
    let bar = context.progress_bar(Some(expressions.len()), "expression {human_pos} of {human_len}");
    let started = Instant::now();
    for of_image in expressions.chunk_by(|a, b| a.file == b.file) {
        let id = of_image.first().and_then(|expression| images.get(expression.file.as_path()));
        match id {
            Some(&id) => interruptible(|| report.ask(&bench, id, of_image))?,
            None => report.miss(of_image),
        }
        bar.inc(of_image.len() as u64);
    }
    bar.finish_and_clear();
    report.seconds_per_expression = share(started.elapsed().as_secs_f64(), expressions.len() as f64);
    super::print_report(context, args.json, &report, |out| report.print(out))
}

impl Report {
    /// Asks an image for all its expressions.
    fn ask(&mut self, bench: &Bench, id: ImageId, expressions: &[Expression]) -> Result<(), EngineError> {
        let record = bench.engine.image(id)?;
        let pixels = |rect: &Rect| rect.pixels(record.width, record.height).map(f64::from);
        let features = bench.engine.image_features(id)?;
        for Expression { text, bbox, .. } in expressions {
            let found = features.ground(&bench.engine.phrase(text)?)?;
            self.refined.add(found.as_ref().map(|found| pixels(&found.refined)), *bbox);
            self.region.add(found.as_ref().map(|found| pixels(&found.region.rect)), *bbox);
        }
        Ok(())
    }

    fn miss(&mut self, expressions: &[Expression]) {
        self.missing += expressions.len();
        for expression in expressions {
            self.refined.add(None, expression.bbox);
            self.region.add(None, expression.bbox);
        }
    }

    fn print(&self, out: &mut impl Write) -> Result<(), CliError> {
        let (seconds, images) = (self.seconds_per_expression, self.images);
        writeln!(out, "{} expressions in {images} images, {seconds:.2} s an expression\n", self.expressions)?;
        let mut table = Table::default();
        table.row(["", "Acc@0.5", "Acc@0.75", "mean IoU"].map(str::to_owned));
        for (name, sums) in [("found", self.refined), ("best region", self.region)] {
            let Shares { acc_at_05, acc_at_075, mean_iou } = sums.into();
            let values = [acc_at_05, acc_at_075, mean_iou].map(|value| format!("{value:.3}"));
            table.row(std::iter::once(name.to_owned()).chain(values));
        }
        for line in table.lines() {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}
