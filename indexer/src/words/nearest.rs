//! The words of a library that are spelled almost like one that it does not have.

use std::collections::HashMap;

use tantivy::query::FuzzyTermQuery;
use tantivy::schema::Field;
use tantivy::{Searcher, TantivyError, Term};

/// Shorter words are one edit away from too many others.
const SHORTEST: usize = 4;
/// From so many characters on, a word may have two edits.
const LONG: usize = 8;
/// Most words that are compared: what is as near as these is as good.
const MOST_CANDIDATES: usize = 10_000;

/// The word of `fields` that is nearest to a folded one, by edits and then by the number of images
/// that have it. `None` for a word that the fields hold, that is short, or that is no word of
/// letters.
pub fn nearest(searcher: &Searcher, fields: &[Field], word: &str) -> Result<Option<String>, TantivyError> {
    let length = word.chars().count();
    if length < SHORTEST || !word.chars().all(char::is_alphabetic) || is_known(searcher, fields, word)? {
        return Ok(None);
    }
    for edits in 1..=if length < LONG { 1 } else { 2 } {
        let images = within(searcher, fields, word, edits)?;
        let best = images.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)));
        if let Some((nearest, _)) = best {
            return Ok(Some(nearest));
        }
    }
    Ok(None)
}

fn is_known(searcher: &Searcher, fields: &[Field], word: &str) -> Result<bool, TantivyError> {
    for &field in fields {
        if searcher.doc_freq(&Term::from_field_text(field, word))? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Words of letters within so many edits, where two letters that changed places are one, and how
/// many images have them.
fn within(searcher: &Searcher, fields: &[Field], word: &str, edits: u8) -> Result<HashMap<String, u64>, TantivyError> {
    let mut images: HashMap<String, u64> = HashMap::new();
    for &field in fields {
        let query = FuzzyTermQuery::new(Term::from_field_text(field, word), edits, true);
        for segment in searcher.segment_readers() {
            let index = segment.inverted_index(field)?;
            let mut terms = index.terms().search(query.automaton()?).into_stream()?;
            while let Some((term, info)) = terms.next() {
                let Ok(term) = std::str::from_utf8(term) else { continue };
                if term.chars().all(char::is_alphabetic) && (images.len() < MOST_CANDIDATES) {
                    *images.entry(term.to_owned()).or_default() += u64::from(info.doc_freq);
                }
            }
        }
    }
    Ok(images)
}
