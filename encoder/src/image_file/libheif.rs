//! HEIC and AVIF by libheif, a C library that the system provides. Limits and colours are ours.

use image::DynamicImage;
use image::metadata::Orientation;
use libheif_rs::{
    ColorProfileNCLX, ColorSpace, DecodingOptions, HeifContext, HeifError, HeifErrorCode, Image, ImageHandle, LibHeif,
    RgbChroma, color_profile_types,
};

use super::colour::{self, Coding};
use super::flatten::{deep_image, flat, shallow_image};
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
    limits.check(handle.width(), handle.height(), pixels * (6 + 8))?;

    let said = handle.color_profile_nclx();
    let is_hdr = said.as_ref().is_some_and(|said| coding(said).is_hdr());
    let alpha = handle.has_alpha_channel();
    let chroma = match (is_hdr, alpha) {
        (false, false) => RgbChroma::Rgb,
        (false, true) => RgbChroma::Rgba,
        (true, false) => RgbChroma::HdrRgbLe,
        (true, true) => RgbChroma::HdrRgbaLe,
    };
    let mut options = DecodingOptions::new();
    if let Some(options) = &mut options {
        options.set_convert_hdr_to_8bit(!is_hdr);
    }
    let image = LibHeif::new().decode(&handle, ColorSpace::Rgb(chroma), options).map_err(refusal)?;
    let shown = samples(&image, alpha, is_hdr)
        .ok_or_else(|| ImageError::broken(format, "its rows do not fill the size it announces"))?;
    let shown = to_srgb(shown, &handle, said.or_else(|| image.color_profile_nclx()).as_ref());
    // The container's own rotation is applied by libheif; EXIF repeats it and must not be followed.
    Ok(Decoded::whole(flat(shown), Orientation::NoTransforms))
}

/// The pixels as they are coded; `None` if there are not as many as announced.
fn samples(image: &Image, alpha: bool, is_deep: bool) -> Option<DynamicImage> {
    let plane = image.planes().interleaved?;
    let size = (plane.width, plane.height);
    let values = plane.width as usize * if alpha { 4 } else { 3 };
    let row_bytes = values * if is_deep { 2 } else { 1 };
    let rows = plane.data.chunks(plane.stride.max(1)).take(plane.height as usize);
    let packed = rows.filter_map(|row| row.get(..row_bytes)).collect::<Vec<_>>().concat();
    if packed.len() != row_bytes * plane.height as usize {
        return None;
    }
    if !is_deep {
        return Some(shallow_image(size, alpha, packed));
    }
    let most = (1u32 << plane.bits_per_pixel.clamp(8, 16)) - 1;
    let widened = |bytes: &[u8; 2]| (u32::from(u16::from_le_bytes(*bytes)).min(most) * 65_535 / most) as u16;
    Some(deep_image(size, alpha, packed.as_chunks().0.iter().map(widened).collect()))
}

/// By what the file says of its colours: high dynamic range before a profile, a profile before
/// numbers.
fn to_srgb(image: DynamicImage, handle: &ImageHandle, said: Option<&ColorProfileNCLX>) -> DynamicImage {
    let coding = said.map(coding);
    let profile = handle.color_profile_raw().filter(|profile| {
        [color_profile_types::PROF, color_profile_types::R_ICC]
            .contains(&libheif_rs::ColorProfile::profile_type(profile))
    });
    match (profile, coding) {
        (_, Some(coding)) if coding.is_hdr() => coding.to_srgb(image),
        (Some(profile), _) => colour::with_profile(image, &profile.data),
        (None, Some(coding)) => coding.to_srgb(image),
        (None, None) => image,
    }
}

/// The numbers of ITU-T H.273 that a file names; libheif gives those for which it has no name as
/// others, which count as sRGB.
fn coding(said: &ColorProfileNCLX) -> Coding {
    Coding::of(said.color_primaries() as u16, said.transfer_characteristics() as u16)
}
