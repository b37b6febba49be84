//! The command line: [`args`] as typed, [`context`] as meant, one file for each command, [`output`]
//! for what they print.

pub mod args;
mod commands;
mod context;
mod eval;
mod export;
mod interrupt;
mod outcome;
mod output;
mod query;

use std::io;
use std::process::ExitCode;

use args::{Arguments, Command};
use context::Context;
use outcome::{CliError, Outcome};

/// Runs a command and reports its end.
pub fn run(arguments: &Arguments) -> ExitCode {
    let context = Context::resolve(&arguments.global);
    let result = match &arguments.command {
        Command::Index(args) => commands::index::run(args, &context),
        Command::Search(args) => commands::search::run(args, &context),
        Command::Find(args) => commands::find::run(args, &context),
        Command::Ground(args) => commands::ground::run(args, &context),
        Command::Segment(args) => commands::segment::run(args, &context),
        Command::Caption(args) => commands::caption::run(args, &context),
        Command::Similar(args) => commands::similar::run(args, &context),
        Command::Dups(args) => commands::dups::run(args, &context),
        Command::Tag(args) => commands::tag::run(args, &context),
        Command::Favourite(args) => commands::favourite::run(args, &context),
        Command::Hidden(args) => commands::marks::hidden(args, &context),
        Command::Keyword(args) => commands::marks::keyword(args, &context),
        Command::Feedback(args) => commands::feedback::run(args, &context),
        Command::Album(args) => commands::album::run(args, &context),
        Command::Roots(args) => commands::roots::run(args, &context),
        Command::Runs(args) => commands::roots::runs(args, &context),
        Command::Tune(args) => commands::tune::run(args, &context),
        Command::Stats(args) => commands::stats::run(args, &context),
        Command::Verify(args) => commands::verify::run(args, &context),
        #[cfg(feature = "milvus")]
        Command::Vectors(args) => commands::vectors::run(args, &context),
        Command::Model(args) => commands::model::run(args, &context),
        Command::Serve(args) => commands::serve::run(args, &context),
        Command::Worker(args) => commands::worker::run(args, &context),
        Command::Demo(args) => commands::demo::run(args, &context),
        Command::Embed(args) => commands::embed::run(args, &context),
        Command::Eval(args) => eval::run(args, &context),
        Command::Completions(args) => commands::completions::run(args, &context),
    };
    report(result, &context)
}

/// Prints an error and gives the exit status. A reader that has seen enough (`| head`) is no error.
fn report(result: Result<Outcome, CliError>, context: &Context) -> ExitCode {
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Nothing) => ExitCode::from(1),
        Ok(Outcome::Partly) => ExitCode::from(3),
        Ok(Outcome::Interrupted) => ExitCode::from(130),
        Err(CliError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) if error.is_interrupt() => ExitCode::from(130),
        Err(error) => {
            context.error(&error, error.hint().as_deref());
            ExitCode::from(2)
        }
    }
}
