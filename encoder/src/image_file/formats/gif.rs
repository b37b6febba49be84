//! GIF, its animations by their first frame.

use super::super::{Format, raster};
use super::{Spec, header_size, no_blocks};

pub(super) const SPEC: Spec = Spec {
    code: 4,
    name: "gif",
    title: "GIF",
    extensions: &["gif"],
    media_type: "image/gif",
    in_browsers: true,
    is_read: true,
    sniff: |bytes| bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a"),
    size: header_size,
    decode: |bytes, limits, _| raster::decode(bytes, Format::Gif, limits, None),
    blocks: no_blocks,
    exif: None,
    turns_pixels: false,
    demuxer: None,
};
