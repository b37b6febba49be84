//! `glimpse worker`

use std::sync::Arc;

use glimpse::web::{WorkerOptions, work};

use crate::cli::args::WorkerArgs;
use crate::cli::context::Context;
use crate::cli::interrupt::on_interrupt;
use crate::cli::outcome::{CliError, Outcome};

/// Encodes for others until Ctrl-C.
pub fn run(args: &WorkerArgs, context: &Context) -> Result<Outcome, CliError> {
    let engine = Arc::new(context.engine()?);
    let info = engine.worker_info()?;
    let options = WorkerOptions { listen: args.listen, token: args.token.clone() };
    let mut result = Ok(());
    work(engine, &options, |worker| {
        context.note(format_args!("encoding at {} with {} on {} (Ctrl-C stops)", worker.url, info.model, info.backend));
        result = on_interrupt(move || worker.stop());
    })?;
    result.map(|()| Outcome::Done)
}
