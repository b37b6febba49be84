//! `glimpse ground`

use std::io::Write;

use glimpse::Source;
use glimpse::engine::{DenseConfig, Grounded, Heatmap};
use serde::Serialize;

use super::find::BoxLine;
use crate::cli::args::GroundArgs;
use crate::cli::context::Context;
use crate::cli::export::{self, Annotated, Labelled};
use crate::cli::interrupt::interruptible;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{Table, write_json};

/// A line of JSON.
#[derive(Serialize)]
struct ThingLine<'a> {
    text: &'a str,
    width: u32,
    height: u32,
    boxes: Vec<BoxLine<'a>>,
    heatmap: &'a Heatmap,
}

pub fn run(args: &GroundArgs, context: &Context) -> Result<Outcome, CliError> {
    let config = DenseConfig { detail: args.detail, ..DenseConfig::default() };
    let engine = context.engine()?;
    let grounded = interruptible(|| engine.ground(&Source::File(args.image.clone()), &args.texts, &config, args.all))?;
    print(&grounded, args, context)?;
    for line in export::write(&annotated(&grounded, args), &args.export)? {
        context.note(line);
    }
    let any = grounded.things.iter().any(|thing| !thing.boxes.is_empty());
    if !any {
        context.note("nothing of this is in the image, as far as the model can tell; --all shows weaker boxes too");
    }
    Ok(Outcome::found(any))
}

fn print(grounded: &Grounded, args: &GroundArgs, context: &Context) -> Result<(), CliError> {
    let (width, height) = (grounded.width, grounded.height);
    let mut out = context.stdout();
    let mut table = Table::default();
    for thing in &grounded.things {
        if args.json {
            let boxes = thing.boxes.iter().map(|found| BoxLine::of(found, &thing.text, width, height)).collect();
            write_json(&mut out, &ThingLine { text: &thing.text, width, height, boxes, heatmap: &thing.heatmap })?;
            continue;
        }
        for found in &thing.boxes {
            let [x, y, width, height] = found.rect.pixels(width, height);
            table.row([
                format!("{:.2}", found.score),
                thing.text.clone(),
                format!("{x:.0},{y:.0},{width:.0},{height:.0}"),
            ]);
        }
    }
    for line in table.lines() {
        writeln!(out, "{line}")?;
    }
    Ok(out.flush()?)
}

/// One image with the boxes of all texts; the heatmap of the first.
fn annotated(grounded: &Grounded, args: &GroundArgs) -> [Annotated<'static>; 1] {
    let boxes = grounded.things.iter().flat_map(|thing| {
        thing.boxes.iter().map(|found| Labelled { label: thing.text.clone(), rect: found.rect, score: found.score })
    });
    [Annotated {
        path: args.image.clone(),
        orientation: None,
        width: grounded.width,
        height: grounded.height,
        boxes: boxes.collect(),
        heatmap: grounded.things.first().map(|thing| thing.heatmap.clone()),
        frame: None,
    }]
}
