//! Words for people: counts with their nouns, and names that cannot harm a terminal.

use std::fmt::Display;

/// `1 picture`, `2 pictures`.
pub fn count(number: usize, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

/// Text on one line as a terminal may see it: control characters, which can move the cursor or begin commands, are written
/// out (`\u{1b}`, `\n`).
pub fn printable(text: impl Display) -> String {
    let text = text.to_string();
    if !text.contains(char::is_control) {
        return text;
    }
    let shown = |letter: char| if letter.is_control() { letter.escape_default().collect() } else { letter.to_string() };
    text.chars().map(shown).collect()
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
        assert_eq!(printable("写真/café \\ \u{1f408}.jpg"), "写真/café \\ \u{1f408}.jpg");
    }
}
