//! PNG, its animations by their first frame.

use super::super::{Blocks, Decoded, Format, ImageError, Limits, colour, container, raster};
use super::{Spec, header_size};

pub(super) const SPEC: Spec = Spec {
    code: 2,
    name: "png",
    title: "PNG",
    extensions: &["png", "apng"],
    media_type: "image/png",
    in_browsers: true,
    is_read: true,
    sniff: |bytes| bytes.starts_with(b"\x89PNG\r\n\x1A\n"),
    size: header_size,
    decode,
    blocks,
    exif: None,
    turns_pixels: false,
    demuxer: None,
};

fn decode(bytes: &[u8], limits: &Limits, _: Option<u32>) -> Result<Decoded, ImageError> {
    if bytes.get(12..16) == Some(b"CgBI") {
        return Err(ImageError::unsupported("a PNG in the form of iOS apps (CgBI)"));
    }
    // It takes the place of a profile (PNG, third edition, section 4.3).
    let coded = container::png_chunk(bytes, b"cICP").and_then(|chunk| match chunk {
        [primaries, transfer, 0, 1] => Some(colour::Coding::of((*primaries).into(), (*transfer).into())),
        _ => None,
    });
    raster::decode(bytes, Format::Png, limits, coded)
}

fn blocks(bytes: &[u8]) -> Blocks<'_> {
    container::collect(bytes, container::png)
}
