//! BMP without compression: rows of one length, mostly the lowest first. The rows that are there
//! are read as an image of their own.

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::{DynamicImage, RgbImage, imageops};

use super::super::flatten::flat;
use super::super::{Format, ImageError};
use super::{GREY, Part, check_rows};

/// Values of the field `compression`: none, and masks that say where the bits of a colour lie.
const UNCOMPRESSED: [u64; 2] = [0, 3];
/// Length of the oldest header, whose sides have two bytes each.
const CORE_HEADER: u64 = 12;

/// Where the rows lie.
struct Layout {
    width: u32,
    height: u32,
    top_down: bool,
    /// Where the first row begins.
    start: usize,
    /// Bytes from one row to the next.
    stride: usize,
}

pub(super) fn decode(bytes: &[u8]) -> Option<Result<Part, ImageError>> {
    let layout = Layout::of(bytes)?;
    let there = bytes.len().saturating_sub(layout.start) / layout.stride;
    let all = layout.height as usize;
    if there >= all {
        return None;
    }
    if let Err(error) = check_rows(Format::Bmp, there, all) {
        return Some(Err(error));
    }
    let decoder = BmpDecoder::new(Cursor::new(layout.shortened(bytes, there as u32)?)).ok()?;
    let rows = flat(DynamicImage::from_decoder(decoder).ok()?);
    let mut pixels = RgbImage::from_pixel(layout.width, layout.height, GREY);
    let top = if layout.top_down { 0 } else { all - there };
    imageops::replace(&mut pixels, &rows, 0, top as i64);
    Some(Ok(Part { pixels, truncated: true }))
}

impl Layout {
    /// Reads the two headers (`BITMAPFILEHEADER` and `BITMAPCOREHEADER` or `BITMAPINFOHEADER` and
    /// its successors); `None` for runs and other compression, and for what has no rows.
    fn of(bytes: &[u8]) -> Option<Self> {
        let number = |at: usize, length: usize| {
            let bytes = bytes.get(at..at + length)?;
            Some(bytes.iter().rev().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte)))
        };
        let start = usize::try_from(number(10, 4)?).ok()?;
        let (width, height, bits, compression) = match number(14, 4)? {
            CORE_HEADER => (number(18, 2)? as i32, number(20, 2)? as i32, number(24, 2)?, 0),
            _ => (number(18, 4)? as u32 as i32, number(22, 4)? as u32 as i32, number(28, 2)?, number(30, 4)?),
        };
        let (top_down, height, width) = (height < 0, height.unsigned_abs(), u32::try_from(width).ok()?);
        let stride = usize::try_from((u64::from(width) * bits).div_ceil(32) * 4).ok()?;
        let is_known = UNCOMPRESSED.contains(&compression) && stride > 0 && height > 0;
        is_known.then_some(Self { width, height, top_down, start, stride })
    }

    /// The file with the first `rows` of its rows, which are all of them.
    fn shortened(&self, bytes: &[u8], rows: u32) -> Option<Vec<u8>> {
        let mut bytes = bytes.to_vec();
        match bytes.get(14)? {
            12 => bytes.get_mut(20..22)?.copy_from_slice(&u16::try_from(rows).ok()?.to_le_bytes()),
            _ => {
                let rows = i32::try_from(rows).ok()?;
                let rows = if self.top_down { -rows } else { rows };
                bytes.get_mut(22..26)?.copy_from_slice(&rows.to_le_bytes());
            }
        }
        Some(bytes)
    }
}
