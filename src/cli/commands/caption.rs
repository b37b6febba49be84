//! `glimpse caption`

use std::io::Write;
use std::path::Path;

use glimpse::engine::{Caption, CaptionOptions};
use glimpse::{Engine, EngineError, Source};
use serde::Serialize;

use crate::cli::args::CaptionArgs;
use crate::cli::context::Context;
use crate::cli::interrupt::interruptible;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{Table, printable, write_json};
use crate::cli::query;

/// Parts that are described if no number is given.
const PARTS: usize = 5;

/// A line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    image: String,
    text: &'a str,
    probability: f32,
    language: &'a str,
    #[serde(flatten)]
    part: Option<Part>,
}

/// The part that is described, in pixels.
#[derive(Serialize)]
struct Part {
    x: f32,
    y: f32,
    width: f32,
    height: f32,
}

pub fn run(args: &CaptionArgs, context: &Context) -> Result<Outcome, CliError> {
    let engine = context.engine()?;
    let language = caption_language(args.lang.as_deref(), &engine)?;
    let mut out = context.stdout();
    let mut failed = 0;
    for image in &args.images {
        match describe(image, &language, args, &engine, &mut out) {
            Ok(()) => out.flush()?,
            Err(error) if args.images.len() == 1 || error.is_interrupt() => return Err(error),
            Err(error) => {
                failed += 1;
                context.note(format_args!("{}: {error}", image.display()));
            }
        }
    }
    match failed {
        0 => Ok(Outcome::Done),
        _ => Err(CliError::new(format!("{failed} of {} images could not be described", args.images.len()))),
    }
}

/// The language that is asked for, if the model speaks at all.
pub fn caption_language(asked: Option<&str>, engine: &Engine) -> Result<String, CliError> {
    let languages = engine.caption_languages()?;
    let Some(usual) = languages.first() else {
        return Err(EngineError::NoDecoder { model: engine.load_model()?.name }.into());
    };
    match asked {
        None => Ok(usual.clone()),
        Some(code) if languages.iter().any(|known| known == code) => Ok(code.to_owned()),
        Some(code) => Err(CliError::with_hint(
            format!("the model writes no captions in `{code}`"),
            format!("it writes them in {}", languages.join(", ")),
        )),
    }
}

fn describe(
    image: &Path,
    language: &str,
    args: &CaptionArgs,
    engine: &Engine,
    out: &mut impl Write,
) -> Result<(), CliError> {
    let source = match image.is_file() {
        true => Source::File(image.to_path_buf()), // there may be no library
        false => query::image(image, engine)?,
    };
    let rect = args.r#box.as_deref().map(|text| query::rect(text, &source, engine)).transpose()?;
    let count = args.limit.map_or(if args.parts { PARTS } else { 1 }, usize::from);
    let options = CaptionOptions { rect, language: Some(language.to_owned()), count };
    let captions = interruptible(|| match args.parts {
        true => engine.caption_parts(&source, &options),
        false => engine.caption(&source, &options),
    })?;
    let has_parts = captions.iter().any(|caption| caption.rect.is_some());
    let size = if has_parts { engine.size_of(&source)? } else { (0, 0) };
    print(&captions, image, size, language, args, out)
}

fn print(
    captions: &[Caption],
    image: &Path,
    (width, height): (u32, u32),
    language: &str,
    args: &CaptionArgs,
    out: &mut impl Write,
) -> Result<(), CliError> {
    let mut table = Table::default();
    for Caption { text, rect, probability } in captions {
        let part = rect.map(|rect| rect.pixels(width, height));
        if args.json {
            let part = part.map(|[x, y, width, height]| Part { x, y, width, height });
            let image = image.display().to_string();
            write_json(out, &Line { image, text, probability: *probability, language, part })?;
            continue;
        }
        let part = part.map(|[x, y, width, height]| format!("{x:.0},{y:.0},{width:.0},{height:.0}"));
        let name = (args.images.len() > 1).then(|| printable(image.display()));
        let cells = name.into_iter().chain([format!("{probability:.2}"), text.clone()]).chain(part);
        table.row(cells);
    }
    for line in table.lines() {
        writeln!(out, "{line}")?;
    }
    Ok(())
}
