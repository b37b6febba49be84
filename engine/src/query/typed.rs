//! A search as it is typed: parts with signs between them.

/// Cuts a text at its signs, which are words of their own: `cat - dog` gives `cat`, `-`, `dog`.
/// Words in double quotes are text, whatever they are. No piece is empty or has white space around
/// it.
pub fn at_signs(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut quoted) = (0, false);
    let mut take =
        |from: usize, to: usize| pieces.extend(Some(text[from..to].trim()).filter(|piece| !piece.is_empty()));
    for (at, c) in text.char_indices() {
        quoted ^= c == '"';
        let (end, before, after) = (at + c.len_utf8(), text[..at].chars().next_back(), text[at..].chars().nth(1));
        let bare = [before, after].iter().all(|beside| beside.is_none_or(char::is_whitespace));
        if matches!(c, '+' | '-' | '−') && bare && !quoted {
            take(start, at);
            take(at, end);
            start = end;
        }
    }
    take(start, text.len());
    pieces
}

/// The parts of a search and their weights: 1, or -1 after a `-`, which moves the search away from
/// what follows it.
pub fn parts(text: &str) -> Vec<(&str, f32)> {
    let mut sign = 1.0;
    let mut parts = Vec::new();
    for piece in at_signs(text) {
        match piece {
            "+" => sign = 1.0,
            "-" | "−" => sign = -1.0,
            words => parts.push((words, sign)),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_signs_stand_between_parts() {
        assert_eq!(parts("cat - dog"), [("cat", 1.0), ("dog", -1.0)]);
        assert_eq!(
            parts(" sunflower + crescent moon − bee "),
            [("sunflower", 1.0), ("crescent moon", 1.0), ("bee", -1.0)]
        );
        assert_eq!(parts("- cat"), [("cat", -1.0)]);
        assert_eq!(parts("dog +"), [("dog", 1.0)]);
        assert_eq!(parts("c++ t-shirt -1 2+"), [("c++ t-shirt -1 2+", 1.0)]);
        assert_eq!(parts("\"cat - dog\" - ant"), [("\"cat - dog\"", 1.0), ("ant", -1.0)]);
        assert_eq!(parts(" "), []);
    }
}
