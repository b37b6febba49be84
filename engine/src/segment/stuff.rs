//! Which labels are stuff: what has no parts to be counted, as sky and grass.

use std::collections::HashSet;

use crate::prompt::canonical;

/// Words for stuff, a line a language: `en sky, sea, ...`.
const WORDS: &str = include_str!("stuff.txt");

/// Tells stuff from things.
pub(super) enum StuffRule {
    /// Only these labels.
    Named(HashSet<String>),
    /// Labels that are a word for stuff, and English ones that end in one (`blue sky`).
    Known { all: HashSet<&'static str>, english: HashSet<&'static str> },
}

impl StuffRule {
    /// The rule for labels that were named; the words that are known if none were.
    pub fn of(named: Option<&[String]>) -> Self {
        if let Some(named) = named {
            return Self::Named(named.iter().map(|label| canonical(label)).collect());
        }
        let lines = || WORDS.lines().filter_map(|line| line.split_once(' '));
        let words = |words: &'static str| words.split(',').map(str::trim);
        Self::Known {
            all: lines().flat_map(|(_, list)| words(list)).collect(),
            english: lines().filter(|(language, _)| *language == "en").flat_map(|(_, list)| words(list)).collect(),
        }
    }

    /// Whether a label is stuff.
    pub fn is_stuff(&self, label: &str) -> bool {
        let label = canonical(label);
        match self {
            Self::Named(labels) => labels.contains(&label),
            Self::Known { all, english } => {
                let last = label.rsplit(' ').next().unwrap_or_default();
                all.contains(label.as_str()) || english.contains(last)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::each;

    use super::*;

    #[test]
    fn words_for_stuff_are_known_in_every_language() {
        let languages: Vec<&str> = WORDS.lines().filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(languages, ["ar", "de", "en", "es", "fr", "he", "it", "ja", "ko", "pt", "ru", "tr", "zh"]);
        for line in each(WORDS.lines()) {
            let words: Vec<&str> =
                line.split_once(' ').map_or("", |(_, words)| words).split(',').map(str::trim).collect();
            assert!(words.len() >= 20, "{line}");
            let odd: Vec<_> = words.iter().filter(|word| canonical(word) != **word).collect();
            assert!(odd.is_empty(), "{odd:?} are not as labels are compared");
        }
    }

    #[test]
    fn labels_are_stuff_by_the_word_that_they_end_in_or_as_named() {
        let known = StuffRule::of(None);
        let stuff = ["sky", "Blue Sky", "Himmel", "海", "wooden_floor"].map(|label| known.is_stuff(label));
        assert_eq!(stuff, [true; 5]);
        assert_eq!(["dog", "sea lion", "grasshopper"].map(|label| known.is_stuff(label)), [false; 3]);
        let named = StuffRule::of(Some(&["Dog".to_owned()]));
        assert_eq!(["dog", "sky"].map(|label| named.is_stuff(label)), [true, false]);
    }
}
