//! Files that are cut off: shown as far as they go where the decoder gives rows, else damaged.

use std::io::Cursor;

use glimpse_encoder::image_file::{DecodedImage, ImageError, Limits, decode};
use glimpse_nonempty::{Every as _, each};
use image::{ColorType, DynamicImage, ImageFormat, Rgb, RgbImage, RgbaImage, imageops};
use proptest::prelude::*;

use super::images::crc32;

const GREY: Rgb<u8> = Rgb([128; 3]);
const SIDE: u32 = 160;

fn decode_default(bytes: &[u8]) -> Result<DecodedImage, ImageError> {
    decode(bytes, &Limits::default())
}

/// Noise, so that every format needs its bytes to the end.
fn noise() -> RgbImage {
    let mut state = 1u32;
    RgbImage::from_fn(SIDE, SIDE, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Rgb([(state >> 24) as u8, (state >> 16) as u8, (state >> 8) as u8])
    })
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

fn noise_as(format: ImageFormat) -> Vec<u8> {
    encoded(&noise().into(), format)
}

/// The first share of a file.
fn cut(bytes: &[u8], percent: usize) -> &[u8] {
    &bytes[..bytes.len() * percent / 100]
}

/// Rows of `part` that are those of `whole`, from the top; all others must be grey.
fn same_rows(whole: &RgbImage, part: &RgbImage) -> usize {
    assert_eq!(whole.dimensions(), part.dimensions());
    let same = whole.rows().zip(part.rows()).take_while(|(whole, part)| whole.clone().eq(part.clone())).count();
    assert!(part.rows().skip(same).flatten().every(|pixel| *pixel == GREY), "behind row {same}");
    same
}

/// Cuts a file whose rows go from top to bottom, and compares what is shown with the whole image.
fn check(name: &str, bytes: &[u8], turn: impl Fn(&RgbImage) -> RgbImage) {
    let whole = decode_default(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(!whole.truncated, "{name}");
    for percent in [60, 95] {
        let part = decode_default(cut(bytes, percent)).unwrap_or_else(|error| panic!("{name}, {percent} %: {error}"));
        assert!(part.truncated, "{name}, {percent} %");
        assert_eq!((part.size, part.format), (whole.size, whole.format), "{name}, {percent} %");
        let same = same_rows(&turn(&whole.pixels), &turn(&part.pixels));
        let expected = SIDE as usize * percent / 100;
        assert!((expected - 8..=expected).contains(&same), "{name}, {percent} %: {same} rows");
    }
    let error = decode_default(cut(bytes, 10)).unwrap_err();
    assert!(matches!(error, ImageError::Broken { .. }), "{name}: {error}");
    let share = error.to_string();
    assert!(share.contains("the file is cut off: ") && share.ends_with(" % of its rows are there"), "{name}: {share}");
}

#[test]
fn a_png_of_any_kind_is_shown_as_far_as_it_goes() {
    let noise = noise();
    let alpha = RgbaImage::from_fn(SIDE, SIDE, |x, y| {
        let [r, g, b] = noise.get_pixel(x, y).0;
        image::Rgba([r, g, b, r ^ g])
    });
    for color in [
        ColorType::L8,
        ColorType::La8,
        ColorType::Rgb8,
        ColorType::Rgba8,
        ColorType::L16,
        ColorType::La16,
        ColorType::Rgb16,
        ColorType::Rgba16,
    ] {
        let image = DynamicImage::from(alpha.clone());
        let image = match color {
            ColorType::L8 => image.into_luma8().into(),
            ColorType::La8 => image.into_luma_alpha8().into(),
            ColorType::Rgb8 => image.into_rgb8().into(),
            ColorType::L16 => image.into_luma16().into(),
            ColorType::La16 => image.into_luma_alpha16().into(),
            ColorType::Rgb16 => image.into_rgb16().into(),
            ColorType::Rgba16 => image.into_rgba16().into(),
            _ => image,
        };
        check(&format!("{color:?}"), &encoded(&image, ImageFormat::Png), RgbImage::clone);
    }
}

#[test]
fn a_png_that_lacks_only_its_end_is_whole() {
    let png = noise_as(ImageFormat::Png);
    let part = decode_default(&png[..png.len() - 12]).unwrap();
    assert_eq!((part.truncated, part.pixels), (false, noise()));
}

#[test]
fn a_bmp_is_shown_as_far_as_it_goes_from_below_or_from_above() {
    let bottom_up = noise_as(ImageFormat::Bmp);
    check("24 bits", &bottom_up, imageops::flip_vertical);
    let masks = encoded(&DynamicImage::from(noise()).into_rgba8().into(), ImageFormat::Bmp);
    check("32 bits", &masks, imageops::flip_vertical);
    let palette = encoded(&DynamicImage::from(noise()).into_luma8().into(), ImageFormat::Bmp);
    check("palette", &palette, imageops::flip_vertical);
    let mut top_down = bottom_up;
    top_down[22..26].copy_from_slice(&(-(SIDE as i32)).to_le_bytes());
    check("top down", &top_down, RgbImage::clone);
    check("oldest header", &core_bmp(), imageops::flip_vertical);
}

/// A BMP with the header of OS/2.
fn core_bmp() -> Vec<u8> {
    let rows: Vec<u8> = imageops::flip_vertical(&noise()).into_raw();
    let sides = [SIDE as u16, SIDE as u16, 1, 24].map(u16::to_le_bytes).concat();
    let head = [26u32, 12].map(u32::to_le_bytes).concat();
    [&b"BM\0\0\0\0\0\0\0\0"[..], &head, &sides, &rows].concat()
}

/// An interlaced PNG (Adam7) without compression.
fn interlaced() -> Vec<u8> {
    let (image, mut data) = (noise(), Vec::new());
    for (x, y, across, down) in
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    {
        for row in (y..SIDE).step_by(down) {
            data.push(0); // no filter
            (x..SIDE).step_by(across).for_each(|col| data.extend(image.get_pixel(col, row).0));
        }
    }
    let (a, b) = data.iter().fold((1u32, 0u32), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    let mut zlib = vec![0x78, 0x01];
    let blocks: Vec<&[u8]> = data.chunks(60_000).collect();
    for (i, block) in blocks.iter().enumerate() {
        let length = block.len() as u16;
        zlib.push(u8::from(i + 1 == blocks.len()));
        zlib.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
        zlib.extend(*block);
    }
    zlib.extend((b << 16 | a).to_be_bytes());
    let chunk = |kind: &[u8], data: &[u8]| {
        let body = [kind, data].concat();
        [&(data.len() as u32).to_be_bytes()[..], &body, &crc32(&body).to_be_bytes()].concat()
    };
    let head = [&SIDE.to_be_bytes()[..], &SIDE.to_be_bytes(), &[8, 2, 0, 0, 1]].concat();
    [b"\x89PNG\r\n\x1A\n".to_vec(), chunk(b"IHDR", &head), chunk(b"IDAT", &zlib), chunk(b"IEND", b"")].concat()
}

#[test]
fn an_interlaced_png_is_less_sharp_where_passes_are_missing() {
    let png = interlaced();
    let whole = decode_default(&png).unwrap();
    assert_eq!((whole.truncated, &whole.pixels), (false, &noise()));
    for percent in [60, 95] {
        let part = decode_default(cut(&png, percent)).unwrap();
        assert!(part.truncated && part.size == whole.size, "{percent} %");
        // The last pass, half of all pixels, has every other row.
        let odd = SIDE as usize * (percent - 50) / 100;
        let mut exact = 0;
        for (y, row) in each(part.pixels.rows().enumerate()) {
            let row: Vec<_> = row.collect();
            let is_row = |y: usize| whole.pixels.rows().nth(y).unwrap().eq(row.iter().copied());
            exact += usize::from(y % 2 == 1 && is_row(y));
            assert!(is_row(y) || y % 2 == 1 && is_row(y - 1), "{percent} %: row {y} is that above it");
        }
        assert!((odd - 4..=odd).contains(&exact), "{percent} %: {exact} of the last pass");
    }
    for percent in [10, 45] {
        let error = decode_default(cut(&png, percent)).unwrap_err().to_string();
        assert!(error.ends_with(" % of its pixels are there"), "{percent} %: {error}");
    }
}

#[test]
fn a_jpeg_is_shown_as_far_as_it_goes() {
    let jpeg = noise_as(ImageFormat::Jpeg);
    let whole = decode_default(&jpeg).unwrap();
    assert!(!whole.truncated);
    let part = decode_default(cut(&jpeg, 75)).unwrap();
    assert!(part.truncated);
    assert_eq!(part.size, whole.size);
    let rows = whole.pixels.rows().zip(part.pixels.rows());
    let same = rows.take_while(|(whole, part)| whole.clone().eq(part.clone())).count();
    assert!((100..=130).contains(&same), "{same} of {SIDE} rows");
    assert!(part.pixels.rows().skip(same + 16).flatten().every(|pixel| *pixel == GREY));
    let error = decode_default(cut(&jpeg, 25)).unwrap_err().to_string();
    let share = error.strip_prefix("damaged JPEG: the file is cut off: ").unwrap_or_else(|| panic!("{error}"));
    assert!(share.starts_with('2') && share.ends_with(" % of its rows are there"), "{error}");
}

#[test]
fn a_jpeg_may_lack_its_last_marker_or_have_a_tail() {
    let jpeg = noise_as(ImageFormat::Jpeg);
    let whole = decode_default(&jpeg).unwrap().pixels;
    assert_eq!(decode_default(&jpeg[..jpeg.len() - 2]).unwrap().pixels, whole);
    assert_eq!(decode_default(&[jpeg, b"a film may follow".to_vec()].concat()).unwrap().pixels, whole);
}

#[test]
fn other_formats_that_are_cut_off_are_damaged() {
    for format in [ImageFormat::WebP, ImageFormat::Gif, ImageFormat::Tiff] {
        let bytes = noise_as(format);
        decode_default(&bytes).unwrap();
        for percent in [10, 60, 95] {
            let result = decode_default(cut(&bytes, percent));
            assert!(matches!(result, Err(ImageError::Broken { .. })), "{format:?}, {percent} %: {result:?}");
        }
    }
}

#[test]
fn less_than_half_is_no_image() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Bmp] {
        let bytes = noise_as(format);
        for percent in [1, 20, 44] {
            let result = decode_default(cut(&bytes, percent));
            assert!(matches!(result, Err(ImageError::Broken { .. })), "{format:?}, {percent} %: {result:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Changed anywhere and cut anywhere, a file gives an image within the limits or an error, and
    /// no decoder panics.
    #[test]
    fn mutants_of_cut_files_do_no_harm(
        which in 0usize..6,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        in_head in any::<bool>(),
        keep in 0.05f64..1.0,
    ) {
        let limits = Limits { max_pixels: 1 << 20, max_side: 4096, max_alloc: 64 << 20, max_bytes: 1 << 20 };
        let mut bytes = match which {
            0 => noise_as(ImageFormat::Png),
            1 => interlaced(),
            2 => noise_as(ImageFormat::Bmp),
            3 => core_bmp(),
            4 => encoded(&DynamicImage::from(noise()).into_rgba16().into(), ImageFormat::Png),
            _ => encoded(&DynamicImage::from(noise()).into_luma8().into(), ImageFormat::Bmp),
        };
        // Most bytes are pixels: those of the head say how they are to be read.
        let most = if in_head { 70 } else { bytes.len() };
        for (at, value) in changes {
            bytes[at.index(most)] = value;
        }
        bytes.truncate((bytes.len() as f64 * keep) as usize);
        match decode(&bytes, &limits) {
            Ok(image) => {
                let pixels = u64::from(image.pixels.width()) * u64::from(image.pixels.height());
                prop_assert!(pixels <= limits.max_pixels);
            }
            Err(error) => prop_assert!(!error.to_string().contains("gave up"), "{error}"),
        }
    }
}
