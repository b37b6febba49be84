//! `glimpse search`

use glimpse::{Engine, Page, Query};

use crate::cli::args::{PrintArgs, SearchArgs};
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{count, print_hits};
use crate::cli::query;

pub fn run(args: &SearchArgs, context: &Context) -> Result<Outcome, CliError> {
    let engine = context.engine()?;
    let query = query::resolve(args, &engine)?;
    answer(&query, &engine, &args.print, context)
}

/// Asks, prints, and says what else there is.
pub fn answer(query: &Query, engine: &Engine, print: &PrintArgs, context: &Context) -> Result<Outcome, CliError> {
    let page = engine.search(query)?;
    print_hits(&page.hits, engine, print, context)?;
    tell(&page, query, context);
    Ok(Outcome::found(!page.hits.is_empty()))
}

fn tell(page: &Page, query: &Query, context: &Context) {
    let (shown, searched) = (page.hits.len(), count(page.searched, "picture", "pictures"));
    if shown == 0 {
        context.note(format_args!("nothing found among {searched}"));
        if !query.all && !query.terms.is_empty() && page.searched > 0 {
            context.note("\nhint: --all shows weaker matches too");
        }
        return;
    }
    if let Some(next) = &page.next {
        let weaker = if query.all { page.weaker } else { 0 };
        let found = count(page.accepted, "match", "matches");
        match weaker {
            0 => context.note(format_args!("{shown} of {found} among {searched}")),
            _ => {
                let (all, weaker) = (page.accepted + weaker, count(weaker, "weaker one", "weaker ones"));
                context.note(format_args!("{shown} of {all} shown: {found} and {weaker} among {searched}"));
            }
        }
        context.note(format_args!("more: -n N for a longer list, or --cursor {} to go on", next.0));
    }
}
