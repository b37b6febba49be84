//! Camera raw files, by the largest JPEG that the camera put into them.
//!
//! What a sensor saw is not developed: that takes a program for each camera, and gives an image
//! that the photographer has not seen. The preview is what the camera's own screen shows.

mod cr3;
mod directories;
mod raf;

use image::metadata::Orientation;

use super::super::{Decoded, Format, ImageError, Limits, boxes, exif};
use super::{Spec, jpeg, no_blocks};

pub(super) const SPEC: Spec = Spec {
    code: 10,
    name: "raw",
    title: "camera raw",
    extensions: &[
        "dng", "cr2", "cr3", "nef", "nrw", "arw", "sr2", "srf", "orf", "ori", "rw2", "rwl", "raf", "pef", "srw", "3fr",
        "fff", "iiq", "erf", "mef", "mos", "kdc", "dcr", "gpr",
    ],
    media_type: "image/x-raw",
    in_browsers: false,
    is_read: true,
    sniff: |bytes| Kind::of(bytes).is_some(),
    size: |bytes| Previews::of(bytes)?.jpegs.first().map(|jpeg| jpeg.size),
    decode,
    // XMP and IPTC, where a file has any, are fields of its own directories.
    blocks: no_blocks,
    exif: Some(own_exif),
    turns_pixels: false,
    demuxer: None,
};

/// A preview is shown from so many pixels of its longer side on; what is smaller is a thumbnail.
const LEAST_SIDE: u32 = 1000;

/// How a file is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Directories as in TIFF: nearly all.
    Tiff,
    /// Of Fujifilm.
    Raf,
    /// Boxes as in films, of Canon since 2018.
    Cr3,
}

impl Kind {
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            // Of Panasonic and Leica, and of Olympus, in either order of bytes.
            [b'I', b'I', 0x55, 0, ..] | [b'I', b'I', b'R', b'O' | b'S', ..] | [b'M', b'M', b'O', b'R', ..] => {
                Some(Self::Tiff)
            }
            [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => exif::is_camera_raw(bytes).then_some(Self::Tiff),
            _ if bytes.starts_with(b"FUJIFILM") => Some(Self::Raf),
            _ => boxes::brands(bytes).filter(|brands| brands.any(&[*b"crx "])).map(|_| Self::Cr3),
        }
    }
}

/// A JPEG inside a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Jpeg<'a> {
    bytes: &'a [u8],
    size: (u32, u32),
}

impl<'a> Jpeg<'a> {
    /// `None` for what is no JPEG that is decoded, as the values of a sensor may be packed like
    /// one.
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let size = jpeg::coded_size(bytes)?;
        Some(Self { bytes, size })
    }

    fn area(&self) -> u64 {
        u64::from(self.size.0) * u64::from(self.size.1)
    }
}

/// What a file shows without being developed.
struct Previews<'a> {
    /// The largest first.
    jpegs: Vec<Jpeg<'a>>,
    /// The TIFF structure of the image's facts.
    facts: Option<&'a [u8]>,
}

impl<'a> Previews<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let (mut found, facts) = match Kind::of(bytes)? {
            Kind::Tiff => (directories::jpegs(bytes), Some(bytes)),
            Kind::Raf => raf::read(bytes),
            Kind::Cr3 => cr3::read(bytes),
        };
        found.sort_by_key(|bytes| std::cmp::Reverse(bytes.len()));
        found.dedup();
        let mut jpegs: Vec<Jpeg<'a>> = found.into_iter().filter_map(Jpeg::of).collect();
        jpegs.sort_by_key(|jpeg| std::cmp::Reverse(jpeg.area()));
        Some(Self { jpegs, facts })
    }
}

fn decode(bytes: &[u8], limits: &Limits, least: Option<u32>) -> Result<Decoded, ImageError> {
    let previews = Previews::of(bytes);
    let jpegs = previews.as_ref().map(|previews| &previews.jpegs[..]).unwrap_or_default();
    let mut first_error = None;
    for jpeg in jpegs.iter().filter(|jpeg| jpeg.size.0.max(jpeg.size.1) >= LEAST_SIDE) {
        match jpeg::decode(jpeg.bytes, limits, least) {
            Ok(decoded) => {
                // What stands in the raw file is right; not all previews repeat it.
                let facts = previews.as_ref().and_then(|previews| previews.facts);
                let orientation = facts.and_then(exif::orientation).unwrap_or(Orientation::NoTransforms);
                return Ok(Decoded { orientation, ..decoded });
            }
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(match (first_error, jpegs.first()) {
        (Some(error @ ImageError::TooLarge { .. }), _) => error,
        (Some(error), _) => ImageError::broken(Format::Raw, format!("its preview: {error}")),
        (None, Some(Jpeg { size: (width, height), .. })) => ImageError::unsupported(&format!(
            "a camera raw file whose largest preview has {width} x {height} pixels, too few to be found by"
        )),
        (None, None) => ImageError::unsupported("a camera raw file without a preview"),
    })
}

/// The facts of a file, as a TIFF structure that readers of such accept.
fn own_exif(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let kind = Kind::of(&bytes)?;
    if kind == Kind::Tiff {
        // In the place of the number that Olympus and Panasonic put there.
        let number: [u8; 2] = if bytes[0] == b'I' { [42, 0] } else { [0, 42] };
        bytes.get_mut(2..4)?.copy_from_slice(&number);
        return Some(bytes);
    }
    match kind {
        Kind::Cr3 => cr3::facts(&bytes),
        _ => Previews::of(&bytes)?.facts.map(<[u8]>::to_vec),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of one field, which is followed by itself.
    fn circle(tag: u16) -> Vec<u8> {
        let field = [&tag.to_le_bytes()[..], &[4, 0, 1, 0, 0, 0], &8u32.to_le_bytes()].concat();
        [&b"IIRO\x08\0\0\0\x01\0"[..], &field, &8u32.to_le_bytes()].concat()
    }

    #[test]
    fn directories_that_lead_to_each_other_end() {
        for tag in [0x014A, 0x8769, 0x0201] {
            let error = decode(&circle(tag), &Limits::default(), None).map(|_| ());
            assert_eq!(error, Err(ImageError::unsupported("a camera raw file without a preview")));
        }
    }

    #[test]
    fn facts_of_every_order_of_bytes_pass_for_tiff() {
        assert_eq!(own_exif(b"IIRO\x08\0\0\0".to_vec()), Some(b"II*\0\x08\0\0\0".to_vec()));
        assert_eq!(own_exif(b"MMOR\0\0\0\x08".to_vec()), Some(b"MM\0*\0\0\0\x08".to_vec()));
        assert_eq!(own_exif(b"II\x55\0\x08\0\0\0".to_vec()), Some(b"II*\0\x08\0\0\0".to_vec()));
        assert_eq!(own_exif(b"FUJIFILMCCD-RAW".to_vec()), None);
    }
}
