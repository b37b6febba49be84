//! What of EXIF (CIPA DC-008) concerns pixels: where a block begins, and which way up a picture is.

use image::metadata::Orientation;

/// So many bytes may stand before the structure.
const LONGEST_PREFIX: usize = 16;
const ORIENTATION: u32 = 0x0112;

/// The TIFF structure of an EXIF block, without what stands before it in some containers: the
/// `Exif\0\0` of JPEG, which other formats do not need and some writers keep, and the offset of HEIF.
pub(super) fn tiff_structure(block: &[u8]) -> Option<&[u8]> {
    let begins =
        |at: &usize| block.get(*at..).is_some_and(|rest| rest.starts_with(b"II*\0") || rest.starts_with(b"MM\0*"));
    (0..=LONGEST_PREFIX).find(begins).map(|at| &block[at..])
}

/// The orientation that a TIFF structure names in its first directory.
pub(super) fn orientation(tiff: &[u8]) -> Option<Orientation> {
    let is_little = tiff.first() == Some(&b'I');
    let number = |at: usize, length: usize| {
        let bytes = tiff.get(at..at.checked_add(length)?)?;
        let join = |sum: u32, byte: &u8| sum << 8 | u32::from(*byte);
        Some(if is_little { bytes.iter().rev().fold(0, join) } else { bytes.iter().fold(0, join) })
    };
    let directory = number(4, 4)? as usize;
    let entries = number(directory, 2)? as usize;
    let mut entries = (0..entries).map(|n| directory.saturating_add(2 + 12 * n));
    let entry = entries.find(|&at| number(at, 2) == Some(ORIENTATION))?;
    // The standard asks for a number of two bytes; some writers take one or four.
    let length = match number(entry + 2, 2)? {
        1 | 6 | 7 => 1,
        4 | 9 => 4,
        _ => 2,
    };
    Orientation::from_exif(u8::try_from(number(entry + 8, length)?).ok()?)
}

#[cfg(test)]
mod tests {
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
        for form in forms {
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
}
