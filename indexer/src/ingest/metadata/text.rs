//! Text of unknown encoding.

/// What Windows-1252 has between 0x80 and 0x9F; 0 where it has nothing.
const WINDOWS_1252: [u16; 32] = [
    0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017D, 0, 0,
    0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E, 0x0178,
];

/// UTF-16 if a byte-order mark says so or every other byte of the start is 0, else UTF-8 if that is
/// what it is, else Windows-1252, of which Latin-1 is a part.
pub(super) fn text(bytes: &[u8]) -> String {
    match bytes {
        [0xFF, 0xFE, rest @ ..] => return utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => return utf16(rest, u16::from_be_bytes),
        [0, b'<', 0, ..] => return utf16(bytes, u16::from_be_bytes),
        [b'<', 0, _, 0, ..] => return utf16(bytes, u16::from_le_bytes),
        _ => {}
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        // Cut off in the middle of a character, or with a fault deep inside: still UTF-8.
        Err(fault)
            if bytes[..fault.valid_up_to()].iter().any(|byte| !byte.is_ascii()) || fault.error_len().is_none() =>
        {
            String::from_utf8_lossy(bytes).into_owned()
        }
        Err(_) => bytes.iter().map(|&byte| windows_1252(byte)).collect(),
    }
}

/// UTF-16 in the order that the bytes suggest: most letters have one byte that is 0 or the same in
/// all.
pub(super) fn utf16_of_unknown_order(bytes: &[u8], is_little: bool) -> String {
    match bytes {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => return text(bytes),
        _ => {}
    }
    let zeros = |first: usize| bytes.iter().skip(first).step_by(2).filter(|&&byte| byte == 0).count();
    let is_little = match zeros(1).cmp(&zeros(0)) {
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => is_little,
    };
    utf16(bytes, if is_little { u16::from_le_bytes } else { u16::from_be_bytes })
}

pub(super) fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| windows_1252(byte)).collect()
}

fn windows_1252(byte: u8) -> char {
    let code = match byte {
        0x80..=0x9F => u32::from(WINDOWS_1252[usize::from(byte - 0x80)]),
        other => u32::from(other),
    };
    char::from_u32(code).filter(|&c| c != '\0').unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_told_by_the_bytes() {
        assert_eq!(text("Kätzchen 港".as_bytes()), "Kätzchen 港");
        assert_eq!(text(b"\xEF\xBB\xBFa"), "a");
        assert_eq!(text(b"\xFF\xFEa\0\xE4\0"), "aä");
        assert_eq!(text(b"\xFE\xFF\0a\0\xE4"), "aä");
        assert_eq!(text(b"<\0a\0>\0"), "<a>");
        assert_eq!(text(b"\0<\0a\0>"), "<a>");
        assert_eq!(text(b"K\xE4tzchen \x80 \x96"), "Kätzchen € –");
        assert_eq!(text("ää".as_bytes().split_last().map_or(&[][..], |(_, rest)| rest)), "ä\u{FFFD}");
        assert_eq!(utf16_of_unknown_order(b"a\0b\0", false), "ab");
        assert_eq!(utf16_of_unknown_order(b"\0a\0b", true), "ab");
        assert_eq!(utf16_of_unknown_order(b"\x2F\x6E", false), "\u{2F6E}");
    }
}
