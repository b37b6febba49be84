//! `glimpse album`

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use glimpse::engine::{Album, Original};
use glimpse::web::wire::SavedQuery;
use glimpse::{Engine, ImageId};
use serde_json::json;

use super::favourite::{images, list, told};
use crate::cli::args::{AlbumArgs, AlbumCommand};
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{Table, count, printable, write_json};

/// Bytes copied at a time.
const STEP: usize = 1 << 20;

pub fn run(args: &AlbumArgs, context: &Context) -> Result<Outcome, CliError> {
    let engine = context.engine()?;
    told(&engine, context)?;
    match &args.command {
        AlbumCommand::List { json } => list_all(&engine, *json, context),
        AlbumCommand::Create { name, images: names, json } => {
            let album = engine.create_album(name, &images(&engine, names)?)?;
            changed(&engine, &album, *json, context)
        }
        AlbumCommand::Add { album, chosen } => {
            let (album, add) = (named(&engine, album)?, images(&engine, &chosen.images)?);
            changed(&engine, &*engine.change_album_images(&album.id, &add, &[], &[], None)?, chosen.json, context)
        }
        AlbumCommand::Remove { album, chosen } => {
            let (album, remove) = (named(&engine, album)?, images(&engine, &chosen.images)?);
            changed(&engine, &*engine.change_album_images(&album.id, &[], &remove, &[], None)?, chosen.json, context)
        }
        AlbumCommand::Show { album, listed } => {
            let album = of_images(&engine, album)?;
            list(&engine, &engine.images_of(&album)?, listed, context)
        }
        AlbumCommand::Delete { album } => {
            let album = named(&engine, album)?;
            engine.remove_album(&album.id)?;
            context.note(format_args!("removed the album {}; its images stay", printable(&album.name)));
            Ok(Outcome::Done)
        }
        AlbumCommand::Export { album, folder } => {
            let album = of_images(&engine, album)?;
            export(&engine, &engine.images_of(&album)?, folder, context)
        }
    }
}

fn list_all(engine: &Engine, json: bool, context: &Context) -> Result<Outcome, CliError> {
    let albums = engine.albums()?;
    let mut out = context.stdout();
    let mut table = Table::default();
    for album in &albums {
        let images = engine.images_of(album)?.len();
        if json {
            write_json(&mut out, &view(engine, album, images)?)?;
        } else {
            let holds = match &album.search {
                Some(_) => "saved search".to_owned(),
                None => count(images, "image", "images"),
            };
            table.row([printable(&album.name), holds, album.id.clone()]);
        }
    }
    for line in table.lines() {
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    Ok(Outcome::found(!albums.is_empty()))
}

fn view(engine: &Engine, album: &Album, images: usize) -> Result<serde_json::Value, CliError> {
    let search = album.search.as_ref().map(|search| SavedQuery::read(engine, search)).transpose()?.flatten();
    let search = search.map(|search| search.query.to_string());
    Ok(json!({"id": album.id, "name": album.name, "count": images, "search": search}))
}

/// An album by its id, or by its name if no other has it.
fn named(engine: &Engine, name: &str) -> Result<Arc<Album>, CliError> {
    let albums = engine.albums()?;
    if let Some(album) = albums.iter().find(|album| album.id == name) {
        return Ok(Arc::clone(album));
    }
    let same: Vec<_> = albums.iter().filter(|album| album.name.to_lowercase() == name.to_lowercase()).collect();
    match same[..] {
        [album] => Ok(Arc::clone(album)),
        [] => Err(CliError::with_hint(
            format!("there is no album `{name}`"),
            "`glimpse album list` shows those there are",
        )),
        _ => Err(CliError::with_hint(
            format!("{} albums are called `{name}`", same.len()),
            "name it by its id, which `glimpse album list` shows",
        )),
    }
}

/// As [`named`], an album that has images of its own.
fn of_images(engine: &Engine, name: &str) -> Result<Arc<Album>, CliError> {
    let album = named(engine, name)?;
    match &album.search {
        None => Ok(album),
        Some(_) => Err(CliError::with_hint(
            format!("`{name}` is a saved search, which has no images of its own"),
            "open it on the page, or ask the same with `glimpse search`",
        )),
    }
}

fn changed(engine: &Engine, album: &Album, json: bool, context: &Context) -> Result<Outcome, CliError> {
    let images = engine.images_of(album)?.len();
    if json {
        let mut out = context.stdout();
        write_json(&mut out, &view(engine, album, images)?)?;
        out.flush()?;
    }
    context.note(format_args!("{}: {}", printable(&album.name), count(images, "image", "images")));
    Ok(Outcome::Done)
}

/// Copies files into a folder. Those that cannot be read are told, and the others are copied.
fn export(engine: &Engine, images: &[ImageId], folder: &Path, context: &Context) -> Result<Outcome, CliError> {
    let failed = |path: &Path, error: &dyn std::fmt::Display| CliError::new(format!("{}: {error}", path.display()));
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    let mut unread = 0;
    for &id in images {
        match engine.original(id) {
            Ok(original) => {
                let (path, mut file) = free_file(folder, original.path()).map_err(|error| failed(folder, &error))?;
                copy(&original, &mut file).map_err(|error| failed(&path, &error))?;
            }
            Err(error) => {
                unread += 1;
                context.note(error);
            }
        }
    }
    let copied = count(images.len() - unread, "file", "files");
    context.note(format_args!("copied {copied} to {}", context.name(folder)));
    match unread {
        0 => Ok(Outcome::found(!images.is_empty())),
        _ => Err(CliError::new(format!("{} could not be read", count(unread, "image", "images")))),
    }
}

fn copy(original: &Original, file: &mut File) -> Result<(), CliError> {
    let mut at = 0;
    while at < original.len() {
        let bytes = original.read(at, STEP)?;
        if bytes.is_empty() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        file.write_all(&bytes)?;
        at += bytes.len() as u64;
    }
    Ok(())
}

/// A new file of the same name as another, with a number if there is one already.
fn free_file(folder: &Path, like: &Path) -> io::Result<(PathBuf, File)> {
    let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let (stem, ending) = (part(like.file_stem()), like.extension().map(|ending| format!(".{}", part(Some(ending)))));
    let ending = ending.unwrap_or_default();
    let mut number = 1;
    loop {
        let name = if number == 1 { format!("{stem}{ending}") } else { format!("{stem} ({number}){ending}") };
        let path = folder.join(name);
        match File::create_new(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            made => return made.map(|file| (path, file)),
        }
    }
}
