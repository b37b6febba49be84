//! Date, camera, place and words from EXIF (CIPA DC-008), and the tags of Windows, believed only
//! where they make sense.

use ::exif::{Context, Exif, Field, In, Reader, Tag, Value};

use super::text::{text as decoded, utf16_of_unknown_order};
use super::{MAX_BLOCK, Words, date, place};
use crate::Place;

/// The XMP packet of a TIFF file lies in this tag.
const XMP: Tag = Tag(Context::Tiff, 700);
/// Title, comment and subject as Windows writes them, in UTF-16.
const WINDOWS_CAPTIONS: [Tag; 3] = [Tag(Context::Tiff, 0x9C9B), Tag(Context::Tiff, 0x9C9C), Tag(Context::Tiff, 0x9C9F)];
/// Keywords as Windows writes them, with semicolons between them.
const WINDOWS_KEYWORDS: Tag = Tag(Context::Tiff, 0x9C9E);

/// Stars as Windows and cameras write them.
const RATING: Tag = Tag(Context::Tiff, 0x4746);

/// What cameras write where people might describe an image, in lower case.
const BOILERPLATE: [&str; 6] = ["digital camera", "exif_jpeg", "sony dsc", "minolta dsc", "camera images", "dcim"];

/// Parses a TIFF structure as far as it can be parsed.
pub(super) fn parse(block: Vec<u8>) -> Option<Exif> {
    let exif = Reader::new().continue_on_error(true).read_raw(block);
    exif.or_else(|error| error.distill_partial_result(|_| {})).ok()
}

/// When the image was taken, in seconds since 1970 of the camera's own clock.
pub(super) fn taken(exif: &Exif) -> Option<i64> {
    [Tag::DateTimeOriginal, Tag::DateTimeDigitized].into_iter().find_map(|tag| seconds(exif, tag))
}

/// When the file was last changed by a program that says so, which for most cameras is when it was
/// taken.
pub(super) fn changed(exif: &Exif) -> Option<i64> {
    seconds(exif, Tag::DateTime)
}

/// Make and model, without saying the maker twice: `Canon` + `Canon EOS 5D` is `Canon EOS 5D`.
pub(super) fn camera(exif: &Exif) -> Option<String> {
    let (make, model) = (text(exif, Tag::Make), text(exif, Tag::Model));
    match (make, model) {
        (Some(make), Some(model)) => {
            let first = |name: &str| name.split_whitespace().next().map(str::to_lowercase);
            Some(if first(&make) == first(&model) { model } else { format!("{make} {model}") })
        }
        (make, model) => model.or(make),
    }
}

/// Where the image was taken.
pub(super) fn place(exif: &Exif) -> Option<Place> {
    let latitude = degrees(exif, Tag::GPSLatitude, Tag::GPSLatitudeRef);
    place::place(latitude, degrees(exif, Tag::GPSLongitude, Tag::GPSLongitudeRef))
}

/// What people wrote of the image.
pub(super) fn words(exif: &Exif) -> Words {
    let mut words = Words::default();
    let description = ascii(exif, Tag::ImageDescription).map(decoded).filter(|text| !is_boilerplate(text));
    description.into_iter().for_each(|text| words.add_caption(&text));
    for text in WINDOWS_CAPTIONS.into_iter().filter_map(|tag| windows_text(exif, tag)) {
        words.add_caption(&text);
    }
    user_comment(exif).into_iter().for_each(|text| words.add_caption(&text));
    let keywords = windows_text(exif, WINDOWS_KEYWORDS).unwrap_or_default();
    keywords.split(';').for_each(|keyword| words.add_keyword(keyword));
    words
}

/// Stars, 1 to 5, as Windows and cameras write them.
pub(super) fn rating(exif: &Exif) -> Option<u8> {
    let value = &field(exif, RATING)?.value;
    let stars = match value {
        Value::SShort(stars) => stars.first().map(|&stars| i64::from(stars)),
        Value::SLong(stars) => stars.first().map(|&stars| i64::from(stars)),
        _ => value.get_uint(0).map(i64::from),
    };
    u8::try_from(stars?).ok().filter(|stars| (1..=5).contains(stars))
}

/// The XMP packet of a TIFF file.
pub(super) fn xmp_packet(exif: &Exif) -> Option<&[u8]> {
    bytes(exif, XMP)
}

/// A field, also of those that some programs move from the directory of EXIF to the one of the
/// image.
pub(super) fn field(exif: &Exif, tag: Tag) -> Option<&Field> {
    let moved = || exif.get_field(Tag(Context::Tiff, tag.number()), In::PRIMARY);
    exif.get_field(tag, In::PRIMARY).or_else(|| if tag.context() == Context::Exif { moved() } else { None })
}

fn bytes(exif: &Exif, tag: Tag) -> Option<&[u8]> {
    match &field(exif, tag)?.value {
        Value::Byte(bytes) | Value::Undefined(bytes, _) if bytes.len() <= MAX_BLOCK => Some(bytes),
        _ => None,
    }
}

fn windows_text(exif: &Exif, tag: Tag) -> Option<String> {
    Some(printable(&utf16_of_unknown_order(bytes(exif, tag)?, true)))
}

/// Eight bytes that name the encoding, then the text (CIPA DC-008, section 4.6.5).
fn user_comment(exif: &Exif) -> Option<String> {
    let (encoding, text) = bytes(exif, Tag::UserComment)?.split_at_checked(8)?;
    let text = match encoding {
        b"UNICODE\0" => utf16_of_unknown_order(text, exif.little_endian()),
        b"JIS\0\0\0\0\0" => return None,
        b"ASCII\0\0\0" | [0, 0, 0, 0, 0, 0, 0, 0] => decoded(text),
        _ => return None,
    };
    Some(printable(&text)).filter(|text| !is_boilerplate(text))
}

fn is_boilerplate(text: &str) -> bool {
    let text = text.to_lowercase();
    BOILERPLATE.iter().any(|known| text.contains(known))
}

/// Without what follows a 0, and without what no one can have typed.
fn printable(text: &str) -> String {
    let text = text.split('\0').next().unwrap_or_default();
    text.chars().filter(|&c| (!c.is_control() || c == '\n') && c != char::REPLACEMENT_CHARACTER).collect()
}

fn seconds(exif: &Exif, tag: Tag) -> Option<i64> {
    date::seconds(&decoded(ascii(exif, tag)?))
}

fn degrees(exif: &Exif, tag: Tag, reference: Tag) -> Option<f64> {
    // Unused minutes and seconds are written as 0/0.
    let fraction = |num: i64, denom: i64| if num == 0 { 0.0 } else { num as f64 / denom as f64 };
    // What is too large for an angle is a signed number of the wrong type.
    let most = [180.0, 60.0, 60.0];
    let plausible = |(n, part): (usize, &::exif::Rational)| {
        let plain = fraction(part.num.into(), part.denom.into());
        let signed = fraction(i64::from(part.num as i32), i64::from(part.denom as i32));
        if most.get(n).is_some_and(|most| plain <= *most) { plain } else { signed }
    };
    let parts: Vec<f64> = match &field(exif, tag)?.value {
        Value::Rational(parts) => parts.iter().enumerate().map(plausible).collect(),
        Value::SRational(parts) => parts.iter().map(|part| fraction(part.num.into(), part.denom.into())).collect(),
        Value::Double(parts) => parts.clone(),
        Value::Float(parts) => parts.iter().map(|&part| part.into()).collect(),
        Value::Ascii(_) => return place::coordinate(&decoded(ascii(exif, tag)?)),
        _ => return None,
    };
    let reference = ascii(exif, reference).map(decoded).unwrap_or_default();
    place::degrees(&parts, &reference)
}

fn ascii(exif: &Exif, tag: Tag) -> Option<&[u8]> {
    match &field(exif, tag)?.value {
        Value::Ascii(lines) => lines.first().map(Vec::as_slice),
        _ => None,
    }
}

/// A short printable text.
pub(super) fn text(exif: &Exif, tag: Tag) -> Option<String> {
    let bytes = ascii(exif, tag)?;
    let text = decoded(&bytes[..bytes.len().min(256)]);
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(64).collect();
    let clean = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    (!clean.is_empty()).then_some(clean)
}
