//! Words for people: counts with their nouns, and names that cannot harm a terminal.

use std::fmt::Display;

/// `1 image`, `2 images`.
pub fn count(number: usize, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

/// Text on one line as a terminal may see it: characters that can move the cursor, begin commands,
/// end the line or turn the direction of what follows are written out (`\u{1b}`, `\n`, `\u{202e}`).
pub fn printable(text: impl Display) -> String {
    let text = text.to_string();
    if !text.contains(is_harmful) {
        return text;
    }
    let shown = |letter: char| if is_harmful(letter) { letter.escape_default().collect() } else { letter.to_string() };
    text.chars().map(shown).collect()
}

/// As [`printable`], with the lines kept.
pub fn printable_lines(text: impl Display) -> String {
    text.to_string().split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// Control characters; separators of lines and paragraphs; marks, embeddings, overrides and
/// isolates of the Unicode Bidirectional Algorithm (UAX #9, section 2).
fn is_harmful(letter: char) -> bool {
    let bidi = ['\u{61c}', '\u{200e}', '\u{200f}'].contains(&letter)
        || ('\u{202a}'..='\u{202e}').contains(&letter)
        || ('\u{2066}'..='\u{2069}').contains(&letter);
    letter.is_control() || bidi || ['\u{2028}', '\u{2029}'].contains(&letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_their_nouns() {
        assert_eq!([0, 1, 2].map(|n| count(n, "match", "matches")), ["0 matches", "1 match", "2 matches"]);
    }

    #[test]
    fn control_characters_are_written_out_and_nothing_else() {
        assert_eq!(printable("\u{1b}[2Jgone\r\n\u{9b}1m.jpg"), r"\u{1b}[2Jgone\r\n\u{9b}1m.jpg");
        assert_eq!(printable("a\u{202e}gpj.exe\u{2028}\u{200f}\u{2066}"), r"a\u{202e}gpj.exe\u{2028}\u{200f}\u{2066}");
        assert_eq!(printable("שלום 👨\u{200d}👩.jpg"), "שלום 👨\u{200d}👩.jpg");
        assert_eq!(printable("写真/café \\ \u{1f408}.jpg"), "写真/café \\ \u{1f408}.jpg");
    }
}
