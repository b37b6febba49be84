//! Resized pixels against transformers' PIL-backed processors, within one grey level.

use glimpse_encoder::image_file::{Limits, decode};
use glimpse_encoder::preprocess::{Filter, Preprocessor, VisionInput};
use glimpse_encoder::{EncodeError, PixelInput};
use glimpse_nonempty::each;
use image::{Rgb, RgbImage};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    kind: String,
    resample: u32,
    budget: usize,
    width: u32,
    height: u32,
    grid: Option<(usize, usize)>,
    sums: [u64; 3],
    sample: String,
}

impl Case {
    fn prepare(&self) -> PixelInput {
        let input = VisionInput {
            image_size: (self.kind == "fixed").then_some(self.budget),
            patch_size: 16,
            max_patches: Some(self.budget),
            filter: if self.resample == 2 { Filter::Bilinear } else { Filter::Bicubic },
        };
        Preprocessor::new(input).prepare(&image(self.width, self.height)).unwrap()
    }

    fn name(&self) -> String {
        let Self { kind, resample, budget, width, height, .. } = self;
        format!("{kind} {budget}, resample {resample}, from {width} x {height}")
    }
}

/// The formula of `tests/golden/preprocess.py`: ramps, a chequered pattern with hard edges, and
/// noise.
fn image(width: u32, height: u32) -> RgbImage {
    let value = |x: u32, y: u32, channel: u32| {
        let base = match channel {
            0 => x * 255 / (width - 1).max(1),
            1 => y * 255 / (height - 1).max(1),
            _ => (x / 7 + y / 5) % 2 * 255,
        };
        let noise = x.wrapping_mul(374_761_393).wrapping_add(y.wrapping_mul(668_265_263));
        let noise = noise.wrapping_add(channel.wrapping_mul(2_246_822_519));
        let noise = (noise ^ (noise >> 13)).wrapping_mul(1_274_126_177);
        let noise = (noise ^ (noise >> 16)) % 256;
        ((base * 3 + noise) / 4) as u8
    };
    RgbImage::from_fn(width, height, |x, y| Rgb([0, 1, 2].map(|channel| value(x, y, channel))))
}

#[test]
fn sampled_pixels_and_sums_are_those_of_the_reference() {
    let text = std::fs::read_to_string(crate::golden("preprocess/expected.json")).unwrap();
    let golden: Golden = serde_json::from_str(&text).unwrap();
    assert!(golden.cases.len() > 80);
    let mut off_by_one = 0;
    let mut compared = 0;
    for case in each(&golden.cases) {
        let prepared = case.prepare();
        let pixels = &prepared.pixels;
        if let Some(grid) = case.grid {
            assert_eq!((prepared.rows, prepared.cols), grid, "{}", case.name());
            assert_eq!(pixels.dimensions(), (grid.1 as u32 * 16, grid.0 as u32 * 16), "{}", case.name());
        } else {
            assert_eq!(pixels.dimensions(), (case.budget as u32, case.budget as u32), "{}", case.name());
        }
        let last = (pixels.width() - 1, pixels.height() - 1);
        let points = (0..10).flat_map(|row| (0..10).map(move |col| (col * last.0 / 9, row * last.1 / 9)));
        let levels: Vec<u8> = points.flat_map(|(x, y)| pixels.get_pixel(x, y).0).collect();
        for (index, (found, expected)) in each(levels.iter().zip(bytes(&case.sample)).enumerate()) {
            let distance = found.abs_diff(expected);
            assert!(distance <= 1, "{}: sample {index} is {found}, the reference has {expected}", case.name());
            off_by_one += usize::from(distance);
            compared += 1;
        }
        // Rounding errors that all point one way would show in the sum.
        let count = u64::from(pixels.width()) * u64::from(pixels.height());
        for (channel, expected) in each(case.sums.into_iter().enumerate()) {
            let sum: u64 = pixels.pixels().map(|pixel| u64::from(pixel.0[channel])).sum();
            assert!(sum.abs_diff(expected) * 20 <= count, "{}: channel {channel}: {sum}, not {expected}", case.name());
        }
    }
    println!("{compared} values, {off_by_one} of them one grey level off");
    assert!(off_by_one * 50 < compared, "{off_by_one} of {compared} values are one off");
}

#[test]
fn whole_outputs_are_those_of_the_reference() {
    for (file, kind, resample, budget, width, height) in [
        ("full-fixed-2-64-150x90.png", "fixed", 2, 64, 150, 90),
        ("full-fixed-3-64-90x150.png", "fixed", 3, 64, 90, 150),
        ("full-fixed-3-96-30x20.png", "fixed", 3, 96, 30, 20),
        ("full-naflex-2-24-320x200.png", "naflex", 2, 24, 320, 200),
    ] {
        let kind = kind.to_owned();
        let case = Case { kind, resample, budget, width, height, grid: None, sums: [0; 3], sample: String::new() };
        let bytes = std::fs::read(crate::golden("preprocess").join(file)).unwrap();
        let expected = decode(&bytes, &Limits::default()).unwrap().pixels;
        let found = case.prepare().pixels;
        assert_eq!(found.dimensions(), expected.dimensions(), "{file}");
        let worst = found.as_raw().iter().zip(expected.as_raw()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst <= Some(1), "{file}: {worst:?} grey levels apart");
    }
}

#[test]
fn a_border_that_no_patch_covers_stays_in_the_image() {
    let input = VisionInput { image_size: Some(384), patch_size: 14, max_patches: None, filter: Filter::Bilinear };
    let prepared = Preprocessor::new(input).prepare(&image(50, 40)).unwrap();
    assert_eq!((prepared.rows, prepared.cols, prepared.pixels.dimensions()), (27, 27, (384, 384)));
}

#[test]
fn an_image_without_pixels_is_refused() {
    let input = VisionInput { image_size: Some(64), patch_size: 16, max_patches: None, filter: Filter::Bilinear };
    for naflex in [false, true] {
        let input = VisionInput { image_size: input.image_size.filter(|_| !naflex), ..input };
        let error = Preprocessor::new(input).prepare(&RgbImage::new(0, 7)).unwrap_err();
        assert!(matches!(error, EncodeError::Image(_)), "{error}");
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
