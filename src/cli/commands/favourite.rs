//! `glimpse favourite`

use std::io::Write;
use std::path::PathBuf;

use glimpse::web::wire::ImageView;
use glimpse::{Engine, ImageId};
use serde_json::json;

use crate::cli::args::{ChosenArgs, FavouriteArgs, FavouriteCommand, ListedArgs};
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
    if chosen.json {
        let mut out = context.stdout();
        write_json(&mut out, &json!({"count": favourites}))?;
        out.flush()?;
    }
    context.note(format_args!("{}", count(favourites, "favourite", "favourites")));
    Ok(Outcome::Done)
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
