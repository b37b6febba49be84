//! `glimpse serve`

use std::sync::Arc;

use glimpse::Engine;
use glimpse::web::{ServeOptions, serve};

use crate::cli::args::{ListenArgs, ServeArgs};
use crate::cli::context::Context;
use crate::cli::interrupt::on_interrupt;
use crate::cli::outcome::{CliError, Outcome};

pub fn run(args: &ServeArgs, context: &Context) -> Result<Outcome, CliError> {
    listen(context.engine()?, &args.listen, context)
}

/// Serves until Ctrl-C.
pub fn listen(engine: Engine, args: &ListenArgs, context: &Context) -> Result<Outcome, CliError> {
    let engine = Arc::new(engine);
    let options = ServeOptions {
        host: args.host,
        port: args.port,
        token: args.token.clone(),
        allow_roots: args.allow_root.clone(),
        allow_trash: args.allow_trash,
        allow_sidecars: args.allow_sidecars,
        follow_links: args.follow_links,
        public_urls: args.public_url.clone(),
    };

    let mut result = Ok(());
    serve(engine, &options, |server| {
        let shown = if args.token.is_some() { format!("{}/?token=...", server.url) } else { server.url.clone() };
        context.note(format_args!("serving {shown} (Ctrl-C stops)"));
        for url in &args.public_url {
            context.note(format_args!("behind a reverse proxy: {url}"));
        }
        if !args.public_url.is_empty() && args.token.is_none() {
            context.note(format_args!("without --token, everybody whom the proxy lets in sees the images"));
        }
        if !args.no_open {
            let address = args
                .token
                .as_ref()
                .map_or_else(|| server.url.clone(), |token| format!("{}/?token={token}", server.url));
            if let Err(error) = open::that_detached(&address) {
                context.note(format_args!("no browser could be opened ({error}); open the address yourself"));
            }
        }
        result = on_interrupt(move || server.stop());
    })?;
    result.map(|()| Outcome::Done)
}
