//! Decoding: formats, pixel formats, orientation, limits, and files that are broken on purpose.

use std::path::{Path, PathBuf};

use glimpse_encoder::image_file::{DecodedImage, Format, ImageError, Limits, decode, read_file};
use glimpse_nonempty::each;
use image::RgbImage;
use proptest::prelude::*;

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn images() -> Vec<(String, Vec<u8>)> {
    let read = |path: PathBuf| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap());
    files(&crate::golden("preprocess/pictures")).into_iter().map(read).collect()
}

fn image(name: &str) -> Vec<u8> {
    std::fs::read(crate::golden("preprocess/pictures").join(name)).unwrap()
}

fn decode_default(bytes: &[u8]) -> Result<DecodedImage, ImageError> {
    decode(bytes, &Limits::default())
}

/// Colour of the middle of each quarter, row by row.
fn quarters(pixels: &RgbImage) -> [[u8; 3]; 4] {
    let (w, h) = pixels.dimensions();
    [(1, 1), (3, 1), (1, 3), (3, 3)].map(|(x, y)| pixels.get_pixel(w * x / 4, h * y / 4).0)
}

/// By libheif's own encoder: `heif-enc -q 95 -p chroma=444` of `rgb.png`, `alpha.png` and
/// `turned.jpg`.
#[cfg(all(feature = "heic", feature = "avif"))]
#[test]
fn heic_and_avif_decode_upright_and_broken_ones_say_so() {
    let colour = [[200, 40, 40], [40, 200, 40], [40, 40, 200], [230, 230, 230]];
    let names = ["colour.heic", "colour.avif", "turned.heic", "alpha.avif"];
    for name in each(names) {
        let bytes = std::fs::read(crate::golden("heif").join(name)).unwrap();
        let image = decode_default(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let format = if name.ends_with("heic") { Format::Heic } else { Format::Avif };
        assert_eq!((image.format, image.pixels.dimensions()), (format, (48, 32)), "{name}");
        let expected = if name == "alpha.avif" { [colour[0], colour[1], colour[2], [255; 3]] } else { colour };
        for (found, expected) in each(quarters(&image.pixels).into_iter().zip(expected)) {
            let apart = found.iter().zip(expected).map(|(a, b)| a.abs_diff(b)).max().unwrap();
            assert!(apart <= 12, "{name}: {found:?} instead of {expected:?}");
        }
        let cut = decode_default(&bytes[..bytes.len() / 2]).unwrap_err();
        assert!(matches!(cut, ImageError::Broken { .. }), "{name}: {cut}");
        let small = Limits { max_pixels: 1000, ..Limits::default() };
        assert!(matches!(decode(&bytes, &small), Err(ImageError::TooLarge { .. })), "{name}");
    }
}

#[test]
fn four_quarters_in_every_format() {
    let colour = [[200, 40, 40], [40, 200, 40], [40, 40, 200], [230, 230, 230]];
    let grey = [88, 134, 58, 230].map(|level| [level; 3]);
    let flat = [colour[0], colour[1], colour[2], [255; 3]];
    let names = images();
    assert!(names.len() >= 20);
    for (name, bytes) in each(names) {
        let image = decode_default(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(image.pixels.dimensions(), (48, 32), "{name}");
        assert_eq!(image.orientation, if name.starts_with("turned") { 6 } else { 1 }, "{name}");
        let expected = match name.split('.').next().unwrap() {
            "grey" | "grey16" => grey,
            "alpha" => flat,
            _ => colour,
        };
        let tolerance = if name.ends_with("jpg") || name.starts_with("lossy") { 12 } else { 2 };
        for (quarter, (found, expected)) in each(quarters(&image.pixels).into_iter().zip(expected).enumerate()) {
            let apart = found.iter().zip(expected).map(|(a, b)| a.abs_diff(b)).max().unwrap();
            assert!(apart <= tolerance, "{name}: quarter {quarter} is {found:?}, not {expected:?}");
        }
    }
}

#[test]
fn the_name_of_a_file_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("holiday.png");
    std::fs::write(&path, image("baseline.jpg")).unwrap();
    let bytes = read_file(&path, &Limits::default()).unwrap();
    assert_eq!(decode_default(&bytes).unwrap().format, Format::Jpeg);
    let error = read_file(&path, &Limits { max_bytes: 100, ..Limits::default() }).unwrap_err().to_string();
    assert!(error.starts_with("too large: a file of "), "{error}");
    let error = read_file(&folder.path().join("gone.png"), &Limits::default()).unwrap_err().to_string();
    assert!(error.contains("gone.png"), "{error}");
}

#[test]
fn limits_hold_before_anything_is_decoded() {
    let default = Limits::default();
    for (name, bytes) in each(images()) {
        for (limits, said) in [
            (Limits { max_pixels: 48 * 32 - 1, ..default }, "1535 pixels"),
            (Limits { max_side: 47, ..default }, "47 pixels a side"),
            (Limits { max_bytes: 50, ..default }, "50 bytes"),
        ] {
            let error = decode(&bytes, &limits).unwrap_err();
            assert!(matches!(error, ImageError::TooLarge { .. }), "{name}: {error}");
            // PNG's own decoder is asked to enforce the side, in its own words.
            assert!(error.to_string().contains(said) || name.ends_with("png"), "{name}: {error}");
        }
        let starved = decode(&bytes, &Limits { max_alloc: 1000, ..default });
        assert!(matches!(starved, Err(ImageError::TooLarge { .. })), "{name}: {starved:?}");
    }
}

#[test]
fn bombs_are_refused_by_their_headers() {
    let mut gif = image("plain.gif");
    gif[6..10].copy_from_slice(&[0xFF; 4]);
    let mut bmp = image("plain.bmp");
    bmp[18..22].copy_from_slice(&60_000u32.to_le_bytes());
    bmp[22..26].copy_from_slice(&60_000u32.to_le_bytes());
    let mut jpeg = image("progressive.jpg");
    let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC2]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xFF, 0, 0xFF, 0]);
    let mut png = image("rgb.png");
    png[16..20].copy_from_slice(&50_000u32.to_be_bytes());
    png[20..24].copy_from_slice(&50_000u32.to_be_bytes());
    let sum = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&sum.to_be_bytes());
    for (name, bytes) in [("gif", gif), ("bmp", bmp), ("jpeg", jpeg), ("png", png)] {
        let result = decode_default(&bytes);
        assert!(matches!(result, Err(ImageError::TooLarge { .. })), "{name}: {result:?}");
    }
}

pub fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| (0..8).fold(crc, |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()));
    !bytes.iter().fold(!0, |crc, &byte| step(crc ^ u32::from(byte)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever happens to a file, it gives an image within the limits or an error.
    #[test]
    fn damage_never_gets_out(
        which in 0usize..1000,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        keep in 0.3f64..1.3,
    ) {
        let limits = Limits { max_pixels: 1 << 20, max_side: 4096, max_alloc: 64 << 20, max_bytes: 1 << 20 };
        let all = images();
        let (_, mut bytes) = all[which % all.len()].clone();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate((bytes.len() as f64 * keep) as usize);
        if let Ok(image) = decode(&bytes, &limits) {
            prop_assert!(u64::from(image.pixels.width()) * u64::from(image.pixels.height()) <= limits.max_pixels);
        }
    }
}

/// Mean difference of two images of one size, in grey levels.
fn difference(a: &RgbImage, b: &RgbImage) -> f64 {
    let sum: u64 = a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.as_raw().len() as f64
}

#[test]
fn all_orientations_of_a_scene_look_alike() {
    let Some(folder) = crate::shared("orientation") else { return };
    for scene in ["Landscape", "Portrait"] {
        let read = |n: u8| decode_default(&std::fs::read(folder.join(format!("{scene}_{n}.jpg"))).unwrap()).unwrap();
        let upright = read(1);
        for orientation in 2..=8 {
            let turned = read(orientation);
            assert_eq!(turned.orientation, orientation, "{scene}_{orientation}");
            assert_eq!(turned.pixels.dimensions(), upright.pixels.dimensions(), "{scene}_{orientation}");
            let apart = difference(&turned.pixels, &upright.pixels);
            assert!(apart < 4.0, "{scene}_{orientation}: {apart} grey levels from {scene}_1");
        }
    }
}

/// Valid files that this decoder refuses, with the reason.
const NOT_READ: &[(&str, &str)] = &[
    // Headers and run lengths that contradict themselves; some viewers guess.
    ("lenient/badpalettesize.bmp", "Palette size"),
    ("lenient/badplanes.bmp", "More than one plane"),
    ("lenient/badrle.bmp", "Corrupt RLE data"),
    ("lenient/pal8oversizepal.bmp", "Palette size 300"),
    ("lenient/rgb16-880.bmp", "Missing 16-bit bitfield mask"),
    ("lenient/rle_overflow.bmp", "Corrupt RLE data"),
    ("lenient/rletopdown.bmp", "Invalid image type 1 for top-down image"),
    // Variants that the decoder does not know: 24-bit run lengths of OS/2, and the alpha masks of
    // Windows CE.
    ("rgb24rle24.bmp", "Unknown bitmap header type"),
    ("rgba32abf.bmp", "Unknown image compression type 6"),
];

#[test]
fn odd_images_decode_and_bad_ones_say_why() {
    let Some(folder) = crate::shared("odd") else { return };
    let decode_file = |path: &Path| decode_default(&std::fs::read(path).unwrap());
    let mut wrong = Vec::new();
    for path in files(&folder.join("images")) {
        let exception = NOT_READ.iter().find(|(name, _)| path.ends_with(name));
        match (decode_file(&path), exception) {
            (Ok(_), None) => {}
            (Err(error), Some((_, reason))) if error.to_string().contains(reason) => {}
            (Ok(_), Some(_)) => wrong.push(format!("{} decodes after all", path.display())),
            (Err(error), _) => wrong.push(format!("{}: {error}", path.display())),
        }
    }
    for path in files(&folder.join("bad")).into_iter().filter(|path| !path.ends_with("README.md")) {
        match decode_file(&path) {
            Ok(_) => wrong.push(format!("{} should not decode", path.display())),
            Err(error) if error.to_string().len() < 20 => wrong.push(format!("{}: {error}", path.display())),
            Err(_) => {}
        }
    }
    for path in files(&folder.join("regression")) {
        // Some are valid, most are hostile: an answer is all that is asked.
        let _ = decode_file(&path);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
