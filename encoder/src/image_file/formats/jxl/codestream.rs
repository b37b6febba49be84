//! The coded image of a JPEG XL, without its container.

use std::borrow::Cow;
use std::io::Read;

use image::metadata::Orientation;
use image::{DynamicImage, GrayAlphaImage, GrayImage};
use jxl_oxide::color::ColourEncoding;
use jxl_oxide::{
    AllocTracker, EnumColourEncoding, InitializeResult, JxlImage, JxlThreadPool, PixelFormat, RenderingIntent,
};

use super::super::super::flatten::{flat, shallow_image};
use super::super::super::{Decoded, Format, ImageError, Limits, boxes, colour, container};

/// Bytes for each pixel: three channels of four bytes, and the result.
const BYTES_PER_PIXEL: u64 = 16;
/// What is looked at before an image's size is known: a header, and a profile.
const STEP: usize = 64 << 10;
const MAX_HEADER: usize = 4 << 20;

type Error = Box<dyn std::error::Error + Send + Sync>;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, ImageError> {
    let broken = |error: Error| ImageError::broken(Format::Jxl, error.to_string());
    let coded = codestream(bytes).ok_or_else(|| broken("the file is cut off or holds no image".into()))?;
    let (mut image, read) = opened(&coded, limits.max_alloc).map_err(broken)?;
    let (width, height) = (image.width(), image.height());
    limits.check(width, height, u64::from(width) * u64::from(height) * BYTES_PER_PIXEL)?;
    image.feed_bytes(&coded[read..]).map_err(broken)?;
    if image.num_loaded_keyframes() == 0 {
        return Err(broken("the file is cut off".into()));
    }
    let profile = asked_for_srgb(&mut image);
    let shown = rendered(&image, limits).map_err(|error| refusal(&error))?;
    let shown = match profile {
        Some(profile) => colour::with_profile(shown, &profile),
        None => shown,
    };
    // The decoder turns the image.
    Ok(Decoded::whole(flat(shown), Orientation::NoTransforms))
}

pub(super) fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let (image, _) = opened(&codestream(bytes)?, STEP as u64 * 64).ok()?;
    Some((image.width(), image.height()))
}

fn refusal(error: &Error) -> ImageError {
    ImageError::broken(Format::Jxl, error.to_string())
}

/// Asks for sRGB, which the decoder gives of all colours that are named by numbers; gives the
/// profile of others.
fn asked_for_srgb(image: &mut JxlImage) -> Option<Vec<u8>> {
    let metadata = &image.image_header().metadata;
    if !metadata.xyb_encoded && matches!(metadata.colour_encoding, ColourEncoding::IccProfile(_)) {
        return image.original_icc().map(<[u8]>::to_vec);
    }
    let intent = RenderingIntent::Relative;
    image.request_color_encoding(match metadata.grayscale() {
        true => EnumColourEncoding::gray_srgb(intent),
        false => EnumColourEncoding::srgb(intent),
    });
    None
}

/// The coded image: a file that is nothing else, or its boxes put together.
fn codestream(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    if bytes.starts_with(&[0xFF, 0x0A]) {
        return Some(Cow::Borrowed(bytes));
    }
    let mut parts = Vec::new();
    for (name, body) in boxes::Boxes(bytes) {
        match name {
            b"jxlc" => return Some(Cow::Borrowed(body)),
            // Number of the part, then a part.
            b"jxlp" => parts.extend_from_slice(body.get(4..)?),
            _ => {}
        }
    }
    (!parts.is_empty()).then_some(Cow::Owned(parts))
}

/// An image whose header is read, and how many bytes that took.
fn opened(coded: &[u8], max_alloc: u64) -> Result<(JxlImage, usize), Error> {
    let tracker = AllocTracker::with_limit(usize::try_from(max_alloc).unwrap_or(usize::MAX));
    let mut image = JxlImage::builder().pool(JxlThreadPool::none()).alloc_tracker(tracker).build_uninit();
    let mut read = 0;
    for step in coded.chunks(STEP) {
        image.feed_bytes(step)?;
        read += step.len();
        image = match image.try_init()? {
            InitializeResult::Initialized(image) => return Ok((image, read)),
            InitializeResult::NeedMoreData(_) if read >= MAX_HEADER => break,
            InitializeResult::NeedMoreData(image) => image,
        };
    }
    Err("the file is cut off in its header".into())
}

fn rendered(image: &JxlImage, limits: &Limits) -> Result<DynamicImage, Error> {
    let frame = image.render_frame(0)?;
    let mut stream = frame.stream();
    let (width, height, channels) = (stream.width(), stream.height(), stream.channels() as usize);
    limits.check(width, height, u64::from(width) * u64::from(height) * BYTES_PER_PIXEL)?;
    let mut values = vec![0u8; width as usize * height as usize * channels];
    let written = stream.write_to_buffer(&mut values);
    if written < values.len() {
        return Err("its rows do not fill the size it announces".into());
    }
    let grey = match image.pixel_format() {
        PixelFormat::Rgb if channels == 3 => return Ok(shallow_image((width, height), false, values)),
        PixelFormat::Rgba if channels == 4 => return Ok(shallow_image((width, height), true, values)),
        PixelFormat::Gray if channels == 1 => GrayImage::from_raw(width, height, values).map(DynamicImage::from),
        PixelFormat::Graya if channels == 2 => GrayAlphaImage::from_raw(width, height, values).map(DynamicImage::from),
        _ => None,
    };
    grey.ok_or_else(|| "its channels are not those of red, green and blue".into())
}

/// A block that was compressed; `None` if it is damaged or too large.
pub(super) fn unpacked(packed: &[u8]) -> Option<Vec<u8>> {
    let mut block = Vec::new();
    let reader = brotli_decompressor::Decompressor::new(packed, 4096);
    reader.take(container::MAX_BLOCK as u64 + 1).read_to_end(&mut block).ok()?;
    (block.len() <= container::MAX_BLOCK).then_some(block)
}
