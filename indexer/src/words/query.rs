//! What a searcher typed, as a query that never fails: words are wishes, phrases in quotes are
//! conditions.
//!
//! An image that has any of the words is found, one that has all of them comes first. Each word is
//! looked for in all fields and counts where it counts most, so that a word in both the caption and
//! the keywords is not two words.

use tantivy::Term;
use tantivy::query::{BooleanQuery, BoostQuery, DisjunctionMaxQuery, Occur, PhraseQuery, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};

use super::tokenize::{Form, Word, words};

/// Longest question that is read, in characters.
const MAX_CHARS: usize = 2048;
/// Most units of a question that are looked for.
const MAX_UNITS: usize = 64;
/// What having all words is worth beside having them one by one.
const ALL_WORDS: f32 = 2.0;
/// What the same word in a further field adds.
const FURTHER_FIELD: f32 = 0.1;
/// What the parts of a unit count when they do not stand together.
const SCATTERED: f32 = 0.3;

/// A query over `fields` with their weights; `None` if the text has no words.
pub fn parse(text: &str, fields: &[(Field, f32)]) -> Option<Box<dyn Query>> {
    let text: String = text.chars().take(MAX_CHARS).collect();
    let (phrases, chunks) = units(&text);
    let required = phrases.iter().filter_map(|phrase| in_fields(fields, |field| together(field, phrase)));
    let required: Vec<Box<dyn Query>> = required.collect();
    let wished = chunks.iter().filter_map(|chunk| in_fields(fields, |field| together_or_not(field, chunk)));
    let wished: Vec<Box<dyn Query>> = wished.collect();
    let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
    if wished.len() > 1 {
        let all = BooleanQuery::intersection(wished.iter().map(|query| query.box_clone()).collect());
        clauses.push((Occur::Should, Box::new(BoostQuery::new(Box::new(all), ALL_WORDS))));
    }
    clauses.extend(required.into_iter().map(|query| (Occur::Must, query)));
    clauses.extend(wished.into_iter().map(|query| (Occur::Should, query)));
    (!clauses.is_empty()).then(|| Box::new(BooleanQuery::new(clauses)) as Box<dyn Query>)
}

/// Phrases in quotes, and the chunks between spaces. A quote without a partner is no quote.
fn units(text: &str) -> (Vec<Vec<Word>>, Vec<Vec<Word>>) {
    let is_quote = |c: char| matches!(c, '"' | '“' | '”' | '„' | '«' | '»' | '「' | '」' | '『' | '』');
    let pieces: Vec<&str> = text.split(is_quote).collect();
    let (mut phrases, mut chunks) = (Vec::new(), Vec::new());
    for (i, piece) in pieces.iter().enumerate() {
        let quoted = i % 2 == 1 && i + 1 < pieces.len();
        if quoted {
            phrases.push(words(piece));
        } else {
            chunks.extend(piece.split_whitespace().map(words));
        }
    }
    let tidy = |mut units: Vec<Vec<Word>>| {
        units.retain(|unit| !unit.is_empty());
        units.truncate(MAX_UNITS);
        units
    };
    (tidy(phrases), tidy(chunks))
}

/// `make` in each field, of which the best counts.
fn in_fields(fields: &[(Field, f32)], make: impl Fn(Field) -> Option<Box<dyn Query>>) -> Option<Box<dyn Query>> {
    let weigh =
        |&(field, weight): &(Field, f32)| Some(Box::new(BoostQuery::new(make(field)?, weight)) as Box<dyn Query>);
    let queries: Vec<Box<dyn Query>> = fields.iter().filter_map(weigh).collect();
    (!queries.is_empty()).then(|| Box::new(DisjunctionMaxQuery::with_tie_breaker(queries, FURTHER_FIELD)) as _)
}

/// The words of a unit side by side, as they were typed.
fn together(field: Field, unit: &[Word]) -> Option<Box<dyn Query>> {
    let terms: Vec<(usize, Term)> =
        phrase_words(unit).map(|word| (word.position, Term::from_field_text(field, &word.text))).collect();
    match terms.as_slice() {
        [] => None,
        [(_, term)] => Some(Box::new(TermQuery::new(term.clone(), IndexRecordOption::WithFreqs))),
        _ => Some(Box::new(PhraseQuery::new_with_offset(terms))),
    }
}

/// The words of a unit side by side, or for less any of them alone. A run without spaces must stand
/// together: its single characters say nothing.
fn together_or_not(field: Field, unit: &[Word]) -> Option<Box<dyn Query>> {
    let together = together(field, unit)?;
    let alone: Vec<&Word> = unit.iter().filter(|word| word.form != Form::Pair && !is_in_pair(unit, word)).collect();
    if alone.len() < 2 {
        return Some(together);
    }
    let alone = alone.into_iter().map(|word| {
        let term = TermQuery::new(Term::from_field_text(field, &word.text), IndexRecordOption::WithFreqs);
        Box::new(BoostQuery::new(Box::new(term), SCATTERED)) as Box<dyn Query>
    });
    Some(Box::new(DisjunctionMaxQuery::with_tie_breaker(
        std::iter::once(together).chain(alone).collect(),
        FURTHER_FIELD,
    )))
}

/// The words that make the phrase of a unit: pairs where there are any, else the single words and
/// parts.
fn phrase_words(unit: &[Word]) -> impl Iterator<Item = &Word> {
    unit.iter().filter(move |word| match word.form {
        Form::Pair => true,
        Form::Whole => false,
        Form::Plain => !is_in_pair(unit, word),
    })
}

/// True if a pair of the unit holds this character.
fn is_in_pair(unit: &[Word], word: &Word) -> bool {
    let mut pairs = unit.iter().filter(|other| other.form == Form::Pair);
    word.form == Form::Plain && pairs.any(|pair| pair.position == word.position || pair.position + 1 == word.position)
}
