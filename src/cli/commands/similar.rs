//! `glimpse similar`

use glimpse::{Mode, Query};

use super::search::answer;
use crate::cli::args::SimilarArgs;
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::query;

pub fn run(args: &SimilarArgs, context: &Context) -> Result<Outcome, CliError> {
    let engine = context.engine()?;
    let asked = Query {
        filter: query::resolve_filter(&args.filter)?,
        mode: Mode::Semantic,
        limit: args.print.limit,
        all: args.all,
        ..Query::default()
    };
    let asked = asked.plus(query::picture(&args.image, &engine)?, 1.0);
    answer(&asked, &engine, &args.print, context)
}
