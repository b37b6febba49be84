//! Finds the blocks of metadata in a file without decoding it: one pass over segment headers.

mod raw_profile;

use std::borrow::Cow;

use super::{boxes, exif};

/// The largest block that is looked at.
pub(super) const MAX_BLOCK: usize = 1 << 20;

/// Blocks as they lie in the file, without their containers' headers.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Blocks<'a> {
    /// A TIFF structure of EXIF.
    pub exif: Option<Cow<'a, [u8]>>,
    /// An RDF/XML packet of XMP.
    pub xmp: Option<Cow<'a, [u8]>>,
    /// Records of IPTC IIM.
    pub iptc: Option<Cow<'a, [u8]>>,
}

impl<'a> Blocks<'a> {
    /// The first block of a kind counts.
    pub(super) fn set_exif(&mut self, block: &'a [u8]) {
        if let Some(block) = exif::tiff_structure(block).filter(|block| block.len() <= MAX_BLOCK) {
            self.exif.get_or_insert(Cow::Borrowed(block));
        }
    }

    pub(super) fn set_xmp(&mut self, block: &'a [u8]) {
        if block.len() <= MAX_BLOCK {
            self.xmp.get_or_insert(Cow::Borrowed(block));
        }
    }
}

impl Blocks<'_> {
    /// As [`Self::set_exif`], of a block that had to be unpacked.
    pub(super) fn set_own_exif(&mut self, block: Vec<u8>) {
        if let Some(found) = exif::tiff_structure(&block).filter(|found| found.len() <= MAX_BLOCK) {
            self.exif.get_or_insert(Cow::Owned(found.to_vec()));
        }
    }

    pub(super) fn set_own_xmp(&mut self, block: Vec<u8>) {
        self.xmp.get_or_insert(Cow::Owned(block));
    }

    fn set_own_iptc(&mut self, block: Vec<u8>) {
        self.iptc.get_or_insert(Cow::Owned(block));
    }
}

/// What a walk through a file finds. It ends early, with `None`, where the file ends or breaks.
pub(super) fn collect<'a>(bytes: &'a [u8], walk: impl FnOnce(&'a [u8], &mut Blocks<'a>) -> Option<()>) -> Blocks<'a> {
    let mut blocks = Blocks::default();
    let _ = walk(bytes, &mut blocks);
    blocks
}

const EXIF_ID: &[u8] = b"Exif\0\0";
const PHOTOSHOP_ID: &[u8] = b"Photoshop 3.0\0";
const ICC_ID: &[u8] = b"ICC_PROFILE\0";
const XMP_ID: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// Segments of a JPEG up to the first scan (ITU-T T.81, annex B), by marker and data:
/// `FF marker, length (2, itself included), data`.
struct Segments<'a>(&'a [u8]);

impl<'a> Iterator for Segments<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while let [0xFF, 0xFF, ..] = self.0 {
            self.0 = &self.0[1..]; // fill byte
        }
        let marker = match self.0 {
            // End of image, start of scan.
            [0xFF, 0xD9 | 0xDA, ..] => return None,
            [0xFF, marker, ..] => *marker,
            _ => return None,
        };
        let length = u16::from_be_bytes(self.0.get(2..4)?.try_into().ok()?) as usize;
        let data = self.0.get(4..2 + length)?;
        self.0 = &self.0[2 + length..];
        Some((marker, data))
    }
}

pub(super) fn jpeg<'a>(bytes: &'a [u8], blocks: &mut Blocks<'a>) -> Option<()> {
    for (marker, data) in Segments(bytes.get(2..)?) {
        match marker {
            0xE1 if data.starts_with(EXIF_ID) => blocks.set_exif(data),
            0xE1 => data.strip_prefix(XMP_ID).into_iter().for_each(|block| blocks.set_xmp(block)),
            0xED if blocks.iptc.is_none() => {
                let resources = data.strip_prefix(PHOTOSHOP_ID);
                blocks.iptc = resources.and_then(iptc).map(Cow::Borrowed);
            }
            _ => {}
        }
    }
    Some(())
}

/// The EXIF of a JPEG.
pub(super) fn jpeg_exif(bytes: &[u8]) -> Option<&[u8]> {
    let block = Segments(bytes.get(2..)?).find(|(marker, data)| *marker == 0xE1 && data.starts_with(EXIF_ID));
    exif::tiff_structure(block?.1)
}

/// The colour profile of a JPEG, which may lie in several segments, in order (ICC.1, annex B.4):
/// `ICC_PROFILE 0, number from 1, how many, data`.
pub(super) fn jpeg_profile(bytes: &[u8]) -> Option<Vec<u8>> {
    let segments = Segments(bytes.get(2..)?).filter(|(marker, _)| *marker == 0xE2);
    let mut parts: Vec<(u8, &[u8])> = segments
        .filter_map(|(_, data)| match data.strip_prefix(ICC_ID)? {
            [number, _, part @ ..] => Some((*number, part)),
            _ => None,
        })
        .collect();
    parts.sort_by_key(|(number, _)| *number);
    (!parts.is_empty()).then(|| parts.into_iter().flat_map(|(_, part)| part).copied().collect())
}

/// Photoshop's resources:
/// `8BIM, number (2), name (length (1), text; padded to even), length (4), data, padded to even`.
fn iptc(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let number = rest.strip_prefix(b"8BIM")?.get(..2)?;
        let name = 1 + usize::from(*rest.get(6)?);
        let start = 6 + name + name % 2;
        let length = u32::from_be_bytes(rest.get(start..start + 4)?.try_into().ok()?) as usize;
        let end = (start + 4).checked_add(length)?;
        let data = rest.get(start + 4..end)?;
        if number == [0x04, 0x04] {
            return Some(data);
        }
        rest = rest.get(end + length % 2..)?;
    }
}

/// Chunks of a PNG (section 5.3), by type and data: `length (4), type (4), data, CRC (4)`.
struct Chunks<'a>(&'a [u8]);

impl<'a> Iterator for Chunks<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let length = u32::from_be_bytes(self.0.get(..4)?.try_into().ok()?) as usize;
        let kind = self.0.get(4..8)?;
        let data = self.0.get(8..8usize.checked_add(length)?)?;
        self.0 = self.0.get(length.checked_add(12)?..).unwrap_or_default();
        Some((kind, data))
    }
}

/// XMP lies in an uncompressed iTXt. Exiv2, digiKam and older ImageMagick write all three kinds as
/// text ([`raw_profile`]).
pub(super) fn png<'a>(bytes: &'a [u8], blocks: &mut Blocks<'a>) -> Option<()> {
    for (kind, data) in Chunks(bytes.get(8..)?) {
        match kind {
            b"eXIf" => blocks.set_exif(data),
            b"iTXt" => {
                // keyword, 0, compression flag, compression method, language tag, 0, translated
                // keyword, 0, text
                if let Some(text) = data.strip_prefix(b"XML:com.adobe.xmp\0\0\0") {
                    let mut fields = text.splitn(3, |&byte| byte == 0).skip(2);
                    fields.next().into_iter().for_each(|packet| blocks.set_xmp(packet));
                }
            }
            b"tEXt" | b"zTXt" => raw_profile::read(data, kind == b"zTXt", blocks),
            _ => {}
        }
    }
    Some(())
}

/// The first chunk of a kind that stands before the pixels.
pub(super) fn png_chunk<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    let mut before = Chunks(bytes.get(8..)?).take_while(|(kind, _)| *kind != b"IDAT");
    before.find(|(found, _)| *found == kind).map(|(_, data)| data)
}

/// Items of HEIC and AVIF.
pub(super) fn heif<'a>(bytes: &'a [u8], blocks: &mut Blocks<'a>) -> Option<()> {
    boxes::each_block(bytes, |kind, block| match kind {
        boxes::Kind::Exif => blocks.set_exif(block),
        boxes::Kind::Xmp => blocks.set_xmp(block),
    })
}

/// RIFF chunks: `type (4), length (4, little endian), data, padded to even`.
pub(super) fn webp<'a>(bytes: &'a [u8], blocks: &mut Blocks<'a>) -> Option<()> {
    let mut rest = bytes.get(12..)?;
    loop {
        let kind = rest.get(..4)?;
        let length = u32::from_le_bytes(rest.get(4..8)?.try_into().ok()?) as usize;
        let data = rest.get(8..8usize.checked_add(length)?)?;
        match kind {
            b"EXIF" => blocks.set_exif(data),
            b"XMP " => blocks.set_xmp(data),
            _ => {}
        }
        rest = rest.get(length.checked_add(8 + length % 2)?..)?;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Cursor;

    use glimpse_nonempty::each;
    use image::{ImageFormat, RgbImage};

    use super::super::{Format, Limits, decode};
    use super::*;

    /// Orientation 6, in a structure of one entry.
    const TURNED: &[u8] = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        RgbImage::new(3, 2).write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn png(exif: &[u8], is_last: bool) -> Vec<u8> {
        let plain = encoded(ImageFormat::Png);
        let crc = |bytes: &[u8]| {
            let step = |crc: u32| (0..8).fold(crc, |crc, _| crc >> 1 ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()));
            !bytes.iter().fold(!0, |crc, &byte| step(crc ^ u32::from(byte)))
        };
        let body = [b"eXIf", exif].concat();
        let chunk = [&(exif.len() as u32).to_be_bytes()[..], &body, &crc(&body).to_be_bytes()].concat();
        let at = if is_last { plain.len() - 12 } else { 33 };
        [&plain[..at], &chunk, &plain[at..]].concat()
    }

    fn webp(exif: &[u8]) -> Vec<u8> {
        let plain = encoded(ImageFormat::WebP);
        let chunk = |kind: &[u8], data: &[u8]| {
            [kind, &(data.len() as u32).to_le_bytes(), data, &[0][..data.len() % 2]].concat()
        };
        let head = chunk(b"VP8X", &[8, 0, 0, 0, 2, 0, 0, 1, 0, 0]);
        let body = [b"WEBP", &head[..], &plain[12..], &chunk(b"EXIF", exif)].concat();
        [b"RIFF", &(body.len() as u32).to_le_bytes()[..], &body].concat()
    }

    fn jpeg(exif: &[u8]) -> Vec<u8> {
        let plain = encoded(ImageFormat::Jpeg);
        [&plain[..2], &[0xFF, 0xE1], &(exif.len() as u16 + 2).to_be_bytes(), exif, &plain[2..]].concat()
    }

    #[test]
    fn images_stand_upright_whatever_stands_before_their_exif() {
        let with_header = [EXIF_ID, TURNED].concat();
        let twice = [EXIF_ID, &with_header].concat();
        let files = [
            ("WebP", webp(TURNED)),
            ("WebP with a header", webp(&with_header)),
            ("PNG", png(TURNED, false)),
            ("PNG with a header", png(&with_header, false)),
            ("PNG, last", png(TURNED, true)),
            ("JPEG", jpeg(&with_header)),
            ("JPEG with two headers", jpeg(&twice)),
        ];
        for (name, bytes) in each(files) {
            let image = decode(&bytes, &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!((image.orientation, image.pixels.dimensions()), (6, (2, 3)), "{name}");
        }
    }

    /// A HEIF file of three items, EXIF last; in `idat` if it is `inside`.
    fn heif(exif: &[u8], inside: bool) -> Vec<u8> {
        let sized = |name: &[u8], body: &[u8]| [&(body.len() as u32 + 8).to_be_bytes()[..], name, body].concat();
        let info = |id: u8, kind: &[u8]| sized(b"infe", &[&[2, 0, 0, 0, 0, id, 0, 0], kind, b"\0"].concat());
        let infos = [info(1, b"hvc1"), info(2, b"mime\0application/rdf+xml"), info(3, b"Exif")].concat();
        let xmp = b"<x:xmpmeta/>";
        let data = [&xmp[..], exif].concat();
        let file = |start: usize| {
            let place = |id: u8, at: usize, length: usize| {
                let numbers = [(at as u32).to_be_bytes(), (length as u32).to_be_bytes()].concat();
                [&[0, id, 0, u8::from(inside), 0, 0, 0, 1][..], &numbers].concat()
            };
            let places = [place(1, 0, 4), place(2, start, xmp.len()), place(3, start + xmp.len(), exif.len())].concat();
            let body = [
                &[0, 0, 0, 0][..],
                &sized(b"iinf", &[&[0, 0, 0, 0, 0, 3], &infos[..]].concat()),
                &sized(b"iloc", &[&[1, 0, 0, 0, 0x44, 0, 0, 3], &places[..]].concat()),
                &if inside { sized(b"idat", &data) } else { Vec::new() },
            ];
            let head = [sized(b"ftyp", b"heic\0\0\0\0mif1heic"), sized(b"meta", &body.concat())].concat();
            (head.len() + 8, [head, sized(b"mdat", &data)].concat())
        };
        let start = if inside { 0 } else { file(0).0 };
        file(start).1
    }

    #[test]
    fn items_of_heif_are_found_with_every_offset() {
        let with_header = [b"\0\0\0\x06", EXIF_ID, TURNED].concat();
        let wrong_offset = [b"\0\0\0\0", EXIF_ID, TURNED].concat();
        let plain = [b"\0\0\0\0", TURNED].concat();
        for exif in [with_header, wrong_offset, plain, TURNED.to_vec()] {
            for inside in [false, true] {
                let file = heif(&exif, inside);
                let found = Format::Heic.blocks(&file);
                assert_eq!(found.exif.as_deref(), Some(TURNED), "{exif:?}, inside: {inside}");
                assert_eq!(found.xmp.as_deref(), Some(&b"<x:xmpmeta/>"[..]));
                for cut in 0..file.len() {
                    let _ = Format::Avif.blocks(&file[..cut]);
                }
            }
        }
    }

    #[test]
    fn iptc_is_found_among_other_resources() {
        let resource = |number: u8, name: &[u8], data: &[u8]| {
            let name = [&[name.len() as u8], name, &[0][..1 - name.len() % 2]].concat();
            let head = [&b"8BIM\x04"[..], &[number], &name].concat();
            [&head, &(data.len() as u32).to_be_bytes()[..], data, &[0][..data.len() % 2]].concat()
        };
        let resources = [resource(0x0B, b"odd", b"123"), resource(0x04, b"", b"records")].concat();
        let segment = [PHOTOSHOP_ID, &resources].concat();
        let mut file = jpeg(&segment);
        file[3] = 0xED;
        assert_eq!(Format::Jpeg.blocks(&file).iptc.as_deref(), Some(&b"records"[..]));
    }
}
