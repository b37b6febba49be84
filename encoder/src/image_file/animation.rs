//! GIF and WebP that hold more than one image: each of them as it is shown, with its time.

use std::io::Cursor;
use std::ops::ControlFlow;
use std::time::Duration;

use image::codecs::{gif::GifDecoder, webp::WebPDecoder};
use image::metadata::Orientation;
use image::{AnimationDecoder, Frames, ImageDecoder, RgbImage};

use super::flatten::on_white;
use super::orientation::turned;
use super::{Format, ImageError, Limits, colour, exif, raster};
use crate::guard;

/// Most images of a file that are looked at.
const MOST: usize = 10_000;
/// An image that names a shorter time is shown for [`USUAL`], as browsers do.
const SHORTEST: Duration = Duration::from_millis(20);
const USUAL: Duration = Duration::from_millis(100);

/// An image of an animation.
#[derive(Debug, Clone)]
pub struct AnimationFrame {
    /// When it is shown first.
    pub start: Duration,
    /// When the next one is, or the animation ends.
    pub end: Duration,
    /// Upright RGB pixels; transparency lies on white.
    pub pixels: RgbImage,
}

/// Calls `take` with the images of a file of a format that may be animated, in their order, until
/// it breaks off. Gives whether the file is cut off or damaged behind the last of them.
///
/// # Errors
/// [`ImageError`] if not even one image can be read, or the file is beyond the limits.
pub fn each_frame(
    bytes: &[u8],
    limits: &Limits,
    mut take: impl FnMut(AnimationFrame) -> ControlFlow<()>,
) -> Result<bool, ImageError> {
    limits.check_bytes(bytes.len() as u64)?;
    let format = Format::sniff(bytes)?;
    let read = guard::catch(|| read(bytes, format, limits, &mut take));
    read.unwrap_or_else(|panic| Err(ImageError::broken(format, format!("the decoder gave up: {panic}"))))
}

/// The pixels of the image that is shown first at a time; `None` if there is none.
///
/// # Errors
/// As [`each_frame`].
pub fn frame_at(bytes: &[u8], limits: &Limits, at: Duration) -> Result<Option<RgbImage>, ImageError> {
    let mut found = None;
    each_frame(bytes, limits, |frame| {
        if frame.start != at {
            return ControlFlow::Continue(());
        }
        found = Some(frame.pixels);
        ControlFlow::Break(())
    })?;
    Ok(found)
}

fn read(
    bytes: &[u8],
    format: Format,
    limits: &Limits,
    take: &mut dyn FnMut(AnimationFrame) -> ControlFlow<()>,
) -> Result<bool, ImageError> {
    let orientation = format.blocks(bytes).exif.and_then(|block| exif::orientation(&block));
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    let (frames, profile) = frames(bytes, format, limits)?;
    let mut start = Duration::ZERO;
    for (number, frame) in frames.take(MOST).enumerate() {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) if number == 0 => return Err(raster::refusal(error, format, limits)),
            Err(_) => return Ok(true),
        };
        let shown = Some(Duration::from(frame.delay())).filter(|delay| *delay >= SHORTEST).unwrap_or(USUAL);
        let mut pixels = on_white(frame.into_buffer());
        if let Some(profile) = &profile {
            colour::profile_to_srgb(&mut pixels, profile);
        }
        let end = start + shown;
        if take(AnimationFrame { start, end, pixels: turned(pixels, orientation) }).is_break() {
            break;
        }
        start = end;
    }
    Ok(false)
}

/// All images and the colour profile.
fn frames<'a>(bytes: &'a [u8], format: Format, limits: &Limits) -> Result<(Frames<'a>, Option<Vec<u8>>), ImageError> {
    let refusal = |error| raster::refusal(error, format, limits);
    match format {
        Format::Gif => {
            let mut decoder = GifDecoder::new(Cursor::new(bytes)).map_err(refusal)?;
            prepare(&mut decoder, limits).map_err(|error| error.unwrap_or_else(refusal))?;
            Ok((decoder.into_frames(), None))
        }
        Format::WebP => {
            let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(refusal)?;
            prepare(&mut decoder, limits).map_err(|error| error.unwrap_or_else(refusal))?;
            let profile = decoder.icc_profile().ok().flatten();
            let frames =
                if decoder.has_animation() { decoder.into_frames() } else { Frames::new(Box::new([].into_iter())) };
            Ok((frames, profile))
        }
        other => Err(ImageError::Unsupported(format!("{other}, which holds no animation"))),
    }
}

/// Why a decoder is not used: a limit of ours, or its own reason.
enum Refused {
    Ours(ImageError),
    Own(image::ImageError),
}

impl Refused {
    fn unwrap_or_else(self, refusal: impl FnOnce(image::ImageError) -> ImageError) -> ImageError {
        match self {
            Self::Ours(error) => error,
            Self::Own(error) => refusal(error),
        }
    }
}

fn prepare(decoder: &mut impl ImageDecoder, limits: &Limits) -> Result<(), Refused> {
    let (width, height) = decoder.dimensions();
    limits.check(width, height, 4 * u64::from(width) * u64::from(height)).map_err(Refused::Ours)?;
    decoder.set_limits(limits.into()).map_err(Refused::Own)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use image::codecs::gif::GifEncoder;
    use image::{Delay, Frame, Rgba, RgbaImage};

    use super::*;

    /// A GIF of images of one colour, each shown for so many milliseconds.
    pub(crate) fn gif(colours: &[[u8; 3]], milliseconds: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = GifEncoder::new(&mut bytes);
        for [r, g, b] in colours {
            let image = RgbaImage::from_pixel(16, 12, Rgba([*r, *g, *b, 255]));
            let delay = Delay::from_numer_denom_ms(milliseconds, 1);
            encoder.encode_frame(Frame::from_parts(image, 0, 0, delay)).unwrap();
        }
        drop(encoder);
        bytes
    }

    fn read_all(bytes: &[u8]) -> Result<(Vec<AnimationFrame>, bool), ImageError> {
        let mut frames = Vec::new();
        let cut = each_frame(bytes, &Limits::default(), |frame| {
            frames.push(frame);
            ControlFlow::Continue(())
        })?;
        Ok((frames, cut))
    }

    #[test]
    fn images_come_in_order_with_their_times() {
        let bytes = gif(&[[255, 0, 0], [0, 0, 255]], 500);
        let (frames, cut) = read_all(&bytes).unwrap();
        let shown: Vec<_> = frames.iter().map(|it| (it.start.as_millis(), it.end.as_millis())).collect();
        assert_eq!((shown, cut), (vec![(0, 500), (500, 1000)], false));
        assert_eq!(frames[1].pixels.get_pixel(3, 3).0, [0, 0, 255]);
        let (quick, _) = read_all(&gif(&[[0; 3]; 3], 0)).unwrap();
        assert_eq!(quick[2].end, 3 * USUAL);
    }

    #[test]
    fn what_is_cut_off_gives_what_is_there() {
        let bytes = gif(&[[255, 0, 0], [0, 255, 0], [0, 0, 255]], 100);
        let (frames, cut) = read_all(&bytes[..bytes.len() * 3 / 4]).unwrap();
        assert!(!frames.is_empty() && frames.len() < 3 && cut, "{} {cut}", frames.len());
        assert!(read_all(&bytes[..8]).is_err());
        let tight = Limits { max_side: 15, ..Limits::default() };
        assert!(matches!(each_frame(&bytes, &tight, |_| ControlFlow::Break(())), Err(ImageError::TooLarge { .. })));
    }
}
