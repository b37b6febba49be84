//! Words, date, place, rating, orientation and how the camera was set from XMP (ISO 16684-1):
//! title, description and subjects of the Dublin Core, and what is written of EXIF, TIFF and
//! Photoshop, as elements or attributes.
//!
//! Entities that a document defines itself are never expanded, so a hostile packet stays as small
//! as it is.

use quick_xml::NsReader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, NamespaceResolver, ResolveResult};

use super::place::{coordinate, place};
use super::text::text;
use super::{Metadata, date, exposure};

const DUBLIN_CORE: &[u8] = b"http://purl.org/dc/elements/1.1/";
const RDF: &[u8] = b"http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const EXIF: &[u8] = b"http://ns.adobe.com/exif/1.0/";
const EXIF_EXTENDED: &[u8] = b"http://cipa.jp/exif/1.0/";
const EXIF_AUXILIARY: &[u8] = b"http://ns.adobe.com/exif/1.0/aux/";
const PHOTOSHOP: &[u8] = b"http://ns.adobe.com/photoshop/1.0/";
const TIFF: &[u8] = b"http://ns.adobe.com/tiff/1.0/";
const BASIC: &[u8] = b"http://ns.adobe.com/xap/1.0/";
const MAX_DEPTH: usize = 64;
const MAX_TEXT: usize = 4096;
const MAX_ATTRIBUTES: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Property {
    Caption,
    Keyword,
    /// The lowest is the most telling.
    Date(usize),
    Latitude,
    Longitude,
    Orientation,
    Lens,
    FocalLength,
    Aperture,
    ExposureTime,
    Iso,
    Rating,
}

impl Property {
    fn of(namespace: &ResolveResult<'_>, name: &[u8]) -> Option<Self> {
        let ResolveResult::Bound(namespace) = namespace else { return None };
        match (namespace.as_ref(), name) {
            (DUBLIN_CORE, b"title" | b"description") => Some(Self::Caption),
            (DUBLIN_CORE, b"subject") => Some(Self::Keyword),
            (EXIF, b"DateTimeOriginal") => Some(Self::Date(0)),
            (PHOTOSHOP, b"DateCreated") => Some(Self::Date(1)),
            (BASIC, b"CreateDate") => Some(Self::Date(2)),
            (EXIF, b"GPSLatitude") => Some(Self::Latitude),
            (EXIF, b"GPSLongitude") => Some(Self::Longitude),
            (TIFF, b"Orientation") => Some(Self::Orientation),
            (EXIF_EXTENDED, b"LensModel") | (EXIF_AUXILIARY, b"Lens") => Some(Self::Lens),
            (EXIF, b"FocalLength") => Some(Self::FocalLength),
            (EXIF, b"FNumber") => Some(Self::Aperture),
            (EXIF, b"ExposureTime") => Some(Self::ExposureTime),
            (EXIF, b"ISOSpeedRatings") | (EXIF_EXTENDED, b"PhotographicSensitivity") => Some(Self::Iso),
            (BASIC, b"Rating") => Some(Self::Rating),
            _ => None,
        }
    }
}

/// What was read of a packet so far.
#[derive(Default)]
struct Found {
    metadata: Metadata,
    dates: [Option<i64>; 3],
    latitude: Option<f64>,
    longitude: Option<f64>,
}

impl Found {
    fn set(&mut self, property: Property, text: &str) {
        let camera = &mut self.metadata.exposure;
        match property {
            Property::Caption => self.metadata.words.add_caption(text),
            Property::Keyword => self.metadata.words.add_keyword(text),
            Property::Date(rank) => self.dates[rank] = self.dates[rank].or_else(|| date::seconds(text)),
            Property::Latitude => self.latitude = coordinate(text),
            Property::Longitude => self.longitude = coordinate(text),
            Property::Orientation => {
                let named = text.trim().parse().ok().filter(|orientation| (1..=8).contains(orientation));
                self.metadata.orientation = self.metadata.orientation.or(named);
            }
            Property::Lens => camera.lens = camera.lens.take().or_else(|| exposure::lens(text)),
            Property::FocalLength => camera.focal_length = exposure::fraction(text),
            Property::Aperture => camera.aperture = exposure::fraction(text),
            Property::ExposureTime => camera.exposure_time = exposure::fraction(text),
            Property::Iso => camera.iso = camera.iso.or_else(|| exposure::iso(text)),
            Property::Rating => self.metadata.rating = exposure::rating(text),
        }
    }

    /// Simple properties may be attributes.
    fn attributes(&mut self, element: &BytesStart<'_>, resolver: &NamespaceResolver) {
        let mut attributes = element.attributes();
        attributes.with_checks(false);
        for attribute in attributes.take(MAX_ATTRIBUTES).flatten() {
            let (namespace, name) = resolver.resolve_attribute(attribute.key);
            let Some(property) = Property::of(&namespace, name.as_ref()) else { continue };
            let value = std::str::from_utf8(&attribute.value).ok().filter(|value| value.len() <= MAX_TEXT);
            value.and_then(|value| unescape(value).ok()).into_iter().for_each(|value| self.set(property, &value));
        }
    }

    fn metadata(self) -> Metadata {
        let taken = self.dates.into_iter().flatten().next();
        Metadata { taken, place: place(self.latitude, self.longitude), ..self.metadata }
    }
}

/// What a packet says, as far as it can be read.
pub(super) fn read(packet: &[u8]) -> Metadata {
    let mut found = Found::default();
    let packet = text(packet);
    let mut reader = NsReader::from_str(&packet);
    reader.config_mut().check_end_names = false;
    // The property being read and the depth of its element; its own text, or that of the innermost
    // rdf:li.
    let mut property: Option<(Property, usize)> = None;
    let mut item: Option<String> = None;
    let mut depth = 0;
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(element) => {
                depth += 1;
                if depth > MAX_DEPTH {
                    break;
                }
                let (namespace, name) = reader.resolver().resolve_element(element.name());
                if let Some(named) = Property::of(&namespace, name.as_ref()) {
                    property = Some((named, depth));
                    item = Some(String::new());
                } else if property.is_some() {
                    let is_item = namespace == ResolveResult::Bound(Namespace(RDF)) && name.as_ref() == b"li";
                    item = is_item.then(String::new);
                }
                found.attributes(&element, reader.resolver());
            }
            Event::Empty(element) => found.attributes(&element, reader.resolver()),
            Event::End(_) => {
                if let (Some((property, _)), Some(text)) = (property, item.take()) {
                    found.set(property, &text);
                }
                if property.is_some_and(|(_, start)| start == depth) {
                    property = None;
                }
                depth = depth.saturating_sub(1);
            }
            Event::Text(text) => push(&mut item, &text.decode().unwrap_or_default()),
            Event::CData(text) => push(&mut item, &text.decode().unwrap_or_default()),
            Event::GeneralRef(reference) => push(&mut item, &resolve(&reference).unwrap_or_default()),
            Event::Eof => break,
            _ => {}
        }
    }
    found.metadata()
}

fn push(item: &mut Option<String>, text: &str) {
    if let Some(item) = item.as_mut().filter(|item| item.len() + text.len() <= MAX_TEXT) {
        item.push_str(text);
    }
}

/// A character reference or one of the five entities that XML defines itself.
fn resolve(reference: &BytesRef<'_>) -> Option<String> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Some(character.to_string());
    }
    quick_xml::escape::resolve_xml_entity(&reference.decode().ok()?).map(str::to_owned)
}
