//! `glimpse hidden` and `glimpse keyword`

use glimpse::{Engine, Filter};
use serde_json::json;

use super::favourite::{images, list, print_if, told};
use crate::cli::args::{ChosenArgs, HiddenArgs, HiddenCommand, KeywordArgs, KeywordChange, KeywordCommand};
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::count;

pub fn hidden(args: &HiddenArgs, context: &Context) -> Result<Outcome, CliError> {
    let engine = context.engine()?;
    told(&engine, context)?;
    match &args.command {
        HiddenCommand::Add(chosen) => hide(&engine, chosen, context, true),
        HiddenCommand::Remove(chosen) => hide(&engine, chosen, context, false),
        HiddenCommand::List(listed) => {
            let hidden = engine.images_that_pass(&Filter { hidden: true, ..Filter::default() })?;
            list(&engine, &hidden, listed, context)
        }
    }
}

fn hide(engine: &Engine, chosen: &ChosenArgs, context: &Context, hides: bool) -> Result<Outcome, CliError> {
    let images = images(engine, &chosen.images)?;
    let (add, remove) = if hides { (&images[..], &[][..]) } else { (&[][..], &images[..]) };
    let hidden = engine.set_hidden(add, remove)?;
    print_if(chosen.json, &json!({"count": hidden}), context)?;
    context.note(format_args!("{}", count(hidden, "hidden image", "hidden images")));
    Ok(Outcome::Done)
}

pub fn keyword(args: &KeywordArgs, context: &Context) -> Result<Outcome, CliError> {
    let engine = context.engine()?;
    told(&engine, context)?;
    let (change, adds) = match &args.command {
        KeywordCommand::Add(change) => (change, true),
        KeywordCommand::Remove(change) => (change, false),
    };
    let KeywordChange { keyword, chosen } = change;
    let images = images(&engine, &chosen.images)?;
    let keyword = std::slice::from_ref(keyword);
    let (add, remove) = if adds { (keyword, &[][..]) } else { (&[][..], keyword) };
    let changed = engine.set_tags(&images, add, remove)?;
    print_if(chosen.json, &json!({"changed": changed}), context)?;
    context.note(format_args!("{} changed", count(changed, "image", "images")));
    Ok(Outcome::Done)
}
