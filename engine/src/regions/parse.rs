//! The query form as it is typed.
//!
//! ```text
//! form   = part ( ( "and" | "," | "&" | "+" ) part | "-" text )*
//! part   = ( "no" | "without" | "!" ) text
//!        | thing ( where thing )*
//! thing  = [ count ] text
//! count  = N "or more" | N "+" | "at least" N | "at most" N | "exactly" N | N "to" N
//! where  = "left of" | "right of" | "above" | "below" | "inside" | "larger than" | "smaller than"
//! text   = words in any language; in double quotes, words that would else be read as the form's own
//! N      = 1 to 10, or "one" to "ten"
//! ```
//!
//! `+` and `-` are words of their own there, as in a search: `-` rules out what follows.
//!
//! A text that comes twice is one thing: `dog left of ball and ball above table` has three.

use super::structured_query::{MAX_COUNT, QueryObject, Relation, SpatialRelation, StructuredQuery};
use crate::EngineError;

const NUMBERS: [&str; MAX_COUNT] = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

/// A word, or a text in quotes.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    And,
    No,
}

impl StructuredQuery {
    /// Reads a form as it is typed; `docs/query-form.md` describes it.
    ///
    /// # Errors
    /// [`EngineError::BadRequest`] that says what is missing where.
    pub fn parse(text: &str) -> Result<Self, EngineError> {
        let tokens = tokens(text)?;
        let mut form = Self::default();
        for part in tokens.split(|token| *token == Token::And) {
            match part.split_first() {
                None => {
                    return Err(refuse(
                        "`and` needs something on both sides: dog and ball. Put a text that holds the word in quotes",
                    ));
                }
                Some((Token::No, rest)) => form.without.push(text_of(rest, "no")?),
                Some(_) => form.read_part(part)?,
            }
        }
        form.validate()?;
        Ok(form)
    }

    fn read_part(&mut self, mut rest: &[Token]) -> Result<(), EngineError> {
        let mut before: Option<(usize, SpatialRelation)> = None;
        loop {
            let cut = (0..rest.len()).find_map(|at| Some((at, spatial_relation(&rest[at..])?)));
            let (words, next) = match cut {
                Some((at, (spatial, length))) => (&rest[..at], Some((spatial, &rest[at + length..]))),
                None => (rest, None),
            };
            let thing =
                self.place_of(thing(words, next.map(|(spatial, _)| spatial).or(before.map(|(_, spatial)| spatial)))?);
            if let Some((first, is)) = before {
                self.relations.push(Relation { first, is, second: thing });
            }
            match next {
                Some((spatial, after)) => (before, rest) = (Some((thing, spatial)), after),
                None => return Ok(()),
            }
        }
    }

    /// The place of a thing among all; a known one keeps its place, and the narrower count.
    fn place_of(&mut self, thing: QueryObject) -> usize {
        match self.things.iter_mut().enumerate().find(|(_, known)| known.text == thing.text) {
            Some((place, known)) => {
                known.at_least = known.at_least.max(thing.at_least);
                known.at_most = [known.at_most, thing.at_most].into_iter().flatten().min();
                place
            }
            None => {
                self.things.push(thing);
                self.things.len() - 1
            }
        }
    }
}

/// Splits at white space and at the form's signs.
fn tokens(text: &str) -> Result<Vec<Token>, EngineError> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&c) = chars.peek() {
        if c.is_whitespace() {
            chars.next();
        } else if matches!(c, ',' | '，' | '、' | '،' | '&') {
            chars.next();
            tokens.push(Token::And);
        } else if c == '!' {
            chars.next();
            tokens.push(Token::No);
        } else if c == '"' {
            chars.next();
            tokens.push(Token::Quoted(quoted(&mut chars)?));
        } else {
            let ends = |c: &char| c.is_whitespace() || matches!(c, ',' | '，' | '、' | '،' | '&' | '"');
            let mut word = String::new();
            while let Some(c) = chars.next_if(|c| !ends(c)) {
                word.push(c);
            }
            let is_minus = matches!(word.as_str(), "-" | "−");
            if is_minus && !tokens.is_empty() {
                tokens.push(Token::And);
            }
            tokens.push(match word.to_lowercase().as_str() {
                "and" | "+" => Token::And,
                "no" | "without" => Token::No,
                _ if is_minus => Token::No,
                _ => Token::Word(word),
            });
        }
    }
    // `dog, and no cat`: a sign and a word for the same.
    tokens.dedup_by(|b, a| (&*a, &*b) == (&Token::And, &Token::And));
    Ok(tokens)
}

/// The rest of a text in quotes; `\"` and `\\` stand for themselves.
fn quoted(chars: &mut impl Iterator<Item = char>) -> Result<String, EngineError> {
    let mut text = String::new();
    loop {
        match chars.next() {
            Some('"') => return Ok(text),
            Some('\\') => text.extend(chars.next()),
            Some(c) => text.push(c),
            None => return Err(refuse("a quotation mark is not closed")),
        }
    }
}

/// The relation that tokens begin with, and how many of them it takes.
fn spatial_relation(tokens: &[Token]) -> Option<(SpatialRelation, usize)> {
    SpatialRelation::ALL.iter().find_map(|(spatial, words)| {
        let words: Vec<&str> = words.split(' ').collect();
        let begins = words.iter().enumerate().all(|(i, word)| is_word(tokens.get(i), word));
        begins.then_some((*spatial, words.len()))
    })
}

fn thing(tokens: &[Token], beside: Option<SpatialRelation>) -> Result<QueryObject, EngineError> {
    let (at_least, at_most, rest) = count(tokens);
    let place = beside.map_or("a count", SpatialRelation::words);
    Ok(QueryObject { text: text_of(rest, place)?, at_least, at_most })
}

/// Reads a count, which is one or more where there is none.
fn count(tokens: &[Token]) -> (usize, Option<usize>, &[Token]) {
    let number = |at: usize| match tokens.get(at)? {
        Token::Word(word) => number(word),
        _ => None,
    };
    let is = |at: usize, word: &str| is_word(tokens.get(at), word);
    if let Some(Token::Word(word)) = tokens.first()
        && let Some(n) = word.strip_suffix('+').and_then(self::number)
    {
        return (n, None, &tokens[1..]);
    }
    match (number(0), number(1), number(2)) {
        (Some(n), ..) if is(1, "or") && is(2, "more") => (n, None, &tokens[3..]),
        (Some(n), _, Some(m)) if is(1, "to") => (n, Some(m), &tokens[3..]),
        (_, Some(n), _) if is(0, "exactly") => (n, Some(n), &tokens[2..]),
        (_, _, Some(n)) if is(0, "at") && is(1, "least") => (n, None, &tokens[3..]),
        (_, _, Some(n)) if is(0, "at") && is(1, "most") => (1, Some(n), &tokens[3..]),
        _ => (1, None, tokens),
    }
}

pub(super) fn number(word: &str) -> Option<usize> {
    let named = NUMBERS.iter().position(|name| name.eq_ignore_ascii_case(word)).map(|place| place + 1);
    named.or_else(|| word.parse().ok())
}

/// Words and quoted texts, joined.
fn text_of(tokens: &[Token], beside: &str) -> Result<String, EngineError> {
    let mut text = String::new();
    for token in tokens {
        let (Token::Word(part) | Token::Quoted(part)) = token else {
            return Err(refuse("`no` in the middle of a text; put `and` before it, or the text in quotes"));
        };
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(part);
    }
    match text.trim().is_empty() {
        true => Err(refuse(&format!(
            "`{beside}` needs a thing beside it: dog left of ball. Put a text that holds the word in quotes"
        ))),
        false => Ok(text),
    }
}

fn is_word(token: Option<&Token>, word: &str) -> bool {
    matches!(token, Some(Token::Word(found)) if found.eq_ignore_ascii_case(word))
}

fn refuse(reason: &str) -> EngineError {
    EngineError::BadRequest(reason.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_nonempty::each;
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> StructuredQuery {
        StructuredQuery::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn names(form: &StructuredQuery) -> Vec<&str> {
        form.things.iter().map(|thing| thing.text.as_str()).collect()
    }

    #[test]
    fn plain_words_are_one_thing() {
        for text in ["red umbrella", "ein roter Regenschirm", "赤い傘", "two dogs", "at the beach"] {
            assert_eq!(parse(text), StructuredQuery::thing(text));
        }
    }

    #[test]
    fn parts_are_different_things_and_exclusions() {
        let form = parse("dog and a red Ball, without cat & !leash");
        assert_eq!(names(&form), ["dog", "a red Ball"]);
        assert_eq!(form.without, ["cat", "leash"]);
        assert_eq!(names(&parse("犬、猫")), ["犬", "猫"]);
        let form = parse("cat + red ball - dog − leash");
        assert_eq!(
            (names(&form), &form.without[..]),
            (vec!["cat", "red ball"], &["dog".to_owned(), "leash".to_owned()][..])
        );
        assert_eq!(names(&parse("t-shirt and c++")), ["t-shirt", "c++"]);
        assert_eq!(names(&parse("\"salt and pepper\" and bread")), ["salt and pepper", "bread"]);
    }

    #[test]
    fn counts_are_read_in_words_and_figures() {
        let counts = [
            ("two or more dogs", 2, None),
            ("3+ dogs", 3, None),
            ("at least 2 dogs", 2, None),
            ("exactly Four dogs", 4, Some(4)),
            ("at most 3 dogs", 1, Some(3)),
            ("2 to 5 dogs", 2, Some(5)),
        ];
        for (text, at_least, at_most) in each(counts) {
            assert_eq!(parse(text).things, [QueryObject { text: "dogs".into(), at_least, at_most }], "{text}");
        }
    }

    #[test]
    fn relations_chain_and_a_thing_named_twice_is_one() {
        let form = parse("dog left of ball and 2+ ball above table inside room, no cat");
        assert_eq!(names(&form), ["dog", "ball", "table", "room"]);
        let relations: Vec<_> = form.relations.iter().map(|r| (r.first, r.is, r.second)).collect();
        assert_eq!(
            relations,
            [(0, SpatialRelation::LeftOf, 1), (1, SpatialRelation::Above, 2), (2, SpatialRelation::Inside, 3)]
        );
        assert_eq!((form.things[1].at_least, form.without.len()), (2, 1));
    }

    #[test]
    fn what_is_missing_is_said() {
        for (text, word) in [
            ("", "and"),
            ("dog and", "and"),
            ("left of dog", "left of"),
            ("dog larger than", "larger than"),
            ("two or more", "count"),
            ("no", "no"),
            ("no cat", "nothing to find"),
            ("dog no cat", "middle"),
            ("\"dog", "not closed"),
            ("dog left of dog", "cannot be"),
            ("12 or more dogs", "counts go"),
        ] {
            let error = StructuredQuery::parse(text).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    fn forms() -> impl Strategy<Value = StructuredQuery> {
        let texts = prop::collection::btree_set("\\PC{0,8}[a-z!,\"\\\\]{1,4}( (and|no|above|left of|2 to 3))?", 1..5);
        let parts =
            (texts, prop::collection::vec((1usize..=10, 0usize..=10), 5), prop::collection::vec(".{0,3}x", 0..3));
        (parts, prop::collection::vec((0usize..4, 0usize..7, 0usize..4), 0..3)).prop_map(
            |((texts, counts, without), relations)| {
                let things: Vec<QueryObject> = texts
                    .into_iter()
                    .zip(counts)
                    .map(|(text, (least, most))| QueryObject {
                        text,
                        at_least: least,
                        at_most: (most >= least).then_some(most),
                    })
                    .collect();
                let fits = |&(a, _, b): &(usize, usize, usize)| a != b && a.max(b) < things.len();
                let relations = relations.into_iter().filter(fits);
                let relations: Vec<_> = relations
                    .map(|(first, spatial, second)| Relation { first, is: SpatialRelation::ALL[spatial].0, second })
                    .collect();
                StructuredQuery { things, without, relations }
            },
        )
    }

    /// The same question, whatever the order of its things.
    fn sorted(form: &StructuredQuery) -> (Vec<String>, Vec<String>, Vec<String>) {
        let mut things: Vec<_> = form.things.iter().map(|thing| format!("{thing:?}")).collect();
        let mut without = form.without.clone();
        let name = |thing: usize| form.things[thing].text.clone();
        let mut relations: Vec<_> =
            form.relations.iter().map(|r| format!("{:?} {:?} {:?}", name(r.first), r.is, name(r.second))).collect();
        [&mut things, &mut without, &mut relations].into_iter().for_each(|list| list.sort());
        (things, without, relations)
    }

    proptest! {
        #[test]
        fn a_form_reads_back_as_it_was_written(form in forms()) {
            prop_assume!(form.validate().is_ok());
            let again = StructuredQuery::parse(&form.to_string());
            prop_assert!(again.is_ok(), "{}: {:?}", form, again);
            prop_assert_eq!(sorted(&again.unwrap()), sorted(&form));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = StructuredQuery::parse(&text);
        }
    }
}
