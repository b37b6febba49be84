//! HEIC, and HEIF by other names: an image in HEVC, in one piece or in tiles.
//!
//! By heifer, or by the system's libheif in builds with the feature `libheif`.

#[cfg(all(feature = "heic", any(test, not(feature = "libheif"))))]
mod hevc;

use super::super::{Decoded, ImageError, Limits, boxes, container};
use super::Spec;

pub(super) const SPEC: Spec = Spec {
    code: 7,
    name: "heic",
    title: "HEIC",
    extensions: &["heic", "heif", "hif", "heics", "heifs"],
    media_type: "image/heic",
    in_browsers: false,
    is_read: cfg!(any(feature = "heic", feature = "libheif")),
    sniff: |bytes| boxes::brands(bytes).is_some_and(|brands| brands.any(boxes::HEVC) && !brands.any(boxes::AV1)),
    size: boxes::largest_size,
    decode,
    blocks: |bytes| container::collect(bytes, container::heif),
    exif: None,
    turns_pixels: true,
    demuxer: None,
};

#[allow(unused_variables, reason = "a build without any decoder reads nothing")]
fn decode(bytes: &[u8], limits: &Limits, _: Option<u32>) -> Result<Decoded, ImageError> {
    #[cfg(feature = "libheif")]
    return super::super::libheif::decode(bytes, super::Format::Heic, limits);
    #[cfg(all(feature = "heic", not(feature = "libheif")))]
    return hevc::decode(bytes, limits);
    #[cfg(not(any(feature = "heic", feature = "libheif")))]
    Err(ImageError::unsupported(SPEC.title))
}
