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
//! These words may be those of another language that the page speaks (`form_words.txt`), some of
//! which rule out the text before them. Where a language has another order, or writes words to each
//! other, the text is put into the order above first (`native_form.rs`).
//!
//! `+` and `-` are words of their own there, as in a search: `-` rules out what follows.
//!
//! A text that comes twice is one thing: `dog left of ball and ball above table` has three.

use std::str::Chars;

use glimpse_indexer::{ReasonCode, Refusal};

use super::form_words::{FormWord, FormWords};
use super::native_form::{in_parsers_order, is_sign};
use super::structured_query::{QueryObject, Relation, SpatialRelation, StructuredQuery};
use crate::EngineError;

/// A word, a text in quotes, or words of the form with how they were written.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Form(FormWord, String),
}

impl Token {
    fn says(&self, word: FormWord) -> bool {
        matches!(self, Self::Form(says, _) if *says == word)
    }

    /// As it was typed.
    fn written(&self) -> &str {
        match self {
            Self::Word(written) | Self::Quoted(written) | Self::Form(_, written) => written,
        }
    }

    fn number(&self) -> Option<usize> {
        match self {
            Self::Word(word) => word.parse().ok(),
            Self::Form(FormWord::Number(n), _) => Some(*n),
            _ => None,
        }
    }
}

impl StructuredQuery {
    /// Reads a form as it is typed, with the form's words in English; `docs/query-form.md` tells
    /// more.
    ///
    /// # Errors
    /// [`EngineError::Refused`] that says what is missing where, with the word that is wrong.
    pub fn parse(text: &str) -> Result<Self, EngineError> {
        Self::parse_in(text, "en")
    }

    /// As [`StructuredQuery::parse`], with the form's words in a language too: the code of one that
    /// the page speaks (`de`, `pt-BR`); others have those of English alone.
    ///
    /// # Errors
    /// As [`StructuredQuery::parse`].
    pub fn parse_in(text: &str, language: &str) -> Result<Self, EngineError> {
        let words = FormWords::of(language);
        let tokens = tokens(&in_parsers_order(text, language, words), words)?;
        if let Some(and) = [tokens.first(), tokens.last()].into_iter().flatten().find(|token| token.says(FormWord::And))
        {
            return Err(alone(and.written(), "something on both sides: dog and ball"));
        }
        let mut form = Self::default();
        for part in tokens.split(|token| token.says(FormWord::And)) {
            match part {
                [] => {} // nothing at all was typed
                [no, rest @ ..] if no.says(FormWord::No) => form.without.push(text_of(rest, no.written())?),
                [rest @ .., no] if no.says(FormWord::NoAfter) => form.without.push(text_of(rest, no.written())?),
                _ => form.read_part(part, words)?,
            }
        }
        form.validate()?;
        Ok(form)
    }

    fn read_part(&mut self, mut rest: &[Token], form_words: &FormWords) -> Result<(), EngineError> {
        let mut before: Option<(usize, SpatialRelation, &str)> = None;
        loop {
            let cut = rest.iter().enumerate().find_map(|(at, token)| match token {
                Token::Form(FormWord::Relation(spatial), written) => Some((at, *spatial, written.as_str())),
                _ => None,
            });
            let (words, next) = match cut {
                Some((at, spatial, written)) => (&rest[..at], Some((spatial, written, &rest[at + 1..]))),
                None => (rest, None),
            };
            let beside = next.map(|(_, written, _)| written).or(before.map(|(.., written)| written));
            let thing = self.place_of(thing(words, beside, form_words)?);
            if let Some((first, is, _)) = before {
                self.relations.push(Relation { first, is, second: thing });
            }
            match next {
                Some((spatial, written, after)) => (before, rest) = (Some((thing, spatial, written)), after),
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

/// What stands between words.
fn ends(c: char) -> bool {
    c.is_whitespace() || is_sign(c) || c == '"'
}

/// Splits at white space and at the form's signs.
fn tokens(text: &str, words: &FormWords) -> Result<Vec<Token>, EngineError> {
    let form = |says: FormWord, written: &str| Token::Form(says, written.to_owned());
    let (mut tokens, mut rest) = (Vec::new(), text);
    while let Some(c) = rest.chars().next() {
        let behind = &rest[c.len_utf8()..];
        if c.is_whitespace() {
            rest = behind;
        } else if is_sign(c) {
            tokens.push(form(FormWord::And, &rest[..c.len_utf8()]));
            rest = behind;
        } else if c == '!' {
            tokens.push(form(FormWord::No, "!"));
            rest = behind;
        } else if c == '"' {
            let mut chars = behind.chars();
            tokens.push(Token::Quoted(quoted(&mut chars)?));
            rest = chars.as_str();
        } else if let Some((says, taken)) = words.at_start(rest, ends) {
            tokens.push(form(says, &rest[..taken]));
            rest = &rest[taken..];
        } else {
            let (word, after) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
            if matches!(word, "-" | "−") {
                if !tokens.is_empty() {
                    tokens.push(form(FormWord::And, word));
                }
                tokens.push(form(FormWord::No, word));
            } else if word == "+" {
                tokens.push(form(FormWord::And, word));
            } else if let Some((says, at)) = words.at_end(word) {
                tokens.push(Token::Word(word[..at].to_owned()));
                tokens.push(form(says, &word[at..]));
            } else {
                tokens.push(Token::Word(word.to_owned()));
            }
            rest = after;
        }
    }
    // `dog, and no cat`: a sign and a word for the same.
    tokens.dedup_by(|b, a| a.says(FormWord::And) && b.says(FormWord::And));
    Ok(tokens)
}

/// The rest of a text in quotes; `\"` and `\\` stand for themselves.
fn quoted(chars: &mut Chars<'_>) -> Result<String, EngineError> {
    let mut text = String::new();
    loop {
        match chars.next() {
            Some('"') => return Ok(text),
            Some('\\') => text.extend(chars.next()),
            Some(c) => text.push(c),
            None => return Err(Refusal::new(ReasonCode::QuoteOpen, "a quotation mark is not closed").into()),
        }
    }
}

/// Reads a count and a text; `beside` is the word that needs them, if there is one.
fn thing(tokens: &[Token], beside: Option<&str>, words: &FormWords) -> Result<QueryObject, EngineError> {
    let (at_least, at_most, rest) = count(tokens, words);
    let counted: Vec<&str> = tokens[..tokens.len() - rest.len()].iter().map(Token::written).collect();
    let needs = if counted.is_empty() { beside.unwrap_or_default().to_owned() } else { counted.join(" ") };
    Ok(QueryObject { text: text_of(rest, &needs)?, at_least, at_most })
}

/// Reads a count, which is one or more where there is none.
fn count<'t>(tokens: &'t [Token], words: &FormWords) -> (usize, Option<usize>, &'t [Token]) {
    let number = |at: usize| tokens.get(at).and_then(Token::number);
    let is = |at: usize, word: FormWord| tokens.get(at).is_some_and(|token| token.says(word));
    if let Some(Token::Word(word)) = tokens.first()
        && let Some(n) = word.strip_suffix('+').and_then(|word| words.number(word))
    {
        return (n, None, &tokens[1..]);
    }
    match (number(0), number(1), number(2)) {
        (Some(n), ..) if is(1, FormWord::OrMore) => (n, None, &tokens[2..]),
        (Some(n), _, Some(m)) if is(1, FormWord::To) => (n, Some(m), &tokens[3..]),
        (_, Some(n), _) if is(0, FormWord::Exactly) => (n, Some(n), &tokens[2..]),
        (_, Some(n), _) if is(0, FormWord::AtLeast) => (n, None, &tokens[2..]),
        (_, Some(n), _) if is(0, FormWord::AtMost) => (1, Some(n), &tokens[2..]),
        _ => (1, None, tokens),
    }
}

/// Words and quoted texts, joined.
fn text_of(tokens: &[Token], beside: &str) -> Result<String, EngineError> {
    let mut text = String::new();
    for token in tokens {
        let part = match token {
            Token::Form(FormWord::No, no) => {
                let reason = format!("`{no}` in the middle of a text; put `and` before it, or the text in quotes");
                return Err(Refusal::new(ReasonCode::NoInText, reason).about(no).into());
            }
            token => token.written(),
        };
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(part);
    }
    match text.trim().is_empty() {
        true if beside.is_empty() => Err(Refusal::new(ReasonCode::EmptyText, "a text without words").into()),
        true => Err(alone(beside, "a thing beside it: dog left of ball")),
        false => Ok(text),
    }
}

/// A word of the form lacks what it needs.
fn alone(word: &str, needs: &str) -> EngineError {
    let reason = format!("`{word}` needs {needs}. Put a text that holds the word in quotes");
    Refusal::new(ReasonCode::NothingBeside, reason).about(word).into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_nonempty::each;
    use proptest::prelude::*;

    use super::*;
    use crate::query::MAX_TEXT;

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
    fn the_words_of_the_form_may_be_in_the_language_of_the_page() {
        for (language, text, english) in each([
            ("de", "2+ Hunde links von Ball, keine Katze", "2+ Hunde left of Ball, no Katze"),
            ("de", "mindestens zwei Hunde und ein roter Ball", "at least 2 Hunde and \"ein roter Ball\""),
            ("de-AT", "zwei bis vier Hunde über Tisch", "2 to 4 Hunde above Tisch"),
            ("fr", "chien à gauche d’une balle et pas de chat", "chien left of une balle and no chat"),
            ("fr", "trois ou plus chiens", "3 or more chiens"),
            ("es", "perro a la izquierda del balón y sin gato", "perro left of balón and no gato"),
            ("it", "almeno due cani sopra l'erba e nessun gatto", "at least 2 cani above erba and no gatto"),
            ("pt-BR", "cachorro dentro da caixa, sem gato", "cachorro inside caixa, no gato"),
            ("ru", "не менее 2 собак и без кошки", "at least 2 собак and no кошки"),
            ("tr", "en az iki köpek ve kedi yok", "at least 2 köpek and no kedi"),
            ("tr", "topun solunda kırmızı köpek ve iki ila dört kedi", "kırmızı köpek left of top and 2 to 4 kedi"),
            ("tr", "dog left of ball", "dog left of ball"),
            ("ja", "犬 と 猫なし", "犬 and no 猫"),
            ("ja", "ボールの左の犬と机、猫なし", "犬 left of ボール and 机, no 猫"),
            ("ja", "机の上の猫なし、犬", "no \"机の上の猫\", 犬"),
            ("ja", "\"犬と猫\"、２匹以上の馬", "\"犬と猫\", at least 2 馬"),
            ("zh", "球左边的至少两只狗和树，没有猫", "at least 2 狗 left of 球 and 树, no 猫"),
            ("ko", "공 왼쪽의 개와 고양이 없이", "개 left of 공 and no 고양이"),
            ("ar", "كلب فوق طاولة وقطة", "كلب above طاولة and قطة"),
            ("he", "כלב וחתול, בלי כדור", "כלב and חתול, no כדור"),
            ("zh-CN", "狗，没有猫", "狗, no 猫"),
            ("ko", "개, 고양이 없이", "개, no 고양이"),
            ("ar", "كلب فوق طاولة، بدون قطة", "كلب above طاولة, no قطة"),
            ("he", "כלב משמאל לכדור, בלי חתול", "כלב left of כדור, no חתול"),
            ("de", "dog left of ball, no cat", "dog left of ball, no cat"),
        ]) {
            let ours = StructuredQuery::parse_in(text, language).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(ours, parse(english), "{text}");
        }
        assert_eq!(parse("keine Katze"), StructuredQuery::thing("keine Katze"), "German in an English form is a text");
    }

    #[test]
    fn what_is_missing_is_said_with_the_word_that_was_typed() {
        use ReasonCode::{
            BadCount, BadRelation, EmptyText, NoInText, NothingBeside, NothingToFind, QuoteOpen, TextTooLong,
            TooManyThings,
        };
        let (long, many) = ("x".repeat(MAX_TEXT + 1), ["a", "b", "c", "d", "e", "f", "g", "h", "i"].join(" and "));
        for (language, text, code, word, says) in each([
            ("en", "", NothingToFind, None, "name a thing"),
            ("en", "dog and", NothingBeside, Some("and"), "both sides"),
            ("en", ", dog", NothingBeside, Some(","), "both sides"),
            ("en", "left of dog", NothingBeside, Some("left of"), "`left of` needs a thing"),
            ("en", "dog Larger  than", NothingBeside, Some("Larger  than"), "needs a thing"),
            ("en", "two or more", NothingBeside, Some("two or more"), "needs a thing"),
            ("en", "dog left of at least 2", NothingBeside, Some("at least 2"), "needs a thing"),
            ("en", "no", NothingBeside, Some("no"), "needs a thing"),
            ("en", "dog and !", NothingBeside, Some("!"), "needs a thing"),
            ("en", "no cat", NothingToFind, None, "nothing to find"),
            ("en", "dog no cat", NoInText, Some("no"), "middle"),
            ("en", "\"dog", QuoteOpen, None, "not closed"),
            ("en", "\"\"", EmptyText, None, "without words"),
            ("en", "dog left of dog", BadRelation, Some("dog"), "cannot be"),
            ("en", "12 or more dogs", BadCount, Some("dogs"), "counts go"),
            ("en", &long, TextTooLong, None, "is the most"),
            ("en", &many, TooManyThings, None, "at most"),
            ("de", "Hund und", NothingBeside, Some("und"), "both sides"),
            ("de", "Links von Ball", NothingBeside, Some("Links von"), "needs a thing"),
            ("de", "Hund ohne Katze", NoInText, Some("ohne"), "middle"),
            ("ja", "犬、", NothingBeside, Some("、"), "both sides"),
            ("ar", "كلب فوق", NothingBeside, Some("فوق"), "needs a thing"),
        ]) {
            let error = StructuredQuery::parse_in(text, language).unwrap_err();
            let refusal = error.refusal().unwrap_or_else(|| panic!("{text}: {error}"));
            assert_eq!((refusal.code, refusal.word.as_deref()), (code, word), "{text}: {error}");
            assert!(refusal.text.contains(says), "{text}: {error}");
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
        fn any_text_is_read_without_a_panic(text: String, language in "(de|fr|tr|ja|ko|zh|ar|he|xx)") {
            let _ = StructuredQuery::parse_in(&text, &language);
        }
    }
}
