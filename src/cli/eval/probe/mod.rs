//! `glimpse eval probe`: what a linear layer reads out of a model's patches (the table of dense
//! probing in the paper of SigLIP 2, 2502.14786).

mod measures;
mod ridge;
mod targets;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::io::Write;
use std::path::{Path, PathBuf};

use glimpse::engine::PatchFeatures;
use glimpse::{Engine, Source};
use serde::Serialize;

use super::pixel_truth::{TrueImage, Truth, pairs};
use crate::cli::args::{EvalProbeArgs, ProbeTask};
use crate::cli::context::Context;
use crate::cli::interrupt::interruptible;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::Table;
use measures::{Figures, Measures};
use ridge::{Linear, Ridge};
use targets::{Pixels, Targets, at_pixels};

pub fn run(args: &EvalProbeArgs, context: &Context) -> Result<Outcome, CliError> {
    if !(args.ridge > 0.0 && args.ridge.is_finite()) {
        return Err(CliError::new(format!("--ridge {}: a number above 0", args.ridge)));
    }
    if !(args.steps > 0.0 && args.steps.is_finite()) {
        return Err(CliError::new(format!("--steps {}: a number above 0", args.steps)));
    }
    let data = Data::read(args)?;
    let train = args.train.unwrap_or(data.len() / 2);
    if train == 0 || train >= data.len() {
        let said = format!("{} images, of which {train} to fit a layer to leave none for one side", data.len());
        return Err(CliError::with_hint(said, "--train says how many the layer is fitted to"));
    }
    let engine = context.engine()?;
    engine.load_model()?;
    let bar = context.progress_bar(Some(data.len()), "image {human_pos} of {human_len}");
    let mut ridge = None;
    for place in 0..train {
        let sample = data.sample(&engine, place)?;
        let (inputs, targets) = (sample.inputs(), &sample.targets);
        let (y, weights) = targets.of_patches(sample.patches.rows, sample.patches.cols);
        ridge.get_or_insert_with(|| Ridge::new(sample.width(), targets.outputs())).add(&inputs, &y, &weights);
        bar.inc(1);
    }
    let unfit = || CliError::with_hint("no layer fits what is known of these images", "a larger --ridge may");
    let ridge = ridge.ok_or_else(unfit)?;
    let blind = ridge.constant();
    let layer = ridge.fit(args.ridge).ok_or_else(unfit)?;
    let mut measures = None;
    for place in train..data.len() {
        let sample = data.sample(&engine, place)?;
        let inputs = sample.inputs();
        let both = measures.get_or_insert_with(|| [(); 2].map(|()| Measures::of(&sample.targets)));
        for (measures, layer) in both.iter_mut().zip([&layer, &blind]) {
            measures.add(&sample.targets, &sample.answers(layer, &inputs));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let [probe, constant] = measures.ok_or_else(unfit)?.map(|measures| measures.figures());
    let report = Report { fitted: train, measured: data.len() - train, ridge: args.ridge, probe, constant };
    super::print_report(context, args.json, &report, |out| report.print(out))
}

/// Images and where their truth is.
enum Data {
    Masks(Truth),
    Depth { pairs: Vec<(PathBuf, PathBuf)>, steps: f64 },
    Normals(Vec<(PathBuf, PathBuf)>),
}

impl Data {
    fn read(args: &EvalProbeArgs) -> Result<Self, CliError> {
        let chosen = || args.data.chosen(pairs(&args.data)?);
        Ok(match args.task {
            ProbeTask::Segmentation => Self::Masks(Truth::read(&args.data)?),
            ProbeTask::Depth => Self::Depth { pairs: chosen()?, steps: args.steps },
            ProbeTask::Normals => Self::Normals(chosen()?),
        })
    }

    fn len(&self) -> usize {
        match self {
            Self::Masks(truth) => truth.images.len(),
            Self::Depth { pairs, .. } | Self::Normals(pairs) => pairs.len(),
        }
    }

    /// One image and its truth.
    fn sample(&self, engine: &Engine, place: usize) -> Result<Sample, CliError> {
        let (file, targets) = match self {
            Self::Masks(truth) => {
                let image = &truth.images[place];
                (&image.file, categories(image, truth.categories.len())?)
            }
            Self::Depth { pairs, steps } => (&pairs[place].0, Targets::depth(&pairs[place].1, *steps)?),
            Self::Normals(pairs) => (&pairs[place].0, Targets::normals(&pairs[place].1)?),
        };
        let source = Source::File(file.clone());
        let patches = interruptible(|| engine.patch_features(&source))?;
        fits(file, patches.size, &targets)?;
        Ok(Sample { patches, targets })
    }
}

fn categories(image: &TrueImage, count: usize) -> Result<Targets, CliError> {
    let map = image.load()?;
    let pixels = Pixels::Categories { of: map.categories, count };
    Ok(Targets { width: map.width as usize, height: map.height as usize, pixels })
}

/// Truth has to be of the image's size, or something is turned or cut.
fn fits(file: &Path, (width, height): (u32, u32), targets: &Targets) -> Result<(), CliError> {
    match (width as usize, height as usize) == (targets.width, targets.height) {
        true => Ok(()),
        false => Err(CliError::new(format!(
            "{}: {width} x {height} pixels, and its truth has {} x {}",
            file.display(),
            targets.width,
            targets.height
        ))),
    }
}

/// An image as the layer sees it, and what it should say.
struct Sample {
    patches: PatchFeatures,
    targets: Targets,
}

impl Sample {
    /// Values that the layer sees of a patch.
    fn width(&self) -> usize {
        self.patches.dim + self.patches.embedding.len()
    }

    /// The token of each patch, and the embedding of the image behind each, brought to the size
    /// that a token's values have, so that small weights mean the same for both.
    fn inputs(&self) -> Vec<f64> {
        let PatchFeatures { dim, tokens, embedding, .. } = &self.patches;
        let scale = (embedding.len() as f64).sqrt();
        let image: Vec<f64> = embedding.iter().map(|&value| scale * f64::from(value)).collect();
        let token = |token: &[f32]| token.iter().map(|&value| value.into()).chain(image.clone()).collect::<Vec<f64>>();
        tokens.chunks_exact(*dim).flat_map(token).collect()
    }

    /// What a layer says of every pixel.
    fn answers(&self, layer: &Linear, inputs: &[f64]) -> Vec<f64> {
        let PatchFeatures { rows, cols, .. } = self.patches;
        at_pixels(&layer.of(inputs), (rows, cols), (self.targets.width, self.targets.height))
    }
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
struct Report {
    /// Images that the layer was fitted to, and those that it was measured on.
    fitted: usize,
    measured: usize,
    ridge: f64,
    probe: Figures,
    /// The same layer if it sees nothing.
    constant: Figures,
}

impl Report {
    fn print(&self, out: &mut impl Write) -> Result<(), CliError> {
        writeln!(out, "fitted to {} images, measured on {}\n", self.fitted, self.measured)?;
        let heads: &[&str] = match self.probe {
            Figures::Segmentation { .. } => &["", "mIoU", "pixel accuracy"],
            Figures::Depth { .. } => &["", "RMSE", "mean relative error", "within 1.25"],
            Figures::Normals { .. } => &["", "mean error, degrees", "RMSE", "< 11.25", "< 22.5", "< 30"],
        };
        let mut table = Table::default();
        table.row(heads.iter().map(|&head| head.to_owned()));
        for (name, figures) in [("linear layer", self.probe), ("always the same", self.constant)] {
            let values = match figures {
                Figures::Segmentation { mean_iou, pixel_accuracy } => vec![mean_iou, pixel_accuracy],
                Figures::Depth { rmse, abs_rel, delta_1 } => vec![rmse, abs_rel, delta_1],
                Figures::Normals { mean_angular_error, rmse, within_11_22_30: [a, b, c] } => {
                    vec![mean_angular_error, rmse, a, b, c]
                }
            };
            table.row(std::iter::once(name.to_owned()).chain(values.into_iter().map(|value| format!("{value:.3}"))));
        }
        for line in table.lines() {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}
