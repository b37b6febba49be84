//! `glimpse segment`

use std::io::Write;
use std::path::Path;

use glimpse::engine::{SegmentLabel, SegmentOptions, Segmentation};
use glimpse::{Engine, Source};
use indicatif::ProgressBar;
use serde::Serialize;
use serde_json::Value;

use crate::cli::args::{MaskFormat, SegmentArgs};
use crate::cli::context::Context;
use crate::cli::export::masks::{MaskWriter, Original, rle};
use crate::cli::interrupt::interruptible;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{Table, printable, write_json};
use crate::cli::query;

/// A line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    image: String,
    width: u32,
    height: u32,
    labels: &'a [SegmentLabel],
    unlabelled: f32,
    segments: Vec<SegmentLine<'a>>,
}

/// A segment, its box in pixels.
#[derive(Serialize)]
struct SegmentLine<'a> {
    label: &'a str,
    is_thing: bool,
    score: f32,
    area: f32,
    x: u32,
    y: u32,
    width: u32,
    height: u32,
    rle: Value,
}

pub fn run(args: &SegmentArgs, context: &Context) -> Result<Outcome, CliError> {
    let options = SegmentOptions {
        panoptic: args.panoptic,
        stuff: args.stuff.as_ref().map(|stuff| stuff.iter().map(|label| label.trim().to_owned()).collect()),
        ..args.map.options(labels(args)?)
    };
    let engine = context.engine()?;
    let formats = if args.format.is_empty() { vec![MaskFormat::Colour] } else { args.format.clone() };
    let mut writer = args.output.as_ref().map(|dir| MaskWriter::new(dir, &formats)).transpose()?;
    let bar = match args.images.len() {
        0 | 1 => ProgressBar::hidden(),
        images => context.progress_bar(Some(images), "image {human_pos} of {human_len}"),
    };
    let (mut failed, mut any) = (0, false);
    for image in &args.images {
        match one(image, &options, args, &engine, writer.as_mut(), context) {
            Ok(found) => any |= found,
            Err(error) if args.images.len() == 1 || error.is_interrupt() || !is_of_image(&error) => return Err(error),
            Err(error) => {
                failed += 1;
                bar.suspend(|| context.error(&error, None));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    for line in writer.map(MaskWriter::finish).transpose()?.into_iter().flatten() {
        context.note(line);
    }
    if !any && failed == 0 {
        context.note("nothing of this is there, as far as the model can tell; --min-score shows what is less sure");
    }
    match failed {
        0 => Ok(Outcome::found(any)),
        all if all == args.images.len() => Err(CliError::new("no image could be segmented")),
        _ => Ok(Outcome::Partly),
    }
}

/// True if another image may still be segmented.
fn is_of_image(error: &CliError) -> bool {
    use glimpse::ErrorKind::{BadRequest, NotFound};
    match error {
        CliError::Engine(error) => matches!(error.kind(), BadRequest | NotFound),
        CliError::Usage { .. } => true,
        _ => false,
    }
}

/// Segments an image, and says whether it shows any of the labels.
fn one(
    image: &Path,
    options: &SegmentOptions,
    args: &SegmentArgs,
    engine: &Engine,
    writer: Option<&mut MaskWriter>,
    context: &Context,
) -> Result<bool, CliError> {
    let source = match image.is_file() {
        true => Source::File(image.to_path_buf()), // there may be no library
        false => query::image(image, engine)?,
    };
    let segmentation = interruptible(|| engine.segment(&source, options))?;
    if let Some(writer) = writer {
        writer.add(&original(image, &source, engine)?, &segmentation)?;
    }
    let mut out = context.stdout();
    match args.json {
        true => write_json(&mut out, &line(image, &segmentation))?,
        false => print(image, &segmentation, args, &mut out)?,
    }
    out.flush()?;
    Ok(!segmentation.segments.is_empty())
}

/// The file of an image.
fn original(image: &Path, source: &Source, engine: &Engine) -> Result<Original, CliError> {
    let Source::Image(id) = source else {
        return Ok(Original { path: image.to_path_buf(), orientation: None });
    };
    let described = engine.describe(*id)?;
    let none = || CliError::new(format!("image {} has no file any more", id.0));
    let path = described.files.first().ok_or_else(none)?.path.clone();
    Ok(Original { path, orientation: described.record.orientation })
}

fn line<'a>(image: &Path, segmentation: &'a Segmentation) -> Line<'a> {
    let (width, height) = (segmentation.width, segmentation.height);
    let masks = segmentation.masks(width, height);
    let segments = segmentation.segments.iter().zip(&masks).map(|(segment, mask)| {
        let [x, y, width, height] = mask.bounds();
        let label = &segmentation.labels[segment.label].name;
        let (is_thing, score, area) = (segment.is_thing, segment.score, segment.area);
        SegmentLine { label, is_thing, score, area, x, y, width, height, rle: rle(mask) }
    });
    Line {
        image: image.display().to_string(),
        width,
        height,
        labels: &segmentation.labels,
        unlabelled: segmentation.unlabelled(),
        segments: segments.collect(),
    }
}

/// For each segment: how sure it is, its share of the image, its label and its box.
fn print(image: &Path, found: &Segmentation, args: &SegmentArgs, out: &mut impl Write) -> Result<(), CliError> {
    let mut table = Table::default();
    let name = (args.images.len() > 1).then(|| printable(image.display()));
    for segment in &found.segments {
        let [x, y, width, height] = segment.rect.pixels(found.width, found.height);
        table.row(name.iter().cloned().chain([
            format!("{:.2}", segment.score),
            format!("{:.1} %", 100.0 * segment.area),
            found.labels[segment.label].name.clone(),
            format!("{x:.0},{y:.0},{width:.0},{height:.0}"),
        ]));
    }
    for line in table.lines() {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Labels of the command line and of the file; none stands for those of the library.
fn labels(args: &SegmentArgs) -> Result<Vec<String>, CliError> {
    let labels = query::labels(&args.labels, args.labels_file.as_deref())?;
    if labels.is_empty() && (!args.labels.is_empty() || args.labels_file.is_some()) {
        return Err(CliError::new("there is no label among those given"));
    }
    Ok(labels)
}
