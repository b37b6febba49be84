//! `glimpse embed`

use std::io::Write;

use glimpse::engine::Embedded;
use glimpse::{EmbedInput, EngineError};
use serde::Serialize;

use crate::cli::args::EmbedArgs;
use crate::cli::context::Context;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::write_json;

/// Inputs that are embedded before their lines are printed: bounds memory, and lets readers begin.
const CHUNK: usize = 64;

/// A line of output.
#[derive(Serialize)]
struct Line<'a> {
    input: String,
    #[serde(flatten)]
    outcome: LineOutcome<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum LineOutcome<'a> {
    Embedded {
        model: &'a str,
        embedding: &'a [f32],
        dim: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        tokens: Option<&'a [u32]>,
        #[serde(skip_serializing_if = "Option::is_none")]
        dense: Option<Dense<'a>>,
    },
    Failed {
        error: String,
    },
}

/// Text-aligned vectors of a grid of patches, row by row.
#[derive(Serialize)]
struct Dense<'a> {
    rows: usize,
    cols: usize,
    dim: usize,
    aligned: Vec<&'a [f32]>,
}

pub fn run(args: &EmbedArgs, context: &Context) -> Result<Outcome, CliError> {
    let engine = context.engine()?;
    let texts = args.text.iter().cloned().map(EmbedInput::Text);
    let inputs: Vec<EmbedInput> = texts.chain(args.image.iter().cloned().map(EmbedInput::Image)).collect();

    let mut out = context.stdout();
    let mut failed = 0;
    for chunk in inputs.chunks(CHUNK) {
        for (input, embedded) in chunk.iter().zip(engine.embed(chunk, args.dense)?) {
            failed += usize::from(embedded.is_err());
            let line = Line { input: name(input), outcome: outcome(&embedded, args) };
            write_json(&mut out, &line)?;
        }
        out.flush()?;
    }
    match failed {
        0 => Ok(Outcome::Done),
        _ => Err(CliError::new(format!("{failed} of {} inputs could not be embedded", inputs.len()))),
    }
}

fn name(input: &EmbedInput) -> String {
    match input {
        EmbedInput::Text(text) => text.clone(),
        EmbedInput::Image(path) => path.to_string_lossy().into_owned(),
    }
}

fn outcome<'a>(embedded: &'a Result<Embedded, EngineError>, args: &EmbedArgs) -> LineOutcome<'a> {
    match embedded {
        Ok(embedded) => LineOutcome::Embedded {
            model: &embedded.model,
            embedding: embedded.embedding.as_slice(),
            dim: embedded.embedding.dim(),
            tokens: embedded.tokens.as_deref().filter(|_| args.tokens),
            dense: embedded.dense.as_ref().map(|grid| Dense {
                rows: grid.rows,
                cols: grid.cols,
                dim: grid.dim,
                aligned: grid.aligned.chunks_exact(grid.dim).collect(),
            }),
        },
        Err(error) => LineOutcome::Failed { error: error.to_string() },
    }
}
