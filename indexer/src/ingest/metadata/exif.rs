//! Date, camera and place from EXIF (CIPA DC-008), believed only where they make sense.

use std::io::Cursor;

use ::exif::{DateTime, Exif, In, Rational, Reader, Tag, Value};
use jiff::civil;
use jiff::tz::TimeZone;

use super::MAX_BLOCK;
use crate::Place;

/// The XMP packet of a TIFF file lies in this tag.
const XMP: Tag = Tag(::exif::Context::Tiff, 700);

/// Parses a TIFF structure as far as it can be parsed.
pub(super) fn parse(block: Vec<u8>) -> Option<Exif> {
    whatever_is_readable(Reader::new().continue_on_error(true).read_raw(block))
}

/// Finds and parses the TIFF structure of a HEIF file.
pub(super) fn parse_heif(bytes: &[u8]) -> Option<Exif> {
    whatever_is_readable(Reader::new().continue_on_error(true).read_from_container(&mut Cursor::new(bytes)))
}

fn whatever_is_readable(exif: Result<Exif, ::exif::Error>) -> Option<Exif> {
    exif.or_else(|error| error.distill_partial_result(|_| {})).ok()
}

/// When the image was taken, in seconds since 1970 of the camera's own clock.
pub(super) fn taken(exif: &Exif) -> Option<i64> {
    [Tag::DateTimeOriginal, Tag::DateTimeDigitized, Tag::DateTime]
        .into_iter()
        .find_map(|tag| seconds(ascii(exif, tag)?))
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

/// Where the image was taken. 0, 0 is what receivers write that know nothing.
pub(super) fn place(exif: &Exif) -> Option<Place> {
    let latitude = degrees(exif, Tag::GPSLatitude, Tag::GPSLatitudeRef, [b'N', b'S'], 90.0)?;
    let longitude = degrees(exif, Tag::GPSLongitude, Tag::GPSLongitudeRef, [b'E', b'W'], 180.0)?;
    (latitude != 0.0 || longitude != 0.0).then_some(Place { latitude, longitude })
}

/// The XMP packet of a TIFF file.
pub(super) fn xmp_packet(exif: &Exif) -> Option<&[u8]> {
    match &exif.get_field(XMP, In::PRIMARY)?.value {
        Value::Byte(bytes) | Value::Undefined(bytes, _) if bytes.len() <= MAX_BLOCK => Some(bytes),
        _ => None,
    }
}

/// Cameras with an empty battery write years before photography; files from elsewhere write anything.
fn seconds(ascii: &[u8]) -> Option<i64> {
    let read = DateTime::from_ascii(ascii).ok().filter(|date| (1826..=2200).contains(&date.year))?;
    let [month, day, hour, minute, second] =
        [read.month, read.day, read.hour, read.minute, read.second].map(|value| i8::try_from(value).unwrap_or(-1));
    let date = civil::DateTime::new(i16::try_from(read.year).ok()?, month, day, hour, minute, second, 0).ok()?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

fn degrees(exif: &Exif, tag: Tag, reference: Tag, [plus, minus]: [u8; 2], most: f64) -> Option<f64> {
    let Value::Rational(parts) = &exif.get_field(tag, In::PRIMARY)?.value else { return None };
    // Unused minutes and seconds are written as 0/0.
    let part = |i: usize| match parts.get(i) {
        None | Some(Rational { num: 0, .. }) => 0.0,
        Some(part) => part.to_f64(),
    };
    parts.first()?;
    let degrees = part(0) + part(1) / 60.0 + part(2) / 3600.0;
    let sign = match ascii(exif, reference)?.first()?.to_ascii_uppercase() {
        letter if letter == plus => 1.0,
        letter if letter == minus => -1.0,
        _ => return None,
    };
    (degrees.is_finite() && degrees <= most).then_some(sign * degrees)
}

fn ascii(exif: &Exif, tag: Tag) -> Option<&[u8]> {
    match &exif.get_field(tag, In::PRIMARY)?.value {
        Value::Ascii(lines) => lines.first().map(Vec::as_slice),
        _ => None,
    }
}

/// A short printable text.
fn text(exif: &Exif, tag: Tag) -> Option<String> {
    let text =
        String::from_utf8_lossy(ascii(exif, tag)?.get(..).map(|bytes| &bytes[..bytes.len().min(256)])?).into_owned();
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(64).collect();
    let clean = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    (!clean.is_empty()).then_some(clean)
}
