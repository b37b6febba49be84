//! `glimpse favourite`

use std::io::Write;
use std::path::PathBuf;

use glimpse::web::wire::ImageView;
use glimpse::{Engine, ImageId};
use serde_json::json;

use crate::cli::args::{ChosenArgs, FavouriteArgs, FavouriteCommand, ListedArgs, SidecarArgs};
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{count, write_json, write_path};
use crate::cli::query;

pub fn run(args: &FavouriteArgs, context: &Context) -> Result<Outcome, CliError> {
    let engine = context.engine()?;
    told(&engine, context)?;
    match &args.command {
        FavouriteCommand::Add(chosen) => set(&engine, chosen, context, true),
        FavouriteCommand::Remove(chosen) => set(&engine, chosen, context, false),
        FavouriteCommand::List(listed) => list(&engine, &engine.favourites()?, listed, context),
        FavouriteCommand::Xmp(args) => write_sidecars(&engine, args, context),
    }
}

/// Says what could not be read.
pub fn told(engine: &Engine, context: &Context) -> Result<(), CliError> {
    if let Some(problem) = engine.collections_problem()? {
        context.note(format_args!("{problem}; `glimpse verify --repair` writes the file anew without it"));
    }
    Ok(())
}

fn set(engine: &Engine, chosen: &ChosenArgs, context: &Context, favourite: bool) -> Result<Outcome, CliError> {
    let images = images(engine, &chosen.images)?;
    let (add, remove) = if favourite { (&images[..], &[][..]) } else { (&[][..], &images[..]) };
    let favourites = engine.set_favourites(add, remove)?;
    print_if(chosen.json, &json!({"count": favourites}), context)?;
    context.note(format_args!("{}", count(favourites, "favourite", "favourites")));
    Ok(Outcome::Done)
}

/// Prints an object if JSON was asked for.
pub fn print_if(asked: bool, value: &serde_json::Value, context: &Context) -> Result<(), CliError> {
    if asked {
        let mut out = context.stdout();
        write_json(&mut out, value)?;
        out.flush()?;
    }
    Ok(())
}

/// Writes favourites to sidecars. What could not be written is named, and makes the command fail.
fn write_sidecars(engine: &Engine, args: &SidecarArgs, context: &Context) -> Result<Outcome, CliError> {
    let chosen = if args.images.is_empty() { engine.favourites()? } else { images(engine, &args.images)? };
    let done = engine.write_sidecars(&chosen, args.dry_run)?;
    let mut out = context.stdout();
    if args.json {
        let failed = done.failed.iter().map(
            |(path, error)| json!({"path": path, "reason": error.to_string(), "reason_code": error.reason_code()}),
        );
        let failed: Vec<_> = failed.collect();
        write_json(&mut out, &json!({"written": done.written, "unchanged": done.unchanged, "failed": failed}))?;
    } else {
        for path in &done.written {
            write_path(&mut out, context.shown(path), b'\n')?;
        }
    }
    out.flush()?;
    let sidecars = count(done.written.len(), "sidecar", "sidecars");
    let verb = if args.dry_run { "would be written" } else { "written" };
    let unchanged = count(done.unchanged, "image", "images");
    context.note(format_args!("{sidecars} {verb}; {unchanged} with nothing to write"));
    for (path, error) in &done.failed {
        context.note(format_args!("{}: {error}", context.name(path)));
    }
    match done.failed.len() {
        0 => Ok(Outcome::Done),
        failed => Err(CliError::new(format!("{} not written", count(failed, "sidecar was", "sidecars were")))),
    }
}

/// Images by the names that a user gave.
pub fn images(engine: &Engine, names: &[PathBuf]) -> Result<Vec<ImageId>, CliError> {
    names.iter().map(|name| query::library_image(name, engine)).collect()
}

/// Prints images of the library.
pub fn list(engine: &Engine, images: &[ImageId], listed: &ListedArgs, context: &Context) -> Result<Outcome, CliError> {
    let mut out = context.stdout();
    for &id in images {
        let image = ImageView::read(engine, id)?;
        match listed.json {
            true => write_json(&mut out, &image)?,
            false => write_path(&mut out, context.shown(&image.file), if listed.null { 0 } else { b'\n' })?,
        }
    }
    out.flush()?;
    Ok(Outcome::found(!images.is_empty()))
}
