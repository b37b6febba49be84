//! Text in any language to the fixed row of token ids that a text tower reads.
//!
//! The recipe of SigLIP 2: lower-case, split by the Gemma vocabulary, no BOS, at most `length - 1`
//! tokens, EOS, and padding up to `length`. The tower reads the last position, so length and
//! padding id are part of the model, not a matter of batching. SigLIP 1 differs in that punctuation
//! is dropped first and that EOS is also the padding.
//!
//! What a checkpoint's `tokenizer.json` says of padding, truncation and EOS differs from export to
//! export. This module takes only its vocabulary and normalisation, and does those three itself.

mod cleanup;
mod limits;
mod special;
mod vocabulary;

use std::io::Read;
use std::path::{Path, PathBuf};

use tokenizers::Tokenizer as Pieces;

use crate::{EncodeError, files, guard};
use special::{Family, SpecialTokens};

/// Characters looked at for each token of the row, at most. The longest piece of the vocabularies
/// in use has 31, so what is cut off could not have reached the row, and a text of megabytes costs
/// no more than a page.
const CHARS_PER_TOKEN: usize = 256;

/// Rows that a table of embeddings may have beyond the vocabulary: tables are rounded up, the
/// vocabulary is not.
const TABLE_PADDING: usize = 255;

/// What the text tower reads, as `config.json` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextInput {
    /// Tokens of a row.
    pub length: usize,
    /// Rows of the token table.
    pub vocab_size: usize,
    /// Drop ASCII punctuation, also for SigLIP 2.
    pub strip_punctuation: bool,
}

/// Turns text into token ids for one model.
pub struct Tokenizer {
    path: PathBuf,
    pieces: Pieces,
    special: SpecialTokens,
    input: TextInput,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, special, input, pieces: _ } = self;
        f.debug_struct("Tokenizer").field("path", path).field("special", special).field("input", input).finish()
    }
}

impl Tokenizer {
    /// Reads the tokenizer at `path`: a `tokenizer.json`, or a directory that holds one. The
    /// padding and EOS tokens are those named by the files beside it; `text_config` of released
    /// checkpoints names others, which are wrong.
    ///
    /// The 256,000 pieces of SigLIP 2 take more than half a second: load the weights on another
    /// thread meanwhile.
    ///
    /// # Errors
    /// [`EncodeError::MissingFile`] if there is none, [`EncodeError::Tokenizer`] if it cannot be
    /// read, if its vocabulary is not the one that the model was trained with, or if it makes too
    /// much of a text.
    pub fn load(path: &Path, input: TextInput) -> Result<Self, EncodeError> {
        let path = Self::locate(path)?;
        let text = read(&path)?;
        let refuse = |reason: String| EncodeError::Tokenizer { path: path.clone(), reason };
        let pieces = guard::catch(|| vocabulary::parse(&text).map_err(|error| error.to_string()));
        let pieces = pieces.flatten().map_err(|error| refuse(format!("not a tokenizer: {error}")))?;
        limits::check(&pieces).map_err(refuse)?;
        check_size(&pieces, input.vocab_size).map_err(refuse)?;
        let special = SpecialTokens::find(&path, &pieces)?;
        if input.length == 0 {
            return Err(refuse("the model reads texts of 0 tokens".into()));
        }
        Ok(Self { path, pieces, special, input })
    }

    /// The file that [`Tokenizer::load`] reads for `path`.
    ///
    /// # Errors
    /// [`EncodeError::MissingFile`], or [`EncodeError::Tokenizer`] if there is only one of another
    /// kind.
    pub fn locate(path: &Path) -> Result<PathBuf, EncodeError> {
        if !path.is_dir() {
            return Ok(path.to_owned());
        }
        let file = path.join("tokenizer.json");
        if file.is_file() {
            return Ok(file);
        }
        let sentencepiece =
            ["spiece.model", "tokenizer.model"].map(|name| path.join(name)).into_iter().find(|p| p.is_file());
        Err(match sentencepiece {
            Some(path) => EncodeError::Tokenizer {
                path,
                reason:
                    "a SentencePiece model without the tokenizer.json that Glimpse reads; fetch the tokenizer.json of \
                     the same model and put it beside this file, or write one with Python's transformers: \
                     `SpmConverter(AutoTokenizer.from_pretrained(DIR)).converted().save(DIR + \"/tokenizer.json\")` \
                     (from transformers.convert_slow_tokenizer import SpmConverter)"
                        .into(),
            },
            None => EncodeError::MissingFile { dir: path.to_owned(), file: "tokenizer.json".into() },
        })
    }

    /// The ids of `text`, exactly [`TextInput::length`] of them.
    ///
    /// # Errors
    /// [`EncodeError::Tokenizer`] if the tokenizer fails, or gives an id that the model does not
    /// have.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        let refuse = |reason: String| EncodeError::Tokenizer { path: self.path.clone(), reason };
        let length = self.input.length;
        let text = match self.special.family {
            Family::Siglip1 => cleanup::canonical(text),
            Family::Siglip2 if self.input.strip_punctuation => cleanup::without_punctuation(text),
            Family::Siglip2 => text.into(),
        };
        let text = first_chars(&text, length * CHARS_PER_TOKEN);
        let mut ids = guard::catch(|| vocabulary::ids(&self.pieces, text)).flatten().map_err(refuse)?;
        ids.truncate(length - 1);
        ids.push(self.special.eos);
        ids.resize(length, self.special.pad);
        match ids.iter().find(|id| **id as usize >= self.input.vocab_size) {
            None => Ok(ids),
            Some(id) => {
                let piece = self.pieces.id_to_token(*id).unwrap_or_default();
                Err(refuse(format!("the text has the piece {piece:?}, which the model has no row for (id {id})")))
            }
        }
    }

    /// The file in use.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Id of the end-of-text token.
    pub fn eos_id(&self) -> u32 {
        self.special.eos
    }

    /// Id that fills the row behind the end of text.
    pub fn pad_id(&self) -> u32 {
        self.special.pad
    }

    /// What the text tower reads.
    pub fn input(&self) -> TextInput {
        self.input
    }
}

/// The text of a `tokenizer.json`, of which there is an end.
fn read(path: &Path) -> Result<String, EncodeError> {
    let failed = |source| EncodeError::Io { path: path.to_owned(), source };
    let mut text = String::new();
    let file = files::open(path).map_err(failed)?;
    file.take(limits::MAX_FILE + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > limits::MAX_FILE {
        let reason = format!("larger than {} MB, which no tokenizer of a SigLIP model is", limits::MAX_FILE >> 20);
        return Err(EncodeError::Tokenizer { path: path.to_owned(), reason });
    }
    Ok(text)
}

/// A tokenizer with other pieces than the model was trained with would give valid ids and
/// meaningless vectors.
///
/// Pieces beyond the token table are fine if no text has them: the multilingual SigLIP 1
/// checkpoints have 250,000 rows, and the mC4 vocabulary has 100 reserved pieces more.
fn check_size(pieces: &Pieces, vocab_size: usize) -> Result<(), String> {
    let highest = vocabulary::highest_id(pieces).unwrap_or_default() as usize;
    let count = pieces.get_vocab_size(true);
    let fits = highest < vocab_size || vocabulary::is_reserved_from(pieces, vocab_size);
    if count > 0 && fits && count + TABLE_PADDING >= vocab_size {
        return Ok(());
    }
    Err(format!(
        "wrong vocabulary: the model has {vocab_size} token rows, this tokenizer has {count} pieces with ids up to \
         {highest}; use the tokenizer.json of the same checkpoint"
    ))
}

fn first_chars(text: &str, count: usize) -> &str {
    text.char_indices().nth(count).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
