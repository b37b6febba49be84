//! PNG row by row. Those of an interlaced one come in seven passes, the first over every eighth row
//! and column, the last over every other row.

use std::io::Cursor;

use image::{DynamicImage, GrayAlphaImage, GrayImage, ImageBuffer, Luma, LumaA, Rgb, RgbImage, Rgba, RgbaImage};
use png::{BitDepth, ColorType, Decoder, DecodingError, InterlaceInfo, Transformations};

use super::super::flatten::flat;
use super::super::{Format, ImageError, Limits};
use super::{Part, Share, grey_from};

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Option<Result<Part, ImageError>> {
    let memory = png::Limits { bytes: usize::try_from(limits.max_alloc).unwrap_or(usize::MAX) };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), memory);
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().ok()?;
    let info = reader.info();
    let ((width, height), interlaced) = (info.size(), info.interlaced);
    // A frame of an animation may be a part of the image.
    if info.frame_control.is_some_and(|frame| (frame.width, frame.height) != (width, height)) {
        return None;
    }
    let (color, depth) = reader.output_color_type();
    let bits = color.samples() * depth as usize;
    let stride = reader.output_line_size(width)?;
    let mut values = vec![0; reader.output_buffer_size()?];
    let (mut rows, mut pixels) = (0, 0);
    loop {
        let row = match reader.next_interlaced_row() {
            Ok(Some(row)) => row,
            Ok(None) => break,
            // The file ends here.
            Err(DecodingError::IoError(_)) => break,
            Err(_) => return None,
        };
        match row.interlace() {
            InterlaceInfo::Null(_) => values.get_mut(rows * stride..)?.get_mut(..stride)?.copy_from_slice(row.data()),
            // A pixel stands for those of the passes to come.
            InterlaceInfo::Adam7(pass) => {
                png::splat_interlaced_row(&mut values, stride, row.data(), pass, bits as u8);
            }
        }
        rows += 1;
        pixels += row.data().len() * 8 / bits;
    }
    let share = match interlaced {
        false => Share { there: rows as u64, all: height.into(), unit: "rows" },
        true => Share { there: pixels as u64, all: u64::from(width) * u64::from(height), unit: "pixels" },
    };
    if let Err(error) = share.check(Format::Png) {
        return Some(Err(error));
    }
    let mut pixels = flat(image((color, depth), (width, height), values)?);
    if !interlaced {
        grey_from(&mut pixels, rows);
    }
    Some(Ok(Part { pixels, truncated: share.there < share.all }))
}

/// Samples as PNG stores them, the high byte first, as an image; none has less than 8 bits.
fn image(kind: (ColorType, BitDepth), (width, height): (u32, u32), values: Vec<u8>) -> Option<DynamicImage> {
    use BitDepth::{Eight, Sixteen};
    let deep =
        |values: Vec<u8>| -> Vec<u16> { values.as_chunks().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect() };
    Some(match kind {
        (ColorType::Grayscale, Eight) => GrayImage::from_raw(width, height, values)?.into(),
        (ColorType::GrayscaleAlpha, Eight) => GrayAlphaImage::from_raw(width, height, values)?.into(),
        (ColorType::Rgb, Eight) => RgbImage::from_raw(width, height, values)?.into(),
        (ColorType::Rgba, Eight) => RgbaImage::from_raw(width, height, values)?.into(),
        (ColorType::Grayscale, Sixteen) => ImageBuffer::<Luma<u16>, _>::from_raw(width, height, deep(values))?.into(),
        (ColorType::GrayscaleAlpha, Sixteen) => {
            ImageBuffer::<LumaA<u16>, _>::from_raw(width, height, deep(values))?.into()
        }
        (ColorType::Rgb, Sixteen) => ImageBuffer::<Rgb<u16>, _>::from_raw(width, height, deep(values))?.into(),
        (ColorType::Rgba, Sixteen) => ImageBuffer::<Rgba<u16>, _>::from_raw(width, height, deep(values))?.into(),
        _ => return None,
    })
}
