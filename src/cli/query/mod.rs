//! From words, signs and options to a [`Query`].

mod filter;
mod terms;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use glimpse::engine::Rect;
use glimpse::{Cursor, Engine, ImageId, Mode, Query, Sort, Source, Term};

use super::args::{ModeArg, SearchArgs, SortArg};
use super::outcome::CliError;

pub use filter::resolve as resolve_filter;

/// Labels that were named, and those of a file, one on a line: without blank ones and repeats.
pub fn labels(named: &[String], file: Option<&Path>) -> Result<Vec<String>, CliError> {
    let mut labels: Vec<String> = named.iter().map(|label| label.trim().to_owned()).collect();
    if let Some(path) = file {
        let text =
            std::fs::read_to_string(path).map_err(|error| CliError::new(format!("{}: {error}", path.display())))?;
        labels.extend(text.lines().map(|line| line.trim().to_owned()));
    }
    let mut seen = HashSet::new();
    labels.retain(|label| !label.is_empty() && seen.insert(label.clone()));
    Ok(labels)
}

/// What `glimpse search` asks.
pub fn resolve(args: &SearchArgs, engine: &Engine) -> Result<Query, CliError> {
    let mut terms = terms::parse(&args.query)?;
    for file in &args.image {
        terms.push(Term { source: image_file(file)?, weight: 1.0 });
    }
    for name in &args.like {
        terms.push(Term { source: Source::Image(library_image(name, engine)?), weight: 1.0 });
    }
    let filter = resolve_filter(&args.filter)?;
    if terms.is_empty() && filter.is_empty() && matches!(args.sort, SortArg::Relevance) {
        return Err(CliError::with_hint(
            "nothing to look for",
            "try `glimpse search a red boat`, or --sort newest to list all",
        ));
    }
    Ok(Query {
        terms,
        filter,
        mode: args.mode.into(),
        sort: args.sort.into(),
        limit: args.print.limit,
        cursor: args.cursor.clone().map(Cursor),
        depth: args.depth.resolve(&args.print),
    })
}

/// An image by the name that a user gave: a file, or a number of the library. A file of the library
/// is meant as the library's image, which needs no encoding.
pub fn image(name: &Path, engine: &Engine) -> Result<Source, CliError> {
    if name.exists() {
        return match engine.image_at(name)? {
            Some(id) => Ok(Source::Image(id)),
            None => Ok(Source::File(name.to_path_buf())),
        };
    }
    match number(name) {
        Some(id) => Ok(Source::Image(id)),
        None => image_file(name),
    }
}

/// An image that must be in the library.
pub fn library_image(name: &Path, engine: &Engine) -> Result<ImageId, CliError> {
    if let Some(id) = engine.image_at(name)? {
        return Ok(id);
    }
    match number(name) {
        Some(id) => Ok(id),
        None => Err(CliError::with_hint(
            format!("{}: not an image of this library", name.display()),
            "`glimpse index FOLDER` adds its folder to the library",
        )),
    }
}

fn image_file(file: &Path) -> Result<Source, CliError> {
    match file.is_file() {
        true => Ok(Source::File(file.to_path_buf())),
        false => Err(CliError::new(format!("{}: no such file", file.display()))),
    }
}

fn number(name: &Path) -> Option<ImageId> {
    name.to_str()?.parse().ok().map(ImageId)
}

/// A box as it is typed: left, top, width and height in pixels of the upright image.
pub fn rect(text: &str, image: &Source, engine: &Engine) -> Result<Rect, CliError> {
    let usage = || {
        CliError::with_hint(format!("--box {text}: not a box"), "left,top,width,height in pixels: --box 120,40,300,200")
    };
    let sides: Vec<f32> =
        text.split(',').map(|side| side.trim().parse()).collect::<Result<_, _>>().map_err(|_| usage())?;
    let sides: [f32; 4] = sides.try_into().map_err(|_| usage())?;
    let (width, height) = engine.size_of(image)?;
    Rect::from_pixels(sides, width, height)
        .ok_or_else(|| CliError::new(format!("--box {text}: empty, or outside the image of {width} x {height} pixels")))
}

/// The absolute forms of a path under which a library may know it: as given, and with links
/// resolved.
fn spellings(path: &Path) -> Vec<PathBuf> {
    let mut forms: Vec<PathBuf> = std::path::absolute(path).into_iter().chain(path.canonicalize()).collect();
    forms.dedup();
    forms
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Hybrid => Self::Hybrid,
            ModeArg::Semantic => Self::Semantic,
            ModeArg::Words => Self::Words,
        }
    }
}

impl From<SortArg> for Sort {
    fn from(sort: SortArg) -> Self {
        match sort {
            SortArg::Relevance => Self::Relevance,
            SortArg::Newest => Self::Newest,
            SortArg::Oldest => Self::Oldest,
            SortArg::Album => Self::Album,
        }
    }
}
