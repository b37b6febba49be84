//! Cleaning of text before it is split into tokens.

use std::borrow::Cow;

/// Lower case, without ASCII punctuation, runs of white space as one space: what SigLIP 1 was
/// trained on (`canonicalize_text` in `transformers`, `models/siglip/tokenization_siglip.py`).
pub fn canonical(text: &str) -> Cow<'_, str> {
    let lower = text.to_lowercase();
    let letters: String = lower.chars().filter(|c| !c.is_ascii_punctuation()).collect();
    collapse_spaces(&letters).into()
}

/// Without ASCII punctuation, `_` as a space, runs of white space as one space: how big_vision
/// cleans class names (`canonicalize_text` in `evaluators/proj/image_text/prompt_engineering.py`).
pub fn without_punctuation(text: &str) -> Cow<'_, str> {
    let spaced = text.replace('_', " ");
    let letters: String = spaced.chars().filter(|c| !c.is_ascii_punctuation()).collect();
    collapse_spaces(&letters).into()
}

fn collapse_spaces(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_goes_and_spaces_collapse() {
        assert_eq!(canonical("  Hello,\tWORLD! It's_me — «é» 。"), "hello world itsme — «é» 。");
        assert_eq!(without_punctuation("golden_retriever, (PUPPY)"), "golden retriever PUPPY");
        assert_eq!(canonical("?!...\n"), "");
    }
}
