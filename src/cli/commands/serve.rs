//! `glimpse serve`

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use glimpse::Engine;
use glimpse::engine::Workers;
use glimpse::web::{Running, ServeOptions, WatchNote, serve};

use super::index::update_line;
use crate::cli::args::{ListenArgs, ServeArgs, WatchArgs};
use crate::cli::context::Context;
use crate::cli::interrupt::on_interrupt;
use crate::cli::outcome::{CliError, Outcome};

/// How soon the end of the server is noticed.
const TICK: Duration = Duration::from_millis(100);

pub fn run(args: &ServeArgs, context: &Context) -> Result<Outcome, CliError> {
    let workers = args.workers.workers()?;
    let texts_by = if workers.here { Vec::new() } else { workers.workers.clone() };
    let engine = context.engine()?.with_text_workers(texts_by);
    listen(engine, &args.listen, Some((&args.watch, workers)), context)
}

/// Serves until Ctrl-C. `library` says how a library of the user's own is brought up to date.
pub fn listen(
    engine: Engine,
    args: &ListenArgs,
    library: Option<(&WatchArgs, Workers)>,
    context: &Context,
) -> Result<Outcome, CliError> {
    let engine = Arc::new(engine);
    let (watch, workers) = library.unzip();
    let options = ServeOptions {
        host: args.host,
        port: args.port,
        token: args.token.clone(),
        allow_roots: args.allow_root.clone(),
        allow_trash: args.allow_trash,
        allow_sidecars: args.allow_sidecars,
        follow_links: args.follow_links,
        public_urls: args.public_url.clone(),
        watch: watch.filter(|watch| watch.watch).map(WatchArgs::options),
        pace: watch.and_then(WatchArgs::pace),
        workers: workers.unwrap_or_default(),
    };

    let mut result = Ok(());
    let over = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        let served = serve(engine, &options, |mut server| {
            let notes = server.notes.take();
            scope.spawn(move || print_notes(notes, over, context));
            greet(&server, args, context);
            if options.watch.is_some() {
                context.note("following the folders of the library");
            }
            result = on_interrupt(move || server.stop());
        });
        over.store(true, Ordering::Relaxed);
        served
    })?;
    result.map(|()| Outcome::Done)
}

/// Says where the server is, and shows it.
fn greet(server: &Running, args: &ListenArgs, context: &Context) {
    let shown = if args.token.is_some() { format!("{}/?token=...", server.url) } else { server.url.clone() };
    context.note(format_args!("serving {shown} (Ctrl-C stops)"));
    for url in &args.public_url {
        context.note(format_args!("behind a reverse proxy: {url}"));
    }
    if !args.public_url.is_empty() && args.token.is_none() {
        context.note(format_args!("without --token, everybody whom the proxy lets in sees the images"));
    }
    if !args.no_open {
        let address =
            args.token.as_ref().map_or_else(|| server.url.clone(), |token| format!("{}/?token={token}", server.url));
        if let Err(error) = open::that_detached(&address) {
            context.note(format_args!("no browser could be opened ({error}); open the address yourself"));
        }
    }
}

/// A line for each update, until the server is `over`: a watch that hangs on a drive is not waited
/// for.
fn print_notes(notes: Option<mpsc::Receiver<WatchNote>>, over: &AtomicBool, context: &Context) {
    let Some(notes) = notes else { return };
    while !over.load(Ordering::Relaxed) {
        match notes.recv_timeout(TICK) {
            Ok(WatchNote::Problem(text)) => context.note(text),
            Ok(WatchNote::Updated(update)) if update.is_of_note() || context.verbose => {
                context.note(update_line(&update, context));
            }
            Ok(WatchNote::Updated(_)) | Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
    }
}
