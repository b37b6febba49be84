//! Words from XMP (ISO 16684-1): title, description and subjects of the Dublin Core.
//!
//! Entities that a document defines itself are never expanded, so a hostile packet stays as small as it is.

use quick_xml::NsReader;
use quick_xml::events::{BytesRef, Event};
use quick_xml::name::ResolveResult;

use super::Words;

const DUBLIN_CORE: &[u8] = b"http://purl.org/dc/elements/1.1/";
const RDF: &[u8] = b"http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const MAX_DEPTH: usize = 64;
const MAX_TEXT: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Property {
    Caption,
    Keyword,
}

/// The words of a packet, as far as it can be read.
pub(super) fn words(packet: &[u8]) -> Words {
    let mut words = Words::default();
    let packet = super::sidecar::text(packet);
    let mut reader = NsReader::from_str(&packet);
    reader.config_mut().check_end_names = false;
    // The property being read and the depth of its element; the text of the innermost rdf:li.
    let mut property: Option<(Property, usize)> = None;
    let mut item: Option<String> = None;
    let mut depth = 0;
    while let Ok((namespace, event)) = reader.read_resolved_event() {
        match event {
            Event::Start(element) => {
                depth += 1;
                let name = element.local_name();
                match (namespace, name.as_ref()) {
                    _ if depth > MAX_DEPTH => break,
                    (ResolveResult::Bound(ns), b"title" | b"description") if ns.as_ref() == DUBLIN_CORE => {
                        property = Some((Property::Caption, depth));
                    }
                    (ResolveResult::Bound(ns), b"subject") if ns.as_ref() == DUBLIN_CORE => {
                        property = Some((Property::Keyword, depth));
                    }
                    (ResolveResult::Bound(ns), b"li") if ns.as_ref() == RDF && property.is_some() => {
                        item = Some(String::new());
                    }
                    _ => {}
                }
            }
            Event::End(_) => {
                if let (Some((property, _)), Some(text)) = (property, item.take()) {
                    match property {
                        Property::Caption => words.add_caption(&text),
                        Property::Keyword => words.add_keyword(&text),
                    }
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
    words
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
