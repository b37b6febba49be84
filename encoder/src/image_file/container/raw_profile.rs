//! Metadata of a PNG as hexadecimal text, in the form that ImageMagick began and Exiv2 and digiKam
//! write to this day.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

use super::{Blocks, MAX_BLOCK, XMP_ID, iptc};

/// What such texts are called, before the kind of block.
const KEYWORD: &[u8] = b"Raw profile type ";
/// Two digits a byte, a line break every 36 bytes, and some words before them.
const LONGEST_TEXT: u64 = 2 * MAX_BLOCK as u64 + MAX_BLOCK as u64 / 36 + 256;

/// Reads a text chunk: `keyword, 0, text`, or `keyword, 0, method (1), packed text`.
pub(super) fn read(chunk: &[u8], is_packed: bool, blocks: &mut Blocks<'_>) {
    let Some(named) = chunk.strip_prefix(KEYWORD) else { return };
    let mut parts = named.splitn(2, |&byte| byte == 0);
    let (Some(kind), Some(text)) = (parts.next(), parts.next()) else { return };
    let unpacked = is_packed.then(|| unpacked(text.get(1..).unwrap_or_default()));
    let Some(block) = bytes(unpacked.as_deref().unwrap_or(text)) else { return };
    match kind {
        // Both kinds of block that lie in segments of this name in a JPEG.
        b"exif" | b"APP1" => match block.strip_prefix(XMP_ID) {
            Some(packet) => blocks.set_own_xmp(packet.to_vec()),
            None => blocks.set_own_exif(block),
        },
        b"xmp" => blocks.set_own_xmp(block),
        b"iptc" if block.starts_with(b"8BIM") => {
            iptc(&block).into_iter().for_each(|records| blocks.set_own_iptc(records.to_vec()));
        }
        b"iptc" => blocks.set_own_iptc(block),
        _ => {}
    }
}

/// As much as there is, up to the longest text of a block that is looked at.
fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let _ = ZlibDecoder::new(packed).take(LONGEST_TEXT).read_to_end(&mut text);
    text
}

/// The bytes of a text: `\n, name, \n, spaces, number of bytes, \n, hexadecimal digits in lines`.
fn bytes(text: &[u8]) -> Option<Vec<u8>> {
    let mut lines = text.splitn(4, |&byte| byte == b'\n').skip(2);
    let length: usize = std::str::from_utf8(lines.next()?).ok()?.trim().parse().ok()?;
    if length > MAX_BLOCK {
        return None;
    }
    let digits = lines.next()?.iter().filter_map(|&digit| char::from(digit).to_digit(16));
    let digits: Vec<u8> = digits.map(|digit| digit as u8).take(2 * length).collect();
    (digits.len() == 2 * length).then(|| digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write as _;

    use glimpse_nonempty::each;

    use super::super::EXIF_ID;
    use super::*;

    const TIFF: &[u8] = b"MM\0*\0\0\0\x08\0\0";

    fn text(name: &str, block: &[u8]) -> Vec<u8> {
        let digits: Vec<String> = block.iter().map(|byte| format!("{byte:02x}")).collect();
        let lines: Vec<String> = digits.chunks(36).map(<[String]>::concat).collect();
        format!("\n{name}\n{:8}\n{}\n", block.len(), lines.join("\n")).into_bytes()
    }

    fn chunk(name: &str, block: &[u8], is_packed: bool) -> Vec<u8> {
        let keyword = [KEYWORD, name.as_bytes(), b"\0"].concat();
        if !is_packed {
            return [keyword, text(name, block)].concat();
        }
        let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&text(name, block)).unwrap();
        [&keyword[..], &[0], &packer.finish().unwrap()].concat()
    }

    #[test]
    fn blocks_are_found_in_texts() {
        let exif = [EXIF_ID, TIFF].concat();
        let xmp = [XMP_ID, b"<x:xmpmeta/>"].concat();
        let iptc = [&b"8BIM\x04\x04\0\0\0\0\0\x07"[..], b"records\0"].concat();
        for is_packed in [false, true] {
            let found = |name: &str, block: &[u8]| {
                let mut blocks = Blocks::default();
                read(&chunk(name, block, is_packed), is_packed, &mut blocks);
                [blocks.exif, blocks.xmp, blocks.iptc].map(|block| block.map(|block| block.into_owned()))
            };
            for name in each(["exif", "APP1"]) {
                assert_eq!(found(name, &exif), [Some(TIFF.to_vec()), None, None]);
            }
            for (name, block) in each([("APP1", &xmp[..]), ("xmp", b"<x:xmpmeta/>")]) {
                assert_eq!(found(name, block), [None, Some(b"<x:xmpmeta/>".to_vec()), None]);
            }
            for block in each([&iptc[..], b"records"]) {
                assert_eq!(found("iptc", block), [None, None, Some(b"records".to_vec())]);
            }
            assert_eq!(found("icc", b"profile"), [None, None, None]);
        }
    }

    #[test]
    fn texts_that_say_something_else_give_nothing() {
        for text in each([&b""[..], b"\n\n\n", b"\nexif\n 5\n00", b"\nexif\nx\n0011", b"\nexif\n 99999999999\n00"]) {
            assert_eq!(bytes(text), None);
        }
        assert_eq!(bytes(b"\nexif\n       2\nff\n01\n"), Some(vec![255, 1]));
    }
}
