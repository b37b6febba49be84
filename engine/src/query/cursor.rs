//! Places in result sets, written so that they fit into a URL and cannot be mistaken or edited.

use std::fmt;

use crate::EngineError;

/// An opaque place in a result set, printable in a URL. While the engine remembers the result set
/// (it keeps the latest ones), paging neither repeats nor loses an image, whatever happens to the
/// library. After that, or after a restart, the query is answered anew and paging goes on at the
/// same rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub String);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a cursor says: `version 1 | set 8 | digest 8 | rank 4 | check 8` bytes in hex, big-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// The result set: a hash of the query and the state of the library that answered it.
    pub set: u64,
    /// Hash of the query.
    pub digest: u64,
    /// Hits that were given already.
    pub rank: u32,
}

const VERSION: u8 = 1;
const BODY: usize = 1 + 8 + 8 + 4;
const CHECK: usize = 8;

impl Position {
    pub fn to_cursor(self) -> Cursor {
        let mut bytes = vec![VERSION];
        bytes.extend(self.set.to_be_bytes());
        bytes.extend(self.digest.to_be_bytes());
        bytes.extend(self.rank.to_be_bytes());
        bytes.extend(check(&bytes));
        Cursor(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub fn of(cursor: &Cursor) -> Result<Self, EngineError> {
        parse(&cursor.0).ok_or_else(|| {
            EngineError::BadRequest("this cursor is damaged or of another version; start again without a cursor".into())
        })
    }
}

fn parse(text: &str) -> Option<Position> {
    if text.len() != 2 * (BODY + CHECK) || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let byte = |i: usize| u8::from_str_radix(&text[i..i + 2], 16).ok();
    let bytes: Vec<u8> = (0..text.len()).step_by(2).map(byte).collect::<Option<_>>()?;
    let (body, given) = bytes.split_at(BODY);
    if given != check(body) || body[0] != VERSION {
        return None;
    }
    Some(Position {
        set: u64::from_be_bytes(body[1..9].try_into().ok()?),
        digest: u64::from_be_bytes(body[9..17].try_into().ok()?),
        rank: u32::from_be_bytes(body[17..21].try_into().ok()?),
    })
}

/// Tells edited and cut cursors from ours. Not a secret: a cursor opens nothing that the query
/// would not.
fn check(body: &[u8]) -> [u8; CHECK] {
    let mut hasher = blake3::Hasher::new_derive_key("glimpse cursor, version 1");
    let mut check = [0; CHECK];
    hasher.update(body).finalize_xof().fill(&mut check);
    check
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_reads_back_what_was_written(set: u64, digest: u64, rank: u32) {
            let position = Position { set, digest, rank };
            prop_assert_eq!(Position::of(&position.to_cursor()).unwrap(), position);
        }

        #[test]
        fn an_edited_cursor_is_refused(set: u64, rank: u32, at in 0..2 * (BODY + CHECK), to in "[0-9a-fA-F+ ü]") {
            let Cursor(mut text) = Position { set, digest: 7, rank }.to_cursor();
            prop_assume!(text[at..=at] != to);
            text.replace_range(at..=at, &to);
            prop_assert!(Position::of(&Cursor(text)).is_err());
        }

        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = Position::of(&Cursor(text));
        }
    }
}
