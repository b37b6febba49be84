//! `glimpse find`

use std::io::Write;

use console::Style;
use glimpse::engine::{FindPage, FindQuery, FoundBox, FoundImage, FrameHit, StructuredQuery, Target};
use glimpse::web::wire::{FrameView, ImageView, Kind};
use glimpse::{Cursor, Depth, Engine, Strength};
use serde::Serialize;

use crate::cli::args::{BoundArgs, ExportArgs, FindArgs, PrintArgs};
use crate::cli::context::Context;
use crate::cli::export::{self, Annotated, FrameOf, Labelled};
use crate::cli::interrupt::interruptible;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{Matches, Table, Thumbnails, count, name_at, strength_style, write_json, write_path};
use crate::cli::query;

pub fn run(args: &FindArgs, context: &Context) -> Result<Outcome, CliError> {
    let form = StructuredQuery::parse_in(&args.query.join(" "), &args.language)?;
    let asked = FindQuery {
        filter: query::resolve_filter(&args.filter)?,
        ..bounded(FindQuery::structured(form), &args.bounds, &args.print)
    };
    answer(&asked, &context.engine()?, &args.print, &args.export, context)
}

/// A query with the bounds that were typed.
pub fn bounded(query: FindQuery, bounds: &BoundArgs, print: &PrintArgs) -> FindQuery {
    FindQuery {
        min_area: bounds.min_area,
        max_boxes: bounds.max_per_image,
        sort: bounds.sort.into(),
        limit: print.limit,
        cursor: bounds.cursor.clone().map(Cursor),
        depth: bounds.depth.resolve(print),
        fine: bounds.fine,
        ..query
    }
}

/// A line of JSON.
#[derive(Serialize)]
struct ImageLine<'a> {
    id: u64,
    path: &'a str,
    width: u32,
    height: u32,
    score: f32,
    strength: Strength,
    boxes: Vec<BoxLine<'a>>,
    refined: bool,
    matches: Matches,
    kind: Kind,
    duration: Option<f64>,
    start: Option<f64>,
    end: Option<f64>,
    #[serde(flatten)]
    frame: FrameView,
}

/// A box in pixels.
#[derive(Serialize)]
pub struct BoxLine<'a> {
    thing: usize,
    text: &'a str,
    x: f32,
    y: f32,
    width: f32,
    height: f32,
    area: f32,
    score: f32,
    z: f32,
}

impl<'a> BoxLine<'a> {
    pub fn of(found: &FoundBox, text: &'a str, width: u32, height: u32) -> Self {
        let [x, y, width, height] = found.rect.pixels(width, height);
        Self { thing: found.thing, text, x, y, width, height, area: found.area, score: found.score, z: found.z }
    }
}

/// An image and what the library knows of it.
struct Shown<'a> {
    view: ImageView,
    image: &'a FoundImage,
}

/// Asks, prints, writes what other programs want, and says what else there is.
pub fn answer(
    query: &FindQuery,
    engine: &Engine,
    print: &PrintArgs,
    export: &ExportArgs,
    context: &Context,
) -> Result<Outcome, CliError> {
    let page = interruptible(|| engine.find(query))?;
    let texts: Vec<String> = match &query.target {
        Target::Structured(form) => form.things.iter().map(|thing| thing.text.clone()).collect(),
        Target::Example(_) => vec!["similar".to_owned()],
    };
    let shown = page.images.iter().map(|image| {
        let view = ImageView::read(engine, image.id)?.at(image.frame.as_ref());
        Ok(Shown { view, image })
    });
    let shown = shown.collect::<Result<Vec<_>, CliError>>()?;
    let FindPage { accepted, strong, weaker, .. } = page;
    let matches = Matches { strong, likely: accepted - strong, weaker };
    print_images(&shown, &texts, matches, (engine, print), context)?;
    // Other programs are not told what is only close.
    let told = |shown: &&Shown<'_>| query.depth == Depth::All || shown.image.strength != Strength::Weak;
    let annotated =
        shown.iter().filter(told).map(|shown| annotated(shown, &texts, query, engine, export)).collect::<Vec<_>>();
    for line in export::write(&annotated, export)? {
        context.note(line);
    }
    tell(&page, context);
    Ok(Outcome::found(page.accepted > 0))
}

fn print_images(
    shown: &[Shown<'_>],
    texts: &[String],
    matches: Matches,
    (engine, print): (&Engine, &PrintArgs),
    context: &Context,
) -> Result<(), CliError> {
    let mut out = context.stdout();
    let mut table = Table::default();
    for Shown { view, image } in shown {
        if print.json {
            let boxes = image.boxes.iter();
            let boxes = boxes.map(|found| BoxLine::of(found, &texts[found.thing], view.width, view.height)).collect();
            let line = ImageLine {
                id: view.id.0,
                path: &view.path,
                width: view.width,
                height: view.height,
                score: image.score,
                strength: image.strength,
                boxes,
                refined: image.refined,
                matches,
                kind: view.kind,
                duration: view.duration,
                start: view.start,
                end: view.end,
                frame: FrameView::of(image.frame.as_ref()),
            };
            write_json(&mut out, &line)?;
        } else if print.paths || print.null {
            write_path(&mut out, context.shown(&view.file), if print.null { 0 } else { b'\n' })?;
        } else {
            let (word, style) = strength_style(image.strength);
            table.row([
                context.style(style).apply_to(word).to_string(),
                format!("{:.2}", image.score),
                format!("#{}", view.id),
                name_at(view, context),
                places(image, texts, view),
            ]);
        }
    }
    let thumbnails = Thumbnails::new(print.thumbnails, context);
    let dim = context.style(Style::new().dim());
    let mut certain = true;
    for (Shown { view, image }, line) in shown.iter().zip(table.lines()) {
        if certain && image.strength == Strength::Weak {
            writeln!(out, "{}", dim.apply_to(matches.heading_of_weaker()))?;
        }
        certain = image.strength != Strength::Weak;
        thumbnails.draw(&mut out, engine, view, image.frame.as_ref().map(|frame| frame.id))?;
        writeln!(out, "{line}")?;
    }
    Ok(out.flush()?)
}

/// Boxes in words: `dog 120,40,300,200`.
fn places(image: &FoundImage, texts: &[String], view: &ImageView) -> String {
    let place = |found: &FoundBox| {
        let [x, y, width, height] = found.rect.pixels(view.width, view.height);
        let text = if texts.len() > 1 { format!("{} ", texts[found.thing]) } else { String::new() };
        format!("{text}{x:.0},{y:.0},{width:.0},{height:.0}")
    };
    image.boxes.iter().map(place).collect::<Vec<_>>().join("  ")
}

fn annotated<'a>(
    shown: &Shown<'_>,
    texts: &[String],
    query: &FindQuery,
    engine: &'a Engine,
    export: &ExportArgs,
) -> Annotated<'a> {
    let Shown { view, image } = shown;
    let label = |found: &FoundBox| Labelled { label: texts[found.thing].clone(), rect: found.rect, score: found.score };
    // An image that cannot be read has boxes and no heatmap.
    let heatmap = match (&export.annotated, &query.target) {
        (Some(_), Target::Structured(form)) => {
            form.things.first().and_then(|thing| engine.heatmap(image.shown(), &thing.text).ok())
        }
        _ => None,
    };
    Annotated {
        path: view.file.clone(),
        orientation: view.orientation,
        width: view.width,
        height: view.height,
        boxes: image.boxes.iter().map(label).collect(),
        heatmap,
        frame: image.frame.as_ref().map(|&FrameHit { id, start, end, .. }| FrameOf { engine, id, start, end }),
    }
}

fn tell(page: &FindPage, context: &Context) {
    let (shown, searched) = (page.images.len(), page.searched);
    if page.accepted == 0 {
        if page.nothing_particular {
            context.note("there is nothing particular in this box: draw it tightly around one thing");
        } else {
            context.note(format_args!("nothing found among {searched} images"));
        }
        if shown == 0 && page.weaker != Some(0) && searched > 0 {
            context.note("\nhint: --all shows weaker matches too");
        }
    }
    if let Some(next) = &page.next {
        if page.accepted > 0 {
            let found = count(page.accepted, "match", "matches");
            context.note(format_args!("{shown} shown: {found} among {searched} images"));
        }
        context.note(format_args!("more: -n N for a longer list, or --cursor {} to go on", next.0));
    }
    if page.without_regions > 0 {
        let count = page.without_regions;
        context.note(format_args!("{count} images have no regions yet; `glimpse index --regions FOLDER` makes them"));
    }
}
