//! Which tokens end a text and fill the row behind it.

use std::io::ErrorKind;
use std::path::Path;

use serde_json::Value;
use tokenizers::Tokenizer;

use crate::{EncodeError, files};

/// Whose recipe a tokenizer follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// c4_en or mC4 SentencePiece; punctuation is dropped, EOS pads.
    Siglip1,
    /// Gemma.
    Siglip2,
}

/// The ids that do not come from the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpecialTokens {
    pub family: Family,
    pub eos: u32,
    pub pad: u32,
}

impl SpecialTokens {
    /// Reads `tokenizer_config.json`, then `special_tokens_map.json` beside the tokenizer; without
    /// them the names of the two vocabularies decide (`<eos>` and `<pad>` of Gemma, `</s>` of
    /// SigLIP 1).
    pub fn find(tokenizer: &Path, pieces: &Tokenizer) -> Result<Self, EncodeError> {
        let config = read_object(&tokenizer.with_file_name("tokenizer_config.json"))?;
        let map = read_object(&tokenizer.with_file_name("special_tokens_map.json"))?;
        let named = |role: &str| token_name(&config, role).or_else(|| token_name(&map, role));
        let refuse = |reason| EncodeError::Tokenizer { path: tokenizer.to_owned(), reason };
        let id_of = |token: &str| {
            pieces
                .token_to_id(token)
                .ok_or_else(|| refuse(format!("the special token {token:?} is not in the vocabulary")))
        };

        let eos_token = match named("eos_token") {
            Some(token) => token,
            None => ["<eos>", "</s>"]
                .into_iter()
                .find(|token| pieces.token_to_id(token).is_some())
                .ok_or_else(|| refuse("no end-of-text token, neither <eos> nor </s>".into()))?
                .to_owned(),
        };
        let family = match config.get("tokenizer_class").and_then(Value::as_str) {
            Some("SiglipTokenizer" | "SiglipTokenizerFast") => Family::Siglip1,
            Some(class) if class.starts_with("Gemma") || class.starts_with("Siglip2") => Family::Siglip2,
            _ if eos_token == "</s>" => Family::Siglip1,
            _ => Family::Siglip2,
        };
        let eos = id_of(&eos_token)?;
        let pad = match (named("pad_token"), family) {
            (Some(token), _) => id_of(&token)?,
            (None, Family::Siglip1) => eos,
            (None, Family::Siglip2) => id_of("<pad>")?,
        };
        Ok(Self { family, eos, pad })
    }
}

/// Special tokens stand as strings or as objects with their matching rules.
fn token_name(object: &Value, role: &str) -> Option<String> {
    let token = object.get(role)?;
    token.as_str().or_else(|| token.get("content")?.as_str()).map(str::to_owned)
}

fn read_object(path: &Path) -> Result<Value, EncodeError> {
    match files::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map_err(|error| EncodeError::Tokenizer { path: path.to_owned(), reason: error.to_string() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Value::Null),
        Err(source) => Err(EncodeError::Io { path: path.to_owned(), source }),
    }
}
