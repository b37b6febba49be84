//! Labels as models are asked for them: the cleaning and the sentences of zero-shot classification.

use glimpse_encoder::{Embedding, EncodeError};

/// The sentences that stand for a label unless others are given: the label alone, which is what the
/// null texts of calibration are too, and fits every language.
pub const TEMPLATES: [&str; 1] = ["{}"];

/// A label as SigLIP's own zero-shot evaluation has it: lower case, `_` as a space, no ASCII
/// punctuation but commas, runs of white space as one space (big_vision, `canonicalize` of
/// `evaluators/proj/image_text/discriminative_classifier.py`). A label that is nothing but
/// punctuation stays as it is.
pub fn canonical(label: &str) -> String {
    let spaced = label.replace('_', " ").to_lowercase();
    let kept: String = spaced.chars().filter(|c| *c == ',' || !c.is_ascii_punctuation()).collect();
    let words: Vec<&str> = kept.split_whitespace().collect();
    match words.is_empty() {
        true => label.trim().to_owned(),
        false => words.join(" "),
    }
}

/// The texts that stand for a label: each template with the label in place of `{}`, both canonical.
pub fn prompts(label: &str, templates: &[impl AsRef<str>]) -> Vec<String> {
    let label = canonical(label);
    // The place of the label would be lost as punctuation.
    let around = |template: &str| template.split("{}").map(canonical_part).collect::<Vec<_>>().join(&label);
    templates.iter().map(|template| around(template.as_ref())).collect()
}

/// As [`canonical`] for a part of a sentence, which keeps white space at its ends.
fn canonical_part(part: &str) -> String {
    let lower = part.replace('_', " ").to_lowercase();
    lower.chars().filter(|c| *c == ',' || !c.is_ascii_punctuation()).collect()
}

/// The direction between the embeddings of one label's prompts.
///
/// # Errors
/// [`EncodeError::NotAVector`] if there are none, or they cancel each other.
pub fn mean(prompts: &[Embedding]) -> Result<Embedding, EncodeError> {
    let dim = prompts.first().map_or(0, Embedding::dim);
    let sum = (0..dim).map(|i| prompts.iter().map(|prompt| prompt.as_slice()[i]).sum()).collect();
    Embedding::new(sum)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_cleaned_as_the_evaluation_of_the_paper_does() {
        for (label, clean) in [
            ("Golden_Retriever", "golden retriever"),
            ("  T-shirt, blue! ", "tshirt, blue"),
            ("Écharpe «rouge»", "écharpe «rouge»"),
            ("柴犬", "柴犬"),
            ("?!", "?!"),
        ] {
            assert_eq!(canonical(label), clean);
        }
    }

    #[test]
    fn templates_hold_the_label_where_they_say() {
        let templates = ["{}", "A photo of a {}.", "{}, close-up of one {}"];
        assert_eq!(
            prompts("Red_Fox", &templates),
            ["red fox", "a photo of a red fox", "red fox, closeup of one red fox"]
        );
        assert_eq!(prompts("Red_Fox", &TEMPLATES), ["red fox"]);
    }

    #[test]
    fn the_mean_lies_between_and_has_length_one() {
        let [x, y] = [[1.0, 0.0], [0.0, 1.0]].map(|values| Embedding::new(values.to_vec()).unwrap());
        let between = mean(&[x.clone(), y.clone()]).unwrap();
        assert!((between.cosine(&x) - between.cosine(&y)).abs() < 1e-6 && between.cosine(&x) > 0.7);
        assert!(mean(&[]).is_err());
    }
}
