//! Fuzz targets: what people type and programs send, as queries.

use std::collections::BTreeSet;

use glimpse_fuzz::{Outcome, Target};
use glimpse_nonempty::if_any;

use super::StructuredQuery;
use crate::query::{Position, at_signs, parts};
use crate::{Cursor, Query};

/// A form that makes sense is read back as it is written, if no thing comes twice.
fn told(form: &StructuredQuery) -> Outcome {
    form.validate().map_err(|error| error.to_string())?;
    let written = form.to_string();
    let texts: BTreeSet<&str> = form.things.iter().map(|thing| thing.text.as_str()).collect();
    if texts.len() == form.things.len() {
        let again = StructuredQuery::parse(&written).unwrap_or_else(|error| panic!("{written}: {error}"));
        let count = |form: &StructuredQuery| (form.things.len(), form.without.len(), form.relations.len());
        assert_eq!(count(&again), count(form), "{written}");
    }
    let counted = form.things.iter().filter(|thing| thing.at_least > 1 || thing.at_most.is_some()).count();
    Ok(format!(
        "{} things, {counted} counted, {} ruled out, {} relations",
        form.things.len(),
        form.without.len(),
        form.relations.len()
    ))
}

/// A search and a form as they are typed, and a cursor as it comes back.
#[test]
fn typed_query() {
    let seeds = [
        "red bike - beach + \"old - town\"",
        "two dogs and no cat, ball left of dog",
        "at least 3 birds above a boat, dog larger than cat",
        "exactly 2 to 4 \u{72ac}\u{3001}\u{732b}",
        "zwei Hunde \u{2212} Katze & !\u{202e}dog\u{200d}\u{fe0f} e\u{301}",
        "\"salt and \\\"pepper\\\"\" inside \"\\\\\"",
    ];
    let cursor = Position { set: 1, digest: 2, rank: 3 }.to_cursor().0;
    let words = [
        " and ",
        " no ",
        " without ",
        ", ",
        "&",
        "!",
        " + ",
        " - ",
        "\u{2212}",
        "\"",
        "\\",
        "one ",
        "ten ",
        "2 to 5 ",
        "3+ ",
        "at least ",
        "at most ",
        "exactly ",
        " or more ",
        " left of ",
        " right of ",
        " above ",
        " below ",
        " inside ",
        " larger than ",
        " smaller than ",
        "\u{ff0c}",
        "\u{3001}",
        "\u{60c}",
        "\u{3000}",
    ];
    Target::new("typed-query").seeds(seeds).seed(cursor).words(&words).run(|input| {
        let text = String::from_utf8_lossy(input);
        let _ = Query::text(text.as_ref()).validate();
        for (words, weight) in if_any(parts(&text)) {
            assert!(!words.trim().is_empty() && weight.abs() == 1.0, "{words:?}");
        }
        assert!(at_signs(&text).iter().map(|piece| piece.len()).sum::<usize>() <= text.len());
        if let Ok(position) = Position::of(&Cursor(text.to_string())) {
            assert_eq!(position.to_cursor().0, text);
        }
        if let Some(form) = StructuredQuery::suggested(&text, "en") {
            form.validate().unwrap_or_else(|error| panic!("{form}: {error}"));
        }
        told(&StructuredQuery::parse(&text).map_err(|error| error.to_string())?)
    });
}

#[test]
fn structured_query() {
    let whole = r#"{"things": [{"text": "dog", "at_least": 2, "at_most": 3}, {"text": "ball and \"net\""}],
        "without": ["cat"], "relations": [{"first": 0, "is": "left-of", "second": 1}]}"#;
    let words = [
        "\"things\":",
        "\"text\":",
        "\"at_least\":",
        "\"at_most\":",
        "\"without\":",
        "\"relations\":",
        "\"first\":",
        "\"second\":",
        "\"is\":",
        "right-of",
        "above",
        "below",
        "inside",
        "larger-than",
        "smaller-than",
        "},{",
        "\\u0000",
    ];
    let target = Target::new("structured-query").seed(whole).seed(r#"{"things":[{"text":"\u72d7"}]}"#).words(&words);
    target.run(|input| told(&serde_json::from_slice::<StructuredQuery>(input).map_err(|error| error.to_string())?));
}
