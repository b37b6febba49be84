//! `glimpse demo`: the whole program on bundled images, with nothing to download.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use console::Style;
use glimpse::engine::{DEMO_MODEL, Depth, FindQuery, Rect, StructuredQuery};
use glimpse::web::wire::HitView;
use glimpse::{DEFAULT_MODEL, Engine, ImageId, IngestOptions, Query, Settings};
use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::index::{Report, bring_up_to_date};
use super::serve::listen;
use crate::cli::args::DemoArgs;
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{Table, Thumbnails, printable, strength_style};

/// The images, compiled in.
static IMAGES: Dir = include_dir!("$CARGO_MANIFEST_DIR/models/demo/library");
/// The searches that are shown.
const QUERIES: &str = include_str!("../../../models/demo/queries.json");
/// Hits printed for each search.
const HITS: usize = 3;
/// Images whose regions are looked at for each search.
const REGIONS: usize = 12;

/// A search of the demonstration.
#[derive(Deserialize)]
struct Example {
    lang: String,
    text: String,
    english: String,
}

pub fn run(args: &DemoArgs, context: &Context) -> Result<Outcome, CliError> {
    let home = context.settings.home.join("demo");
    let images = home.join("pictures");
    unpack(&IMAGES, &images)?;

    let model = context.settings.model.clone().unwrap_or_else(|| DEMO_MODEL.to_owned());
    let settings = Settings { home: home.clone(), model: Some(model), ..context.settings.clone() };
    let engine = Engine::open(settings)?;
    context.note(format_args!("indexing the bundled images in {}", context.shown(&images).display()));
    let options = IngestOptions {
        roots: vec![images.clone()],
        prune: true,
        on_image: glimpse::web::keep_thumbnails(&engine.settings().cache_dir()),
        ..IngestOptions::default()
    };
    let mut report = Report::new(context, false);
    let summary = bring_up_to_date(&engine, &options, &mut report)?;
    report.finish(&summary)?;
    if summary.cancelled {
        return Ok(Outcome::Interrupted);
    }

    show_searches(&engine, &images, args, context)?;
    show_next(&home, args, context)?;
    if args.serve { listen(engine, &args.listen, None, context) } else { Ok(Outcome::Done) }
}

/// Writes files that are not there yet, or that another version has left there.
fn unpack(folder: &Dir, target: &Path) -> Result<(), CliError> {
    let failed = |path: &Path, error: std::io::Error| CliError::new(format!("{}: {error}", path.display()));
    fs::create_dir_all(target).map_err(|error| failed(target, error))?;
    for file in folder.files() {
        let path = target.join(file.path().file_name().unwrap_or_default());
        if !fs::metadata(&path).is_ok_and(|facts| facts.len() == file.contents().len() as u64) {
            fs::write(&path, file.contents()).map_err(|error| failed(&path, error))?;
        }
    }
    for inner in folder.dirs() {
        unpack(inner, &target.join(inner.path().file_name().unwrap_or_default()))?;
    }
    Ok(())
}

fn show_searches(engine: &Engine, images: &Path, args: &DemoArgs, context: &Context) -> Result<(), CliError> {
    let examples: Vec<Example> = serde_json::from_str(QUERIES)?;
    let thumbnails = Thumbnails::new(args.thumbnails, context);
    let (bold, dim) = (context.style(Style::new().bold()), context.style(Style::new().dim()));
    let mut out = context.stdout();
    for example in &examples {
        let page = engine.search(&Query { limit: HITS, ..Query::text(&example.text) })?;
        let meaning = if example.lang == "en" { String::new() } else { format!(" ({})", example.english) };
        let title = format!("{}{meaning}", bold.apply_to(&example.text));
        writeln!(out, "\n{title} {}", dim.apply_to(format_args!("{}, {} found", example.lang, page.accepted)))?;
        let hits = page.hits.iter().map(|hit| HitView::read(engine, hit)).collect::<Result<Vec<_>, _>>()?;
        let boxes = boxes(engine, &example.text)?;
        let mut table = Table::default();
        for hit in &hits {
            let (word, style) = strength_style(hit.strength);
            let path = hit.image.file.strip_prefix(images).unwrap_or(&hit.image.file);
            let place = boxes.get(&hit.image.id).map_or(String::new(), |rect| {
                let [x, y, width, height] = rect.pixels(hit.image.width, hit.image.height);
                format!("at {x:.0},{y:.0},{width:.0},{height:.0}")
            });
            table.row([
                format!("  {}", context.style(style).apply_to(word)),
                format!("{:.2}", hit.score),
                printable(path.display()),
                place,
            ]);
        }
        for (hit, line) in hits.iter().zip(table.lines()) {
            thumbnails.draw(&mut out, engine, &hit.image, hit.frame.frame)?;
            writeln!(out, "{line}")?;
        }
        out.flush()?;
    }
    Ok(())
}

/// Where the images that show something show it best.
fn boxes(engine: &Engine, text: &str) -> Result<HashMap<ImageId, Rect>, CliError> {
    let query = FindQuery {
        limit: REGIONS,
        max_boxes: 1,
        depth: Depth::All,
        ..FindQuery::structured(StructuredQuery::thing(text))
    };
    let page = engine.find(&query)?;
    Ok(page.images.iter().filter_map(|image| Some((image.id, image.boxes.first()?.rect))).collect())
}

fn show_next(home: &Path, args: &DemoArgs, context: &Context) -> Result<(), CliError> {
    let mut out = context.stdout();
    let home = home.display();
    writeln!(out, "\nTry next:")?;
    writeln!(out, "  glimpse search --home '{home}' a palm tree on the beach")?;
    writeln!(out, "  glimpse search --home '{home}' crescent moon - cat")?;
    writeln!(out, "  glimpse find --home '{home}' sunflower and no bee --annotated .")?;
    if !args.serve {
        writeln!(out, "  glimpse demo --serve          the same in the browser")?;
    }
    writeln!(
        out,
        "\nThe bundled model is small and knows only drawn, everyday things, in 48 languages: it is no model for photographs.\n\
         For your own images take a SigLIP 2 checkpoint:\n  \
         glimpse model pull            {DEFAULT_MODEL}, 1.5 GB, once\n  \
         glimpse index ~/Pictures\n  \
         glimpse search a red boat at sunset"
    )?;
    Ok(out.flush()?)
}
