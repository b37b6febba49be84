//! TIFF, of several images the first. Camera raw files pass for it ([`super::raw`]).

use super::super::{Format, exif, raster};
use super::{Spec, header_size, no_blocks};

pub(super) const SPEC: Spec = Spec {
    code: 5,
    name: "tiff",
    title: "TIFF",
    extensions: &["tif", "tiff"],
    media_type: "image/tiff",
    in_browsers: false,
    is_read: true,
    sniff: |bytes| is_tiff(bytes) && !exif::is_camera_raw(bytes),
    size: header_size,
    decode: |bytes, limits, _| raster::decode(bytes, Format::Tiff, limits, None),
    blocks: no_blocks,
    exif: Some(Some),
    turns_pixels: false,
    demuxer: None,
};

/// Also of the form for large files.
fn is_tiff(bytes: &[u8]) -> bool {
    matches!(bytes, [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..])
}
