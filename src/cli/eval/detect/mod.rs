//! `glimpse eval detect`: finding things as a detector of any words, on COCO or LVIS annotations.

mod matching;
mod precision;
mod report;
mod truth;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::collections::HashMap;
use std::time::Instant;

use glimpse::engine::{Depth, FindQuery, FoundImage, RegionChoice, RegionOptions, StructuredQuery};
use glimpse::{ImageId, IngestOptions};
use serde_json::json;

use super::{Bench, folder, share};
use crate::cli::args::EvalDetectArgs;
use crate::cli::context::Context;
use crate::cli::interrupt::interruptible;
use crate::cli::outcome::{CliError, Outcome};
use matching::Detection;
use report::Report;
use truth::Truth;

/// Images of a page of answers.
const PAGE: usize = 1000;

pub fn run(args: &EvalDetectArgs, context: &Context) -> Result<Outcome, CliError> {
    let truth = Truth::read(&args.data, args.limit)?;
    let dir = folder(&args.images, &args.data);
    let bench = Bench::new(context)?;
    let files: Vec<_> = truth.images.iter().map(|image| dir.join(&image.file)).collect();
    let choice = RegionChoice { detail: Some(args.detail), ..RegionChoice::default() };
    let regions = RegionOptions { choice, ..RegionOptions::default() };
    let options = IngestOptions { roots: files.clone(), regions, ..IngestOptions::default() };
    bench.index(&options, context)?;
    let mut places = HashMap::new();
    for (place, file) in files.iter().enumerate() {
        if let Some(id) = bench.engine.image_at(file)? {
            places.insert(id, place);
        }
    }
    if places.is_empty() {
        return Err(CliError::new(format!("{}: none of its images is in {}", args.data.display(), dir.display())));
    }
    let bar = context.progress_bar(Some(truth.categories.len()), "category {human_pos} of {human_len}");
    let started = Instant::now();
    let mut detections = Vec::new();
    for (category, named) in truth.categories.iter().enumerate() {
        interruptible(|| find(&bench, &named.name, category, args, &places, &mut detections))?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let seconds = started.elapsed().as_secs_f64();
    if let Some(path) = &args.out {
        write_results(path, &truth, &detections)?;
        context.note(format_args!("wrote {} boxes to {}", detections.len(), path.display()));
    }
    let report = Report {
        kind: truth.kind,
        images: places.len(),
        missing: truth.images.len() - places.len(),
        categories: truth.categories.len(),
        objects: truth.objects.len(),
        boxes: detections.len(),
        seconds_per_category: share(seconds, truth.categories.len() as f64),
        figures: precision::figures(&truth, &detections),
    };
    super::print_report(context, args.json, &report, |out| report.print(out))
}

/// Asks all images for a category.
fn find(
    bench: &Bench,
    name: &str,
    category: usize,
    args: &EvalDetectArgs,
    places: &HashMap<ImageId, usize>,
    detections: &mut Vec<Detection>,
) -> Result<(), glimpse::EngineError> {
    let mut query = FindQuery {
        depth: Depth::All,
        limit: PAGE,
        max_boxes: args.max_boxes.into(),
        fine: args.fine,
        ..FindQuery::structured(StructuredQuery::thing(name))
    };
    loop {
        let page = bench.engine.find(&query)?;
        for image in &page.images {
            detections.extend(boxes_of(bench, image, category, places)?);
        }
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => return Ok(()),
        }
    }
}

fn boxes_of(
    bench: &Bench,
    image: &FoundImage,
    category: usize,
    places: &HashMap<ImageId, usize>,
) -> Result<Vec<Detection>, glimpse::EngineError> {
    let Some(&place) = places.get(&image.id) else { return Ok(Vec::new()) };
    let record = bench.engine.image(image.id)?;
    let boxes = image.boxes.iter().map(|found| Detection {
        image: place,
        category,
        bbox: found.rect.pixels(record.width, record.height).map(f64::from),
        score: f64::from(found.score),
    });
    Ok(boxes.collect())
}

/// Results as COCO and LVIS have them, for their own tools.
fn write_results(path: &std::path::Path, truth: &Truth, detections: &[Detection]) -> Result<(), CliError> {
    let results = detections.iter().map(|found| {
        let (image, category) = (truth.images[found.image].id, truth.categories[found.category].id);
        json!({ "image_id": image, "category_id": category, "bbox": found.bbox, "score": found.score })
    });
    let text = serde_json::to_string(&results.collect::<Vec<_>>())?;
    std::fs::write(path, text).map_err(|error| CliError::new(format!("{}: {error}", path.display())))
}
