//! BlurHash: the lowest frequencies of an image's discrete cosine transform in a short text, from
//! which a browser draws a blurred stand-in at once
//! (format: <https://github.com/woltapp/blurhash/blob/master/Algorithm.md>).

use std::f64::consts::PI;

use image::{RgbImage, imageops};

/// Frequencies across and down.
const ACROSS: usize = 4;
const DOWN: usize = 3;
/// Characters: size, range, mean colour, and two for each other frequency.
const LENGTH: usize = 1 + 1 + 4 + 2 * (ACROSS * DOWN - 1);
/// The transform looks at a small copy; more pixels would not show.
const SIDE: u32 = 32;
const ALPHABET: &[u8; 83] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";

/// The blurred stand-in of one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blur([u8; LENGTH]);

impl Blur {
    /// Bytes of the text.
    pub const LENGTH: usize = LENGTH;

    /// The stand-in of an image.
    pub fn of(pixels: &RgbImage) -> Self {
        let small = imageops::thumbnail(pixels, SIDE, SIDE);
        let linear: Vec<[f64; 3]> = small.pixels().map(|pixel| pixel.0.map(to_linear)).collect();
        let factors: Vec<[f64; 3]> =
            (0..DOWN).flat_map(|y| (0..ACROSS).map(move |x| (x, y))).map(|(x, y)| factor(&linear, x, y)).collect();
        let (mean, others) = (factors[0], &factors[1..]);
        let largest = others.iter().flatten().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        let range = ((largest * 166.0 - 0.5).floor().clamp(0.0, 82.0)) as u32;
        let bound = f64::from(range + 1) / 166.0;

        let mut text = Text::default();
        text.put((ACROSS - 1 + (DOWN - 1) * 9) as u32, 1);
        text.put(range, 1);
        text.put(mean.iter().fold(0, |colour, &value| colour << 8 | to_srgb(value)), 4);
        for value in others {
            let steps = value.map(|value| signed_root(value / bound).mul_add(9.0, 9.5).floor().clamp(0.0, 18.0) as u32);
            text.put(steps.iter().fold(0, |sum, step| sum * 19 + step), 2);
        }
        Self(text.bytes)
    }

    /// A text that was written by [`Blur::of`].
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; LENGTH] = bytes.try_into().ok()?;
        bytes.iter().all(|byte| ALPHABET.contains(byte)).then_some(Self(bytes))
    }

    /// The mean colour alone, as a BlurHash of one component.
    pub fn mean(&self) -> String {
        let colour = self.as_str().get(2..6).unwrap_or_default();
        format!("00{colour}")
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default() // the alphabet is ASCII
    }
}

/// How much of a frequency is in the image, for each channel.
fn factor(linear: &[[f64; 3]], across: usize, down: usize) -> [f64; 3] {
    let side = SIDE as usize;
    let wave = |frequency: usize, at: usize| (PI * frequency as f64 * at as f64 / side as f64).cos();
    let mut sum = [0.0; 3];
    for (i, pixel) in linear.iter().enumerate() {
        let basis = wave(across, i % side) * wave(down, i / side);
        sum.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += basis * value);
    }
    let scale = if across + down == 0 { 1.0 } else { 2.0 };
    sum.map(|sum| sum * scale / linear.len() as f64)
}

fn signed_root(value: f64) -> f64 {
    value.abs().sqrt().copysign(value)
}

fn to_linear(value: u8) -> f64 {
    let value = f64::from(value) / 255.0;
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

fn to_srgb(value: f64) -> u32 {
    let value = value.clamp(0.0, 1.0);
    let encoded = if value <= 0.0031308 { value * 12.92 } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 };
    (encoded * 255.0).round() as u32
}

/// Digits of base 83.
struct Text {
    bytes: [u8; LENGTH],
    at: usize,
}

impl Default for Text {
    fn default() -> Self {
        Self { bytes: [b'0'; LENGTH], at: 0 }
    }
}

impl Text {
    fn put(&mut self, mut value: u32, digits: usize) {
        for place in (self.at..self.at + digits).rev() {
            self.bytes[place] = ALPHABET[(value % 83) as usize];
            value /= 83;
        }
        self.at += digits;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use image::Rgb;

    use super::*;

    fn value(text: &str) -> u32 {
        text.bytes().fold(0, |sum, byte| sum * 83 + ALPHABET.iter().position(|&known| known == byte).unwrap() as u32)
    }

    #[test]
    fn one_colour_is_its_mean_and_next_to_nothing_else() {
        let blur = Blur::of(&RgbImage::from_pixel(50, 20, Rgb([200, 100, 50])));
        let text = blur.as_str();
        assert_eq!((value(&text[..1]), value(&text[2..6])), (3 + 2 * 9, 0x00C8_6432));
        // The format's waves begin at the middle of a pixel, so that a plain colour leaves a trace
        // in the odd ones.
        assert!(value(&text[1..2]) < 10, "{text}");
        assert_eq!(Blur::read(text.as_bytes()), Some(blur));
    }

    #[test]
    fn left_and_right_are_told_apart() {
        let halves = |left: u8, right: u8| {
            let pixels = RgbImage::from_fn(64, 64, |x, _| Rgb([if x < 32 { left } else { right }; 3]));
            Blur::of(&pixels).as_str().to_owned()
        };
        // The first frequency across follows the mean: brighter on the left is positive, that is
        // above the middle step 9.
        let step = |text: &str| value(&text[6..8]) % 19;
        assert!(step(&halves(255, 0)) > 9 && step(&halves(0, 255)) < 9);
    }

    #[test]
    fn damage_is_not_read() {
        assert_eq!(Blur::read(b"short"), None);
        assert_eq!(Blur::read(&[b' '; LENGTH]), None);
    }
}
