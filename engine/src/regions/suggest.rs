//! Search texts that are questions about things, which `find` answers better.

use super::form_words::FormWords;
use super::structured_query::{MAX_COUNT, QueryObject, StructuredQuery};

impl StructuredQuery {
    /// The form that a search text amounts to, if it counts things (`two dogs`), rules some out
    /// (`dog and no cat`) or says how they lie (`dog left of ball`). Plain words, and words joined
    /// by `and`, are left to search.
    /// The form's words may be in a language (as in [`StructuredQuery::parse_in`]) or in English.
    pub fn suggested(text: &str, language: &str) -> Option<Self> {
        let form = Self::parse_in(text, language).ok()?;
        let is_counted = |thing: &QueryObject| *thing != QueryObject::named(thing.text.as_str());
        if !form.without.is_empty() || !form.relations.is_empty() || form.things.iter().any(is_counted) {
            return Some(form);
        }
        let [thing] = &form.things[..] else { return None };
        let (count, rest) = thing.text.split_once(' ')?;
        let at_least = FormWords::of(language).number(count).filter(|count| (2..=MAX_COUNT).contains(count))?;
        Some(Self { things: vec![QueryObject { at_least, ..QueryObject::named(rest) }], ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_about_things_are_told_from_plain_words() {
        let suggested = |text: &str| StructuredQuery::suggested(text, "en").map(|form| form.to_string());
        for (text, form) in [
            ("two dogs", "at least 2 dogs"),
            ("3 red cars", "at least 3 red cars"),
            ("two or more dogs", "at least 2 dogs"),
            ("dog and no cat", "dog and no cat"),
            ("cat - dog", "cat and no dog"),
            ("dog left of ball", "dog left of ball"),
        ] {
            assert_eq!(suggested(text).as_deref(), Some(form), "{text}");
        }
        for text in ["red car", "a cat and a dog", "salt and pepper", "one dog", "2024 party", "no cat", "dog and", ""]
        {
            assert_eq!(suggested(text), None, "{text}");
        }
        for (language, text, form) in [
            ("de", "zwei Hunde", "at least 2 Hunde"),
            ("de", "Hund und keine Katze", "Hund and no Katze"),
            ("fr", "deux papillons", "at least 2 papillons"),
            ("ru", "две бабочки", "at least 2 бабочки"),
            ("ja", "犬、猫なし", "犬 and no 猫"),
        ] {
            let suggested = StructuredQuery::suggested(text, language).map(|form| form.to_string());
            assert_eq!(suggested.as_deref(), Some(form), "{text}");
        }
    }
}
