//! `glimpse feedback`

use std::io::Write;

use glimpse::Engine;
use glimpse::engine::{Feedback, NewFeedback};

use super::favourite::{images, told};
use crate::cli::args::{FeedbackArgs, FeedbackChange, FeedbackCommand};
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{Table, count, write_json};

pub fn run(args: &FeedbackArgs, context: &Context) -> Result<Outcome, CliError> {
    let engine = context.engine()?;
    told(&engine, context)?;
    let named = |change: &FeedbackChange| images(&engine, &change.chosen.images);
    let (change, said) = match &args.command {
        FeedbackCommand::Right(change) => (change, NewFeedback { right: named(change)?, ..NewFeedback::default() }),
        FeedbackCommand::Wrong(change) => (change, NewFeedback { wrong: named(change)?, ..NewFeedback::default() }),
        FeedbackCommand::Forget(change) => (change, NewFeedback { unsaid: named(change)?, ..NewFeedback::default() }),
        FeedbackCommand::List { json } => return list(&engine, *json, context),
    };
    let now = engine.give_feedback(&change.text, &said)?;
    if change.chosen.json {
        let mut out = context.stdout();
        write_json(&mut out, &now)?;
        out.flush()?;
    }
    context.note(format_args!("\"{}\": {}", now.text, counts(&now)));
    Ok(Outcome::Done)
}

fn list(engine: &Engine, json: bool, context: &Context) -> Result<Outcome, CliError> {
    let all = engine.all_feedback()?;
    let mut out = context.stdout();
    let mut table = Table::default();
    for feedback in &all {
        match json {
            true => write_json(&mut out, feedback)?,
            false => table.row([feedback.text.clone(), counts(feedback)]),
        }
    }
    for line in table.lines() {
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    Ok(Outcome::found(!all.is_empty()))
}

/// Of the images that are in the library now.
fn counts(feedback: &Feedback) -> String {
    format!("{} right, {} wrong", count(feedback.right.len(), "image", "images"), feedback.wrong.len())
}
