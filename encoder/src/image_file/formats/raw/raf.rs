//! Fujifilm's files: a head of fixed places, in which one JPEG of full size is named, with EXIF of
//! its own.

use super::super::super::container;

/// Where the head says where the JPEG lies: `start (4), length (4)`, high byte first.
const PREVIEW: usize = 84;

/// The JPEG, and its EXIF.
pub(super) fn read(bytes: &[u8]) -> (Vec<&[u8]>, Option<&[u8]>) {
    let number = |at: usize| {
        let field = bytes.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(field)).ok()
    };
    let preview = number(PREVIEW)
        .zip(number(PREVIEW + 4))
        .and_then(|(start, length)| bytes.get(start..start.checked_add(length)?));
    (preview.into_iter().collect(), preview.and_then(container::jpeg_exif))
}
