//! Embeddings of many files and texts, and rankings of one by the other.

use std::path::{Path, PathBuf};

use glimpse::engine::Embedding;
use glimpse::{EmbedInput, Engine};

use crate::cli::context::Context;
use crate::cli::outcome::CliError;

/// Inputs embedded at a time.
const CHUNK: usize = 64;

/// Embeddings of image files; `None`, and a note, for those that cannot be read.
pub fn images(engine: &Engine, paths: &[PathBuf], context: &Context) -> Result<Vec<Option<Embedding>>, CliError> {
    let mut all = Vec::with_capacity(paths.len());
    for chunk in paths.chunks(CHUNK) {
        let inputs: Vec<EmbedInput> = chunk.iter().cloned().map(EmbedInput::Image).collect();
        for (path, embedded) in chunk.iter().zip(engine.embed(&inputs, false)?) {
            if let Err(error) = &embedded {
                note(path, error, context);
            }
            all.push(embedded.ok().map(|embedded| embedded.embedding));
        }
    }
    Ok(all)
}

fn note(path: &Path, error: &dyn std::fmt::Display, context: &Context) {
    context.note(format_args!("left out {}: {error}", path.display()));
}

/// Embeddings of texts.
pub fn texts(engine: &Engine, texts: &[String]) -> Result<Vec<Embedding>, CliError> {
    let mut all = Vec::with_capacity(texts.len());
    for chunk in texts.chunks(CHUNK) {
        let inputs: Vec<EmbedInput> = chunk.iter().cloned().map(EmbedInput::Text).collect();
        for embedded in engine.embed(&inputs, false)? {
            all.push(embedded?.embedding);
        }
    }
    Ok(all)
}

/// How many of `others` are nearer to `query` than the nearest of the right ones: 0 if a right one
/// is first.
pub fn rank(query: &Embedding, others: &[Embedding], is_right: impl Fn(usize) -> bool) -> usize {
    let scores: Vec<f32> = others.iter().map(|other| query.cosine(other)).collect();
    let right = scores.iter().enumerate().filter(|(i, _)| is_right(*i)).map(|(_, score)| *score);
    let best = right.fold(f32::MIN, f32::max);
    scores.iter().enumerate().filter(|(i, score)| **score > best && !is_right(*i)).count()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_rank_counts_wrong_ones_before_the_first_right_one() {
        let unit = |x: f32, y: f32| Embedding::new(vec![x, y]).unwrap();
        let others = [unit(1.0, 0.1), unit(1.0, 0.0), unit(0.0, 1.0), unit(1.0, 0.5)];
        let query = unit(1.0, 0.0);
        assert_eq!(rank(&query, &others, |i| i == 1), 0);
        assert_eq!(rank(&query, &others, |i| i == 2), 3);
        assert_eq!(rank(&query, &others, |i| i == 3 || i == 2), 2);
    }
}
