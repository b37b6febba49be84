//! BMP.

use super::super::{Format, raster};
use super::{Spec, header_size, no_blocks};

pub(super) const SPEC: Spec = Spec {
    code: 6,
    name: "bmp",
    title: "BMP",
    extensions: &["bmp", "dib"],
    media_type: "image/bmp",
    in_browsers: true,
    is_read: true,
    sniff: |bytes| bytes.starts_with(b"BM"),
    size: header_size,
    decode: |bytes, limits, _| raster::decode(bytes, Format::Bmp, limits, None),
    blocks: no_blocks,
    exif: None,
    turns_pixels: false,
    demuxer: None,
};
