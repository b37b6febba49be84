//! The query form as it is typed, written: what [`StructuredQuery::parse`] reads back as it was.

use std::fmt;

use super::form_words::FormWords;
use super::structured_query::{QueryObject, Relation, StructuredQuery};

/// As it is typed; [`StructuredQuery::parse`] reads it back.
impl fmt::Display for StructuredQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        let mut related = vec![false; self.things.len()];
        for Relation { first, is, second } in &self.relations {
            let (a, b) = (&self.things[*first], &self.things[*second]);
            write!(f, "{between}{a} {} {b}", is.words())?;
            (related[*first], related[*second], between) = (true, true, " and ");
        }
        for (thing, _) in self.things.iter().zip(related).filter(|(_, related)| !related) {
            write!(f, "{between}{thing}")?;
            between = " and ";
        }
        for text in &self.without {
            write!(f, "{between}no {}", Quoted(text))?;
            between = " and ";
        }
        Ok(())
    }
}

impl fmt::Display for QueryObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.at_least, self.at_most) {
            (1, None) => {}
            (least, None) => write!(f, "at least {least} ")?,
            (1, Some(most)) => write!(f, "at most {most} ")?,
            (least, Some(most)) if least == most => write!(f, "exactly {least} ")?,
            (least, Some(most)) => write!(f, "{least} to {most} ")?,
        }
        write!(f, "{}", Quoted(&self.text))
    }
}

/// A text in quotes where one of its words could be read as one of the form's.
struct Quoted<'a>(&'a str);

/// The words of the form, beside the names of numbers.
const OWN_WORDS: [&str; 19] = [
    "and", "no", "without", "or", "more", "at", "least", "most", "exactly", "to", "left", "right", "above", "below",
    "inside", "larger", "smaller", "of", "than",
];

impl Quoted<'_> {
    fn is_plain(&self) -> bool {
        let is_plain = |word: &str| {
            let own =
                OWN_WORDS.iter().any(|own| word.to_lowercase() == *own) || FormWords::of("en").number(word).is_some();
            !own && !word.is_empty() && word.chars().all(char::is_alphabetic)
        };
        self.0.split(' ').all(is_plain)
    }
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_plain() {
            return f.write_str(self.0);
        }
        write!(f, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}
