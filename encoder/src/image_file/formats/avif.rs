//! AVIF: an image in AV1, in one piece or in tiles.
//!
//! By rav1d and this crate's reading of the container, or by the system's libheif in builds with
//! the feature `libheif`.

#[cfg(all(feature = "avif", any(test, not(feature = "libheif"))))]
mod av1;
#[cfg(all(feature = "avif", any(test, not(feature = "libheif"))))]
mod items;

use super::super::{Decoded, ImageError, Limits, boxes, container};
use super::Spec;

pub(super) const SPEC: Spec = Spec {
    code: 8,
    name: "avif",
    title: "AVIF",
    extensions: &["avif", "avifs"],
    media_type: "image/avif",
    in_browsers: true,
    is_read: cfg!(any(feature = "avif", feature = "libheif")),
    sniff: |bytes| boxes::brands(bytes).is_some_and(|brands| brands.any(boxes::AV1)),
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
    return super::super::libheif::decode(bytes, super::Format::Avif, limits);
    #[cfg(all(feature = "avif", not(feature = "libheif")))]
    return items::decode(bytes, limits);
    #[cfg(not(any(feature = "avif", feature = "libheif")))]
    Err(ImageError::unsupported(SPEC.title))
}
