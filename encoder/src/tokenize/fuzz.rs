//! Fuzz target: `tokenizer.json` of a model, which comes from whoever made it.
#![allow(clippy::unwrap_used)]

use std::fs;

use glimpse_fuzz::Target;
use glimpse_nonempty::if_any;
use serde_json::json;

use super::{TextInput, Tokenizer};

const INPUT: TextInput = TextInput { length: 8, vocab_size: 16, strip_punctuation: false };

#[test]
fn tokenizer() {
    let bpe = json!({
        "version": "1.0", "truncation": null, "padding": null, "post_processor": null,
        "added_tokens": [{"id": 3, "content": "<unk>", "special": true, "single_word": false, "lstrip": false,
                          "rstrip": false, "normalized": false}],
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "_"},
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "_+"}, "behavior": "MergedWithPrevious", "invert": false},
        "decoder": {"type": "ByteFallback"},
        "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": false, "ignore_merges": false,
            "vocab": {"<pad>": 0, "<eos>": 1, "<bos>": 2, "<unk>": 3, "a": 4, "c": 5, "t": 6, "_": 7, "at": 8, "cat": 9},
            "merges": [["a", "t"], ["c", "at"]]}
    });
    let unigram = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "post_processor": null, "decoder": null,
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Prepend", "prepend": "_"}]},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "_", "prepend_scheme": "always", "split": true},
        "model": {"type": "Unigram", "unk_id": 2, "byte_fallback": false, "vocab":
            [["<pad>", 0.0], ["<eos>", 0.0], ["<unk>", 0.0], ["_", -2.0], ["c", -3.0], ["a", -3.0], ["t", -3.0]]}
    });
    let words = [
        "Replace",
        "Prepend",
        "Sequence",
        "Lowercase",
        "NFC",
        "Strip",
        "Split",
        "ByteLevel",
        "Punctuation",
        "Digits",
        "BPE",
        "Unigram",
        "WordPiece",
        "WordLevel",
        "Regex",
        "String",
        "Isolated",
        "Removed",
        "byte_fallback",
    ];
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokenizer.json");
    Target::new("tokenizer").seed(bpe.to_string()).seed(unigram.to_string()).words(&words).run(|input| {
        fs::write(&path, input).unwrap();
        let tokenizer = Tokenizer::load(&path, INPUT).map_err(|error| error.to_string())?;
        let mut used = 0;
        for text in ["", "cat at", "C\u{e4}T. \u{1f408}\u{200d}", &"a_t ".repeat(50)] {
            let ids = tokenizer.encode(text).map_err(|error| error.to_string())?;
            assert_eq!(ids.len(), INPUT.length);
            assert!(if_any(&ids).all(|&id| (id as usize) < INPUT.vocab_size), "{ids:?}");
            used += ids.iter().filter(|&&id| id != tokenizer.pad_id()).count();
        }
        Ok(format!("{used} ids"))
    });
}
