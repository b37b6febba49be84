//! Bounds on what a `tokenizer.json` may make of a text: its file comes from whoever made the
//! model, and a rule that replaces each letter by a thousand, a few times over, would take all
//! memory.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use serde_json::Value;
use tokenizers::{ModelWrapper, Tokenizer};

/// Largest file in bytes; that of SigLIP 2, with its 256,000 pieces, has 34 MB.
pub const MAX_FILE: u64 = 64 << 20;
/// Most rules for normalising or splitting.
const MAX_RULES: usize = 32;
/// Longest text in bytes that a rule puts in; SigLIP's have 3.
const MAX_INSERT: usize = 256;
/// How many times as long all rules together may make a text; SentencePiece's own table for NFKC
/// makes some letters 33 times as long.
const MAX_GROWTH: u64 = 1024;

/// # Errors
/// What is too much, in words.
pub fn check(tokenizer: &Tokenizer) -> Result<(), String> {
    let mut rules = Rules { count: 0, growth: 1 };
    rules.add(&value_of(tokenizer.get_normalizer())?)?;
    rules.add(&value_of(tokenizer.get_pre_tokenizer())?)?;
    let inserted = match tokenizer.get_model() {
        ModelWrapper::BPE(model) => [&model.continuing_subword_prefix, &model.end_of_word_suffix]
            .into_iter()
            .flatten()
            .map(String::len)
            .max()
            .unwrap_or(0),
        ModelWrapper::WordPiece(model) => model.continuing_subword_prefix.len(),
        _ => 0,
    };
    check_insert(inserted)
}

fn value_of(part: Option<&impl Serialize>) -> Result<Value, String> {
    serde_json::to_value(part).map_err(|error| error.to_string())
}

fn check_insert(bytes: usize) -> Result<(), String> {
    match bytes <= MAX_INSERT {
        true => Ok(()),
        false => Err(format!("a rule puts {bytes} bytes into the text; {MAX_INSERT} are the most")),
    }
}

/// What was seen so far.
struct Rules {
    count: usize,
    /// How many times as long a text can become.
    growth: u64,
}

impl Rules {
    fn add(&mut self, rule: &Value) -> Result<(), String> {
        for list in ["normalizers", "pretokenizers"] {
            let inner = rule[list].as_array().into_iter().flatten();
            inner.into_iter().try_for_each(|rule| self.add(rule))?;
        }
        self.count += 1;
        if self.count > MAX_RULES {
            return Err(format!("it has more than {MAX_RULES} rules for normalising and splitting text"));
        }
        self.growth = self.growth.saturating_mul(growth(rule)?);
        match self.growth <= MAX_GROWTH {
            true => Ok(()),
            false => Err(format!(
                "its rules can make a text {} times as long; {MAX_GROWTH} times is the most, and the tokenizer of a \
                 SigLIP model stays far below",
                self.growth
            )),
        }
    }
}

/// How many times as long a rule can make a text, in whole numbers. Those of Unicode, which make
/// any text longer once at most, count as one.
fn growth(rule: &Value) -> Result<u64, String> {
    let length = |value: &Value| value.as_str().map_or(0, str::len);
    Ok(match rule["type"].as_str() {
        Some("Replace") => {
            let inserted = length(&rule["content"]);
            check_insert(inserted)?;
            match rule["pattern"]["String"].as_str() {
                Some(replaced) if !replaced.is_empty() => inserted.div_ceil(replaced.len()).max(1) as u64,
                _ => inserted as u64 + 1, // before every letter
            }
        }
        Some("Prepend") => {
            check_insert(length(&rule["prepend"]))?;
            1
        }
        Some("Precompiled") => longest_replacement(rule["precompiled_charsmap"].as_str().unwrap_or_default()),
        Some("ByteLevel") => 2,
        _ => 1,
    })
}

/// The longest text in the table of a SentencePiece model: the size of an index, the index, and the
/// texts with a 0 after each (sentencepiece, `builder.cc`, `Builder::CompileCharsMap`).
fn longest_replacement(table: &str) -> u64 {
    let Ok(bytes) = BASE64_STANDARD.decode(table) else { return 1 }; // not read by the library either
    let Some((size, rest)) = bytes.split_first_chunk::<4>() else { return 1 };
    let texts = rest.get(u32::from_le_bytes(*size) as usize..).unwrap_or_default();
    texts.split(|byte| *byte == 0).map(<[u8]>::len).max().unwrap_or(0).max(1) as u64
}
