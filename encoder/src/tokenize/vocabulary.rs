//! The vocabulary and normalisation of a `tokenizer.json`, whatever model it holds.

use serde::Deserialize;
use tokenizers::models::bpe::BPE;
use tokenizers::normalizers::{Lowercase, Sequence};
use tokenizers::{AddedToken, NormalizerWrapper, PreTokenizerWrapper, Result, Tokenizer};

/// The parts of a `tokenizer.json` that are used, with a BPE model. Named in the type, the model is read straight from
/// the text; the general path reads it into a tree of JSON values first, which doubles the time and the memory for
/// Gemma's 580,000 merges.
#[derive(Deserialize)]
struct BpeFile {
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    normalizer: Option<NormalizerWrapper>,
    pre_tokenizer: Option<PreTokenizerWrapper>,
    model: BPE,
}

/// Reads a `tokenizer.json`. Its own padding, truncation and post-processing are left aside.
pub fn parse(text: &str) -> Result<Tokenizer> {
    if let Ok(file) = serde_json::from_str::<BpeFile>(text) {
        let mut tokenizer = Tokenizer::new(file.model);
        tokenizer.with_normalizer(Some(lower_casing(file.normalizer)))?.with_pre_tokenizer(file.pre_tokenizer);
        tokenizer.add_tokens(file.added_tokens)?;
        return Ok(tokenizer);
    }
    let mut tokenizer: Tokenizer = text.parse()?;
    let normalizer = lower_casing(tokenizer.get_normalizer().cloned());
    tokenizer.with_normalizer(Some(normalizer))?.with_padding(None).with_truncation(None)?;
    Ok(tokenizer)
}

/// Ids of the pieces of `text`, without any special token around them.
pub fn ids(pieces: &Tokenizer, text: &str) -> std::result::Result<Vec<u32>, String> {
    let encoding = pieces.encode_fast(text, false).map_err(|error| error.to_string())?;
    Ok(encoding.get_ids().to_vec())
}

/// The largest id.
pub fn highest_id(pieces: &Tokenizer) -> Option<u32> {
    pieces.get_vocab(true).into_values().max()
}

/// Puts lower-casing first, as the reference does. It belongs into the normaliser rather than before it, because pieces
/// such as `<h1>` are looked for in the text as it was written.
fn lower_casing(normalizer: Option<NormalizerWrapper>) -> Sequence {
    let lower = NormalizerWrapper::Lowercase(Lowercase);
    Sequence::new([lower].into_iter().chain(normalizer).collect())
}
