//! What of EXIF (CIPA DC-008) concerns pixels: where a block begins, which way up an image is, and
//! whether a TIFF holds one at all.

use image::metadata::Orientation;

/// So many bytes may stand before the structure.
const LONGEST_PREFIX: usize = 16;
const ORIENTATION: u32 = 0x0112;
const SUBFILE_TYPE: u32 = 0x00FE;
const PHOTOMETRIC: u32 = 0x0106;
const SUB_DIRECTORIES: u32 = 0x014A;
const PROFILE: u32 = 0x8773;
const DNG_VERSION: u32 = 0xC612;
/// Values of [`PHOTOMETRIC`] (TIFF/EP and DNG).
const COLOUR_FILTERS: u32 = 32_803;
const LINEAR_RAW: u32 = 34_892;

/// The TIFF structure of an EXIF block, without what stands before it in some containers: the
/// `Exif\0\0` of JPEG, which other formats do not need and some writers keep, and the offset of
/// HEIF.
pub(super) fn tiff_structure(block: &[u8]) -> Option<&[u8]> {
    let begins =
        |at: &usize| block.get(*at..).is_some_and(|rest| rest.starts_with(b"II*\0") || rest.starts_with(b"MM\0*"));
    (0..=LONGEST_PREFIX).find(begins).map(|at| &block[at..])
}

/// The orientation that a TIFF structure names in its first directory.
pub(super) fn orientation(tiff: &[u8]) -> Option<Orientation> {
    Orientation::from_exif(u8::try_from(value(tiff, ORIENTATION)?).ok()?)
}

/// True for a TIFF structure that is a camera raw file: Canon's mark behind the header, Adobe's
/// version of DNG, values of single colour filters, or a thumbnail in the place of the image, which
/// lies in a directory below, as in Nikon's and Sony's files.
pub(super) fn is_camera_raw(tiff: &[u8]) -> bool {
    let is_filtered = value(tiff, PHOTOMETRIC).is_some_and(|it| matches!(it, COLOUR_FILTERS | LINEAR_RAW));
    let is_thumbnail = value(tiff, SUBFILE_TYPE).is_some_and(|it| it & 1 == 1);
    tiff.get(8..10) == Some(b"CR")
        || value(tiff, DNG_VERSION).is_some()
        || is_filtered
        || is_thumbnail && value(tiff, SUB_DIRECTORIES).is_some()
}

/// The colour profile that a TIFF structure holds.
pub(super) fn profile(tiff: &[u8]) -> Option<&[u8]> {
    if !(tiff.starts_with(b"II*\0") || tiff.starts_with(b"MM\0*")) {
        return None;
    }
    let entry = entry(tiff, PROFILE)?;
    let (length, start) = (number(tiff, entry + 4, 4)? as usize, number(tiff, entry + 8, 4)? as usize);
    tiff.get(start..start.checked_add(length)?)
}

/// The first value of a field in the first directory; for what does not fit into four bytes, where
/// it lies.
fn value(tiff: &[u8], tag: u32) -> Option<u32> {
    let entry = entry(tiff, tag)?;
    // The standard asks for a number of two bytes; some writers take one or four.
    let length = match number(tiff, entry + 2, 2)? {
        1 | 6 | 7 => 1,
        4 | 9 | 13 => 4,
        _ => 2,
    };
    number(tiff, entry + 8, length)
}

/// Where a field of the first directory lies:
/// `tag (2), type (2), number of values (4), value or its place (4)`.
pub(super) fn entry(tiff: &[u8], tag: u32) -> Option<usize> {
    let directory = number(tiff, 4, 4)? as usize;
    let entries = number(tiff, directory, 2)? as usize;
    let mut entries = (0..entries).map(|n| directory.saturating_add(2 + 12 * n));
    entries.find(|&at| number(tiff, at, 2) == Some(tag))
}

/// An unsigned number of so many bytes, 4 at most, in the order that the structure names.
pub(super) fn number(tiff: &[u8], at: usize, length: usize) -> Option<u32> {
    let bytes = tiff.get(at..at.checked_add(length)?)?;
    let join = |sum: u32, byte: &u8| sum << 8 | u32::from(*byte);
    let is_little = tiff.first() == Some(&b'I');
    Some(if is_little { bytes.iter().rev().fold(0, join) } else { bytes.iter().fold(0, join) })
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::each;

    use super::*;

    /// A structure of one entry.
    fn structure(little: bool, kind: u16, value: [u8; 4]) -> Vec<u8> {
        let short = |n: u16| if little { n.to_le_bytes() } else { n.to_be_bytes() };
        let long = |n: u32| if little { n.to_le_bytes() } else { n.to_be_bytes() };
        let start: &[u8] = if little { b"II" } else { b"MM" };
        let entry = [&short(0x0112)[..], &short(kind), &long(1), &value].concat();
        [start, &short(42), &long(8), &short(1), &entry, &[0; 4]].concat()
    }

    #[test]
    fn an_orientation_is_read_whatever_its_type_and_byte_order() {
        let forms = [
            structure(true, 3, [6, 0, 0, 0]),
            structure(false, 3, [0, 6, 0, 0]),
            structure(true, 4, [6, 0, 0, 0]),
            structure(false, 4, [0, 0, 0, 6]),
            structure(false, 1, [6, 0, 0, 0]),
        ];
        for form in each(forms) {
            assert_eq!(orientation(&form), Some(Orientation::Rotate90), "{form:?}");
            for cut in 0..form.len() - 4 {
                let _ = orientation(&form[..cut]);
            }
        }
        assert_eq!(orientation(&structure(true, 3, [9, 0, 0, 0])), None);
        assert_eq!(orientation(b"II*\0\xFF\xFF\xFF\xFF"), None);
    }

    #[test]
    fn what_stands_before_a_structure_is_left_out() {
        let plain = structure(true, 3, [6, 0, 0, 0]);
        for before in [&b""[..], b"Exif\0\0", b"\0\0\0\0", b"\0\0\0\x06Exif\0\0", b"Exif\0\0Exif\0\0"] {
            assert_eq!(tiff_structure(&[before, &plain].concat()), Some(&plain[..]), "{before:?}");
        }
        assert_eq!(tiff_structure(&[&[0; 17][..], &plain].concat()), None);
        assert_eq!(tiff_structure(b""), None);
    }

    #[test]
    fn camera_raw_files_are_told_from_other_tiffs() {
        let tiff = |fields: &[(u16, u32)]| {
            let entry = |(tag, value): &(u16, u32)| {
                [&tag.to_le_bytes()[..], b"\x04\0", &1u32.to_le_bytes(), &value.to_le_bytes()].concat()
            };
            let entries: Vec<u8> = fields.iter().flat_map(entry).collect();
            [b"II*\0\x08\0\0\0", &(fields.len() as u16).to_le_bytes()[..], &entries, &[0; 4]].concat()
        };
        for raw in [
            tiff(&[(0xFE, 0), (0xC612, 0x0401)]),
            tiff(&[(0x106, 32_803)]),
            tiff(&[(0x106, 34_892)]),
            tiff(&[(0xFE, 1), (0x14A, 800)]),
            b"II*\0\x10\0\0\0CR\x02\0".to_vec(),
        ] {
            assert!(is_camera_raw(&raw), "{raw:?}");
        }
        for usual in [tiff(&[(0xFE, 0), (0x106, 2), (0x14A, 800)]), tiff(&[(0xFE, 1)]), b"II*\0".to_vec()] {
            assert!(!is_camera_raw(&usual), "{usual:?}");
        }
    }
}
