//! What phones and cameras write, beside what other programs show of it:
//! `tests/golden/formats.py` makes the files, and says what is expected of them.

use std::collections::BTreeMap;
use std::path::Path;

use glimpse_encoder::image_file::{Format, ImageError, Limits, decode, decode_reduced};
use glimpse_nonempty::each;

#[derive(serde::Deserialize)]
struct Expected {
    size: (u32, u32),
    /// Colour of the middle of each quarter, row by row.
    quarters: [[u8; 3]; 4],
    tolerance: u8,
}

fn expected() -> BTreeMap<String, Expected> {
    serde_json::from_slice(&file("expected.json")).unwrap()
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(crate::golden("formats").join(name)).unwrap()
}

/// The format that a file's name announces.
fn format(name: &str) -> Format {
    Format::named(Path::new(name).extension().unwrap().to_str().unwrap()).unwrap()
}

#[test]
fn files_show_what_other_programs_show() {
    let mut wrong = Vec::new();
    for (name, expected) in each(expected()) {
        let bytes = file(&name);
        assert_eq!(Format::sniff(&bytes), Ok(format(&name)), "{name}");
        if !format(&name).is_read() {
            continue;
        }
        let image = match decode(&bytes, &Limits::default()) {
            Ok(image) => image,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let (width, height) = image.pixels.dimensions();
        let middles = [(1, 1), (3, 1), (1, 3), (3, 3)];
        let found = middles.map(|(x, y)| image.pixels.get_pixel(width * x / 4, height * y / 4).0);
        let apart = found.iter().flatten().zip(expected.quarters.iter().flatten()).map(|(a, b)| a.abs_diff(*b)).max();
        let as_expected = (width, height) == expected.size && image.size == expected.size && !image.truncated;
        if !as_expected || apart.unwrap() > expected.tolerance {
            wrong.push(format!(
                "{name}: {width} x {height}, {found:?} instead of {:?}, {:?}",
                expected.size, expected.quarters
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn limits_hold_whatever_the_format() {
    for (name, expected) in each(expected().into_iter().filter(|(name, _)| format(name).is_read())) {
        let bytes = file(&name);
        let (width, height) = expected.size;
        let limits = [
            Limits { max_pixels: u64::from(width * height) - 1, ..Limits::default() },
            Limits { max_side: width.max(height) - 1, ..Limits::default() },
            Limits { max_alloc: 1000, ..Limits::default() },
        ];
        for limits in each(limits) {
            // An image that is turned or cropped is coded larger than it is shown.
            let error = decode(&bytes, &limits).map(|image| image.size);
            assert!(matches!(error, Err(ImageError::TooLarge { .. })), "{name}: {error:?}");
        }
    }
}

#[test]
fn files_that_are_cut_off_say_so() {
    for (name, _) in each(expected().into_iter().filter(|(name, _)| format(name).is_read())) {
        let bytes = file(&name);
        match decode(&bytes[..bytes.len() / 3], &Limits::default()) {
            // Formats that are read as far as they go, or whose preview comes first.
            Ok(image) => assert!(image.truncated || format(&name) == Format::Raw, "{name}"),
            Err(error) => assert!(error.to_string().len() > 20, "{name}: {error}"),
        }
    }
}

#[test]
fn raw_files_without_a_preview_say_why() {
    let reason = |name| decode(&file(name), &Limits::default()).unwrap_err().to_string();
    assert!(reason("small.arw").contains("largest preview has 160 x 106 pixels"), "{}", reason("small.arw"));
    assert!(reason("none.dng").contains("without a preview"), "{}", reason("none.dng"));
    assert_eq!(Format::sniff(&file("none.dng")), Ok(Format::Raw));
}

#[test]
fn previews_come_at_a_smaller_scale_where_that_is_enough() {
    let image = decode_reduced(&file("b.nef"), &Limits::default(), 300).unwrap();
    assert_eq!((image.pixels.dimensions(), image.size, image.orientation), ((340, 512), (680, 1024), 6));
}

#[test]
fn facts_are_found_in_every_container() {
    for name in ["a.cr2", "b.nef", "d.arw", "e.dng", "f.orf", "g.rw2", "h.pef", "i.raf", "j.cr3", "jpeg.jxl"] {
        if !format(name).is_read() {
            continue;
        }
        let exif = format(name).exif(file(name)).unwrap_or_else(|| panic!("{name} has no EXIF"));
        assert!(exif.starts_with(b"II*\0") || exif.starts_with(b"MM\0*"), "{name}");
        assert!(exif.windows(6).any(|text| text == b"camera"), "{name}");
    }
}

#[test]
fn what_decoding_may_need_is_known_before() {
    for (name, expected) in each(expected().into_iter().filter(|(name, _)| format(name).is_read())) {
        let (width, height) = format(&name).size(&file(&name)).unwrap_or_else(|| panic!("{name} has no size"));
        assert!(u64::from(width) * u64::from(height) >= u64::from(expected.size.0 * expected.size.1), "{name}");
    }
}
