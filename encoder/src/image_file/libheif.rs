//! HEIC and AVIF by libheif, a C library that the system provides.

use image::metadata::Orientation;
use image::{RgbImage, RgbaImage};
use libheif_rs::{ColorSpace, DecodingOptions, HeifContext, HeifError, HeifErrorCode, LibHeif, RgbChroma};

use super::flatten::on_white;
use super::{Decoded, Format, ImageError, Limits};

pub fn decode(bytes: &[u8], format: Format, limits: &Limits) -> Result<Decoded, ImageError> {
    let refusal = |error: HeifError| match error.code {
        // Also where libheif was built without a decoder for the image's codec.
        HeifErrorCode::UnsupportedFileType | HeifErrorCode::UnsupportedFeature => {
            ImageError::unsupported(&format!("{format}: {}", error.message))
        }
        _ => ImageError::broken(format, error.message),
    };
    let context = HeifContext::read_from_bytes(bytes).map_err(refusal)?;
    let handle = context.primary_image_handle().map_err(refusal)?;
    let pixels = u64::from(handle.width()) * u64::from(handle.height());
    // The planes as coded, at up to two bytes a sample, and the interleaved image beside them.
    limits.check(handle.width(), handle.height(), pixels * (6 + 4))?;

    let alpha = handle.has_alpha_channel();
    let chroma = if alpha { RgbChroma::Rgba } else { RgbChroma::Rgb };
    let mut options = DecodingOptions::new();
    if let Some(options) = &mut options {
        options.set_convert_hdr_to_8bit(true);
    }
    let image = LibHeif::new().decode(&handle, ColorSpace::Rgb(chroma), options).map_err(refusal)?;
    let unfilled = || ImageError::broken(format, "its rows do not fill the size it announces");
    let plane = image.planes().interleaved.ok_or_else(unfilled)?;
    let row_bytes = plane.width as usize * if alpha { 4 } else { 3 };
    let rows = plane.data.chunks(plane.stride.max(1)).take(plane.height as usize);
    let packed = rows.filter_map(|row| row.get(..row_bytes)).collect::<Vec<_>>().concat();
    let pixels = if alpha {
        RgbaImage::from_raw(plane.width, plane.height, packed).map(on_white)
    } else {
        RgbImage::from_raw(plane.width, plane.height, packed)
    };
    // The container's own rotation is applied by libheif; EXIF repeats it and must not be followed.
    Ok(Decoded::whole(pixels.ok_or_else(unfilled)?, Orientation::NoTransforms))
}
