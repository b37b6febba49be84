//! Token ids of the released SigLIP 2 tokenizer against those of transformers.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Instant;

use glimpse_encoder::tokenize::{TextInput, Tokenizer};
use glimpse_nonempty::each;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    length: usize,
    short: Vec<Case>,
    long: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    #[serde(default)]
    language: String,
    text: String,
    #[serde(default = "once")]
    times: usize,
    ids: Vec<u32>,
}

fn once() -> usize {
    1
}

const INPUT: TextInput = TextInput { length: 64, vocab_size: 256_000, strip_punctuation: false };

/// The real tokenizer: `GLIMPSE_TOKENIZER`, or unpacked from the test data.
fn released() -> Option<&'static Tokenizer> {
    static TOKENIZER: OnceLock<Option<Tokenizer>> = OnceLock::new();
    let load = || {
        let start = Instant::now();
        let tokenizer = Tokenizer::load(&file()?, INPUT).unwrap();
        println!("loaded in {:.2} s", start.elapsed().as_secs_f32());
        Some(tokenizer)
    };
    TOKENIZER.get_or_init(load).as_ref()
}

fn file() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("GLIMPSE_TOKENIZER") {
        return Some(path.into());
    }
    let packed = crate::shared("siglip2-tokenizer.json.gz")?;
    let unpacked = std::process::Command::new("gunzip").arg("-c").arg(&packed).output();
    let Some(json) = unpacked.ok().filter(|output| output.status.success()).map(|output| output.stdout) else {
        eprintln!("SKIPPED: gunzip cannot unpack {} (name an unpacked one in GLIMPSE_TOKENIZER)", packed.display());
        return None;
    };
    let path = tempfile::tempdir().unwrap().keep().join("tokenizer.json");
    std::fs::write(&path, json).unwrap();
    Some(path)
}

fn golden() -> Golden {
    serde_json::from_slice(&std::fs::read(crate::golden("tokens/expected.json")).unwrap()).unwrap()
}

#[test]
fn ids_are_those_of_the_reference() {
    let Some(tokenizer) = released() else { return };
    let golden = golden();
    assert_eq!(golden.length, INPUT.length);
    assert!(golden.short.len() >= 300);
    let mut languages: Vec<&str> = golden.short.iter().map(|case| case.language.as_str()).collect();
    languages.dedup();
    assert!(languages.len() >= 40);
    for case in each(golden.short.iter().chain(&golden.long)) {
        let mut expected = case.ids.clone();
        expected.resize(INPUT.length, 0);
        let text = case.text.repeat(case.times);
        assert_eq!(tokenizer.encode(&text).unwrap(), expected, "{}: {:?} x {}", case.language, case.text, case.times);
    }
    println!("{} strings in {} groups", golden.short.len() + golden.long.len(), languages.len());
}

#[test]
fn punctuation_is_an_option() {
    let Some(tokenizer) = released() else { return };
    let stripping = Tokenizer::load(tokenizer.path(), TextInput { strip_punctuation: true, ..INPUT }).unwrap();
    assert_ne!(tokenizer.encode("A photo of a cat.").unwrap(), tokenizer.encode("a photo of a cat").unwrap());
    assert_eq!(stripping.encode("A photo of: a_cat!").unwrap(), tokenizer.encode("a photo of a cat").unwrap());
}

#[test]
fn a_model_with_another_vocabulary_is_told_apart() {
    let Some(tokenizer) = released() else { return };
    let error = Tokenizer::load(tokenizer.path(), TextInput { vocab_size: 32_000, ..INPUT }).unwrap_err().to_string();
    assert!(error.contains("the model has 32000 token rows, this tokenizer has 256000 pieces"), "{error}");
}

#[test]
fn a_megabyte_is_as_good_as_a_page() {
    let Some(tokenizer) = released() else { return };
    for unit in ["x", " ", "ab", "\n", "🐕", "word after word, ", "あ"] {
        let book = tokenizer.encode(&unit.repeat((4 << 20) / unit.len())).unwrap();
        assert_eq!(book, tokenizer.encode(&unit.repeat(8000)).unwrap(), "{unit:?}");
        assert_eq!(book[INPUT.length - 1], tokenizer.eos_id(), "{unit:?}");
    }
}
