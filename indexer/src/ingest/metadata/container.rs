//! Finds the EXIF and XMP blocks of a file without decoding it: one pass over segment headers.

use glimpse_encoder::image_file::Format;

use super::MAX_BLOCK;

/// Blocks as they lie in the file, without their containers' headers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Blocks<'a> {
    /// A TIFF structure.
    pub exif: Option<&'a [u8]>,
    /// An RDF/XML packet.
    pub xmp: Option<&'a [u8]>,
}

impl<'a> Blocks<'a> {
    /// The first block of a kind counts.
    fn set_exif(&mut self, block: &'a [u8]) {
        if block.len() <= MAX_BLOCK {
            self.exif.get_or_insert(block);
        }
    }

    fn set_xmp(&mut self, block: &'a [u8]) {
        if block.len() <= MAX_BLOCK {
            self.xmp.get_or_insert(block);
        }
    }
}

pub(super) fn blocks(format: Format, bytes: &[u8]) -> Blocks<'_> {
    let mut blocks = Blocks::default();
    // Each walk ends early, with `None`, where the file ends or breaks.
    let _ = match format {
        Format::Jpeg => jpeg(bytes, &mut blocks),
        Format::Png => png(bytes, &mut blocks),
        Format::WebP => webp(bytes, &mut blocks),
        _ => None,
    };
    blocks
}

const EXIF_ID: &[u8] = b"Exif\0\0";
const XMP_ID: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// Segments up to the first scan (ITU-T T.81, annex B): `FF marker, length (2, itself included), data`.
fn jpeg<'a>(bytes: &'a [u8], blocks: &mut Blocks<'a>) -> Option<()> {
    let mut rest = bytes.get(2..)?;
    loop {
        let marker = match rest {
            [0xFF, 0xFF, ..] => {
                rest = &rest[1..]; // fill byte
                continue;
            }
            [0xFF, marker, ..] => *marker,
            _ => return None,
        };
        if matches!(marker, 0xD9 | 0xDA) {
            return Some(()); // end of image, start of scan
        }
        let length = u16::from_be_bytes(rest.get(2..4)?.try_into().ok()?) as usize;
        let data = rest.get(4..2 + length)?;
        if marker == 0xE1 {
            if let Some(block) = data.strip_prefix(EXIF_ID) {
                blocks.set_exif(block);
            } else if let Some(block) = data.strip_prefix(XMP_ID) {
                blocks.set_xmp(block);
            }
        }
        rest = &rest[2 + length..];
    }
}

/// Chunks (PNG, section 5.3): `length (4), type (4), data, CRC (4)`. XMP lies in an uncompressed iTXt.
fn png<'a>(bytes: &'a [u8], blocks: &mut Blocks<'a>) -> Option<()> {
    let mut rest = bytes.get(8..)?;
    loop {
        let length = u32::from_be_bytes(rest.get(..4)?.try_into().ok()?) as usize;
        let kind = rest.get(4..8)?;
        let data = rest.get(8..8usize.checked_add(length)?)?;
        match kind {
            b"IEND" => return Some(()),
            b"eXIf" => blocks.set_exif(data),
            b"iTXt" => {
                // keyword, 0, compression flag, compression method, language tag, 0, translated keyword, 0, text
                if let Some(text) = data.strip_prefix(b"XML:com.adobe.xmp\0\0\0") {
                    let mut fields = text.splitn(3, |&byte| byte == 0).skip(2);
                    fields.next().into_iter().for_each(|packet| blocks.set_xmp(packet));
                }
            }
            _ => {}
        }
        rest = rest.get(length.checked_add(12)?..)?;
    }
}

/// RIFF chunks: `type (4), length (4, little endian), data, padded to even`.
fn webp<'a>(bytes: &'a [u8], blocks: &mut Blocks<'a>) -> Option<()> {
    let mut rest = bytes.get(12..)?;
    loop {
        let kind = rest.get(..4)?;
        let length = u32::from_le_bytes(rest.get(4..8)?.try_into().ok()?) as usize;
        let data = rest.get(8..8usize.checked_add(length)?)?;
        match kind {
            // Some writers keep the header that JPEG needs.
            b"EXIF" => blocks.set_exif(data.strip_prefix(EXIF_ID).unwrap_or(data)),
            b"XMP " => blocks.set_xmp(data),
            _ => {}
        }
        rest = rest.get(length.checked_add(8 + length % 2)?..)?;
    }
}
