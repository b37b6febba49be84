//! Search texts that are questions about things, which `find` answers better.

use super::parse::number;
use super::structured_query::{MAX_COUNT, QueryObject, StructuredQuery};

impl StructuredQuery {
    /// The form that a search text amounts to, if it counts things (`two dogs`), rules some out
    /// (`dog and no cat`) or says how they lie (`dog left of ball`). Plain words, and words joined
    /// by `and`, are left to search.
    pub fn suggested(text: &str) -> Option<Self> {
        let form = Self::parse(text).ok()?;
        let is_counted = |thing: &QueryObject| *thing != QueryObject::named(thing.text.as_str());
        if !form.without.is_empty() || !form.relations.is_empty() || form.things.iter().any(is_counted) {
            return Some(form);
        }
        let [thing] = &form.things[..] else { return None };
        let (count, rest) = thing.text.split_once(' ')?;
        let at_least = number(count).filter(|count| (2..=MAX_COUNT).contains(count))?;
        Some(Self { things: vec![QueryObject { at_least, ..QueryObject::named(rest) }], ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_about_things_are_told_from_plain_words() {
        let suggested = |text: &str| StructuredQuery::suggested(text).map(|form| form.to_string());
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
    }
}
