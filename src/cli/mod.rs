//! The command line: [`args`] as typed, [`context`] as meant, one file for each command, [`output`] for what they print.

pub mod args;
mod commands;
mod context;
mod eval;
mod export;
mod interrupt;
mod outcome;
mod output;
mod query;

use std::process::ExitCode;

use args::{Arguments, Command};
use context::Context;

/// Runs a command and reports its end.
pub fn run(arguments: &Arguments) -> ExitCode {
    let context = Context::resolve(&arguments.global);
    let result = match &arguments.command {
        Command::Index(args) => commands::index::run(args, &context),
        Command::Search(args) => commands::search::run(args, &context),
        Command::Find(args) => commands::find::run(args, &context),
        Command::Ground(args) => commands::ground::run(args, &context),
        Command::Caption(args) => commands::caption::run(args, &context),
        Command::Similar(args) => commands::similar::run(args, &context),
        Command::Dups(args) => commands::dups::run(args, &context),
        Command::Tag(args) => commands::tag::run(args, &context),
        Command::Favourite(args) => commands::favourite::run(args, &context),
        Command::Album(args) => commands::album::run(args, &context),
        Command::Stats(args) => commands::stats::run(args, &context),
        Command::Verify(args) => commands::verify::run(args, &context),
        Command::Model(args) => commands::model::run(args, &context),
        Command::Serve(args) => commands::serve::run(args, &context),
        Command::Demo(args) => commands::demo::run(args, &context),
        Command::Embed(args) => commands::embed::run(args, &context),
        Command::Eval(args) => eval::run(args, &context),
        Command::Completions(args) => commands::completions::run(args, &context),
    };
    outcome::report(result, &context)
}
