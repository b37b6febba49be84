//! `glimpse similar`

use glimpse::engine::calibrate::CUT;
use glimpse::engine::regions::WEAK;
use glimpse::engine::{FindQuery, Rect};
use glimpse::{Engine, Mode, Query, Source};

use super::find;
use super::search::answer;
use crate::cli::args::SimilarArgs;
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::query;

pub fn run(args: &SimilarArgs, context: &Context) -> Result<Outcome, CliError> {
    let engine = context.engine()?;
    let picture = query::picture(&args.image, &engine)?;
    let filter = query::resolve_filter(&args.filter)?;
    if let Some(text) = &args.r#box {
        let rect = rect(text, &picture, &engine)?;
        let cut = if args.all { WEAK } else { CUT };
        let asked = FindQuery { limit: args.print.limit, cut, filter, ..FindQuery::like(picture, rect) };
        return find::answer(&asked, &engine, &args.print, &args.export, context);
    }
    let asked = Query { filter, mode: Mode::Semantic, limit: args.print.limit, all: args.all, ..Query::default() };
    answer(&asked.plus(picture, 1.0), &engine, &args.print, context)
}

/// A box as it is typed: left, top, width and height in pixels of the upright picture.
fn rect(text: &str, picture: &Source, engine: &Engine) -> Result<Rect, CliError> {
    let usage = || {
        CliError::with_hint(format!("--box {text}: not a box"), "left,top,width,height in pixels: --box 120,40,300,200")
    };
    let sides: Vec<f32> =
        text.split(',').map(|side| side.trim().parse()).collect::<Result<_, _>>().map_err(|_| usage())?;
    let sides: [f32; 4] = sides.try_into().map_err(|_| usage())?;
    let (width, height) = engine.size_of(picture)?;
    Rect::from_pixels(sides, width, height).ok_or_else(|| {
        CliError::new(format!("--box {text}: empty, or outside the picture of {width} x {height} pixels"))
    })
}
