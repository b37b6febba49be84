//! `glimpse vectors`

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::args::{VectorsArgs, VectorsCommand};
use crate::cli::context::Context;
use crate::cli::interrupt::on_interrupt;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::printable;

pub fn run(args: &VectorsArgs, context: &Context) -> Result<Outcome, CliError> {
    let VectorsCommand::Move { to, server } = &args.command;
    let to = (to != "local").then(|| server.place(to));
    let engine = context.engine()?;
    let kept = engine.vectors_at()?;
    if kept.as_ref().map(|kept| &kept.url) == to.as_ref().map(|to| &to.url)
        && kept.as_ref().zip(to.as_ref()).is_none_or(|(kept, to)| kept.is_like(to))
    {
        context.note("they are there already");
        return Ok(Outcome::Done);
    }
    let is_stopped = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&is_stopped);
    on_interrupt(move || stop.store(true, Ordering::Relaxed))?;
    let bar = context.progress_bar(None, "image {human_pos} of {human_len}");
    let moved = engine.move_vectors(
        to.as_ref(),
        &mut |done, all| {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
            if is_stopped.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        },
        &mut |said| context.note(format_args!("the server keeps what it has: {}", printable(said))),
    );
    bar.finish_and_clear();
    if !moved? {
        context.note("nothing was moved");
        return Ok(Outcome::Interrupted);
    }
    context.note(match to {
        Some(to) => format!("vectors are searched at {} from now on", printable(to.url)),
        None => "vectors are searched by this program from now on; `glimpse index` builds a graph".to_owned(),
    });
    Ok(Outcome::Done)
}
