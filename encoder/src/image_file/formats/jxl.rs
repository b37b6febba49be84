//! JPEG XL by jxl-oxide, of an animation the first frame.

#[cfg(feature = "jxl")]
mod codestream;

use super::super::{Blocks, Decoded, ImageError, Limits, boxes, container};
use super::Spec;

pub(super) const SPEC: Spec = Spec {
    code: 9,
    name: "jxl",
    title: "JPEG XL",
    extensions: &["jxl"],
    media_type: "image/jxl",
    in_browsers: false,
    is_read: cfg!(feature = "jxl"),
    sniff: |bytes| bytes.starts_with(&[0xFF, 0x0A]) || bytes.starts_with(b"\0\0\0\x0CJXL \r\n\x87\n"),
    size,
    decode,
    blocks,
    exif: None,
    turns_pixels: true,
    demuxer: None,
};

/// Boxes beside the coded image (ISO 18181-2), of which some are compressed.
fn blocks(bytes: &[u8]) -> Blocks<'_> {
    container::collect(bytes, |bytes, blocks| {
        for (name, body) in boxes::Boxes(bytes) {
            match name {
                b"Exif" => blocks.set_exif(body),
                b"xml " => blocks.set_xmp(body),
                #[cfg(feature = "jxl")]
                b"brob" => match body.split_first_chunk() {
                    Some((b"Exif", packed)) => blocks.set_own_exif(codestream::unpacked(packed)?),
                    Some((b"xml ", packed)) => blocks.set_own_xmp(codestream::unpacked(packed)?),
                    _ => {}
                },
                _ => {}
            }
        }
        Some(())
    })
}

#[cfg(feature = "jxl")]
fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    codestream::size(bytes)
}

#[cfg(not(feature = "jxl"))]
fn size(_: &[u8]) -> Option<(u32, u32)> {
    None
}

#[allow(unused_variables, reason = "a build without the decoder reads nothing")]
fn decode(bytes: &[u8], limits: &Limits, _: Option<u32>) -> Result<Decoded, ImageError> {
    #[cfg(feature = "jxl")]
    return codestream::decode(bytes, limits);
    #[cfg(not(feature = "jxl"))]
    Err(ImageError::unsupported(SPEC.title))
}
