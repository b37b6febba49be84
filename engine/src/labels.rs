//! Labels as the model is asked for them, and those that a library brings.

use glimpse_encoder::{Embedding, Encode};
use glimpse_indexer::{Filter, ReasonCode, Refusal};

use crate::prompt::{TEMPLATES, mean, prompts};
use crate::query::text_is_sound;
use crate::suggest::common_words;
use crate::{Engine, EngineError};

/// Most labels at once.
pub const MAX_LABELS: usize = 10_000;

/// Most keywords of a library that serve as labels.
const MOST: usize = 100;
/// Longer keywords are no words for what an image shows.
const LONGEST: usize = 40;

/// Says what makes no sense, before any work is done.
///
/// # Errors
/// [`EngineError::BadRequest`] for none, too many, or a label without words.
pub(crate) fn check_labels(labels: &[String]) -> Result<(), EngineError> {
    if labels.is_empty() || labels.len() > MAX_LABELS {
        let text = format!("{} labels; give 1 to {MAX_LABELS}", labels.len());
        return Err(Refusal::new(ReasonCode::TooManyLabels, text).at_most(MAX_LABELS).into());
    }
    labels.iter().try_for_each(|label| text_is_sound(label))
}

/// For each label the mean of what is embedded of its prompts.
fn of_prompts(
    labels: &[String],
    embed: impl FnOnce(&[&str]) -> Result<Vec<Embedding>, EngineError>,
) -> Result<Vec<Embedding>, EngineError> {
    check_labels(labels)?;
    let texts: Vec<String> = labels.iter().flat_map(|label| prompts(label, &TEMPLATES)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    Ok(embed(&texts)?.chunks(TEMPLATES.len()).map(mean).collect::<Result<_, _>>()?)
}

impl Engine {
    /// The vectors of labels, in order, as parts of images are compared with them.
    ///
    /// # Errors
    /// As [`check_labels`]; otherwise if the model fails.
    pub(crate) fn label_vectors(&self, encoder: &dyn Encode, labels: &[String]) -> Result<Vec<Embedding>, EngineError> {
        of_prompts(labels, |texts| self.texts.embed(encoder, texts))
    }

    /// The same as images as a whole are asked with them.
    ///
    /// # Errors
    /// As [`Engine::label_vectors`].
    pub(crate) fn label_queries(&self, encoder: &dyn Encode, labels: &[String]) -> Result<Vec<Embedding>, EngineError> {
        of_prompts(labels, |texts| self.texts.embed_queries(encoder, texts))
    }

    /// The labels that a library brings: its keywords, most frequent first.
    ///
    /// # Errors
    /// [`EngineError::BadRequest`] if it has none.
    pub(crate) fn own_labels(&self) -> Result<Vec<String>, EngineError> {
        let words = self.keywords_as_labels()?;
        if words.is_empty() {
            let text = "no labels were given, and the library has no keywords to take in their place; name what the \
                        image may show";
            return Err(Refusal::new(ReasonCode::NoLabels, text).into());
        }
        Ok(words)
    }

    /// The labels where none are given: those that the library brings, or, where it brings none,
    /// words for what many libraries hold.
    ///
    /// # Errors
    /// If the store fails.
    pub fn usual_labels(&self) -> Result<Vec<String>, EngineError> {
        let words = self.keywords_as_labels()?;
        Ok(if words.is_empty() { common_words("en").0.into_iter().map(str::to_owned).collect() } else { words })
    }

    fn keywords_as_labels(&self) -> Result<Vec<String>, EngineError> {
        let is_word = |tag: &str| tag.chars().count() <= LONGEST && tag.chars().any(char::is_alphabetic);
        let tags = match self.tags_of(&Filter::default()) {
            Err(error) if error.is_empty_library() => Vec::new(),
            tags => tags?,
        };
        Ok(tags.into_iter().map(|tag| tag.tag).filter(|tag| is_word(tag)).take(MOST).collect())
    }
}
