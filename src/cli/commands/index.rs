//! `glimpse index`

mod report;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use glimpse::engine::{IndexOptions, RegionChoice, RegionOptions, detail_limit};
use glimpse::{Engine, IngestOptions, Summary};

pub use report::Report;
pub use watch::line as update_line;

use super::caption::caption_language;
use crate::cli::args::IndexArgs;
use crate::cli::context::Context;
use crate::cli::interrupt::{GRACE, exit_unless, on_interrupt};
use crate::cli::outcome::{CliError, Outcome};

pub fn run(args: &IndexArgs, context: &Context) -> Result<Outcome, CliError> {
    let index = IndexOptions {
        vectors: args.vectors.map(Into::into),
        #[cfg(feature = "milvus")]
        vectors_at: args.place.place(),
        ..context.index.clone()
    };
    let engine = context.engine_with(index)?;
    let defaults = IngestOptions::default();
    let options = IngestOptions {
        roots: roots(&args.roots, &engine, context)?,
        prune: args.prune,
        force: args.force,
        dry_run: args.dry_run,
        rehash: args.rehash,
        hidden: args.hidden,
        follow_links: args.follow_links,
        pairs: (args.pairs || args.no_pairs).then_some(args.pairs),
        batch: args.batch.map_or(defaults.batch, usize::from),
        threads: args.threads.map_or(defaults.threads, usize::from),
        regions: RegionOptions {
            make: !args.no_regions,
            refill: args.regions,
            rebuild: args.rebuild_regions,
            choice: RegionChoice {
                leaves: args.leaves.map(usize::from),
                detail: args.detail,
                ..RegionChoice::default()
            },
            ..RegionOptions::default()
        },
        captions: args.captions.as_ref().map(|code| caption_language(code.as_deref(), &engine)).transpose()?,
        image_timeout: Duration::from_secs(args.image_timeout.into()),
        pace: args.watch.pace().unwrap_or_default(),
        workers: args.workers.workers()?,
        on_image: glimpse::web::keep_thumbnails(&engine.settings().cache_dir()),
        ..defaults
    };
    if let Some(detail) = args.detail {
        note_limit(detail, &engine, context)?;
    }
    let mut report = Report::new(context, args.json);
    let summary = bring_up_to_date(&engine, &options, &mut report)?;
    report.finish(&summary)?;
    if summary.kept_old {
        return Err(CliError::with_hint(
            "the new index lacks images of the old one, which goes on serving",
            "mount the drive that is away and index again, or add --force",
        ));
    }
    if args.watch.watch && !summary.cancelled {
        watch::follow(&engine, &options, &args.watch, args.json, context)?;
    } else if !summary.cancelled {
        return Ok(if summary.failed == 0 { Outcome::Done } else { Outcome::Partly });
    }
    Ok(Outcome::Interrupted)
}

/// The folders and files that were named, or all folders of the library that are there.
fn roots(named: &[PathBuf], engine: &Engine, context: &Context) -> Result<Vec<PathBuf>, CliError> {
    if !named.is_empty() {
        return Ok(named.to_vec());
    }
    let known = engine.roots()?;
    let there = engine.are_there(&known);
    let (there, away): (Vec<_>, Vec<_>) = known.into_iter().zip(there).partition(|(_, there)| *there);
    if there.is_empty() {
        return Err(match away.first() {
            Some((root, _)) => CliError::with_hint(
                format!("no folder of the library is there, such as {}", context.name(root)),
                "mount the drive that it is on, or name other folders: `glimpse index DIR`",
            ),
            None => CliError::with_hint("the library has no folders", "name one: `glimpse index DIR`"),
        });
    }
    for (root, _) in &away {
        context.note(format_args!("{} is not there; what was indexed from it stays as it is", context.name(root)));
    }
    Ok(there.into_iter().map(|(root, _)| root).collect())
}

/// Says so if the model's grids cannot be as fine as was asked for.
fn note_limit(detail: f32, engine: &Engine, context: &Context) -> Result<(), CliError> {
    let model = engine.load_model()?;
    let limit = detail_limit(&model);
    if detail > limit {
        let name = &model.name;
        context.note(format_args!("--detail {detail}: grids of {name} are at most {limit:.1} times as fine; so it is"));
    }
    Ok(())
}

/// Indexes until done or stopped by Ctrl-C.
pub fn bring_up_to_date(engine: &Engine, options: &IngestOptions, report: &mut Report) -> Result<Summary, CliError> {
    let cancel = Arc::new(AtomicBool::new(false));
    let (asked, bar) = (Arc::clone(&cancel), report.bar());
    let ended = Arc::new(AtomicBool::new(false));
    let has_ended = Arc::clone(&ended);
    on_interrupt(move || {
        asked.store(true, Ordering::Relaxed);
        exit_unless(Arc::clone(&has_ended), GRACE);
        bar.suspend(|| eprintln!("stopping; everything done so far is kept"));
    })?;
    report.cancel_with(Arc::clone(&cancel));
    let ran = engine.index(options, &cancel, report);
    ended.store(true, Ordering::SeqCst);
    Ok(ran?)
}
