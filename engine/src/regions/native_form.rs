//! Forms in languages whose words stand in another order than English ones, or are written to their
//! neighbours, put into the words and the order that the parser reads: `ボールの左の犬と猫` becomes
//! `犬 left of ボール and 猫`.

use super::form_words::{FormWord, FormWords};
use super::joined_and;
use super::word_order::WordOrder;

/// A form as the parser reads it; what nobody has a rule for stays as it is, and so do parts with
/// quotation marks.
pub(super) fn in_parsers_order(text: &str, language: &str, words: &FormWords) -> String {
    let primary = language.split(['-', '_']).next().unwrap_or_default().to_lowercase();
    let order = WordOrder::of(&primary);
    if order.is_none() && !joined_and::is_known(&primary) {
        return text.to_owned();
    }
    let rewriter = Rewriter { primary: &primary, order, words };
    let (mut out, mut quoted, mut escaped, mut from) = (String::new(), false, false, 0);
    for (at, c) in text.char_indices() {
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && !escaped;
        if !quoted && is_sign(c) {
            out.push_str(&rewriter.segment(&text[from..at]));
            out.push(c);
            from = at + c.len_utf8();
        }
    }
    out.push_str(&rewriter.segment(&text[from..]));
    out
}

/// A sign between parts, in whatever script.
pub(super) fn is_sign(c: char) -> bool {
    matches!(c, ',' | '，' | '、' | '،' | '&')
}

struct Rewriter<'a> {
    primary: &'a str,
    order: Option<&'a WordOrder>,
    words: &'a FormWords,
}

impl Rewriter<'_> {
    /// What stands between signs.
    fn segment(&self, text: &str) -> String {
        if text.contains('"') {
            return text.to_owned();
        }
        let (mut out, mut part): (Vec<String>, Vec<&str>) = (Vec::new(), Vec::new());
        let mut is_ruled_out = false;
        for word in text.split_whitespace() {
            if !self.joins(word) {
                part.push(word);
                continue;
            }
            out.extend(self.part(&part.join(" "), is_ruled_out));
            out.push(word.to_owned());
            is_ruled_out = matches!(word, "-" | "−");
            part.clear();
        }
        out.extend(self.part(&part.join(" "), is_ruled_out));
        out.join(" ")
    }

    /// True for a word or sign between parts.
    fn joins(&self, word: &str) -> bool {
        let is_and = |(says, taken): (FormWord, usize)| says == FormWord::And && taken == word.len();
        matches!(word, "+" | "-" | "−") || self.words.at_start(word, |_| false).is_some_and(is_and)
    }

    fn part(&self, text: &str, is_ruled_out: bool) -> Option<String> {
        if text.is_empty() || is_ruled_out {
            return Some(text.to_owned()).filter(|text| !text.is_empty());
        }
        let parts = joined_and::parts(text, self.primary);
        let written = parts.iter().map(|part| match self.order {
            Some(order) if !self.rules_out(part) => order.in_english(part),
            _ => (*part).to_owned(),
        });
        Some(written.collect::<Vec<_>>().join(" and "))
    }

    /// True for a text that begins or ends with a word for `no`.
    fn rules_out(&self, text: &str) -> bool {
        let says_no = |found: Option<(FormWord, usize)>| {
            found.is_some_and(|(says, _)| matches!(says, FormWord::No | FormWord::NoAfter))
        };
        let last = text.split_whitespace().last().unwrap_or_default();
        let ends = char::is_whitespace;
        text.starts_with('!')
            || says_no(self.words.at_start(text, ends))
            || says_no(self.words.at_start(last, ends))
            || says_no(self.words.at_end(last))
    }
}
