//! The text of a sidecar: where its rating stands, and where something can be added.
//!
//! Nothing is written anew: what was found by a reader of XML is changed in the text itself, so
//! that all else stays as its writer left it.

use std::ops::Range;

use quick_xml::NsReader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};

const RDF: &[u8] = b"http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const BASIC: &[u8] = b"http://ns.adobe.com/xap/1.0/";
const HEAD: &str = "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>
<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">
 <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">
";
const TAIL: &str = " </rdf:RDF>
</x:xmpmeta>
<?xpacket end=\"w\"?>
";
const MAX_DEPTH: usize = 256;

type Fault = &'static str;

/// A sidecar that holds descriptions (whole lines of XML) and nothing else.
pub fn whole(descriptions: &str) -> String {
    format!("{HEAD}{descriptions}{TAIL}")
}

/// A sidecar with further descriptions (whole lines of XML) behind those that it has.
///
/// # Errors
/// What is wrong with it, as the end of a sentence about it.
pub fn with_description(old: &str, descriptions: &str) -> Result<String, &'static str> {
    Ok(Outline::read(old)?.with_description(old, descriptions))
}

/// A description of a rating alone.
pub(super) fn rating_description(rating: u8) -> String {
    format!(
        "  <rdf:Description rdf:about=\"\"
    xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"
    xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\"
    xmp:Rating=\"{rating}\"/>
"
    )
}

/// The rating of a sidecar as it stands there, -1 for a rejected image; one that is no number is 0.
pub(super) fn read_rating(text: &str) -> Result<Option<f32>, Fault> {
    Ok(Outline::read(text)?.rating.map(|rating| rating.value))
}

/// A sidecar with a rating, in the place of that which it has, or added.
pub(super) fn with_rating(old: &str, rating: u8) -> Result<String, Fault> {
    let outline = Outline::read(old)?;
    let Some(known) = outline.rating else { return Ok(outline.with_description(old, &rating_description(rating))) };
    let mut text = old.to_owned();
    text.replace_range(known.place, &rating.to_string());
    Ok(text)
}

/// Where things stand in a sidecar.
struct Outline {
    rating: Option<RatingAt>,
    /// Where `</rdf:RDF>` begins.
    end: usize,
}

struct RatingAt {
    value: f32,
    /// Its value in the text.
    place: Range<usize>,
}

impl Outline {
    /// Reads a sidecar, which has to be sound XML to its end.
    fn read(whole: &str) -> Result<Self, Fault> {
        let text = whole.strip_prefix('\u{feff}').unwrap_or(whole);
        let before = whole.len() - text.len();
        let mut reader = NsReader::from_str(text);
        let (mut rating, mut end) = (None, None);
        // What each open element is.
        let mut open: Vec<Part> = Vec::new();
        loop {
            let from = position(&reader);
            match reader.read_event().map_err(|_| DAMAGED)? {
                Event::Start(element) => {
                    let part = Part::of(&reader, &element, open.last().copied());
                    rating = rating.or_else(|| rating_in(&reader, &element, part, text));
                    if part == Part::Rating && rating.is_none() {
                        let place = position(&reader)..position(&reader);
                        rating = Some(RatingAt { value: 0.0, place });
                    }
                    open.push(part);
                    if open.len() > MAX_DEPTH {
                        return Err("nests too deeply");
                    }
                }
                Event::Empty(element) => {
                    let part = Part::of(&reader, &element, open.last().copied());
                    rating = rating.or_else(|| rating_in(&reader, &element, part, text));
                    if part == Part::Rating {
                        return Err("has a rating without a value");
                    }
                    if part == Part::Rdf {
                        return Err(NO_XMP);
                    }
                }
                Event::Text(value) if open.last() == Some(&Part::Rating) => {
                    let place = from..position(&reader);
                    let value = value.decode().map_err(|_| DAMAGED)?;
                    rating = Some(RatingAt { value: number(&value), place });
                }
                Event::End(_) => end = (open.pop() == Some(Part::Rdf)).then_some(from).or(end),
                Event::Eof => break,
                _ => {}
            }
        }
        if !open.is_empty() {
            return Err(DAMAGED);
        }
        let moved = |at: RatingAt| RatingAt { place: at.place.start + before..at.place.end + before, ..at };
        Ok(Self { rating: rating.map(moved), end: end.ok_or(NO_XMP)? + before })
    }

    /// The text with descriptions before the line that ends them.
    fn with_description(&self, old: &str, descriptions: &str) -> String {
        let start = old[..self.end].rfind('\n').map_or(0, |newline| newline + 1);
        let at = if old[start..self.end].trim().is_empty() { start } else { self.end };
        let newline = if at == start { "" } else { "\n" };
        [&old[..at], newline, descriptions, &old[at..]].concat()
    }
}

const DAMAGED: Fault = "is damaged XML";
const NO_XMP: Fault = "is no XMP that something can be added to";

/// What an element is, as far as that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Rdf,
    /// What says something of the image itself.
    Description,
    Rating,
    Other,
}

impl Part {
    fn of(reader: &NsReader<&[u8]>, element: &BytesStart<'_>, parent: Option<Self>) -> Self {
        let (namespace, name) = reader.resolver().resolve_element(element.name());
        match (is(&namespace, RDF), is(&namespace, BASIC), name.as_ref(), parent) {
            (true, _, b"RDF", _) => Self::Rdf,
            (true, _, b"Description", Some(Self::Rdf)) => Self::Description,
            (_, true, b"Rating", Some(Self::Description)) => Self::Rating,
            _ => Self::Other,
        }
    }
}

fn is(namespace: &ResolveResult<'_>, name: &[u8]) -> bool {
    *namespace == ResolveResult::Bound(Namespace(name))
}

/// The rating among the attributes of a description.
fn rating_in(reader: &NsReader<&[u8]>, element: &BytesStart<'_>, part: Part, text: &str) -> Option<RatingAt> {
    if part != Part::Description {
        return None;
    }
    for attribute in element.attributes().flatten() {
        let (namespace, name) = reader.resolver().resolve_attribute(attribute.key);
        if is(&namespace, BASIC) && name.as_ref() == b"Rating" {
            let value = std::str::from_utf8(&attribute.value).ok().and_then(|value| unescape(value).ok());
            let place = place_in(text, &attribute.value)?;
            return Some(RatingAt { value: number(&value.unwrap_or_default()), place });
        }
    }
    None
}

/// Where bytes that a reader has lent from a text stand in it.
fn place_in(text: &str, part: &[u8]) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    let place = start..start.checked_add(part.len())?;
    (text.get(place.clone())?.as_bytes() == part).then_some(place)
}

fn position(reader: &NsReader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn number(text: &str) -> f32 {
    text.trim().parse().unwrap_or(0.0)
}
