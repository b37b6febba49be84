//! `glimpse eval search`: what searches of the library find of what comparing all vectors finds.

use std::io::Write;

use glimpse::engine::MeasuredSearch;
use serde::Serialize;

use super::print_report;
use crate::cli::args::EvalSearchArgs;
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::Table;

#[derive(Debug, Serialize)]
struct Report {
    queries: usize,
    k: usize,
    searches: Vec<MeasuredSearch>,
}

pub fn run(args: &EvalSearchArgs, context: &Context) -> Result<Outcome, CliError> {
    context.note(format_args!("comparing all vectors with {} queries, and building graphs", args.queries));
    let searches = context.engine()?.measure_searches(args.queries, args.k)?;
    if searches.is_empty() {
        let why = "there are no vectors here to search: the library is empty, or a server has them";
        return Err(CliError::new(why.to_owned()));
    }
    let report = Report { queries: args.queries, k: args.k, searches };
    print_report(context, args.json, &report, |out| {
        let mut table = Table::default();
        let heads = ["vectors of", "", "search", &format!("recall@{}", report.k), "median ms", "95 % ms", "built in s"];
        table.row(heads.map(str::to_owned));
        for search in &report.searches {
            let built = search.build_s.map_or(String::new(), |seconds| format!("{seconds:.1}"));
            let [median, slow] = [search.median_ms, search.p95_ms].map(|ms| format!("{ms:.2}"));
            let (of, by) = (search.of.to_owned(), search.by.to_owned());
            table.row([of, search.vectors.to_string(), by, format!("{:.3}", search.recall), median, slow, built]);
        }
        Ok(table.lines().try_for_each(|line| writeln!(out, "{line}"))?)
    })
}
