//! `glimpse tag`

mod keep;
mod regions;

use std::io::Write;

use glimpse::TagOptions;
use glimpse::web::wire::TaggedView;

use crate::cli::args::TagArgs;
use crate::cli::context::Context;
use crate::cli::interrupt::interruptible;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{Table, count, write_json};
use crate::cli::query;

pub fn run(args: &TagArgs, context: &Context) -> Result<Outcome, CliError> {
    let labels = query::labels(&args.label, args.labels.as_deref())?;
    let engine = context.engine()?;
    let options =
        TagOptions { filter: query::resolve_filter(&args.filter)?, max_tags: args.max_tags, min_score: args.min_score };
    if args.keep || args.drop {
        return keep::run(&engine, &labels, args, context);
    }
    if args.regions {
        return regions::run(&engine, &labels, &options, args, context);
    }
    let mut tagged = interruptible(|| engine.tag(&labels, &options))?;
    let total = tagged.len();
    let with_tags = tagged.iter().filter(|image| !image.tags.is_empty()).count();
    if !args.untagged {
        tagged.retain(|image| !image.tags.is_empty());
    }

    let mut out = context.stdout();
    if args.json {
        for image in &tagged {
            write_json(&mut out, &TaggedView::read(&engine, image)?)?;
        }
    } else {
        let mut table = Table::default();
        for image in &tagged {
            let view = TaggedView::read(&engine, image)?;
            let tags: Vec<String> = view.tags.iter().map(|tag| format!("{} {:.2}", tag.label, tag.score)).collect();
            table.row([tags.join(", "), context.name(&view.image.file)]);
        }
        for line in table.lines() {
            writeln!(out, "{line}")?;
        }
    }
    out.flush()?;
    note(context, with_tags, total);
    Ok(Outcome::found(with_tags > 0))
}

/// How many images have a tag.
fn note(context: &Context, with_tags: usize, total: usize) {
    let (total, have) = (count(total, "image", "images"), if with_tags == 1 { "has" } else { "have" });
    context.note(format_args!("{with_tags} of {total} {have} a tag"));
}
