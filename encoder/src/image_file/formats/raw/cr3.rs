//! Canon's files since 2018: boxes as in films. The largest JPEG is a sample of a track; a smaller
//! one, of 1620 pixels, has a box of its own.

use super::super::super::boxes::{Boxes, Fields, child};
use super::directories;

/// The box in `moov` that holds facts, each a TIFF structure of one directory: `CMT1` of camera,
/// date and orientation, `CMT2` of EXIF, `CMT4` of the place.
const FACTS: [u8; 16] =
    [0x85, 0xC0, 0xB6, 0x87, 0x82, 0x0F, 0x11, 0xE0, 0x81, 0x11, 0xF4, 0xCE, 0x46, 0x2B, 0x6A, 0x48];
/// The box that holds the smaller preview.
const PREVIEW: [u8; 16] =
    [0xEA, 0xF4, 0x2B, 0x5E, 0x1C, 0x98, 0x4B, 0x88, 0xB9, 0xFB, 0xB7, 0xDC, 0x40, 0x6E, 0x4D, 0x16];
/// More tracks than any camera writes.
const MOST_TRACKS: usize = 16;

/// The largest box of facts that is looked at.
const LARGEST: usize = 1 << 20;

/// All JPEGs, and the structure of the first facts.
pub(super) fn read(bytes: &[u8]) -> (Vec<&[u8]>, Option<&[u8]>) {
    let movie = child(bytes, b"moov").unwrap_or_default();
    let facts = facts_box(bytes).and_then(|facts| child(facts, b"CMT1"));
    let tracks = Boxes(movie).filter(|(name, _)| *name == b"trak").take(MOST_TRACKS);
    let jpegs = tracks.filter_map(|(_, track)| first_sample(bytes, track)).chain(preview(bytes));
    (jpegs.collect(), facts)
}

/// All facts in one TIFF structure.
pub(super) fn facts(bytes: &[u8]) -> Option<Vec<u8>> {
    let facts = facts_box(bytes)?;
    let part = |name| child(facts, name).filter(|part| part.len() <= LARGEST);
    let first = part(b"CMT1")?;
    let others = [(directories::EXIF, part(b"CMT2")), (directories::PLACE, part(b"CMT4"))];
    let others: Vec<(u16, &[u8])> = others.into_iter().filter_map(|(tag, part)| Some((tag, part?))).collect();
    Some(directories::joined(first, &others).unwrap_or_else(|| first.to_vec()))
}

fn facts_box(bytes: &[u8]) -> Option<&[u8]> {
    by_key(child(bytes, b"moov")?, &FACTS)
}

/// The body of the box of a name of 16 bytes.
fn by_key<'a>(bytes: &'a [u8], key: &[u8; 16]) -> Option<&'a [u8]> {
    Boxes(bytes).filter(|(name, _)| *name == b"uuid").find_map(|(_, body)| body.strip_prefix(key))
}

/// The box `PRVW` behind eight bytes:
/// `0 (4), 1 (2), width (2), height (2), 1 (2), length (4), JPEG`.
fn preview(bytes: &[u8]) -> Option<&[u8]> {
    let mut fields = Fields(child(by_key(bytes, &PREVIEW)?.get(8..)?, b"PRVW")?);
    fields.take(12)?;
    let length = usize::try_from(fields.number(4)?).ok()?;
    fields.take(length)
}

/// The first sample of a track, by its tables of sizes and of places (ISO 14496-12, sections 8.7.3
/// and 8.7.5).
fn first_sample<'a>(bytes: &'a [u8], track: &[u8]) -> Option<&'a [u8]> {
    let table = child(child(child(track, b"mdia")?, b"minf")?, b"stbl")?;
    let mut sizes = Fields(child(table, b"stsz")?.get(4..)?);
    // All samples are of one size, or each has its own behind the number of them.
    let length = match sizes.number(4)? {
        0 => {
            sizes.take(4)?;
            sizes.number(4)?
        }
        all => all,
    };
    let start = match (child(table, b"co64"), child(table, b"stco")) {
        (Some(places), _) => Fields(places.get(8..)?).number(8)?,
        (None, places) => Fields(places?.get(8..)?).number(4)?,
    };
    let start = usize::try_from(start).ok()?;
    bytes.get(start..start.checked_add(usize::try_from(length).ok()?)?)
}
