//! SigLIP 1's cleaning of text, first piece, unknown letters, end and padding against those of
//! transformers' `SiglipTokenizer`, on a small SentencePiece vocabulary.

use glimpse_encoder::tokenize::{TextInput, Tokenizer};
use glimpse_nonempty::each;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    length: usize,
    pieces: usize,
    cases: Vec<Case>,
}

/// A text and its ids, padding left out.
#[derive(Deserialize)]
struct Case {
    text: String,
    ids: Vec<u32>,
}

/// Texts in which transformers sees special tokens. Here they are text like any other, as in
/// big_vision and for every query that a person types: punctuation is dropped, and `s` or `unk` is
/// left.
const SPECIAL: [&str; 5] = ["<unk>", "</s>", "a </s> b", "a</s>b", "dog <unk> cat"];

#[test]
fn ids_are_those_of_the_reference() {
    let folder = crate::golden("siglip1");
    let golden: Golden = serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
    assert!(golden.cases.len() >= 180);
    let input = TextInput { length: golden.length, vocab_size: golden.pieces, strip_punctuation: false };
    let tokenizer = Tokenizer::load(&folder, input).unwrap();
    assert_eq!((tokenizer.eos_id(), tokenizer.pad_id()), (1, 1));
    let mut special = Vec::new();
    for case in each(&golden.cases) {
        let mut expected = case.ids.clone();
        expected.resize(golden.length, tokenizer.pad_id());
        let found = tokenizer.encode(&case.text).unwrap();
        if SPECIAL.contains(&case.text.as_str()) {
            special.push(case.text.as_str());
            assert_ne!(found, expected, "{:?} is read as transformers reads it; shorten the list", case.text);
        } else {
            assert_eq!(found, expected, "{:?}", case.text);
        }
    }
    assert_eq!(special, SPECIAL);
}

#[test]
fn golden_texts_cover_what_they_are_for() {
    let folder = crate::golden("siglip1");
    let golden: Golden = serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let has = |what: &str, holds: &dyn Fn(&Case) -> bool| assert!(golden.cases.iter().any(holds), "{what}");
    has("an empty text", &|case| case.text.is_empty() && case.ids == [1]);
    has("an unknown letter", &|case| case.ids.contains(&2));
    has("punctuation alone", &|case| case.text == "..." && case.ids == [1]);
    has("a text that is cut", &|case| case.ids.len() == golden.length && case.ids[golden.length - 2] != 1);
    has("capitals", &|case| case.text.chars().any(char::is_uppercase));
}
