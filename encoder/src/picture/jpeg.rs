//! JPEG by zune-jpeg, straight to RGB; by jpeg-decoder where a fraction of the size is enough.

use image::RgbImage;
use image::metadata::Orientation;
use jpeg_decoder::PixelFormat;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{Decoded, Format, Limits, PictureError};

pub fn decode(bytes: &[u8], limits: &Limits, least: Option<u32>) -> Result<Decoded, PictureError> {
    let survey = Survey::of(bytes);
    // Cameras and editors write files with small faults, which a lenient decoder reads through. It would also fill up a
    // file that was cut off with grey, so one without an end has to please the strict one.
    let options = DecoderOptions::default()
        .jpeg_set_out_colorspace(ColorSpace::RGB)
        .set_strict_mode(!survey.ended)
        // Checked below, with our own words; the format itself ends at 16 bits.
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX);
    let refusal = |error: DecodeErrors| match error {
        DecodeErrors::Unsupported(what) => PictureError::Unsupported(format!("JPEG: {what:?}")),
        error if survey.ended => PictureError::broken(Format::Jpeg, error.to_string()),
        error => PictureError::broken(Format::Jpeg, format!("the file is cut off ({error})")),
    };

    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(refusal)?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    let (width, height) = (width as u32, height as u32);
    let pixels = u64::from(width) * u64::from(height);
    // A progressive file is kept as 16-bit coefficients of every component until its last scan is read.
    let coefficients = if survey.progressive { pixels * 2 * u64::from(survey.components) } else { 0 };
    limits.check(width, height, pixels * 3 + coefficients)?;

    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    let (size, orientation) = ((width, height), orientation.unwrap_or(Orientation::NoTransforms));
    let reduced = least.filter(|_| survey.ended).and_then(|least| reduced(bytes, limits, size, least));
    if let Some(pixels) = reduced {
        return Ok(Decoded { pixels, size, orientation });
    }
    let pixels = RgbImage::from_raw(width, height, decoder.decode().map_err(refusal)?)
        .ok_or_else(|| PictureError::broken(Format::Jpeg, "its rows do not fill the size it announces"))?;
    Ok(Decoded::whole(pixels, orientation))
}

/// The picture at the smallest of 1/8, 1/4 and 1/2 that leaves its shorter side `least` pixels; `None` if there is no such
/// scale, or whatever else stands in the way: then the usual decoder has its say.
fn reduced(bytes: &[u8], limits: &Limits, (width, height): (u32, u32), least: u32) -> Option<RgbImage> {
    let scale = [8, 4, 2].into_iter().find(|scale| width.min(height) / scale >= least.max(1))?;
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(usize::try_from(limits.max_alloc).unwrap_or(usize::MAX));
    let (width, height) = decoder.scale((width / scale) as u16, (height / scale) as u16).ok()?;
    let values = decoder.decode().ok()?;
    let values = match decoder.info()?.pixel_format {
        PixelFormat::RGB24 => values,
        PixelFormat::L8 => values.into_iter().flat_map(|grey| [grey; 3]).collect(),
        PixelFormat::L16 | PixelFormat::CMYK32 => return None,
    };
    RgbImage::from_raw(width.into(), height.into(), values)
}

/// What the markers say of a file, before it is decoded (ITU T.81, annex B).
#[derive(Debug, Default, PartialEq, Eq)]
struct Survey {
    progressive: bool,
    components: u8,
    /// An end-of-image marker follows the scans.
    ended: bool,
}

impl Survey {
    fn of(bytes: &[u8]) -> Self {
        let mut survey = Self::default();
        let mut rest = &bytes[2..];
        // Scans are skipped by looking for the next marker: inside them 0xFF is followed by 0 or by a restart number.
        while let Some(at) = rest.iter().position(|&byte| byte == 0xFF) {
            rest = &rest[at + 1..];
            match rest {
                [0xD9, ..] => return Self { ended: true, ..survey },
                [0x00 | 0x01 | 0xD0..=0xD8 | 0xFF, ..] => {}
                [marker, high, low, segment @ ..] => {
                    if matches!(marker, 0xC0..=0xC2) {
                        survey.progressive = *marker == 0xC2;
                        survey.components = segment.get(5).copied().unwrap_or_default();
                    }
                    let length = usize::from(u16::from_be_bytes([*high, *low])).saturating_sub(2);
                    rest = segment.get(length..).unwrap_or_default();
                }
                _ => break,
            }
        }
        survey
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_survey_skips_segments_and_scans() {
        // A thumbnail inside APP1 carries an end marker of its own, which ends nothing.
        let head = b"\xFF\xD8\xFF\xE1\x00\x06\xFF\xD9\xFF\xD9\xFF\xC2\x00\x08\x08\x00\x10\x00\x10\x03\xFF\xDA\x00\x02\x12\xFF\x00\x34\xFF\xD0";
        let cut = Survey::of(head);
        assert_eq!(cut, Survey { progressive: true, components: 3, ended: false });
        let whole = Survey::of(&[head.as_slice(), b"\x56\xFF\xD9\0\0"].concat());
        assert_eq!(whole, Survey { ended: true, ..cut });
    }
}
