//! HEIC, and HEIF by other names: an image in HEVC, in one piece or in tiles.
//!
//! By heifer, or by the system's libheif in builds with the feature `libheif`.

#[cfg(all(feature = "heic", any(test, not(feature = "libheif"))))]
mod hevc;

use super::super::{Blocks, Decoded, ImageError, Limits, boxes, container};
use super::Spec;

pub(super) const SPEC: Spec = Spec {
    code: 7,
    name: "heic",
    title: "HEIC",
    extensions: &["heic", "heif", "hif", "heics", "heifs"],
    media_type: "image/heic",
    in_browsers: false,
    is_read: cfg!(any(feature = "heic", feature = "libheif")),
    sniff: |bytes| boxes::brands(bytes).is_some_and(|brands| brands.any(HEVC) && !brands.any(super::avif::AV1)),
    size: boxes::largest_size,
    decode,
    blocks,
    exif: None,
};

/// Brands of images in HEVC, and those that do not say how their images are coded (ISO 23008-12,
/// annex B; 14496-12, section 4.3).
const HEVC: &[[u8; 4]] = &[*b"heic", *b"heix", *b"heim", *b"heis", *b"hevc", *b"hevx", *b"mif1", *b"msf1"];

/// Metadata of all files of this container.
pub(in super::super) fn blocks(bytes: &[u8]) -> Blocks<'_> {
    container::collect(bytes, |bytes, blocks| {
        boxes::each_block(bytes, |kind, block| match kind {
            boxes::Kind::Exif => blocks.set_exif(block),
            boxes::Kind::Xmp => blocks.set_xmp(block),
        })
    })
}

#[allow(unused_variables, reason = "a build without any decoder reads nothing")]
fn decode(bytes: &[u8], limits: &Limits, _: Option<u32>) -> Result<Decoded, ImageError> {
    #[cfg(feature = "libheif")]
    return super::super::libheif::decode(bytes, super::Format::Heic, limits);
    #[cfg(all(feature = "heic", not(feature = "libheif")))]
    return hevc::decode(bytes, limits);
    #[cfg(not(any(feature = "heic", feature = "libheif")))]
    Err(ImageError::unsupported(SPEC.title))
}
