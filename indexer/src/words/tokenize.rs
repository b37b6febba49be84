//! Text to words, for any script.
//!
//! - Chinese, Japanese and Korean have no spaces, or spaces elsewhere than a searcher would put
//!   them. Every character is a word, and every pair of neighbours is another at the place of its
//!   first: a search for any part of a run is a phrase of pairs.
//! - Other scripts are cut by Unicode's rules (UAX #29), Thai and its neighbours by a dictionary.
//! - A word of several parts (`IMG_2041`, `HolidayPhoto`, `mc2`) is kept whole and in parts, all at
//!   their own places.

use icu_segmenter::{WordSegmenter, options::WordBreakInvariantOptions};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use unicode_normalization::UnicodeNormalization;

use super::fold::fold;

/// Longest word that is kept, in characters; the rest of a longer one is cut off.
const MAX_CHARS: usize = 64;

/// A word and its place in the text. Places of a text rise, and several words may share one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    pub position: usize,
    pub form: Form,
}

/// What part of the text a word stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One word, or one part of a larger one.
    Plain,
    /// A word that its parts repeat, the first of them at the same place.
    Whole,
    /// Two neighbours of a run without spaces.
    Pair,
}

/// The words of a text, in order.
pub fn words(text: &str) -> Vec<Word> {
    let text = compatible(text);
    let mut words = Words { found: Vec::new(), next: 0 };
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let spaceless = is_spaceless(first);
        let end = rest.find(|c| is_spaceless(c) != spaceless).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        if spaceless {
            words.add_run(run)
        } else {
            words.add_segments(run)
        }
        rest = after;
    }
    words.found
}

/// NFKC, but for the vowel `am` of Thai and Lao: NFKC takes it apart, and no writer and no word
/// list does.
fn compatible(text: &str) -> String {
    let text: String = text.nfkc().collect();
    if text.contains(['\u{e4d}', '\u{ecd}']) {
        return text.replace("\u{e4d}\u{e32}", "\u{e33}").replace("\u{ecd}\u{eb2}", "\u{eb3}");
    }
    text
}

struct Words {
    found: Vec<Word>,
    next: usize,
}

impl Words {
    fn add(&mut self, text: &str, position: usize, form: Form) {
        let text: String = fold(text).chars().take(MAX_CHARS).collect();
        if !text.is_empty() {
            self.found.push(Word { text, position, form });
        }
    }

    /// A run without spaces: characters and pairs.
    fn add_run(&mut self, run: &str) {
        let chars: Vec<&str> = run.split_inclusive(|_: char| true).filter(|c| !c.is_empty()).collect();
        for (i, c) in chars.iter().enumerate() {
            self.add(c, self.next, Form::Plain);
            if let Some(after) = chars.get(i + 1) {
                self.add(&[*c, *after].concat(), self.next, Form::Pair);
            }
            self.next += 1;
        }
    }

    /// Text with words as Unicode cuts them.
    fn add_segments(&mut self, text: &str) {
        let mut start = 0;
        for end in WordSegmenter::new_dictionary(WordBreakInvariantOptions::default()).segment_str(text) {
            let segment = &text[start..end];
            start = end;
            if segment.chars().any(char::is_alphanumeric) {
                self.add_word(segment);
            }
        }
    }

    /// A word, and its parts if it has several.
    fn add_word(&mut self, word: &str) {
        let parts = parts(word);
        if parts.len() > 1 {
            self.add(word, self.next, Form::Whole);
        }
        for part in parts {
            self.add(part, self.next, Form::Plain);
            self.next += 1;
        }
    }
}

/// Cuts a word where letters meet digits, small letters meet capitals, and at everything else.
fn parts(word: &str) -> Vec<&str> {
    let chars: Vec<(usize, char)> = word.char_indices().collect();
    let mut parts = Vec::new();
    let mut start = None;
    for (i, &(at, c)) in chars.iter().enumerate() {
        let here = Kind::of(c);
        if let Some(from) = start
            && (here == Kind::Other || is_border(Kind::of(chars[i - 1].1), here, chars.get(i + 1).map(|n| n.1)))
        {
            parts.push(&word[from..at]);
            start = None;
        }
        if here != Kind::Other {
            start = start.or(Some(at));
        }
    }
    parts.extend(start.map(|from| &word[from..]));
    parts
}

/// True between `before` and `here`; `next` tells `HTMLFile` (a border before `F`) from `HTML`.
fn is_border(before: Kind, here: Kind, next: Option<char>) -> bool {
    match (before, here) {
        (Kind::Digit, Kind::Digit) | (Kind::Small, Kind::Small) | (Kind::Capital, Kind::Small) => false,
        (Kind::Capital, Kind::Capital) => next.is_some_and(|c| c.is_lowercase()),
        _ => true,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Digit,
    Capital,
    /// Small letters, letters without case, and marks on them.
    Small,
    Other,
}

impl Kind {
    fn of(c: char) -> Self {
        match c {
            _ if c.is_uppercase() => Self::Capital,
            _ if c.is_numeric() => Self::Digit,
            _ if c.is_alphabetic() || unicode_normalization::char::is_combining_mark(c) => Self::Small,
            _ => Self::Other,
        }
    }
}

/// A character of a script that is written without spaces and has words too many for a list.
fn is_spaceless(c: char) -> bool {
    matches!(c,
        '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{3105}'..='\u{312f}' // kana, bopomofo
        | '\u{31a0}'..='\u{31bf}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' // Han
        | '\u{1100}'..='\u{11ff}' | '\u{3131}'..='\u{318e}' | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}' // Hangul
    )
}

/// [`words`] as tantivy asks for them.
#[derive(Clone)]
pub struct AnyScript;

pub struct Stream {
    words: std::vec::IntoIter<Word>,
    token: Token,
}

impl Tokenizer for AnyScript {
    type TokenStream<'a> = Stream;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Stream {
        Stream { words: words(text).into_iter(), token: Token::default() }
    }
}

impl TokenStream for Stream {
    fn advance(&mut self) -> bool {
        let Some(word) = self.words.next() else { return false };
        // Offsets would be those of the normalised text; nothing here reads them.
        self.token = Token { text: word.text, position: word.position, ..Token::default() };
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::if_any;

    use super::*;

    fn plain(text: &str) -> Vec<String> {
        words(text).into_iter().filter(|w| w.form == Form::Plain).map(|w| w.text).collect()
    }

    fn of_form(text: &str, form: Form) -> Vec<(String, usize)> {
        words(text).into_iter().filter(|w| w.form == form).map(|w| (w.text, w.position)).collect()
    }

    #[test]
    fn names_of_files_come_apart() {
        for (name, expected) in [
            ("IMG_2041", &["img", "2041"][..]),
            ("HolidayPhoto2019", &["holiday", "photo", "2019"]),
            ("HTMLFile", &["html", "file"]),
            ("DSC00012.JPG", &["dsc", "00012", "jpg"]),
            ("été-à_la.plage", &["ete", "a", "la", "plage"]),
            ("don't", &["don", "t"]),
            ("пляжВечером", &["пляж", "вечером"]),
        ] {
            assert_eq!(plain(name), expected, "{name}");
        }
        assert_eq!(of_form("x IMG_2041 y", Form::Whole), [("img_2041".to_owned(), 1)]);
        let places: Vec<usize> = words("x IMG_2041 y").iter().map(|w| w.position).collect();
        assert_eq!(places, [0, 1, 1, 2, 3]);
    }

    #[test]
    fn runs_without_spaces_become_characters_and_pairs() {
        assert_eq!(plain("東京タワー"), ["東", "京", "タ", "ワ", "ー"]);
        let pairs = of_form("東京タワー", Form::Pair);
        let expected = [("東京", 0), ("京タ", 1), ("タワ", 2), ("ワー", 3)];
        assert_eq!(pairs, expected.map(|(pair, at)| (pair.to_owned(), at)));
        assert_eq!(plain("ｶﾞｲﾄﾞ"), plain("ガイド"), "half width is the same word");
        assert_eq!(plain("2023年7月"), ["2023", "年", "7", "月"]);
        assert_eq!(of_form("서울의 밤", Form::Pair), [("서울".to_owned(), 0), ("울의".to_owned(), 1)]);
    }

    #[test]
    fn other_scripts_keep_their_words() {
        assert_eq!(plain("शाम का समुद्र तट"), ["शाम", "का", "समुद्र", "तट"]);
        assert_eq!(plain("غروبُ الشَّمس"), ["غروب", "الشمس"]);
        assert_eq!(plain("แมวดำนอนบนโซฟา"), ["แมว", "ดำ", "นอน", "บน", "โซฟา"]);
        assert_eq!(plain("Tôi yêu Đà Nẵng"), ["toi", "yeu", "da", "nang"]);
    }

    #[test]
    fn nothing_but_noise_has_no_words() {
        for text in ["", "   ", "!?", "***", "\u{0}\u{1}", "\u{301}\u{301}", "🎉🎉"] {
            assert_eq!(words(text), [], "{text:?}");
        }
        assert_eq!(words(&"x".repeat(10_000))[0].text.len(), MAX_CHARS);
    }

    proptest::proptest! {
        #[test]
        fn places_rise_whatever_the_text(text in ".{0,200}") {
            let words = words(&text);
            proptest::prop_assert!(if_any(words.windows(2)).all(|w| w[0].position <= w[1].position));
            proptest::prop_assert!(if_any(&words).all(|w| !w.text.is_empty() && w.text.chars().count() <= MAX_CHARS));
        }
    }
}
