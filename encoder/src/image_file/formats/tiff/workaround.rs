//! Kinds of TIFF that the `tiff` crate (0.11) misreads or refuses: one field gets another value
//! before it decodes, and the pixels are set right afterwards.

use image::DynamicImage;

use super::super::super::{ImageError, exif};

// Fields (TIFF 6.0).
const WIDTH: u32 = 256;
const HEIGHT: u32 = 257;
const BITS: u32 = 258;
const PHOTOMETRIC: u32 = 262;
const SAMPLES: u32 = 277;
const PLANES: u32 = 284;
const PREDICTOR: u32 = 317;
const COLOURS: u32 = 320;
const TILE_WIDTH: u32 = 322;
const EXTRA_SAMPLES: u32 = 338;

// Values of some.
const BLACK_IS_ZERO: u32 = 1;
const RGB: u32 = 2;
const PALETTE: u32 = 3;
const SEPARATE_PLANES: u32 = 2;
const NO_PREDICTOR: u32 = 1;
const HORIZONTAL: u32 = 2;

/// What is done about a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Workaround {
    /// Values are differences along each row, and pixels have channels that are left out. The crate
    /// leaves them out first and then adds up across the wrong ones, so it is told that values
    /// stand for themselves, and they are added up here.
    Differences {
        /// Tiles begin anew; rows do where there are none.
        tile_width: Option<usize>,
    },
    /// Pixels are numbers of these 256 colours, which the crate refuses: it is told that they are
    /// grey.
    Palette(Vec<[u8; 3]>),
}

impl Workaround {
    /// What a file needs; `None` for nearly all.
    ///
    /// # Errors
    /// [`ImageError::Unsupported`] for what would come out wrong.
    pub fn of(tiff: &[u8]) -> Result<Option<Self>, ImageError> {
        let photometric = first(tiff, PHOTOMETRIC).unwrap_or(BLACK_IS_ZERO);
        let samples = first(tiff, SAMPLES).unwrap_or(1);
        let bits = first(tiff, BITS).unwrap_or(1);
        if photometric == PALETTE && samples == 1 && bits == 8 {
            return Ok(palette(tiff).map(Self::Palette));
        }
        let has_alpha = matches!(first(tiff, EXTRA_SAMPLES), Some(1 | 2));
        let colours = match photometric {
            RGB => 3,
            0 | BLACK_IS_ZERO => 1,
            _ => 4,
        };
        let leaves_out = samples > colours + u32::from(has_alpha) && first(tiff, PLANES) != Some(SEPARATE_PLANES);
        let predictor = first(tiff, PREDICTOR).unwrap_or(NO_PREDICTOR);
        if !leaves_out || predictor == NO_PREDICTOR {
            return Ok(None);
        }
        if predictor == HORIZONTAL && matches!(photometric, RGB | BLACK_IS_ZERO) && matches!(bits, 8 | 16) {
            let tile_width = first(tiff, TILE_WIDTH).map(|width| width as usize).filter(|&width| width > 0);
            return Ok(Some(Self::Differences { tile_width }));
        }
        Err(ImageError::unsupported("a TIFF of differences whose pixels have further channels"))
    }

    /// The file as the crate is to see it.
    pub fn prepare(&self, tiff: &[u8]) -> Vec<u8> {
        let mut changed = tiff.to_vec();
        match self {
            Self::Differences { .. } => set(&mut changed, PREDICTOR, NO_PREDICTOR),
            Self::Palette(_) => set(&mut changed, PHOTOMETRIC, BLACK_IS_ZERO),
        }
        changed
    }

    /// The image that the file shows, from what the crate gives.
    pub fn finish(&self, mut image: DynamicImage) -> DynamicImage {
        match self {
            Self::Palette(colours) => {
                let numbers = image.into_luma8();
                let colour = |x, y| image::Rgb(colours[usize::from(numbers.get_pixel(x, y).0[0])]);
                image::RgbImage::from_fn(numbers.width(), numbers.height(), colour).into()
            }
            Self::Differences { tile_width } => {
                let (width, channels) = (image.width() as usize, usize::from(image.color().channel_count()));
                let rows = Rows { width, tile_width: tile_width.unwrap_or(width).max(1), channels };
                match &mut image {
                    DynamicImage::ImageLuma16(pixels) => rows.add_up(pixels, u16::wrapping_add),
                    DynamicImage::ImageLumaA16(pixels) => rows.add_up(pixels, u16::wrapping_add),
                    DynamicImage::ImageRgb16(pixels) => rows.add_up(pixels, u16::wrapping_add),
                    DynamicImage::ImageRgba16(pixels) => rows.add_up(pixels, u16::wrapping_add),
                    DynamicImage::ImageLuma8(pixels) => rows.add_up(pixels, u8::wrapping_add),
                    DynamicImage::ImageLumaA8(pixels) => rows.add_up(pixels, u8::wrapping_add),
                    DynamicImage::ImageRgb8(pixels) => rows.add_up(pixels, u8::wrapping_add),
                    DynamicImage::ImageRgba8(pixels) => rows.add_up(pixels, u8::wrapping_add),
                    _ => {}
                }
                image
            }
        }
    }
}

/// How values lie in rows and tiles, in pixels.
struct Rows {
    width: usize,
    tile_width: usize,
    channels: usize,
}

impl Rows {
    /// From differences to values, channel by channel.
    fn add_up<T: Copy>(&self, values: &mut [T], add: impl Fn(T, T) -> T) {
        for row in values.chunks_mut((self.width * self.channels).max(1)) {
            for tile in row.chunks_mut(self.tile_width * self.channels) {
                for at in self.channels..tile.len() {
                    tile[at] = add(tile[at], tile[at - self.channels]);
                }
            }
        }
    }
}

/// 256 colours, of which a file keeps 16 bits: all reds, all greens, all blues.
fn palette(tiff: &[u8]) -> Option<Vec<[u8; 3]>> {
    let start = exif::number(tiff, exif::entry(tiff, COLOURS)? + 8, 4)? as usize;
    let value = |at: usize| Some((exif::number(tiff, start.checked_add(2 * at)?, 2)? >> 8) as u8);
    (0..256).map(|at| Some([value(at)?, value(256 + at)?, value(512 + at)?])).collect()
}

/// Width and height that the header names.
pub(super) fn size(tiff: &[u8]) -> Option<(u32, u32)> {
    first(tiff, WIDTH).zip(first(tiff, HEIGHT))
}

/// The first value of a field.
fn first(tiff: &[u8], tag: u32) -> Option<u32> {
    let entry = exif::entry(tiff, tag)?;
    let width = width(tiff, entry)?;
    let is_inside = exif::number(tiff, entry + 4, 4)? as usize <= 4 / width;
    let at = if is_inside { entry + 8 } else { exif::number(tiff, entry + 8, 4)? as usize };
    exif::number(tiff, at, width)
}

/// Gives a field of one value another one.
fn set(tiff: &mut [u8], tag: u32, value: u32) {
    let Some(entry) = exif::entry(tiff, tag) else { return };
    let Some(width) = width(tiff, entry) else { return };
    let bytes = if tiff[0] == b'I' { value.to_le_bytes() } else { value.to_be_bytes() };
    let bytes = if tiff[0] == b'I' { &bytes[..width] } else { &bytes[4 - width..] };
    tiff[entry + 8..entry + 8 + width].copy_from_slice(bytes);
}

/// Bytes of a value of a field.
fn width(tiff: &[u8], entry: usize) -> Option<usize> {
    match exif::number(tiff, entry + 2, 2)? {
        1 => Some(1),
        3 => Some(2),
        4 => Some(4),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use glimpse_nonempty::each;

    use super::super::super::super::{Limits, raster};
    use super::*;

    /// An image without compression: fields of one or more numbers of two bytes, and the values.
    fn tiff(little: bool, fields: &[(u32, &[u16])], values: &[u8]) -> Vec<u8> {
        let short = |n: u16| if little { n.to_le_bytes() } else { n.to_be_bytes() };
        let long = |n: u32| if little { n.to_le_bytes() } else { n.to_be_bytes() };
        let mut far = 8 + 2 + 12 * (fields.len() as u32 + 1) + 4;
        let (mut entries, mut behind) = (Vec::new(), Vec::new());
        for (tag, numbers) in fields {
            let bytes: Vec<u8> = numbers.iter().flat_map(|&n| short(n)).collect();
            entries.extend([&short(*tag as u16)[..], &short(3), &long(numbers.len() as u32)].concat());
            match bytes.len() {
                2 => entries.extend([&bytes[..], &[0, 0]].concat()),
                4 => entries.extend(bytes),
                length => {
                    entries.extend(long(far));
                    far += length as u32;
                    behind.extend(bytes);
                }
            }
        }
        // Where the strip begins, in its place among the fields, which are in order.
        let at = fields.iter().position(|(tag, _)| *tag > 273).unwrap() * 12;
        entries.splice(at..at, [&short(273)[..], &short(4), &long(1), &long(far)].concat());
        let start: &[u8] = if little { b"II" } else { b"MM" };
        let count = short(fields.len() as u16 + 1);
        [start, &short(42), &long(8), &count, &entries, &[0; 4], &behind, values].concat()
    }

    fn decoded(tiff: &[u8]) -> image::RgbImage {
        (super::super::SPEC.decode)(tiff, &Limits::default(), None).unwrap().pixels
    }

    #[test]
    fn differences_add_up_in_each_channel_whatever_others_are_left_out() {
        for little in [true, false] {
            // Two rows of three pixels of red, green, blue and something else.
            let rows = [[10, 20, 30, 7, 5, 0, 1, 9, 250, 1, 2, 200], [1, 2, 3, 4, 1, 1, 1, 1, 1, 1, 1, 1]];
            let fields: [(u32, &[u16]); 10] = [
                (256, &[3]),
                (257, &[2]),
                (258, &[8, 8, 8, 8]),
                (259, &[1]),
                (262, &[2]),
                (277, &[4]),
                (278, &[2]),
                (279, &[24]),
                (317, &[2]),
                (338, &[0]),
            ];
            let file = tiff(little, &fields, &rows.concat());
            let pixels = decoded(&file);
            let expected = [[10, 20, 30, 15, 20, 31, 9, 21, 33], [1, 2, 3, 2, 3, 4, 3, 4, 5]];
            assert_eq!(pixels.into_raw(), expected.concat());
            // What this is for; once the crate reads such files, this can go.
            let alone = raster::decode(&file, super::super::Format::Tiff, &Limits::default(), None).unwrap();
            assert_ne!(alone.pixels.into_raw(), expected.concat());
        }
    }

    #[test]
    fn differences_begin_anew_in_each_tile() {
        let rows = Rows { width: 5, tile_width: 2, channels: 1 };
        let mut values = [1u16, 2, 3, 65_535, 9, 1, 1, 1, 1, 1];
        rows.add_up(&mut values, u16::wrapping_add);
        assert_eq!(values, [1, 3, 3, 2, 9, 1, 2, 1, 2, 1]);
    }

    #[test]
    fn numbers_of_colours_become_colours() {
        let mut colours = vec![0u16; 768];
        (colours[1], colours[256 + 1], colours[512 + 1]) = (0x1234, 0x5678, 0x9ABC);
        (colours[255], colours[256 + 255], colours[512 + 255]) = (0xFFFF, 0, 0x80FF);
        let fields: [(u32, &[u16]); 9] = [
            (256, &[2]),
            (257, &[1]),
            (258, &[8]),
            (259, &[1]),
            (262, &[3]),
            (277, &[1]),
            (278, &[1]),
            (279, &[2]),
            (320, &colours),
        ];
        for little in [true, false] {
            assert_eq!(decoded(&tiff(little, &fields, &[1, 255])).into_raw(), [0x12, 0x56, 0x9A, 255, 0, 0x80]);
        }
    }

    #[test]
    fn what_would_come_out_wrong_is_refused() {
        for (photometric, samples, predictor, bits) in each([(5, 5, 2, 8), (0, 2, 2, 8), (2, 4, 3, 32), (2, 5, 2, 32)])
        {
            let bits = vec![bits; samples];
            let fields: [(u32, &[u16]); 5] =
                [(258, &bits), (262, &[photometric]), (277, &[samples as u16]), (317, &[predictor]), (338, &[0])];
            let error = Workaround::of(&tiff(true, &fields, &[]));
            assert!(matches!(error, Err(ImageError::Unsupported(_))), "{photometric} {error:?}");
        }
        // Alpha is one of the colours.
        let fields: [(u32, &[u16]); 5] = [(258, &[8, 8, 8, 8]), (262, &[2]), (277, &[4]), (317, &[2]), (338, &[2])];
        assert_eq!(Workaround::of(&tiff(true, &fields, &[])), Ok(None));
    }
}
