//! WebP, its animations by their first frame.

use super::super::{Format, container, raster};
use super::{Spec, header_size};

pub(super) const SPEC: Spec = Spec {
    code: 3,
    name: "webp",
    title: "WebP",
    extensions: &["webp"],
    media_type: "image/webp",
    in_browsers: true,
    is_read: true,
    sniff: |bytes| bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
    size: header_size,
    decode: |bytes, limits, _| raster::decode(bytes, Format::WebP, limits, None),
    blocks: |bytes| container::collect(bytes, container::webp),
    exif: None,
    turns_pixels: false,
    demuxer: None,
};
