//! One spelling for words that people take for equal: case, width, accents, and the variants of
//! Arabic letters.
//!
//! Only marks that a reader may leave out are dropped (accents, Arabic and Hebrew vowel signs).
//! Marks that make another letter stay: the voiced kana, the vowels of Indic and South-East Asian
//! scripts.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Folds a word that is in NFKC already.
pub fn fold(word: &str) -> String {
    let lower = word.chars().flat_map(char::to_lowercase);
    let mut folded = String::with_capacity(word.len());
    for c in lower.nfd().filter(|&c| !is_optional(c)) {
        match plain(c) {
            Some(letters) => folded.push_str(letters),
            None => folded.push(digit(c)),
        }
    }
    folded.nfc().collect()
}

/// A mark that writers leave out at will.
fn is_optional(c: char) -> bool {
    const TATWEEL: char = '\u{640}';
    let mark = matches!(c,
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' // accents
        | '\u{591}'..='\u{5c7}' // Hebrew points
        | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6ed}' // Arabic points, hamza
    );
    c == TATWEEL || (mark && is_combining_mark(c))
}

/// Letters that no decomposition takes apart, as most keyboards would type them.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ł' => "l",
        'ħ' => "h",
        'ı' => "i",
        'þ' => "th",
        'ς' => "σ",
        'ى' | 'ی' => "ي",
        'ک' => "ك",
        'ة' => "ه",
        _ => return None,
    })
}

/// Decimal digits of other scripts as ASCII: a date is the same date in any of them.
fn digit(c: char) -> char {
    const ZEROS: [char; 7] = ['\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{e50}', '\u{ed0}', '\u{1040}'];
    let value = ZEROS.iter().find_map(|&zero| u32::from(c).checked_sub(u32::from(zero)).filter(|&d| d < 10));
    value.and_then(|d| char::from_digit(d, 10)).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::each;

    use super::*;

    #[test]
    fn equal_to_a_reader_is_equal() {
        for (spellings, folded) in [
            (&["café", "CAFÉ", "cafe\u{301}", "Cafe"][..], "cafe"),
            (&["Straße", "STRASSE"], "strasse"),
            (&["Łódź", "łódź", "lodz"], "lodz"),
            (&["SMØRREBRØD", "smørrebrød"], "smorrebrod"),
            (&["ΆΝΟΙΞΗ", "άνοιξη"], "ανοιξη"),
            (&["ΛΌΓΟΣ", "λόγος"], "λογοσ"),
            (&["İstanbul", "istanbul"], "istanbul"),
            (&["أحمد", "احمد", "أَحْمَد"], "احمد"),
            (&["مدرسة", "مدرسه"], "مدرسه"),
            (&["שָׁלוֹם", "שלום"], "שלום"),
            (&["٢٠٢٣", "۲۰۲۳", "२०२३"], "2023"),
        ] {
            each(spellings).for_each(|word| assert_eq!(fold(word), folded, "{word}"));
        }
    }

    #[test]
    fn other_letters_stay_other_letters() {
        for word in ["が", "パン", "हिन्दी", "दिल्ली", "กำลัง", "ကို", "한국"]
        {
            assert_eq!(fold(word), word);
        }
        assert_ne!(fold("が"), fold("か"));
    }
}
