//! Videos, by their containers. Programs beside this one decode them ([`crate::video`]).

use super::super::{ImageError, boxes};
use super::{Spec, no_blocks};

pub(super) const MP4: Spec =
    video(11, ["mp4", "MP4", "mov"], &["mp4", "m4v", "3gp", "3g2", "f4v"], "video/mp4", |bytes| {
        major_brand(bytes).is_some_and(|brand| MP4_BRANDS.contains(&&brand[..3]))
    });
pub(super) const MOV: Spec = video(12, ["mov", "QuickTime", "mov"], &["mov", "qt"], "video/quicktime", |bytes| {
    match bytes {
        // Before there were brands.
        [_, _, _, _, kind @ ..] if major_brand(bytes).is_none() => OLD_BOXES.iter().any(|old| kind.starts_with(old)),
        _ => major_brand(bytes) == Some(*b"qt  "),
    }
});
pub(super) const MKV: Spec = video(13, ["mkv", "Matroska", "matroska"], &["mkv"], "video/x-matroska", |bytes| {
    bytes.starts_with(EBML) && !is_webm(bytes)
});
pub(super) const WEBM: Spec =
    video(14, ["webm", "WebM", "matroska"], &["webm"], "video/webm", |bytes| bytes.starts_with(EBML) && is_webm(bytes));
pub(super) const AVI: Spec = video(15, ["avi", "AVI", "avi"], &["avi"], "video/x-msvideo", |bytes| {
    bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"AVI ")
});
pub(super) const MPEG: Spec = video(16, ["mpeg", "MPEG", "mpeg"], &["mpg", "mpeg", "vob"], "video/mpeg", |bytes| {
    bytes.starts_with(&[0, 0, 1, 0xBA])
});
pub(super) const MPEG_TS: Spec =
    video(17, ["mpegts", "MPEG transport stream", "mpegts"], &["mts", "m2ts"], "video/mp2t", |bytes| {
        [0, 4].iter().any(|&at| is_sync(bytes, at) && is_sync(bytes, at + 188 + at))
    });
pub(super) const OGV: Spec =
    video(18, ["ogv", "Ogg", "ogg"], &["ogv"], "video/ogg", |bytes| bytes.starts_with(b"OggS"));
pub(super) const FLV: Spec =
    video(19, ["flv", "Flash video", "flv"], &["flv"], "video/x-flv", |bytes| bytes.starts_with(b"FLV\x01"));
pub(super) const WMV: Spec = video(20, ["wmv", "Windows Media", "asf"], &["wmv"], "video/x-ms-wmv", |bytes| {
    bytes.starts_with(&[0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11])
});
pub(super) const MXF: Spec = video(21, ["mxf", "MXF", "mxf"], &["mxf"], "application/mxf", |bytes| {
    bytes.starts_with(&[0x06, 0x0E, 0x2B, 0x34, 0x02, 0x05, 0x01, 0x01])
});

/// A container: its number, its short name, title and demuxer, and how its files begin.
const fn video(
    code: u8,
    [name, title, demuxer]: [&'static str; 3],
    extensions: &'static [&'static str],
    media_type: &'static str,
    sniff: fn(&[u8]) -> bool,
) -> Spec {
    Spec {
        code,
        name,
        title,
        extensions,
        media_type,
        in_browsers: false,
        is_read: true,
        sniff,
        size: |_| None,
        decode: |_, _, _| Err(ImageError::Unsupported("a video, which holds more than one image".to_owned())),
        blocks: no_blocks,
        exif: None,
        turns_pixels: true,
        demuxer: Some(demuxer),
    }
}

/// How brands of MP4 and its kin begin; those of images and sounds are others.
const MP4_BRANDS: &[&[u8]] =
    &[b"iso", b"mp4", b"avc", b"M4V", b"3gp", b"3g2", b"3ge", b"3gg", b"3gs", b"MSN", b"das", b"f4v", b"F4V", b"mmp"];
const OLD_BOXES: &[&[u8]] = &[b"moov", b"mdat", b"wide", b"pnot"];
const EBML: &[u8] = &[0x1A, 0x45, 0xDF, 0xA3];

/// The brand that a file names first; none of one that an image goes by.
fn major_brand(bytes: &[u8]) -> Option<[u8; 4]> {
    let brands = boxes::brands(bytes)?;
    let brand = bytes.get(8..12)?.try_into().ok()?;
    (!brands.any(boxes::HEVC) && !brands.any(boxes::AV1)).then_some(brand)
}

/// The type of the document stands near its beginning.
fn is_webm(bytes: &[u8]) -> bool {
    bytes[..bytes.len().min(64)].windows(4).any(|at| at == b"webm")
}

/// A packet of a transport stream begins here.
fn is_sync(bytes: &[u8], at: usize) -> bool {
    bytes.get(at) == Some(&0x47)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_nonempty::each;

    use super::super::Format;

    #[test]
    fn containers_are_told_by_their_first_bytes() {
        let mut stream = [0u8; 400];
        (stream[0], stream[188]) = (0x47, 0x47);
        let mut disc = [0u8; 400];
        (disc[4], disc[196]) = (0x47, 0x47);
        for (bytes, format) in each([
            (&b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41"[..], Format::Mp4),
            (b"\0\0\0\x18ftyp3gp4\0\0\0\x003gp4", Format::Mp4),
            (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", Format::Mov),
            (b"\0\0\0\x08wide\0\0\0\0mdat", Format::Mov),
            (b"\x1A\x45\xDF\xA3\x9F\x42\x86\x81\x01\x42\x82\x84webm", Format::WebM),
            (b"\x1A\x45\xDF\xA3\x9F\x42\x86\x81\x01\x42\x82\x88matroska", Format::Mkv),
            (b"RIFF\0\0\0\0AVI LIST", Format::Avi),
            (b"\0\0\x01\xBA\x44", Format::Mpeg),
            (&stream, Format::MpegTs),
            (&disc, Format::MpegTs),
        ]) {
            assert_eq!(Format::sniff(bytes), Ok(format));
            assert!(format.is_video() && format.is_read());
        }
        // A sequence of images, and a sound.
        assert_eq!(Format::sniff(b"\0\0\0\x18ftypmsf1\0\0\0\0msf1hevc"), Ok(Format::Heic));
        assert!(Format::sniff(b"\0\0\0\x18ftypM4A \0\0\0\0M4A ").is_err());
    }
}
