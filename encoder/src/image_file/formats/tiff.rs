//! TIFF, of several images the first. Camera raw files pass for it ([`super::raw`]).

mod workaround;

use self::workaround::Workaround;
use super::super::{Decoded, Format, ImageError, Limits, exif, raster};
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
    size: |bytes| header_size(bytes).or_else(|| workaround::size(bytes)),
    decode,
    blocks: no_blocks,
    exif: Some(Some),
    turns_pixels: false,
    demuxer: None,
};

fn decode(bytes: &[u8], limits: &Limits, _: Option<u32>) -> Result<Decoded, ImageError> {
    match Workaround::of(bytes)? {
        None => raster::decode(bytes, Format::Tiff, limits, None),
        Some(way) => {
            let bytes = way.prepare(bytes);
            raster::decode_and_mend(&bytes, Format::Tiff, limits, None, |image| way.finish(image))
        }
    }
}

/// Also of the form for large files.
fn is_tiff(bytes: &[u8]) -> bool {
    matches!(bytes, [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..])
}
