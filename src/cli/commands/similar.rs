//! `glimpse similar`

use glimpse::engine::FindQuery;
use glimpse::engine::calibrate::CUT;
use glimpse::engine::regions::WEAK;
use glimpse::{Mode, Query};

use super::find;
use super::search::answer;
use crate::cli::args::SimilarArgs;
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::query;

pub fn run(args: &SimilarArgs, context: &Context) -> Result<Outcome, CliError> {
    let engine = context.engine()?;
    let picture = query::picture(&args.image, &engine)?;
    let filter = query::resolve_filter(&args.filter)?;
    if let Some(text) = &args.r#box {
        let rect = query::rect(text, &picture, &engine)?;
        let cut = if args.all { WEAK } else { CUT };
        let asked = FindQuery { limit: args.print.limit, cut, filter, ..FindQuery::like(picture, rect) };
        return find::answer(&asked, &engine, &args.print, &args.export, context);
    }
    let asked = Query { filter, mode: Mode::Semantic, limit: args.print.limit, all: args.all, ..Query::default() };
    answer(&asked.plus(picture, 1.0), &engine, &args.print, context)
}
