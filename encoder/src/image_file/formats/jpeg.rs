//! JPEG by zune-jpeg, straight to RGB; by jpeg-decoder where a fraction of the size is enough, and
//! where a file is coded in an uncommon way.

mod survey;

use image::RgbImage;
use image::metadata::Orientation;
use jpeg_decoder::PixelFormat;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use self::survey::Survey;
use super::super::cut_off::{self, GREY};
use super::super::{Decoded, Format, ImageError, Limits, colour, container, exif};
use super::{Spec, header_size};

pub(super) const SPEC: Spec = Spec {
    code: 1,
    name: "jpeg",
    title: "JPEG",
    // MPO, JPS and INSP hold two views, of which the first is a JPEG like any other.
    extensions: &["jpg", "jpeg", "jpe", "jfif", "jif", "pjpeg", "pjp", "mpo", "jps", "insp"],
    media_type: "image/jpeg",
    in_browsers: true,
    is_read: true,
    sniff: |bytes| bytes.starts_with(&[0xFF, 0xD8, 0xFF]),
    size: header_size,
    decode,
    blocks: |bytes| container::collect(bytes, container::jpeg),
    exif: None,
    turns_pixels: false,
    demuxer: None,
};

pub(super) fn decode(bytes: &[u8], limits: &Limits, least: Option<u32>) -> Result<Decoded, ImageError> {
    let survey = Survey::of(bytes);
    survey.check_coding()?;
    survey.check_scans()?;
    // Cameras and editors write files with small faults, which a lenient decoder reads through. It
    // would also fill up a file that was cut off with grey, so one without an end has to please the
    // strict one to count as whole.
    let options = options().set_strict_mode(!survey.ended);
    let refusal = |error: DecodeErrors| match error {
        DecodeErrors::Unsupported(_) => ImageError::unsupported("a JPEG of an uncommon coding"),
        error if survey.ended => ImageError::broken(Format::Jpeg, error.to_string()),
        error => ImageError::broken(Format::Jpeg, format!("the file is cut off ({error})")),
    };

    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(refusal)?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    let (width, height) = (width as u32, height as u32);
    let pixels = u64::from(width) * u64::from(height);
    // A progressive file is kept as 16-bit coefficients of every component until its last scan is
    // read.
    let coefficients = if survey.is_progressive() { pixels * 2 * u64::from(survey.components) } else { 0 };
    // Of four inks, a copy and the planes that it is made from.
    let inks_bytes = if survey.components == 4 { pixels * 8 } else { 0 };
    limits.check(width, height, pixels * 3 + coefficients + inks_bytes)?;
    survey.check_work(pixels, limits)?;

    let orientation = (SPEC.blocks)(bytes).exif.and_then(|block| exif::orientation(&block));
    let (size, orientation) = ((width, height), orientation.unwrap_or(Orientation::NoTransforms));
    let profile = container::jpeg_profile(bytes);
    if survey.components == 4
        && let Some(pixels) = profile.as_deref().and_then(|profile| inks(bytes, limits, size, profile))
    {
        return Ok(Decoded { pixels, size, orientation, truncated: false });
    }
    let reduced = least.filter(|_| survey.ended).and_then(|least| reduced(bytes, limits, size, least));
    let (mut pixels, truncated) = match reduced {
        Some(pixels) => (pixels, false),
        None if survey.needs_other_decoder() => (uncommon(bytes, limits, &survey, size)?, false),
        None => match decoder.decode() {
            Err(error) if !survey.ended => (part(bytes, &survey, size).ok_or_else(|| refusal(error))??, true),
            decoded => (filled(size, decoded.map_err(refusal)?)?, false),
        },
    };
    if let Some(profile) = profile {
        colour::profile_to_srgb(&mut pixels, &profile);
    }
    Ok(Decoded { pixels, size, orientation, truncated })
}

/// An image of four inks, by the profile that says what they look like; `None` if it does not
/// decode so: it is then read without the profile.
fn inks(bytes: &[u8], limits: &Limits, (width, height): (u32, u32), profile: &[u8]) -> Option<RgbImage> {
    let mut decoder = other_decoder(bytes, limits);
    let inks = decoder.decode().ok()?;
    let info = decoder.info().filter(|info| info.pixel_format == PixelFormat::CMYK32)?;
    let is_whole = (u32::from(info.width), u32::from(info.height)) == (width, height);
    colour::inks_to_srgb(&inks, profile)
        .filter(|_| is_whole)
        .and_then(|pixels| RgbImage::from_raw(width, height, pixels))
}

/// Width and height of a JPEG of a coding that is decoded; `None` for anything else.
pub(super) fn coded_size(bytes: &[u8]) -> Option<(u32, u32)> {
    if !bytes.starts_with(&[0xFF, 0xD8, 0xFF]) || Survey::of(bytes).check_coding().is_err() {
        return None;
    }
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options());
    decoder.decode_headers().ok()?;
    decoder.dimensions().map(|(width, height)| (width as u32, height as u32))
}

fn options() -> DecoderOptions {
    DecoderOptions::default()
        .jpeg_set_out_colorspace(ColorSpace::RGB)
        // Checked against `Limits`, with our own words; the format itself ends at 16 bits.
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
}

fn filled((width, height): (u32, u32), values: Vec<u8>) -> Result<RgbImage, ImageError> {
    RgbImage::from_raw(width, height, values)
        .ok_or_else(|| ImageError::broken(Format::Jpeg, "its rows do not fill the size it announces"))
}

/// An image whose file is cut off, as far as it goes, if at least half of its rows are there;
/// `None` if the file ends before any can be told from noise. A progressive file is cut behind its
/// last whole scan, which leaves every row, less sharp. In others the rows behind the cut are grey.
fn part(bytes: &[u8], survey: &Survey, size: (u32, u32)) -> Option<Result<RgbImage, ImageError>> {
    let is_progressive = survey.is_progressive();
    if !survey.begins_whole() || (survey.scans < 2) == is_progressive {
        return None;
    }
    let scans = is_progressive.then(|| [bytes.get(..survey.last_scan).unwrap_or_default(), &[0xFF, 0xD9]].concat());
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(scans.as_deref().unwrap_or(bytes)), options());
    let pixels = filled(size, decoder.decode().ok()?);
    if is_progressive {
        return Some(pixels);
    }
    Some(pixels.and_then(|pixels| {
        // So zune-jpeg fills the rows that it has no bytes for.
        let missing = pixels.rows().rev().take_while(|row| row.clone().all(|pixel| *pixel == GREY)).count();
        cut_off::check_rows(Format::Jpeg, size.1 as usize - missing, size.1 as usize).map(|()| pixels)
    }))
}

/// The image at the smallest of 1/8, 1/4 and 1/2 that leaves its shorter side `least` pixels;
/// `None` if there is no such scale, or it cannot be decoded so: the usual decoder is used then.
fn reduced(bytes: &[u8], limits: &Limits, (width, height): (u32, u32), least: u32) -> Option<RgbImage> {
    let scale = [8, 4, 2].into_iter().find(|scale| width.min(height) / scale >= least.max(1))?;
    let mut decoder = other_decoder(bytes, limits);
    let (width, height) = decoder.scale((width / scale) as u16, (height / scale) as u16).ok()?;
    let values = decoder.decode().ok()?;
    RgbImage::from_raw(width.into(), height.into(), rgb(&decoder, values)?)
}

/// A whole file that [`Survey::needs_other_decoder`].
fn uncommon(bytes: &[u8], limits: &Limits, survey: &Survey, size: (u32, u32)) -> Result<RgbImage, ImageError> {
    let mut decoder = other_decoder(bytes, limits);
    let values = decoder.decode().map_err(|error| match error {
        jpeg_decoder::Error::Unsupported(_) => ImageError::unsupported("a JPEG of an uncommon coding"),
        error if survey.ended => ImageError::broken(Format::Jpeg, error.to_string()),
        error => ImageError::broken(Format::Jpeg, format!("the file is cut off ({error})")),
    })?;
    let unsupported = || ImageError::unsupported("a JPEG of an uncommon coding");
    filled(size, rgb(&decoder, values).ok_or_else(unsupported)?)
}

fn other_decoder<'a>(bytes: &'a [u8], limits: &Limits) -> jpeg_decoder::Decoder<&'a [u8]> {
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(usize::try_from(limits.max_alloc).unwrap_or(usize::MAX));
    decoder
}

/// RGB from what jpeg-decoder gives; `None` for inks.
fn rgb(decoder: &jpeg_decoder::Decoder<&[u8]>, values: Vec<u8>) -> Option<Vec<u8>> {
    match decoder.info()?.pixel_format {
        PixelFormat::RGB24 => Some(values),
        PixelFormat::L8 => Some(values.into_iter().flat_map(|grey| [grey; 3]).collect()),
        PixelFormat::L16 | PixelFormat::CMYK32 => None,
    }
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::{Every as _, each};

    use super::survey::{MAX_PASSES, MAX_SCANS};
    use super::*;

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
            assert!(pixels.pixels().every(|pixel| pixel.0 == [128; 3]), "{least:?}");
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

    #[test]
    fn codings_that_no_decoder_knows_are_unsupported_and_not_damaged() {
        let with_frame = |marker: u8, precision: u8| {
            let mut bytes = progressive(1);
            let at = bytes.windows(2).position(|pair| pair == [0xFF, 0xC2]).unwrap_or_default();
            (bytes[at + 1], bytes[at + 4]) = (marker, precision);
            bytes
        };
        let kinds = [
            (0xC3, 8, "a lossless JPEG"),
            (0xC5, 8, "a hierarchical JPEG"),
            (0xDE, 8, "a hierarchical JPEG"),
            (0xC9, 8, "a JPEG with arithmetic coding"),
            (0xCA, 8, "a JPEG with arithmetic coding"),
            (0xF7, 8, "a JPEG-LS"),
            (0xC1, 12, "a JPEG of 12 bits a sample"),
            (0xC2, 12, "a JPEG of 12 bits a sample"),
        ];
        for (marker, precision, kind) in each(kinds) {
            let error = decode(&with_frame(marker, precision), &Limits::default(), None).map(|_| ());
            assert_eq!(error, Err(ImageError::unsupported(kind)), "{marker:x}");
        }
        assert!(decode(&with_frame(0xC2, 8), &Limits::default(), None).is_ok());
    }

    #[test]
    fn a_progressive_file_without_its_last_scan_is_shown_and_marked() {
        let cut = |bytes: &[u8], lost: usize| decode(&bytes[..bytes.len() - lost], &Limits::default(), None);
        // Without its end, and without the bits of the last of two scans.
        let shown = cut(&progressive(1), 3).unwrap_or_else(|error| panic!("{error}"));
        assert!(shown.truncated && shown.pixels.pixels().every(|pixel| pixel.0 == [128; 3]));
        assert!(cut(&progressive(0), 3).is_err(), "there is no whole scan");
    }
}
