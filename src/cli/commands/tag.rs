//! `glimpse tag`

use std::io::Write;

use glimpse::engine::RegionTag;
use glimpse::web::wire::{ImageView, TaggedView};
use glimpse::{Engine, TagOptions};
use serde::Serialize;

use crate::cli::args::TagArgs;
use crate::cli::context::Context;
use crate::cli::interrupt::interruptible;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{Table, count, write_json};
use crate::cli::query;

pub fn run(args: &TagArgs, context: &Context) -> Result<Outcome, CliError> {
    let labels = query::labels(&args.label, args.labels.as_deref())?;
    let engine = context.engine()?;
    let options =
        TagOptions { filter: query::resolve_filter(&args.filter)?, max_tags: args.max_tags, min_score: args.min_score };
    if args.regions {
        return regions(&engine, &labels, &options, args, context);
    }
    let mut tagged = interruptible(|| engine.tag(&labels, &options))?;
    let total = tagged.len();
    let with_tags = tagged.iter().filter(|image| !image.tags.is_empty()).count();
    if !args.untagged {
        tagged.retain(|image| !image.tags.is_empty());
    }

    let mut out = context.stdout();
    if args.json {
        for image in &tagged {
            write_json(&mut out, &TaggedView::read(&engine, image)?)?;
        }
    } else {
        let mut table = Table::default();
        for image in &tagged {
            let view = TaggedView::read(&engine, image)?;
            let tags: Vec<String> = view.tags.iter().map(|tag| format!("{} {:.2}", tag.label, tag.score)).collect();
            table.row([tags.join(", "), context.name(&view.image.file)]);
        }
        for line in table.lines() {
            writeln!(out, "{line}")?;
        }
    }
    out.flush()?;
    note(context, with_tags, total);
    Ok(Outcome::found(with_tags > 0))
}

/// Tags of parts of images.
fn regions(
    engine: &Engine,
    labels: &[String],
    options: &TagOptions,
    args: &TagArgs,
    context: &Context,
) -> Result<Outcome, CliError> {
    if !engine.has_regions()? {
        let hint = "`glimpse index --regions FOLDER` makes them";
        return Err(CliError::with_hint("this library was indexed without regions", hint));
    }
    let mut tagged = interruptible(|| engine.tag_regions(labels, options))?;
    let total = tagged.len();
    let with_tags = tagged.iter().filter(|image| !image.regions.is_empty()).count();
    if !args.untagged {
        tagged.retain(|image| !image.regions.is_empty());
    }
    let mut out = context.stdout();
    let mut table = Table::default();
    for image in &tagged {
        let view = ImageView::read(engine, image.id)?;
        let (width, height) = (view.width, view.height);
        if args.json {
            let regions = image.regions.iter().map(|region| RegionLine::of(region, width, height)).collect();
            write_json(&mut out, &ImageLine { image: view, regions })?;
            continue;
        }
        for region in &image.regions {
            let [x, y, width, height] = region.rect.pixels(width, height);
            let place = format!("{x:.0},{y:.0},{width:.0},{height:.0}");
            table.row([format!("{} {:.2}", region.label, region.score), place, context.name(&view.file)]);
        }
    }
    for line in table.lines() {
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    note(context, with_tags, total);
    Ok(Outcome::found(with_tags > 0))
}

/// An image and its tagged parts.
#[derive(Serialize)]
struct ImageLine<'a> {
    #[serde(flatten)]
    image: ImageView,
    regions: Vec<RegionLine<'a>>,
}

/// A part, its box in pixels.
#[derive(Serialize)]
struct RegionLine<'a> {
    label: &'a str,
    score: f32,
    area: f32,
    x: f32,
    y: f32,
    width: f32,
    height: f32,
}

impl<'a> RegionLine<'a> {
    fn of(region: &'a RegionTag, width: u32, height: u32) -> Self {
        let [x, y, width, height] = region.rect.pixels(width, height);
        Self { label: &region.label, score: region.score, area: region.area, x, y, width, height }
    }
}

fn note(context: &Context, with_tags: usize, total: usize) {
    let (total, have) = (count(total, "image", "images"), if with_tags == 1 { "has" } else { "have" });
    context.note(format_args!("{with_tags} of {total} {have} a tag"));
}
