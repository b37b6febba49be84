//! JPEG by zune-jpeg, straight to RGB; by jpeg-decoder where a fraction of the size is enough.

use image::RgbImage;
use image::metadata::Orientation;
use jpeg_decoder::PixelFormat;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{Decoded, Format, ImageError, Limits};

/// Largest number of scans of one file; encoders write about ten.
const MAX_SCANS: usize = 100;
/// Largest number of pixels that all scans together pass over, in images of the largest size that
/// is allowed. A scan of a few bytes may pass over all of an image, so that a small file could
/// keep a decoder busy for hours.
const MAX_PASSES: u64 = 20;

pub fn decode(bytes: &[u8], limits: &Limits, least: Option<u32>) -> Result<Decoded, ImageError> {
    let survey = Survey::of(bytes);
    survey.check_scans()?;
    // Cameras and editors write files with small faults, which a lenient decoder reads through. It would also fill up a
    // file that was cut off with grey, so one without an end has to please the strict one.
    let options = DecoderOptions::default()
        .jpeg_set_out_colorspace(ColorSpace::RGB)
        .set_strict_mode(!survey.ended)
        // Checked below, with our own words; the format itself ends at 16 bits.
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX);
    let refusal = |error: DecodeErrors| match error {
        DecodeErrors::Unsupported(what) => ImageError::Unsupported(format!("JPEG: {what:?}")),
        error if survey.ended => ImageError::broken(Format::Jpeg, error.to_string()),
        error => ImageError::broken(Format::Jpeg, format!("the file is cut off ({error})")),
    };

    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(refusal)?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    let (width, height) = (width as u32, height as u32);
    let pixels = u64::from(width) * u64::from(height);
    // A progressive file is kept as 16-bit coefficients of every component until its last scan is read.
    let coefficients = if survey.progressive { pixels * 2 * u64::from(survey.components) } else { 0 };
    limits.check(width, height, pixels * 3 + coefficients)?;
    survey.check_work(pixels, limits)?;

    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    let (size, orientation) = ((width, height), orientation.unwrap_or(Orientation::NoTransforms));
    let reduced = least.filter(|_| survey.ended).and_then(|least| reduced(bytes, limits, size, least));
    if let Some(pixels) = reduced {
        return Ok(Decoded { pixels, size, orientation });
    }
    let pixels = RgbImage::from_raw(width, height, decoder.decode().map_err(refusal)?)
        .ok_or_else(|| ImageError::broken(Format::Jpeg, "its rows do not fill the size it announces"))?;
    Ok(Decoded::whole(pixels, orientation))
}

/// The image at the smallest of 1/8, 1/4 and 1/2 that leaves its shorter side `least` pixels; `None` if there is no such
/// scale, or it cannot be decoded so: the usual decoder is used then.
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
    scans: usize,
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
                    survey.scans += usize::from(*marker == 0xDA);
                    let length = usize::from(u16::from_be_bytes([*high, *low])).saturating_sub(2);
                    rest = segment.get(length..).unwrap_or_default();
                }
                _ => break,
            }
        }
        survey
    }

    fn check_scans(&self) -> Result<(), ImageError> {
        if self.scans <= MAX_SCANS {
            return Ok(());
        }
        Err(ImageError::TooLarge { found: format!("{} scans", self.scans), limit: format!("{MAX_SCANS} scans") })
    }

    fn check_work(&self, pixels: u64, limits: &Limits) -> Result<(), ImageError> {
        let allowed = limits.max_pixels.saturating_mul(MAX_PASSES);
        if pixels.saturating_mul(self.scans as u64) <= allowed {
            return Ok(());
        }
        Err(ImageError::TooLarge {
            found: format!("{} scans of {pixels} pixels", self.scans),
            limit: format!("{allowed} pixels in all scans together"),
        })
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
        assert_eq!(cut, Survey { progressive: true, components: 3, scans: 1, ended: false });
        let whole = Survey::of(&[head.as_slice(), b"\x56\xFF\xD9\0\0"].concat());
        assert_eq!(whole, Survey { ended: true, ..cut });
    }

    /// A progressive image of one grey, 16 x 16 pixels: one scan of mean values, then `more`
    /// scans that say of each of the four blocks that nothing follows.
    fn progressive(more: usize) -> Vec<u8> {
        let segment = |marker: u8, body: &[u8]| {
            [&[0xFF, marker], (body.len() as u16 + 2).to_be_bytes().as_slice(), body].concat()
        };
        // A table of one code of one bit, for the symbol 0: no difference, or end of block.
        let code = |class: u8| [&[class, 1], [0; 15].as_slice(), &[0]].concat();
        let scan = |first: u8, last: u8| [segment(0xDA, &[1, 1, 0, first, last, 0]), vec![0x0F]].concat();
        let mut bytes = vec![0xFF, 0xD8];
        bytes.extend(segment(0xDB, &[[0].as_slice(), &[1; 64]].concat()));
        bytes.extend(segment(0xC2, &[8, 0, 16, 0, 16, 1, 1, 0x11, 0]));
        bytes.extend(segment(0xC4, &[code(0x00), code(0x10)].concat()));
        bytes.extend(scan(0, 0));
        bytes.extend(scan(1, 63).repeat(more));
        bytes.extend([0xFF, 0xD9]);
        bytes
    }

    #[test]
    fn a_scan_bomb_is_refused_on_every_path() {
        let limits = Limits::default();
        for least in [None, Some(1)] {
            let small = decode(&progressive(MAX_SCANS - 1), &limits, least).map(|decoded| decoded.pixels);
            let pixels = small.unwrap_or_else(|error| panic!("{least:?}: {error}"));
            assert!(pixels.pixels().all(|pixel| pixel.0 == [128; 3]), "{least:?}");
            assert_eq!(pixels.width(), if least.is_some() { 2 } else { 16 });
            for bomb in [MAX_SCANS, 50_000] {
                let error = decode(&progressive(bomb), &limits, least).map(|_| ());
                let found = format!("{} scans", bomb + 1);
                assert_eq!(error, Err(ImageError::TooLarge { found, limit: "100 scans".into() }), "{least:?}");
            }
            // As many scans as are allowed, but of an image of the largest size.
            let limits = Limits { max_pixels: 256, ..limits };
            let error = decode(&progressive(MAX_PASSES as usize), &limits, least).map(|_| ());
            assert!(matches!(error, Err(ImageError::TooLarge { .. })), "{least:?}: {error:?}");
            assert!(decode(&progressive(MAX_PASSES as usize - 1), &limits, least).is_ok());
        }
    }
}
