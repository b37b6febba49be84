//! `glimpse eval segment`: has every pixel the right label, and every thing its own segment?

mod confusion;
mod panoptic_quality;
mod predicted;
mod report;
mod truth;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::io::Write;
use std::time::Instant;

use glimpse::Source;
use glimpse::engine::SegmentOptions;

use crate::cli::args::EvalSegmentArgs;
use crate::cli::context::Context;
use crate::cli::interrupt::interruptible;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::write_json;
use predicted::Predicted;
use report::{Measures, Report};
use truth::Truth;

pub fn run(args: &EvalSegmentArgs, context: &Context) -> Result<Outcome, CliError> {
    let truth = Truth::read(args)?;
    let none = args.none.as_ref().map(|name| truth.category(name)).transpose()?;
    let asked: Vec<usize> = (0..truth.categories.len()).filter(|&category| Some(category) != none).collect();
    let labels: Vec<String> = asked.iter().map(|&category| truth.categories[category].name.clone()).collect();
    let stuff = asked.iter().map(|&category| &truth.categories[category]).filter(|category| !category.is_thing);
    let options = SegmentOptions {
        panoptic: true,
        stuff: Some(stuff.map(|category| category.name.clone()).collect()),
        ..args.map.options(labels)
    };
    let engine = context.engine()?;
    engine.load_model()?;
    let mut measures = [(); 3].map(|()| Measures::of(&truth));
    let bar = context.progress_bar(Some(truth.images.len()), "image {human_pos} of {human_len}");
    let (mut seconds, mut passes, mut count) = (0.0, 0, 0);
    for (place, image) in truth.images.iter().enumerate() {
        let map = image.load()?;
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
    let mut out = context.stdout();
    match args.json {
        true => write_json(&mut out, &report)?,
        false => report.print(&mut out)?,
    }
    out.flush()?;
    Ok(Outcome::Done)
}
