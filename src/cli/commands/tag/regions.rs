//! `glimpse tag --regions`: tags of parts of images.

use std::io::Write;

use glimpse::engine::{CaptionOptions, Rect, RegionTag};
use glimpse::web::wire::ImageView;
use glimpse::{Engine, ImageId, Source, TagOptions};
use serde::Serialize;

use crate::cli::args::TagArgs;
use crate::cli::commands::caption::caption_language;
use crate::cli::context::Context;
use crate::cli::interrupt::interruptible;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{Table, write_json};

pub fn run(
    engine: &Engine,
    labels: &[String],
    options: &TagOptions,
    args: &TagArgs,
    context: &Context,
) -> Result<Outcome, CliError> {
    require_regions(engine)?;
    let language = match &args.captions {
        None => None,
        Some(asked) => Some(caption_language(asked.as_deref(), engine)?),
    };
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
        let mut regions = Vec::with_capacity(image.regions.len());
        for region in &image.regions {
            let said = language.as_ref().map(|language| caption(engine, image.id, region.rect, language));
            regions.push(RegionLine { caption: said.transpose()?, ..RegionLine::of(region, width, height) });
        }
        if args.json {
            write_json(&mut out, &ImageLine { image: view, regions })?;
            continue;
        }
        for region in regions {
            let place = format!("{:.0},{:.0},{:.0},{:.0}", region.x, region.y, region.width, region.height);
            let mut row = vec![format!("{} {:.2}", region.label, region.score), place];
            row.extend(region.caption);
            row.push(context.name(&view.file));
            table.row(row);
        }
    }
    for line in table.lines() {
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    super::note(context, with_tags, total);
    Ok(Outcome::found(with_tags > 0))
}

/// The decoder's likeliest words for a part of an image.
fn caption(engine: &Engine, id: ImageId, rect: Rect, language: &str) -> Result<String, CliError> {
    let options = CaptionOptions { rect: Some(rect), language: Some(language.to_owned()), count: 1 };
    let captions = interruptible(|| engine.caption(&Source::Image(id), &options))?;
    Ok(captions.into_iter().next().map(|caption| caption.text).unwrap_or_default())
}

/// Says how a library that was indexed without regions gets some.
pub fn require_regions(engine: &Engine) -> Result<(), CliError> {
    if engine.has_regions()? {
        return Ok(());
    }
    let hint = "`glimpse index --regions FOLDER` makes them";
    Err(CliError::with_hint("this library was indexed without regions", hint))
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
    /// The decoder's words for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    caption: Option<String>,
}

impl<'a> RegionLine<'a> {
    fn of(region: &'a RegionTag, width: u32, height: u32) -> Self {
        let [x, y, width, height] = region.rect.pixels(width, height);
        Self { label: &region.label, score: region.score, area: region.area, x, y, width, height, caption: None }
    }
}
