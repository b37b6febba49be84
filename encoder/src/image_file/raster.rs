//! PNG, WebP, GIF, TIFF and BMP by the `image` crate.

use std::error::Error;
use std::io::{Cursor, ErrorKind};

use image::codecs::{bmp::BmpDecoder, gif::GifDecoder, png::PngDecoder, tiff::TiffDecoder, webp::WebPDecoder};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder};

use super::colour::{self, Coding};
use super::flatten::flat;
use super::{Decoded, Format, ImageError, Limits, cut_off, exif};

/// Decodes an image; how its colours are `coded`, if that is known otherwise, comes before a
/// profile in the file.
pub(super) fn decode(
    bytes: &[u8],
    format: Format,
    limits: &Limits,
    coded: Option<Coding>,
) -> Result<Decoded, ImageError> {
    decode_and_mend(bytes, format, limits, coded, |image| image)
}

/// As [`decode`]; what the decoder gives goes through `mend` before its colours count.
pub(super) fn decode_and_mend(
    bytes: &[u8],
    format: Format,
    limits: &Limits,
    coded: Option<Coding>,
    mend: impl FnOnce(DynamicImage) -> DynamicImage,
) -> Result<Decoded, ImageError> {
    let mut decoder = open(bytes, format, limits)?;
    let refusal = |error| refusal(error, format, limits);
    let (width, height) = decoder.dimensions();
    limits.check(width, height, decoder.total_bytes())?;
    if width == 0 || height == 0 {
        return Err(ImageError::broken(format, "it has no pixels"));
    }
    decoder.set_limits(limits.into()).map_err(refusal)?;
    // Damaged metadata does not cost the image.
    let orientation = match format {
        Format::Tiff => decoder.orientation().ok(),
        _ => format.blocks(bytes).exif.and_then(|block| exif::orientation(&block)),
    };
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    let profile = match format {
        // The decoder knows it by one of two types that are in use.
        Format::Tiff => exif::profile(bytes).map(<[u8]>::to_vec),
        _ => decoder.icc_profile().ok().flatten(),
    };
    match DynamicImage::from_decoder(decoder) {
        Ok(image) => {
            let image = mend(image);
            let image = match (coded, profile) {
                (Some(coded), _) => coded.to_srgb(image),
                (None, Some(profile)) => colour::with_profile(image, &profile),
                (None, None) => image,
            };
            Ok(Decoded::whole(flat(image), orientation))
        }
        Err(error) if is_end_of_file(&error) => {
            let mut part = cut_off::decode(bytes, format, limits).unwrap_or_else(|| Err(refusal(error)))?;
            if let Some(profile) = profile {
                colour::profile_to_srgb(&mut part.pixels, &profile);
            }
            Ok(Decoded { truncated: part.truncated, ..Decoded::whole(part.pixels, orientation) })
        }
        Err(error) => Err(refusal(error)),
    }
}

fn is_end_of_file(error: &image::ImageError) -> bool {
    matches!(error, image::ImageError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof)
}

fn open<'a>(bytes: &'a [u8], format: Format, limits: &Limits) -> Result<Box<dyn ImageDecoder + 'a>, ImageError> {
    let reader = Cursor::new(bytes);
    let refusal = |error| refusal(error, format, limits);
    Ok(match format {
        Format::Png => Box::new(PngDecoder::with_limits(reader, limits.into()).map_err(refusal)?),
        Format::WebP => Box::new(WebPDecoder::new(reader).map_err(refusal)?),
        Format::Gif => Box::new(GifDecoder::new(reader).map_err(refusal)?),
        Format::Tiff => Box::new(TiffDecoder::new(reader).map_err(refusal)?),
        Format::Bmp => Box::new(BmpDecoder::new(reader).map_err(refusal)?),
        other => return Err(ImageError::unsupported(&other.to_string())),
    })
}

impl From<&Limits> for image::Limits {
    fn from(limits: &Limits) -> Self {
        let mut out = Self::default();
        out.max_image_width = Some(limits.max_side);
        out.max_image_height = Some(limits.max_side);
        out.max_alloc = Some(limits.max_alloc);
        out
    }
}

pub(super) fn refusal(error: image::ImageError, format: Format, limits: &Limits) -> ImageError {
    match error {
        image::ImageError::Limits(error) => {
            ImageError::TooLarge { found: error.to_string(), limit: format!("{} MiB", limits.max_alloc >> 20) }
        }
        image::ImageError::Unsupported(error) => ImageError::unsupported(&format!("{format}: {error}")),
        // The crate's own words only repeat the format; the cause says what is wrong.
        error => ImageError::broken(format, error.source().map_or_else(|| error.to_string(), ToString::to_string)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_that_are_not_read_are_unsupported_and_not_damaged() {
        let reason = |bytes: &[u8], format: Format| match format.decode(bytes, &Limits::default(), None) {
            Err(ImageError::Unsupported(reason)) => reason,
            other => panic!("{:?}", other.map(|_| ())),
        };
        let mut png = b"\x89PNG\r\n\x1A\n\0\0\0\x04CgBI\0\0\0\0".to_vec();
        png.extend([0; 20]);
        assert!(reason(&png, Format::Png).contains("CgBI"));
        // Compression 5, a PNG inside a BMP.
        let mut bmp = Vec::from(*b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x02\0\0\0\x02\0\0\0\x01\0\0\0\x05\0\0\0");
        bmp.extend([0; 40]);
        assert!(reason(&bmp, Format::Bmp).contains("PNG compression"));
    }
}
