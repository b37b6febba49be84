//! What to ask: words that a library is known to answer, and what was meant by those that it does
//! not know.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;

use glimpse_indexer::{Filter, TagCount};

use crate::regions::StructuredQuery;
use crate::{Depth, Engine, EngineError, Mode, Query, Source, Term};

/// Words for what many libraries hold, a line a language: `en beach, mountains, ...`.
const LABELS: &str = include_str!("labels.txt");
/// Most words of a suggestion.
const MOST_EXAMPLES: usize = 8;
/// Keywords of fewer images say little about a library.
const FEWEST_IMAGES: usize = 3;
/// Longer keywords are no words that people would type.
const LONGEST: usize = 40;

/// A word that the library does not know, and the nearest that it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// As it was typed.
    pub typed: String,
    /// As the library has it, folded.
    pub word: String,
}

impl Engine {
    /// Up to eight words that this library is known to answer: its most frequent keywords, of three
    /// images at least, and the largest albums, then what its model finds of [`LABELS`] in a
    /// language, unless `model` is false: that loads the model. What the model finds is looked for
    /// again when the library has grown to twice its size.
    ///
    /// # Errors
    /// If there is no index yet, or the model fails.
    pub fn examples(&self, language: &str, model: bool) -> Result<Vec<String>, EngineError> {
        let mut examples = self.words_of_people()?;
        if examples.len() < MOST_EXAMPLES && model {
            examples.extend(self.found_labels(language)?.iter().cloned());
        }
        let mut known = HashSet::new();
        examples.retain(|word| known.insert(word.to_lowercase()));
        examples.truncate(MOST_EXAMPLES);
        Ok(examples)
    }

    /// For each word that the library's words do not know, the nearest of its words within one or
    /// two edits.
    ///
    /// # Errors
    /// If there is no index yet, or its words cannot be read.
    pub fn corrections(&self, text: &str) -> Result<Vec<Correction>, EngineError> {
        let corrections = self.serving()?.nearest_words(text)?;
        Ok(corrections.into_iter().map(|(typed, word)| Correction { typed, word }).collect())
    }

    /// Keywords by their frequency, and albums by their size among them.
    fn words_of_people(&self) -> Result<Vec<String>, EngineError> {
        let tags = self.tags_of(&Filter::default())?;
        let is_word = |tag: &str| tag.chars().count() <= LONGEST && tag.chars().any(char::is_alphabetic);
        let is_frequent = |tag: &TagCount| tag.images >= FEWEST_IMAGES && is_word(&tag.tag);
        let tags = tags.into_iter().filter(is_frequent).take(MOST_EXAMPLES);
        let mut words: Vec<(usize, String)> = tags.map(|tag| (tag.images, tag.tag)).collect();
        for album in self.albums()?.iter().filter(|album| album.search.is_none()) {
            words.push((self.images_of(album)?.len(), album.name.clone()));
        }
        words.retain(|(images, _)| *images > 0);
        words.sort_by_key(|(images, _)| Reverse(*images));
        Ok(words.into_iter().map(|(_, word)| word).collect())
    }

    /// Labels that are found, those of most images first.
    fn found_labels(&self, language: &str) -> Result<Arc<Vec<String>>, EngineError> {
        let served = self.serving()?;
        let (labels, language) = common_words(language);
        let question = format!("{language} {}", served.len().checked_ilog2().unwrap_or(0));
        let find = || {
            let mut found = Vec::new();
            for label in labels {
                let query = Query {
                    terms: vec![Term { source: Source::Text(label.to_owned()), weight: 1.0 }],
                    mode: Mode::Semantic,
                    depth: Depth::Strict,
                    limit: 1,
                    ..Query::default()
                };
                let page = self.search(&query)?;
                found.push((page.accepted, label.to_owned()));
            }
            found.retain(|(images, _)| *images > 0);
            found.sort_by_key(|(images, _)| Reverse(*images));
            Ok(found.into_iter().map(|(_, label)| label).collect())
        };
        served.found_labels.get_or_make(question, find, |_| true)
    }
}

/// True if a text reads as a form of things, which `find` answers better than a search; its words
/// may be in a language or in English.
pub fn is_form_of_things(text: &str, language: &str) -> bool {
    StructuredQuery::suggested(text, language).is_some()
}

/// Words for what many libraries hold in a language, and the language: English where there is no
/// other.
pub(crate) fn common_words(language: &str) -> (Vec<&'static str>, &'static str) {
    let of =
        |language: &str| LABELS.lines().filter_map(|line| line.split_once(' ')).find(|(known, _)| *known == language);
    let (language, labels) = of(language).or_else(|| of("en")).unwrap_or_default();
    (labels.split(',').map(str::trim).collect(), language)
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::{Every as _, each};

    use super::*;

    #[test]
    fn every_language_has_the_same_labels() {
        let lines: Vec<&str> = LABELS.lines().collect();
        assert_eq!(lines.len(), 13);
        for line in each(lines) {
            let language = line.split(' ').next().unwrap_or_default();
            let (labels, known) = common_words(language);
            assert_eq!((labels.len(), known), (34, language));
            let distinct: HashSet<_> = labels.iter().collect();
            assert_eq!(distinct.len(), labels.len(), "{line}");
            assert!(labels.iter().every(|label| !label.is_empty()), "{line}");
        }
        assert_eq!(common_words("xx").1, "en");
    }
}
