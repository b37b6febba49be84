//! The words of the query form, in the languages that the page speaks.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::structured_query::{MAX_COUNT, SpatialRelation};

/// What a word, or a run of words, says in a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FormWord {
    And,
    /// Rules out the text behind it.
    No,
    /// Rules out the text before it.
    NoAfter,
    OrMore,
    AtLeast,
    AtMost,
    Exactly,
    To,
    Number(usize),
    Relation(SpatialRelation),
}

/// A run of words in lower case.
#[derive(Debug)]
struct Phrase {
    words: String,
    says: FormWord,
    /// A text may follow without a space.
    before_text: bool,
    /// A text may go before without a space.
    behind_text: bool,
}

/// The phrases of one language and of English, the longest first.
#[derive(Debug)]
pub(super) struct FormWords(Vec<Phrase>);

static ALL: LazyLock<HashMap<&'static str, FormWords>> = LazyLock::new(|| {
    let lines: Vec<(&str, &str, &str)> = TABLE.lines().filter_map(line).collect();
    let of = |language: &'static str| {
        let own = lines.iter().filter(|(of, ..)| *of == "en" || *of == language);
        let mut phrases: Vec<Phrase> = own.flat_map(|(_, kind, phrases)| read(kind, phrases)).collect();
        phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.words.chars().count()));
        (language, FormWords(phrases))
    };
    lines.iter().map(|(language, ..)| of(language)).collect()
});

const TABLE: &str = include_str!("form_words.txt");

/// Language, kind and phrases.
fn line(line: &'static str) -> Option<(&'static str, &'static str, &'static str)> {
    let (names, phrases) = line.split_once(" = ").filter(|_| !line.starts_with('#'))?;
    let (language, kind) = names.split_once(' ')?;
    Some((language, kind, phrases))
}

fn read(kind: &str, phrases: &str) -> Vec<Phrase> {
    let phrase = |written: &str, says: FormWord| Phrase {
        words: written.trim_matches('~').to_owned(),
        says,
        before_text: written.ends_with(['~', '\'']),
        behind_text: written.starts_with('~'),
    };
    let written = phrases.split(',').map(str::trim);
    if kind == "numbers" {
        let numbers = (1..=MAX_COUNT).zip(written);
        return numbers
            .flat_map(|(n, names)| names.split('/').map(move |name| phrase(name, FormWord::Number(n))))
            .collect();
    }
    let relation = || SpatialRelation::ALL.iter().find(|(_, words)| words.replace(' ', "-") == kind);
    let says = match kind {
        "and" => Some(FormWord::And),
        "no" => Some(FormWord::No),
        "no-after" => Some(FormWord::NoAfter),
        "or-more" => Some(FormWord::OrMore),
        "at-least" => Some(FormWord::AtLeast),
        "at-most" => Some(FormWord::AtMost),
        "exactly" => Some(FormWord::Exactly),
        "to" => Some(FormWord::To),
        _ => relation().map(|(relation, _)| FormWord::Relation(*relation)),
    };
    says.map_or_else(Vec::new, |says| written.map(|written| phrase(written, says)).collect())
}

impl FormWords {
    /// Those of a language (`de`, `pt-BR`) and of English; those of English alone for a language
    /// that is not known.
    pub fn of(language: &str) -> &'static Self {
        static NONE: FormWords = FormWords(Vec::new());
        let primary = language.split(['-', '_']).next().unwrap_or_default().to_lowercase();
        ALL.get(primary.as_str()).or_else(|| ALL.get("en")).unwrap_or(&NONE)
    }

    /// The phrase at the beginning of a text, and how many bytes of the text it takes. `ends` tells
    /// what may follow a word.
    pub fn at_start(&self, text: &str, ends: impl Fn(char) -> bool) -> Option<(FormWord, usize)> {
        self.0.iter().filter(|phrase| !phrase.behind_text).find_map(|phrase| {
            let taken = taken(text, &phrase.words)?;
            let next = text[taken..].chars().next();
            (phrase.before_text || next.is_none_or(&ends)).then_some((phrase.says, taken))
        })
    }

    /// The phrase that is written to the end of a word, and where it begins.
    pub fn at_end(&self, word: &str) -> Option<(FormWord, usize)> {
        let phrases = self.0.iter().filter(|phrase| phrase.behind_text);
        phrases
            .filter_map(|phrase| Some((phrase.says, word.strip_suffix(&phrase.words)?.len())))
            .find(|(_, at)| *at > 0)
    }

    /// The number that a word says, in words or figures.
    pub fn number(&self, word: &str) -> Option<usize> {
        let said = |phrase: &&Phrase| taken(word, &phrase.words) == Some(word.len());
        let named = self.0.iter().filter(said).find_map(|phrase| match phrase.says {
            FormWord::Number(n) => Some(n),
            _ => None,
        });
        named.or_else(|| word.parse().ok())
    }
}

/// How many bytes of a text a phrase takes that it begins with, in whatever case, with any white
/// space between its words and either apostrophe.
pub(super) fn taken(text: &str, phrase: &str) -> Option<usize> {
    let mut rest = text.char_indices().peekable();
    for wanted in phrase.chars() {
        let (_, c) = rest.next()?;
        match wanted {
            ' ' if c.is_whitespace() => while rest.next_if(|(_, c)| c.is_whitespace()).is_some() {},
            '\'' if matches!(c, '\'' | '’') => {}
            _ if c == wanted || c.to_lowercase().eq([wanted]) => {}
            _ => return None,
        }
    }
    Some(rest.peek().map_or(text.len(), |(at, _)| *at))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::HashSet;

    use glimpse_nonempty::{Every as _, each};

    use super::*;

    #[test]
    fn every_line_is_read_and_no_phrase_says_two_things() {
        let lines: Vec<&str> = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        for text in each(lines) {
            let (language, kind, phrases) = line(text).unwrap_or_else(|| panic!("{text}"));
            let read = read(kind, phrases);
            assert!(!read.is_empty() && read.iter().every(|phrase| !phrase.words.is_empty()), "{text}");
            assert!(read.iter().every(|phrase| phrase.words == phrase.words.to_lowercase()), "{text}");
            if kind == "numbers" {
                let numbers: HashSet<_> = read.iter().map(|phrase| format!("{:?}", phrase.says)).collect();
                assert_eq!(numbers.len(), MAX_COUNT, "{text}");
            }
            assert!(["de", "en"].contains(&language) || ALL.contains_key(language));
        }
        assert_eq!(ALL.len(), 13);
        for (language, words) in each(ALL.iter()) {
            let mut said: HashMap<(&str, bool), FormWord> = HashMap::new();
            for phrase in each(&words.0) {
                let before = said.insert((&phrase.words, phrase.behind_text), phrase.says);
                assert!(before.is_none_or(|before| before == phrase.says), "{language}: {}", phrase.words);
            }
        }
    }

    #[test]
    fn a_phrase_is_found_in_whatever_case_and_ends_with_its_word() {
        let ends = |c: char| c.is_whitespace();
        let at = |language: &str, text: &str| FormWords::of(language).at_start(text, ends);
        let left = Some(FormWord::Relation(SpatialRelation::LeftOf));
        for (language, text, expected) in each([
            ("de", "Links  vom Ball", left.map(|says| (says, 10))),
            ("fr", "à gauche d’une balle", left.map(|says| (says, 14))),
            ("de-AT", "keine Katze", Some((FormWord::No, 5))),
            ("de", "keiner", Some((FormWord::No, 6))),
            ("de", "undicht", None),
            ("en", "and", Some((FormWord::And, 3))),
            ("xx", "and", Some((FormWord::And, 3))),
            ("en", "und", None),
            ("zh-CN", "没有猫", Some((FormWord::No, 6))),
        ]) {
            assert_eq!(at(language, text), expected, "{language} {text}");
        }
        assert_eq!(FormWords::of("ja").at_end("猫なし"), Some((FormWord::NoAfter, 3)));
        assert_eq!(FormWords::of("ja").at_end("なし"), None);
        assert_eq!((FormWords::of("ru").number("Две"), FormWords::of("ru").number("7")), (Some(2), Some(7)));
    }
}
