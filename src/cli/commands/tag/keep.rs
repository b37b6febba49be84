//! `glimpse tag --regions --keep`: tags that are kept with the index.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use glimpse::engine::{RegionTagging, TagStage};
use glimpse::{Engine, Filter};

use super::regions::require_regions;
use crate::cli::args::TagArgs;
use crate::cli::context::Context;
use crate::cli::interrupt::{GRACE, exit_unless, on_interrupt};
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{count, write_json};
use crate::cli::query;

pub fn run(engine: &Engine, labels: &[String], args: &TagArgs, context: &Context) -> Result<Outcome, CliError> {
    if query::resolve_filter(&args.filter)? != Filter::default() {
        let hint = "leave the filter out; it can be used when you ask for them, as in `--region-tag dog --after 2024`";
        return Err(CliError::with_hint("tags are kept of all images, or of none", hint));
    }
    if args.drop {
        let were_kept = engine.drop_region_tags()?;
        context.note(if were_kept { "tags of regions are kept no more" } else { "no tags of regions were kept" });
        return Ok(Outcome::found(were_kept));
    }
    require_regions(engine)?;
    let done = keep(engine, labels, context)?;
    let mut out = context.stdout();
    match args.json {
        true => write_json(&mut out, &done)?,
        false => writeln!(out, "{}", sentence(&done))?,
    }
    out.flush()?;
    if done.without_regions > 0 {
        let images = count(done.without_regions, "image has", "images have");
        context.note(format_args!("{images} no regions, and so no tags; `glimpse index --regions` makes them"));
    }
    Ok(if done.cancelled { Outcome::Interrupted } else { Outcome::Done })
}

/// Tags until done or stopped by Ctrl-C.
fn keep(engine: &Engine, labels: &[String], context: &Context) -> Result<RegionTagging, CliError> {
    let bar = context.progress_bar(None, "{prefix} {human_pos} of {human_len}");
    let cancel = Arc::new(AtomicBool::new(false));
    let ended = Arc::new(AtomicBool::new(false));
    let (asked, has_ended, shown) = (Arc::clone(&cancel), Arc::clone(&ended), bar.clone());
    on_interrupt(move || {
        asked.store(true, Ordering::Relaxed);
        exit_unless(Arc::clone(&has_ended), GRACE);
        shown.suspend(|| eprintln!("stopping; everything done so far is kept"));
    })?;
    let mut stage = None;
    let done = engine.keep_region_tags(labels, &cancel, &mut |now, done, all| {
        if stage != Some(now) {
            stage = Some(now);
            bar.reset();
            bar.set_prefix(match now {
                TagStage::Labels => "comparing labels with the library:",
                TagStage::Images => "tagging images:",
            });
        }
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    });
    ended.store(true, Ordering::SeqCst);
    bar.finish_and_clear();
    Ok(done?)
}

fn sentence(done: &RegionTagging) -> String {
    let known = if done.unchanged > 0 { format!(", {} known already", done.unchanged) } else { String::new() };
    let end = if done.cancelled { "; stopped before the end, the same command goes on" } else { "" };
    let (images, labels) = (count(done.tagged, "image", "images"), count(done.labels, "label", "labels"));
    format!("regions of {images} tagged with {labels}{known}{end}")
}
