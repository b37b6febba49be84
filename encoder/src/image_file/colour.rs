//! Colours as a file keeps them, to sRGB.
//!
//! A file names its colours by an ICC profile, which moxcms applies, or by the numbers of ITU-T
//! H.273 for primaries and transfer ([`Coding`]). Without either they count as sRGB.

use image::{DynamicImage, RgbImage};
use moxcms::{ColorProfile, DataColorSpace, Layout, Transform8BitExecutor, TransformExecutor, TransformOptions};

use super::flatten::{deep_image, shallow_image};
use crate::guard;

/// Pixels that are converted at once.
const PIXELS: usize = 4096;

/// Converts pixels in the colours of a profile. One that cannot be read changes nothing.
pub(super) fn profile_to_srgb(pixels: &mut RgbImage, profile: &[u8]) {
    match read(profile) {
        Some(Kind::Rgb(profile)) => {
            if let Some(transform) = shallow(&profile, Layout::Rgb).filter(|it| !is_identity(it.as_ref())) {
                in_place(pixels, 3, transform.as_ref());
            }
        }
        Some(Kind::Grey(levels)) => {
            pixels.iter_mut().for_each(|value| *value = (levels[usize::from(*value) * 257] >> 8) as u8)
        }
        None => {}
    }
}

/// As [`profile_to_srgb`], for samples of any kind.
pub(super) fn with_profile(image: DynamicImage, profile: &[u8]) -> DynamicImage {
    let Some(kind) = read(profile) else { return image };
    let (size, has_alpha) = ((image.width(), image.height()), image.color().has_alpha());
    let is_deep = is_deep(&image);
    let profile = match kind {
        Kind::Grey(levels) if !image.color().has_color() => return grey(image, &levels),
        Kind::Grey(_) => return image,
        Kind::Rgb(profile) => profile,
    };
    let (layout, channels) = if has_alpha { (Layout::Rgba, 4) } else { (Layout::Rgb, 3) };
    let Some(check) = shallow(&profile, Layout::Rgb) else { return image };
    if is_identity(check.as_ref()) {
        return image;
    }
    if is_deep {
        let make = || profile.create_transform_16bit(layout, &ColorProfile::new_srgb(), layout, options());
        let Some(transform) = made(make) else { return image };
        let mut values = if has_alpha { image.into_rgba16().into_raw() } else { image.into_rgb16().into_raw() };
        in_place(&mut values, channels, transform.as_ref());
        return deep_image(size, has_alpha, values);
    }
    let Some(transform) = shallow(&profile, layout) else { return image };
    let mut values = if has_alpha { image.into_rgba8().into_raw() } else { image.into_rgb8().into_raw() };
    in_place(&mut values, channels, transform.as_ref());
    shallow_image(size, has_alpha, values)
}

/// RGB values of pixels of four inks, 255 being the most ink; `None` if the profile is not one of
/// such inks.
pub(super) fn inks_to_srgb(inks: &[u8], profile: &[u8]) -> Option<Vec<u8>> {
    let profile = ColorProfile::new_from_slice(profile).ok()?;
    if profile.color_space != DataColorSpace::Cmyk {
        return None;
    }
    let make = || profile.create_transform_8bit(Layout::Rgba, &ColorProfile::new_srgb(), Layout::Rgb, options());
    let transform = made(make)?;
    let mut pixels = vec![0; inks.len() / 4 * 3];
    for (from, to) in inks.chunks(4 * PIXELS).zip(pixels.chunks_mut(3 * PIXELS)) {
        transform.transform(from, to).ok()?;
    }
    Some(pixels)
}

/// What profiles are applied of.
enum Kind {
    Rgb(Box<ColorProfile>),
    /// The level of sRGB for each level of 16 bits.
    Grey(Vec<u16>),
}

fn read(profile: &[u8]) -> Option<Kind> {
    let profile = made(|| ColorProfile::new_from_slice(profile))?;
    match profile.color_space {
        DataColorSpace::Rgb => Some(Kind::Rgb(Box::new(profile))),
        DataColorSpace::Gray => {
            let transform = made(|| {
                profile.create_transform_16bit(Layout::Gray, &ColorProfile::new_srgb(), Layout::Rgb, options())
            })?;
            let levels: Vec<u16> = (0..=u16::MAX).collect();
            let mut colours = vec![0; levels.len() * 3];
            transform.transform(&levels, &mut colours).ok()?;
            Some(Kind::Grey(colours.chunks(3).map(|colour| colour[1]).collect()))
        }
        _ => None,
    }
}

/// What the library makes, unless it refuses or gives up.
fn made<T, E>(make: impl FnOnce() -> Result<T, E>) -> Option<T> {
    guard::catch(make).ok()?.ok()
}

fn options() -> TransformOptions {
    TransformOptions::default()
}

fn shallow(profile: &ColorProfile, layout: Layout) -> Option<std::sync::Arc<Transform8BitExecutor>> {
    made(|| profile.create_transform_8bit(layout, &ColorProfile::new_srgb(), layout, options()))
}

/// True of a profile that is sRGB under any name: no colour of a grid moves by more than a level.
fn is_identity(transform: &Transform8BitExecutor) -> bool {
    let levels = || (0..=255u8).step_by(15);
    let grid: Vec<u8> =
        levels().flat_map(|r| levels().flat_map(move |g| levels().flat_map(move |b| [r, g, b]))).collect();
    let mut moved = vec![0; grid.len()];
    transform.transform(&grid, &mut moved).is_ok() && grid.iter().zip(&moved).all(|(a, b)| a.abs_diff(*b) <= 1)
}

fn in_place<S: Copy + Default>(
    values: &mut [S],
    channels: usize,
    transform: &(dyn TransformExecutor<S> + Send + Sync),
) {
    let mut from = vec![S::default(); channels * PIXELS];
    for to in values.chunks_mut(channels * PIXELS) {
        let from = &mut from[..to.len()];
        from.copy_from_slice(to);
        // It refuses nothing but rows of another length.
        let _ = transform.transform(from, to);
    }
}

fn grey(image: DynamicImage, levels: &[u16]) -> DynamicImage {
    let size = (image.width(), image.height());
    let alpha = image.color().has_alpha();
    let mut values = image.into_rgba16().into_raw();
    for pixel in values.as_chunks_mut::<4>().0 {
        for value in &mut pixel[..3] {
            *value = levels[usize::from(*value)];
        }
    }
    if alpha {
        return deep_image(size, true, values);
    }
    DynamicImage::from(deep_image(size, true, values).into_rgb16())
}

fn is_deep(image: &DynamicImage) -> bool {
    image.color().bytes_per_pixel() > image.color().channel_count()
}

/// Luminance of white paper in a film or photo of high dynamic range, candela per square metre
/// (ITU-R BT.2408).
const WHITE: f32 = 203.0;
/// Luminance that the brightest value of hybrid log-gamma stands for (ITU-R BT.2100).
const HLG_PEAK: f32 = 1000.0;
/// Up to here brightness stays as it is; what is brighter moves together below 1.
const KNEE: f32 = 0.75;

/// To linear values of the primaries of sRGB, from those of BT.2020 and of Display P3.
const FROM_BT2020: [[f32; 3]; 3] = [
    [1.660_491, -0.587_641_1, -0.072_849_9],
    [-0.124_550_5, 1.132_9, -0.008_349_4],
    [-0.018_150_8, -0.100_578_9, 1.118_729_7],
];
const FROM_P3: [[f32; 3]; 3] =
    [[1.224_940_2, -0.224_940_2, 0.0], [-0.042_057, 1.042_057, 0.0], [-0.019_637_6, -0.078_636, 1.098_273_6]];
/// The share of red, green and blue in luminance (BT.2020).
const LUMINANCE: [f32; 3] = [0.2627, 0.678, 0.0593];

/// How a file codes its colours (ITU-T H.273).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Coding {
    primaries: Primaries,
    transfer: Transfer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Primaries {
    Srgb,
    Bt2020,
    P3,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transfer {
    /// Also that of BT.709, which screens show so.
    Srgb,
    Gamma22,
    Gamma28,
    Linear,
    Pq,
    Hlg,
}

impl Coding {
    /// Of two numbers of H.273; what is not known there counts as sRGB.
    pub fn of(primaries: u16, transfer: u16) -> Self {
        Self {
            primaries: match primaries {
                9 => Primaries::Bt2020,
                11 | 12 => Primaries::P3,
                _ => Primaries::Srgb,
            },
            transfer: match transfer {
                4 => Transfer::Gamma22,
                5 => Transfer::Gamma28,
                8 => Transfer::Linear,
                16 => Transfer::Pq,
                18 => Transfer::Hlg,
                _ => Transfer::Srgb,
            },
        }
    }

    /// Of high dynamic range: eight bits of it are too few to begin with.
    pub fn is_hdr(self) -> bool {
        matches!(self.transfer, Transfer::Pq | Transfer::Hlg)
    }

    /// 8-bit sRGB, with transparency as it was. Of high dynamic range, white paper is white, and
    /// what is brighter than three quarters of it is compressed.
    pub fn to_srgb(self, image: DynamicImage) -> DynamicImage {
        if self == Self::of(1, 13) {
            return image;
        }
        let size = (image.width(), image.height());
        let alpha = image.color().has_alpha();
        let values = match (is_deep(&image), alpha) {
            (false, false) => self.convert(image.into_rgb8().into_raw(), 3, u8::MAX.into()),
            (false, true) => self.convert(image.into_rgba8().into_raw(), 4, u8::MAX.into()),
            (true, false) => self.convert(image.into_rgb16().into_raw(), 3, u16::MAX.into()),
            (true, true) => self.convert(image.into_rgba16().into_raw(), 4, u16::MAX.into()),
        };
        shallow_image(size, alpha, values)
    }

    fn convert<S: Copy + Into<usize>>(self, values: Vec<S>, channels: usize, most: usize) -> Vec<u8> {
        let linear: Vec<f32> = (0..=most).map(|value| self.linear(value as f32 / most as f32)).collect();
        let coded = coded_levels();
        let mut out = vec![0; values.len()];
        for (from, to) in values.chunks_exact(channels).zip(out.chunks_exact_mut(channels)) {
            let colour = self.shown([0, 1, 2].map(|i| linear[from[i].into()]));
            for (to, value) in to.iter_mut().zip(colour) {
                *to = coded[(value * (coded.len() - 1) as f32 + 0.5) as usize];
            }
            if let (Some(to), Some(&from)) = (to.get_mut(3), from.get(3)) {
                *to = (from.into() * 255 / most) as u8;
            }
        }
        out
    }

    /// A coded value as light; 1 is white. For hybrid log-gamma the light of the scene, of which
    /// 1 is the brightest.
    fn linear(self, value: f32) -> f32 {
        match self.transfer {
            Transfer::Srgb if value <= 0.040_45 => value / 12.92,
            Transfer::Srgb => ((value + 0.055) / 1.055).powf(2.4),
            Transfer::Gamma22 => value.powf(2.2),
            Transfer::Gamma28 => value.powf(2.8),
            Transfer::Linear => value,
            Transfer::Pq => {
                let (m1, m2) = (2610.0 / 16_384.0, 2523.0 / 4096.0 * 128.0);
                let (c1, c2, c3) = (3424.0 / 4096.0, 2413.0 / 4096.0 * 32.0, 2392.0 / 4096.0 * 32.0);
                let power = value.powf(1.0 / m2);
                10_000.0 / WHITE * ((power - c1).max(0.0) / (c2 - c3 * power)).powf(1.0 / m1)
            }
            Transfer::Hlg if value <= 0.5 => value * value / 3.0,
            Transfer::Hlg => (((value - 0.559_910_7) / 0.178_832_77).exp() + 0.284_668_92) / 12.0,
        }
    }

    /// Light in the primaries of sRGB, none below 0 or above 1.
    fn shown(self, mut light: [f32; 3]) -> [f32; 3] {
        if self.transfer == Transfer::Hlg {
            let luminance: f32 = light.iter().zip(LUMINANCE).map(|(value, share)| value * share).sum();
            let gain = luminance.powf(0.2) * HLG_PEAK / WHITE;
            light = light.map(|value| value * gain);
        }
        let light = match self.primaries {
            Primaries::Srgb => light,
            Primaries::Bt2020 => product(&FROM_BT2020, light),
            Primaries::P3 => product(&FROM_P3, light),
        };
        let light = light.map(|value| value.max(0.0));
        let brightest = light.into_iter().fold(0.0, f32::max);
        let gain = if self.is_hdr() && brightest > KNEE { compressed(brightest) / brightest } else { 1.0 };
        light.map(|value| (value * gain).min(1.0))
    }
}

/// A brightness above the knee, below 1: smooth, and never less than a darker one's.
fn compressed(brightness: f32) -> f32 {
    let above = (brightness - KNEE) / (1.0 - KNEE);
    KNEE + (1.0 - KNEE) * above / (1.0 + above)
}

fn product(matrix: &[[f32; 3]; 3], values: [f32; 3]) -> [f32; 3] {
    matrix.map(|row| row.iter().zip(values).map(|(factor, value)| factor * value).sum())
}

/// 8-bit sRGB for 65,536 steps of light from 0 to 1.
fn coded_levels() -> Vec<u8> {
    let coded = |light: f32| match light <= 0.003_130_8 {
        true => 12.92 * light,
        false => 1.055 * light.powf(1.0 / 2.4) - 0.055,
    };
    (0..=u16::MAX).map(|step| (coded(f32::from(step) / f32::from(u16::MAX)) * 255.0).round() as u8).collect()
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::each;
    use image::Rgb;

    use super::*;

    #[test]
    fn a_profile_that_is_srgb_or_nonsense_changes_nothing() {
        let pixels = RgbImage::from_fn(16, 16, |x, y| Rgb([x as u8 * 16, y as u8 * 16, 77]));
        let srgb = ColorProfile::new_srgb().encode().unwrap_or_default();
        assert!(srgb.len() > 100);
        for profile in [&srgb[..], b"", b"nonsense", &srgb[..60]] {
            let mut same = pixels.clone();
            profile_to_srgb(&mut same, profile);
            assert_eq!(same, pixels);
            assert_eq!(with_profile(pixels.clone().into(), profile).into_rgb8(), pixels);
        }
    }

    #[test]
    fn a_wide_green_leaves_srgb_at_its_edge_and_greys_stay_grey() {
        let p3 = ColorProfile::new_display_p3().encode().unwrap_or_default();
        let colours = [[0, 255, 0], [128, 128, 128], [255, 255, 255]];
        let pixels = RgbImage::from_fn(3, 1, |x, _| Rgb(colours[x as usize]));
        let mut shown = pixels.clone();
        profile_to_srgb(&mut shown, &p3);
        let coded = Coding::of(12, 13).to_srgb(pixels.into()).into_rgb8();
        for (a, b) in each(shown.pixels().zip(coded.pixels())) {
            let apart = a.0.iter().zip(b.0).map(|(a, b)| a.abs_diff(b)).max().unwrap_or_default();
            assert!(apart <= 2, "profile and numbers disagree: {a:?} and {b:?}");
        }
        assert_eq!(coded.get_pixel(0, 0).0, [0, 255, 0]);
        assert_eq!(coded.get_pixel(1, 0).0, [128; 3]);
    }

    #[test]
    fn brighter_light_is_never_shown_darker() {
        for transfer in [16, 18] {
            let ramp = image::ImageBuffer::<Rgb<u16>, _>::from_fn(1024, 1, |x, _| Rgb([x as u16 * 64; 3]));
            let shown = Coding::of(9, transfer).to_srgb(ramp.into()).into_rgb8();
            let levels: Vec<u8> = shown.pixels().map(|pixel| pixel.0[0]).collect();
            assert!(levels.is_sorted(), "{transfer}");
            assert!(levels[0] == 0 && levels[1023] > 240, "{transfer}: {}", levels[1023]);
        }
    }
}
