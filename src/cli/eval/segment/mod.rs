//! `glimpse eval segment`: has every pixel the right label, and every thing its own segment?

mod astray;
mod draws;
mod panoptic_quality;
mod predicted;
mod report;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::time::Instant;

use glimpse::Source;
use glimpse::engine::SegmentOptions;

use super::pixel_truth::{TrueMap, Truth};
use crate::cli::args::EvalSegmentArgs;
use crate::cli::context::Context;
use crate::cli::interrupt::interruptible;
use crate::cli::outcome::{CliError, Outcome};
use draws::Draws;
use predicted::Predicted;
use report::{Measures, Report};

pub fn run(args: &EvalSegmentArgs, context: &Context) -> Result<Outcome, CliError> {
    let truth = Truth::read(&args.data)?;
    let none = args.none.as_ref().map(|name| truth.category(name)).transpose()?;
    let is_few = args.present.is_some() || args.absent.is_some();
    if is_few && args.present.unwrap_or(0) + args.absent.unwrap_or(0) == 0 {
        return Err(CliError::new("--present and --absent leave no label to ask for"));
    }
    let engine = context.engine()?;
    engine.load_model()?;
    let mut measures = [(); 3].map(|()| Measures::of(&truth, none, truth.is_panoptic && !is_few));
    let bar = context.progress_bar(Some(truth.images.len()), "image {human_pos} of {human_len}");
    let (mut seconds, mut passes, mut count) = (0.0, 0, 0);
    for (place, image) in truth.images.iter().enumerate() {
        let mut map = image.load()?;
        let asked = asked(&truth, &map, none, args, (args.data.skip + place) as u64);
        if asked.is_empty() {
            bar.inc(1);
            continue; // it shows nothing that could be asked for
        }
        if is_few {
            map = map.asked(&asked, none);
        }
        let options = options(&truth, &asked, args);
        let source = Source::File(image.file.clone());
        let started = Instant::now();
        let found = interruptible(|| engine.segment(&source, &options))?;
        if (found.width, found.height) != (map.width, map.height) {
            return Err(CliError::new(format!(
                "{}: {} x {} pixels, and its truth has {} x {}",
                image.file.display(),
                found.width,
                found.height,
                map.width,
                map.height
            )));
        }
        seconds += started.elapsed().as_secs_f64();
        passes += found.passes;
        count += 1;
        let ours = Predicted::of(&found, &asked, none);
        let oracle = ours.best_of_its_segments(&map);
        let chance = ours.with_any_categories(truth.categories.len(), place as u64);
        for (measures, predicted) in measures.iter_mut().zip([&ours, &oracle, &chance]) {
            measures.add(&map, predicted);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let [ours, oracle, chance] = measures.map(|measures| measures.figures(&truth));
    let per_image = |sum: f64| super::share(sum, f64::from(count));
    let report = Report {
        images: truth.images.len(),
        categories: truth.categories.len(),
        seconds_per_image: per_image(seconds),
        passes_per_image: per_image(passes as f64),
        ours,
        oracle,
        chance,
    };
    super::print_report(context, args.json, &report, |out| report.print(out))
}

/// The categories that an image is asked for: all but `none`, or some of those that it shows and of
/// those that it does not.
fn asked(truth: &Truth, map: &TrueMap, none: Option<usize>, args: &EvalSegmentArgs, seed: u64) -> Vec<usize> {
    let all = (0..truth.categories.len()).filter(|&category| Some(category) != none);
    if args.present.is_none() && args.absent.is_none() {
        return all.collect();
    }
    let shown = map.shown();
    let (present, absent): (Vec<usize>, Vec<usize>) = all.partition(|category| shown.contains(category));
    let mut draws = Draws::of(seed);
    let mut asked = draws.some(present, args.present.unwrap_or(0));
    asked.extend(draws.some(absent, args.absent.unwrap_or(0)));
    asked
}

fn options(truth: &Truth, asked: &[usize], args: &EvalSegmentArgs) -> SegmentOptions {
    let name = |&category: &usize| truth.categories[category].name.clone();
    let stuff = asked.iter().filter(|&&category| !truth.categories[category].is_thing);
    SegmentOptions {
        panoptic: true,
        stuff: Some(stuff.map(name).collect()),
        ..args.map.options(asked.iter().map(name).collect())
    }
}
