//! Embeddings for other programs.

use std::path::PathBuf;

use glimpse_encoder::image_file::{Limits, decode};
use glimpse_encoder::{DenseGrid, Embedding, Encode, EncodeError, Outputs, PixelInput};

use crate::search::read_file;
use crate::{Cancel, Engine, EngineError};

/// Inputs per encoder call.
const BATCH: usize = 8;

/// Something to embed.
#[derive(Debug, Clone, PartialEq)]
pub enum EmbedInput {
    /// Words.
    Text(String),
    /// An image file.
    Image(PathBuf),
}

/// An embedding and what came with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedded {
    /// The model's name; vectors of different models cannot be compared.
    pub model: String,
    /// The vector.
    pub embedding: Embedding,
    /// Token ids of a text.
    pub tokens: Option<Vec<u32>>,
    /// Patch features of an image.
    pub dense: Option<DenseGrid>,
}

impl Engine {
    /// Embeds texts and images, in order, for other programs.
    ///
    /// # Errors
    /// If the model fails; a bad image is the error of its own entry.
    pub fn embed(&self, inputs: &[EmbedInput], dense: bool) -> Result<Vec<Result<Embedded, EngineError>>, EngineError> {
        let encoder = self.chosen()?;
        let encoder = encoder.as_ref();
        let model = || encoder.info().name.clone();
        let outputs = if dense { Outputs::Dense } else { Outputs::Pooled };
        let mut embedded = Vec::with_capacity(inputs.len());
        let cancel = Cancel::current();
        for batch in inputs.chunks(BATCH) {
            cancel.check()?;
            // Texts and images of a batch go to their towers together, then come back to their
            // places.
            let texts =
                batch.iter().filter_map(|input| if let EmbedInput::Text(text) = input { Some(text) } else { None });
            let texts: Vec<&str> = texts.map(String::as_str).collect();
            let mut vectors = self.texts.embed(encoder, &texts)?.into_iter();

            let images =
                batch.iter().filter_map(|input| if let EmbedInput::Image(path) = input { Some(path) } else { None });
            let prepared: Vec<Result<PixelInput, EngineError>> = images.map(|path| prepare(encoder, path)).collect();
            let good: Vec<PixelInput> = prepared.iter().filter_map(|p| p.as_ref().ok().cloned()).collect();
            let mut features =
                if good.is_empty() { Vec::new() } else { encoder.encode_images(&good, outputs)? }.into_iter();
            let mut prepared = prepared.into_iter();

            for input in batch {
                let lost = || EncodeError::Backend { stage: "embed", reason: "the model gave too few vectors".into() };
                embedded.push(match input {
                    EmbedInput::Text(text) => {
                        let embedding = vectors.next().ok_or_else(lost)?;
                        Ok(Embedded { model: model(), embedding, tokens: Some(encoder.token_ids(text)?), dense: None })
                    }
                    EmbedInput::Image(_) => match prepared.next() {
                        Some(Err(error)) => Err(error),
                        _ => {
                            let features = features.next().ok_or_else(lost)?;
                            let (embedding, dense) = (features.embedding, features.dense);
                            Ok(Embedded { model: model(), embedding, tokens: None, dense })
                        }
                    },
                });
            }
        }
        Ok(embedded)
    }
}

fn prepare(encoder: &dyn Encode, path: &std::path::Path) -> Result<PixelInput, EngineError> {
    let image = decode(&read_file(path)?, &Limits::default())
        .map_err(|error| EngineError::BadRequest(format!("{}: {error}", path.display())))?;
    Ok(encoder.prepare(&image.pixels)?)
}
