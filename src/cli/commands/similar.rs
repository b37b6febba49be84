//! `glimpse similar`

use glimpse::engine::FindQuery;
use glimpse::{Cursor, Mode, Query};

use super::find;
use super::search::answer;
use crate::cli::args::SimilarArgs;
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::query;

pub fn run(args: &SimilarArgs, context: &Context) -> Result<Outcome, CliError> {
    let engine = context.engine()?;
    let image = query::image(&args.image, &engine)?;
    let filter = query::resolve_filter(&args.filter)?;
    if let Some(text) = &args.r#box {
        let rect = query::rect(text, &image, &engine)?;
        let asked = FindQuery { filter, ..find::bounded(FindQuery::like(image, rect), &args.bounds, &args.print) };
        return find::answer(&asked, &engine, &args.print, &args.export, context);
    }
    let cursor = args.bounds.cursor.clone().map(Cursor);
    let (limit, sort) = (args.print.limit, args.bounds.sort.into());
    let depth = args.bounds.depth.resolve(&args.print);
    let asked = Query { filter, mode: Mode::Semantic, limit, depth, sort, cursor, ..Query::default() };
    answer(&asked.plus(image, 1.0), &engine, &args.print, context)
}
