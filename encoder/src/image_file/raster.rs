//! PNG, WebP, GIF, TIFF and BMP by the `image` crate.

use std::error::Error;
use std::io::{Cursor, ErrorKind};

use image::codecs::{bmp::BmpDecoder, gif::GifDecoder, png::PngDecoder, tiff::TiffDecoder, webp::WebPDecoder};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder};

use super::flatten::flat;
use super::{Decoded, Format, ImageError, Limits, blocks, cut_off, exif};

pub fn decode(bytes: &[u8], format: Format, limits: &Limits) -> Result<Decoded, ImageError> {
    check_kind(bytes, format)?;
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
        _ => blocks(format, bytes).exif.and_then(exif::orientation),
    };
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    match DynamicImage::from_decoder(decoder) {
        Ok(image) => Ok(Decoded::whole(flat(image), orientation)),
        Err(error) if is_end_of_file(&error) => {
            let part = cut_off::decode(bytes, format, limits).unwrap_or_else(|| Err(refusal(error)))?;
            Ok(Decoded { truncated: part.truncated, ..Decoded::whole(part.pixels, orientation) })
        }
        Err(error) => Err(refusal(error)),
    }
}

fn is_end_of_file(error: &image::ImageError) -> bool {
    matches!(error, image::ImageError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof)
}

/// Refuses what passes for `format` and is something else.
fn check_kind(bytes: &[u8], format: Format) -> Result<(), ImageError> {
    match format {
        Format::Tiff if exif::is_camera_raw(bytes) => Err(ImageError::unsupported("a camera raw file, inside a TIFF")),
        Format::Png if bytes.get(12..16) == Some(b"CgBI") => {
            Err(ImageError::unsupported("a PNG in the form of iOS apps (CgBI)"))
        }
        _ => Ok(()),
    }
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
        Format::Jpeg | Format::Heic | Format::Avif => {
            return Err(ImageError::unsupported(&format.to_string()));
        }
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

fn refusal(error: image::ImageError, format: Format, limits: &Limits) -> ImageError {
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
        let reason = |bytes: &[u8], format| match decode(bytes, format, &Limits::default()) {
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
        for format in [Format::Jpeg, Format::Heic, Format::Avif] {
            assert!(reason(b"", format).contains("convert it"));
        }
    }
}
