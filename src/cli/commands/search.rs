//! `glimpse search`

use glimpse::engine::StructuredQuery;
use glimpse::{Depth, Engine, Page, Query, Source};

use crate::cli::args::{PrintArgs, SearchArgs};
use crate::cli::context::Context;
use crate::cli::interrupt::interruptible;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{count, print_hits, printable};
use crate::cli::query;

pub fn run(args: &SearchArgs, context: &Context) -> Result<Outcome, CliError> {
    let engine = context.engine()?;
    let query = query::resolve(args, &engine)?;
    let outcome = answer(&query, &engine, &args.print, context)?;
    point_to_find(&query, args, &engine, context)?;
    Ok(outcome)
}

/// Asks, prints, and says what else there is.
pub fn answer(query: &Query, engine: &Engine, print: &PrintArgs, context: &Context) -> Result<Outcome, CliError> {
    let page = interruptible(|| engine.search(query))?;
    print_hits(&page, engine, print, context)?;
    tell(&page, query, context);
    Ok(Outcome::found(page.accepted > 0))
}

fn tell(page: &Page, query: &Query, context: &Context) {
    let (shown, searched) = (page.hits.len(), count(page.searched, "image", "images"));
    if page.accepted == 0 {
        context.note(format_args!("nothing found among {searched}"));
        if shown == 0 && page.weaker > 0 {
            context.note("\nhint: --all shows weaker matches too");
        }
    }
    if let Some(next) = &page.next {
        let (found, weaker) = (count(page.accepted, "match", "matches"), page.weaker);
        match query.depth {
            Depth::All if weaker > 0 => {
                let (all, weaker) = (page.accepted + weaker, count(weaker, "weaker one", "weaker ones"));
                context.note(format_args!("{shown} of {all} shown: {found} and {weaker} among {searched}"));
            }
            _ if page.accepted == 0 => {} // said above
            _ => context.note(format_args!("{shown} shown: {found} among {searched}")),
        }
        context.note(format_args!("more: -n N for a longer list, or --cursor {} to go on", next.0));
    }
}

/// Says so if the words ask about things, which another command answers better.
fn point_to_find(query: &Query, args: &SearchArgs, engine: &Engine, context: &Context) -> Result<(), CliError> {
    let is_text = query.terms.iter().all(|term| matches!(term.source, Source::Text(_)));
    let words: Option<Vec<&str>> = args.query.iter().map(|word| word.to_str()).collect();
    let form = words.filter(|_| is_text).and_then(|words| StructuredQuery::suggested(&words.join(" "), "en"));
    if let Some(form) = form
        && engine.has_regions()?
    {
        let form = printable(form.to_string().replace('\'', "'\\''"));
        context.note(format_args!(
            "\nhint: `glimpse find '{form}'` answers questions about things, and says where they are"
        ));
    }
    Ok(())
}
