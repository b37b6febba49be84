#![allow(clippy::unwrap_used)]

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

const INPUT: TextInput = TextInput { length: 8, vocab_size: 16, strip_punctuation: false };

/// A Gemma-like BPE tokenizer over a handful of letters.
fn gemma() -> Value {
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [],
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        "pre_tokenizer": null,
        "post_processor": null,
        "decoder": null,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": false, "ignore_merges": false,
            "vocab": {"<pad>": 0, "<eos>": 1, "<bos>": 2, "<unk>": 3, "a": 4, "c": 5, "t": 6, "▁": 7, "at": 8, "cat": 9,
                      ".": 10, ",": 11, "_": 12},
            "merges": [["a", "t"], ["c", "at"]]
        }
    })
}

fn folder(files: &[(&str, Value)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, value) in files {
        fs::write(dir.path().join(name), value.to_string()).unwrap();
    }
    dir
}

fn load(files: &[(&str, Value)], input: TextInput) -> Result<Tokenizer, String> {
    Tokenizer::load(folder(files).path(), input).map_err(|error| error.to_string())
}

#[test]
fn text_is_lowered_ended_and_padded() {
    let tokenizer = load(&[("tokenizer.json", gemma())], INPUT).unwrap();
    assert_eq!(tokenizer.encode("Cat AT").unwrap(), [9, 7, 8, 1, 0, 0, 0, 0]);
    assert_eq!(tokenizer.encode("").unwrap(), [1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(tokenizer.encode("c c c c c c").unwrap(), [5, 7, 5, 7, 5, 7, 5, 1]);
}

#[test]
fn settings_inside_the_file_change_nothing() {
    let plain = load(&[("tokenizer.json", gemma())], INPUT).unwrap();
    let mut file = gemma();
    file["padding"] = json!({"strategy": {"Fixed": 4}, "direction": "Left", "pad_to_multiple_of": null, "pad_id": 3,
        "pad_type_id": 0, "pad_token": "<unk>"});
    file["truncation"] = json!({"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0});
    file["normalizer"] = json!({"type": "Sequence", "normalizers": [{"type": "Lowercase"}, file["normalizer"]]});
    file["post_processor"] = json!({"type": "TemplateProcessing",
        "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<eos>", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<eos>": {"id": "<eos>", "ids": [1], "tokens": ["<eos>"]}}});
    let dressed = load(&[("tokenizer.json", file)], INPUT).unwrap();
    for text in ["", "Cat", "c c c c c c c"] {
        assert_eq!(plain.encode(text).unwrap(), dressed.encode(text).unwrap(), "{text:?}");
    }
}

#[test]
fn merges_of_older_files_are_the_same() {
    let new = load(&[("tokenizer.json", gemma())], INPUT).unwrap();
    let mut file = gemma();
    file["model"]["merges"] = json!(["a t", "c at"]);
    let old = load(&[("tokenizer.json", file)], INPUT).unwrap();
    for text in ["", "Cat", "at c cat?"] {
        assert_eq!(old.encode(text).unwrap(), new.encode(text).unwrap(), "{text:?}");
    }
}

#[test]
fn punctuation_is_dropped_on_demand() {
    let strip = TextInput { strip_punctuation: true, ..INPUT };
    let keeping = load(&[("tokenizer.json", gemma())], INPUT).unwrap();
    let stripping = load(&[("tokenizer.json", gemma())], strip).unwrap();
    assert_eq!(keeping.encode("cat_at.").unwrap()[..4], [9, 12, 8, 10]);
    assert_eq!(stripping.encode("cat_at.").unwrap()[..4], [9, 7, 8, 1]);
}

#[test]
fn the_config_beside_it_names_the_special_tokens() {
    let config = json!({"eos_token": {"content": "<bos>"}, "pad_token": "<unk>"});
    let named = load(&[("tokenizer.json", gemma()), ("tokenizer_config.json", config)], INPUT).unwrap();
    assert_eq!((named.eos_id(), named.pad_id()), (2, 3));
    let unknown = json!({"eos_token": "<end>"});
    let error = load(&[("tokenizer.json", gemma()), ("special_tokens_map.json", unknown)], INPUT).unwrap_err();
    assert!(error.contains("the special token \"<end>\" is not in the vocabulary"), "{error}");
}

#[test]
fn siglip_1_drops_punctuation_and_pads_with_eos() {
    let mut file = gemma();
    file["model"] = json!({"type": "Unigram", "unk_id": 2, "byte_fallback": false, "vocab":
        [["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0], ["▁", -2.0], ["c", -3.0], ["a", -3.0], ["t", -3.0], ["▁cat", -1.0]]});
    file["normalizer"] = Value::Null;
    file["pre_tokenizer"] = json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true});
    let config = json!({"tokenizer_class": "SiglipTokenizer", "eos_token": "</s>", "pad_token": "</s>"});
    let tokenizer = load(&[("tokenizer.json", file), ("tokenizer_config.json", config)], INPUT).unwrap();
    assert_eq!(tokenizer.encode(" CAT,  cat! ").unwrap(), [7, 7, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn a_wrong_vocabulary_is_refused() {
    for vocab_size in [12, 13 + TABLE_PADDING + 1] {
        let error = load(&[("tokenizer.json", gemma())], TextInput { vocab_size, ..INPUT }).unwrap_err();
        assert!(
            error.contains(&format!("the model has {vocab_size} token rows, this tokenizer has 13 pieces")),
            "{error}"
        );
    }
    assert!(load(&[("tokenizer.json", gemma())], TextInput { vocab_size: 13, ..INPUT }).is_ok());
}

#[test]
fn reserved_pieces_beyond_the_table_are_fine() {
    let with = |more: [&str; 3]| {
        let mut file = gemma();
        for (i, piece) in more.into_iter().enumerate() {
            file["model"]["vocab"][piece] = json!(13 + i);
        }
        load(&[("tokenizer.json", file)], TextInput { vocab_size: 13, ..INPUT })
    };
    let tokenizer = with(["<extra_id_1>", "▁<extra_id_0>", "<unused9>"]).unwrap();
    assert_eq!(tokenizer.encode("cat").unwrap()[..2], [9, 1]);
    for real in ["ct", "<extra_id_x>", "<unused>", "extra_id_1", "<b>"] {
        let error = with(["<extra_id_1>", real, "<unused9>"]).unwrap_err();
        assert!(error.contains("the model has 13 token rows, this tokenizer has 16 pieces"), "{real}: {error}");
    }
}

#[test]
fn ids_that_the_model_does_not_have_are_not_given_out() {
    let mut file = gemma();
    file["added_tokens"] = json!([{"id": 13, "content": "<unused0>", "single_word": false, "lstrip": false,
        "rstrip": false, "normalized": false, "special": true}]);
    let tokenizer = load(&[("tokenizer.json", file)], TextInput { vocab_size: 13, ..INPUT }).unwrap();
    let error = tokenizer.encode("a <unused0> cat").unwrap_err().to_string();
    assert!(error.contains("the piece \"<unused0>\", which the model has no row for (id 13)"), "{error}");
    assert!(tokenizer.encode("a cat").is_ok());
}

#[test]
fn what_is_missing_is_named() {
    assert!(load(&[], INPUT).unwrap_err().contains("no tokenizer.json here"));
    let error = load(&[("spiece.model", json!(0))], INPUT).unwrap_err();
    assert!(error.contains("spiece.model") && error.contains("fetch the tokenizer.json"), "{error}");
    assert!(load(&[("tokenizer.json", json!({"model": 1}))], INPUT).unwrap_err().contains("not a tokenizer"));
}

#[test]
fn a_tokenizer_that_panics_is_an_error() {
    let mut file = gemma();
    // A table of 0 entries, whose first entry the library reads.
    file["normalizer"] = json!({"type": "Precompiled", "precompiled_charsmap": "AAAAAA=="});
    let tokenizer = load(&[("tokenizer.json", file)], INPUT).unwrap();
    let error = tokenizer.encode("cat").unwrap_err();
    assert!(matches!(error, EncodeError::Tokenizer { .. }), "{error}");
}

#[test]
fn rules_that_multiply_a_text_are_refused() {
    let with = |normalizer: Value| {
        let mut file = gemma();
        file["normalizer"] = normalizer;
        load(&[("tokenizer.json", file)], INPUT).map(drop)
    };
    let replace = |pattern: Value, content: String| json!({"type": "Replace", "pattern": pattern, "content": content});
    let sequence = |rules: Vec<Value>| json!({"type": "Sequence", "normalizers": rules});
    let thousand = replace(json!({"String": "a"}), "a".repeat(1000));
    let ten = |pattern: Value| replace(pattern, "a".repeat(10));
    let start = std::time::Instant::now();
    for (hostile, word) in [
        (sequence(vec![thousand.clone(); 6]), "1000 bytes"),
        (sequence(vec![ten(json!({"String": "a"})); 6]), "times as long"),
        (sequence(vec![ten(json!({"Regex": ""})); 4]), "times as long"),
        (json!({"type": "Prepend", "prepend": "a".repeat(1 << 20)}), "1048576 bytes"),
        (sequence(vec![json!({"type": "NFC"}); 40]), "more than 32 rules"),
        (sequence(vec![sequence(vec![ten(json!({"String": "a"}))]); 4]), "times as long"),
        (json!({"type": "Precompiled", "precompiled_charsmap": table(2000)}), "times as long"),
    ] {
        let error = with(hostile).unwrap_err();
        assert!(error.contains(word) && error.contains("tokenizer.json"), "{error}");
    }
    assert!(start.elapsed() < std::time::Duration::from_secs(10));
    let usual = sequence(vec![
        json!({"type": "Precompiled", "precompiled_charsmap": table(33)}),
        replace(json!({"Regex": " {2,}"}), "▁".into()),
        replace(json!({"String": " "}), "▁".into()),
    ]);
    assert!(with(usual).is_ok());
}

/// A table of SentencePiece with an index of no use and one text of `length` bytes.
fn table(length: usize) -> String {
    use base64::Engine;
    let bytes = [&4u32.to_le_bytes()[..], &[0; 4], &vec![b'a'; length], &[0]].concat();
    base64::prelude::BASE64_STANDARD.encode(bytes)
}

#[test]
fn a_file_without_an_end_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let error = Tokenizer::load(&path, INPUT).unwrap_err();
    assert!(error.to_string().contains("larger than 64 MB"), "{error}");
}

#[test]
fn megabytes_are_cut_before_they_are_split() {
    let tokenizer = load(&[("tokenizer.json", gemma())], INPUT).unwrap();
    let page = "cat ".repeat(INPUT.length * CHARS_PER_TOKEN);
    let book = "cat ".repeat(5_000_000);
    assert_eq!(tokenizer.encode(&book).unwrap(), tokenizer.encode(&page).unwrap());
    assert_eq!(first_chars("añb", 2), "añ");
    assert_eq!(first_chars("añb", 3), "añb");
}
