//! The vocabulary and normalisation of a `tokenizer.json`, whatever model it holds.

use serde::Deserialize;
use tokenizers::models::bpe::{BPE, Merges, Vocab};
use tokenizers::normalizers::{Lowercase, Sequence};
use tokenizers::{AddedToken, NormalizerWrapper, PreTokenizerWrapper, Result, Tokenizer};

/// The parts of a `tokenizer.json` that are used, with a BPE model whose merges are pairs. Named in
/// the types, they are read straight from the text. The general path, which reads other models and
/// older files, goes through a tree of JSON values, and a first query would have to wait until it
/// has held Gemma's 580,000 merges.
#[derive(Deserialize)]
struct BpeFile {
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    normalizer: Option<NormalizerWrapper>,
    pre_tokenizer: Option<PreTokenizerWrapper>,
    model: BpeModel,
}

#[derive(Deserialize)]
struct BpeModel {
    #[serde(rename = "type")]
    kind: Option<String>,
    vocab: Vocab,
    merges: Merges,
    dropout: Option<f32>,
    unk_token: Option<String>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
    fuse_unk: Option<bool>,
    byte_fallback: Option<bool>,
    ignore_merges: Option<bool>,
}

impl BpeModel {
    fn build(self) -> Result<BPE> {
        let mut bpe = BPE::builder()
            .vocab_and_merges(self.vocab, self.merges)
            .fuse_unk(self.fuse_unk.unwrap_or_default())
            .byte_fallback(self.byte_fallback.unwrap_or_default())
            .ignore_merges(self.ignore_merges.unwrap_or_default());
        if let Some(dropout) = self.dropout {
            bpe = bpe.dropout(dropout);
        }
        if let Some(token) = self.unk_token {
            bpe = bpe.unk_token(token);
        }
        if let Some(prefix) = self.continuing_subword_prefix {
            bpe = bpe.continuing_subword_prefix(prefix);
        }
        if let Some(suffix) = self.end_of_word_suffix {
            bpe = bpe.end_of_word_suffix(suffix);
        }
        bpe.build()
    }
}

/// Reads a `tokenizer.json`. Its own padding, truncation and post-processing are left aside.
pub fn parse(text: &str) -> Result<Tokenizer> {
    if let Ok(file) = serde_json::from_str::<BpeFile>(text)
        && file.model.kind.as_deref().is_none_or(|kind| kind == "BPE")
    {
        let mut tokenizer = Tokenizer::new(file.model.build()?);
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
    // As a rule they are numbered through, which is known without a copy of all pieces.
    let count = pieces.get_vocab_size(true) as u32;
    if (0..count).all(|id| pieces.id_to_token(id).is_some()) {
        return count.checked_sub(1);
    }
    pieces.get_vocab(true).into_values().max()
}

/// Whether all pieces from id `first` on are reserved ones, which stand for no text: `<extra_id_7>`
/// of T5's vocabularies, `<unused7>` of Gemma's.
pub fn is_reserved_from(pieces: &Tokenizer, first: usize) -> bool {
    let reserved = |piece: &str| {
        let piece = piece.trim_start_matches('▁');
        let name = piece.strip_prefix('<').and_then(|piece| piece.strip_suffix('>')).unwrap_or_default();
        let number = ["extra_id_", "unused"].iter().find_map(|kind| name.strip_prefix(kind));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    pieces.get_vocab(true).iter().all(|(piece, id)| (*id as usize) < first || reserved(piece))
}

/// Puts lower-casing first, as the reference does. It belongs into the normaliser rather than
/// before it, because pieces such as `<h1>` are looked for in the text as it was written.
fn lower_casing(normalizer: Option<NormalizerWrapper>) -> Sequence {
    let lower = NormalizerWrapper::Lowercase(Lowercase);
    Sequence::new([lower].into_iter().chain(normalizer).collect())
}
