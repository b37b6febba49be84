//! Words and date from IPTC IIM records (IIM 4.2, chapter 1).

use super::text::{latin, text};
use super::{Metadata, date};

/// So record 1 says that what follows is in Latin-1 (ISO 2022).
const LATIN_1: [&[u8]; 2] = [b"\x1B.A", b"\x1B-A"];

/// Reads data sets: `1C, record, number, length (2), data`. Where none names its encoding it is
/// told by the bytes.
pub(super) fn read(mut rest: &[u8]) -> Metadata {
    let mut found = Metadata::default();
    let (mut is_latin, mut day, mut time) = (false, String::new(), String::new());
    while let [0x1C, record, number, high, low, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        // Above 32 KiB the length is that of a longer length, which no word needs.
        let Some((data, next)) = after.split_at_checked(length).filter(|_| length < 0x8000) else { break };
        rest = next;
        let read = || if is_latin { latin(data) } else { text(data) };
        match (record, number) {
            (1, 90) => is_latin = LATIN_1.contains(&data),
            (2, 5 | 105 | 120) => found.words.add_caption(&read()),
            (2, 25) => found.words.add_keyword(&read()),
            (2, 55) => day = read(),
            (2, 60) => time = read(),
            _ => {}
        }
    }
    found.taken = date::seconds(&format!("{day} {time}"));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(record: u8, number: u8, data: &[u8]) -> Vec<u8> {
        [&[0x1C, record, number], &(data.len() as u16).to_be_bytes()[..], data].concat()
    }

    #[test]
    fn words_are_read_in_the_encoding_that_they_have() {
        let utf8 = [set(1, 90, b"\x1B%G"), set(2, 120, "Kätzchen".as_bytes()), set(2, 25, "港".as_bytes())].concat();
        let silent = [set(2, 120, b"K\xE4tzchen"), set(2, 25, "港".as_bytes()), set(2, 55, b"20180130")].concat();
        let latin = [set(1, 90, b"\x1B.A"), set(2, 120, b"K\xE4tzchen"), set(2, 60, b"203048+0100")].concat();
        for (records, keywords) in [(&utf8, vec!["港"]), (&silent, vec!["港"]), (&latin, vec![])] {
            let found = read(records).words.into_fields();
            assert_eq!(
                (found.0.as_deref(), found.1),
                (Some("Kätzchen"), keywords.iter().map(ToString::to_string).collect())
            );
            for cut in 0..records.len() {
                let _ = read(&records[..cut]);
            }
        }
        let dated = [set(2, 55, b"20180130"), set(2, 60, b"203048+0100")].concat();
        assert_eq!(read(&dated).taken, Some(1_517_344_248));
        assert_eq!(read(&latin).taken, None);
    }
}
