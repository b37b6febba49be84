//! HEIC by heifer: tiles, overlays, transparency, crop and rotation are its work; limits and
//! colours are ours.

use heifer::heifer_hevc_dec::nal::NalUnit;
use heifer::heifer_hevc_dec::params::{ParameterSets, Sps};
use heifer::heifer_isobmff::boxes::{ColorInfo, Property};
use heifer::heifer_isobmff::{HeifFile, ItemId};
use image::metadata::Orientation;
use image::{DynamicImage, RgbImage, RgbaImage};

use super::super::super::colour::{self, Coding};
use super::super::super::flatten::{deep_image, flat, on_white, without_alpha};
use super::super::super::{Decoded, Format, ImageError, Limits};

/// So many items may be part of an image, counted as often as they are used.
const MAX_PARTS: usize = 20_000;
/// So many times the pixels of the largest image allowed may be decoded for one: itself and its
/// tiles, which reach beyond its edges, and its transparency as well.
const MAX_WORK: u64 = 8;
/// Images made of images made of images.
const MAX_DEPTH: usize = 5;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, ImageError> {
    let file = HeifFile::parse(bytes).map_err(|error| refusal(error.into()))?;
    let primary = file.primary_id;
    let parts = Parts::of(&file, primary);
    let (width, height) = size(&file, primary).unwrap_or(parts.largest);
    let pixels = u64::from(width) * u64::from(height);
    let colours = Colours::of(&file, primary);
    let is_hdr = colours.coding.is_some_and(Coding::is_hdr);
    // The image in RGBA, and the largest part as it is coded: a word for each sample.
    let canvas = pixels * if is_hdr { 8 } else { 4 };
    let part = u64::from(parts.largest.0) * u64::from(parts.largest.1);
    limits.check(width, height, canvas + part * 6)?;
    limits.check(parts.largest.0, parts.largest.1, 0)?;
    parts.check(limits)?;

    // One thread, on which a panic can be caught; others decode other images.
    let options = heifer::Options { max_threads: 1, max_pixels: limits.max_pixels };
    let shown = if is_hdr {
        let image = heifer::decode_with_options(bytes, &options).map_err(refusal)?;
        let (size, has_alpha, shift) = ((image.width, image.height), image.has_alpha, 16 - image.bit_depth);
        let values = image.data.into_iter().map(|value| widened(value, shift)).collect();
        let image = colours.to_srgb(deep_image(size, true, values));
        if has_alpha { flat(image) } else { image.into_rgb8() }
    } else {
        let image = heifer::decode_rgba8(bytes, &options).map_err(refusal)?;
        let size = (image.width, image.height);
        let unfilled = || ImageError::broken(Format::Heic, "its rows do not fill the size it announces");
        match image.has_alpha {
            true => {
                let image = RgbaImage::from_raw(size.0, size.1, image.data).ok_or_else(unfilled)?;
                on_white(colours.to_srgb(DynamicImage::from(image)).into_rgba8())
            }
            false => {
                let values = without_alpha(image.data);
                colours.rgb_to_srgb(RgbImage::from_raw(size.0, size.1, values).ok_or_else(unfilled)?)
            }
        }
    };
    // The container's own rotation is applied; EXIF repeats it and must not be followed.
    Ok(Decoded::whole(shown, Orientation::NoTransforms))
}

/// A sample of fewer bits as one of 16, its highest value as the highest.
fn widened(value: u16, shift: u8) -> u16 {
    if shift == 0 { value } else { value << shift | value >> (16 - u16::from(shift) * 2).min(15) }
}

fn refusal(error: heifer::Error) -> ImageError {
    match error {
        heifer::Error::Unsupported(what) => ImageError::unsupported(&format!("HEIC: {what}")),
        heifer::Error::Hevc(heifer::heifer_hevc_dec::Error::Unimplemented(what)) => {
            ImageError::unsupported(&format!("HEIC: {what}"))
        }
        error => ImageError::broken(Format::Heic, error.to_string()),
    }
}

/// Width and height of an item as it is before it is turned.
fn size(file: &HeifFile<'_>, id: ItemId) -> Option<(u32, u32)> {
    let grid = file.grid(id).ok().map(|grid| (grid.output_width, grid.output_height));
    grid.or_else(|| file.image_size(id).ok().flatten())
}

/// What is decoded for an image.
#[derive(Default)]
struct Parts {
    count: usize,
    pixels: u64,
    largest: (u32, u32),
}

impl Parts {
    fn of(file: &HeifFile<'_>, id: ItemId) -> Self {
        let mut parts = Self::default();
        parts.add(file, id, MAX_DEPTH);
        parts
    }

    fn add(&mut self, file: &HeifFile<'_>, id: ItemId, depth: usize) {
        self.count += 1;
        if depth == 0 || self.count > MAX_PARTS {
            return;
        }
        // What the container says of an item's size need not be what is coded.
        let coded = first_sequence(file, id).map(|set| (set.pic_width_in_luma_samples, set.pic_height_in_luma_samples));
        let area = |(width, height): (u32, u32)| u64::from(width) * u64::from(height);
        let size = [coded, size(file, id)].into_iter().flatten().max_by_key(|size| area(*size)).unwrap_or_default();
        self.pixels = self.pixels.saturating_add(area(size));
        if area(size) > area(self.largest) {
            self.largest = size;
        }
        file.referenced_items(id, b"dimg").iter().for_each(|&part| self.add(file, part, depth - 1));
        file.referencing_items(id, b"auxl").into_iter().for_each(|part| self.add(file, part, depth - 1));
    }

    fn check(&self, limits: &Limits) -> Result<(), ImageError> {
        let too_large = |found, limit| Err(ImageError::TooLarge { found, limit });
        if self.count > MAX_PARTS {
            return too_large(format!("an image of more than {MAX_PARTS} parts"), format!("{MAX_PARTS} parts"));
        }
        let allowed = limits.max_pixels.saturating_mul(MAX_WORK);
        if self.pixels > allowed {
            let found = format!("parts of {} pixels together", self.pixels);
            return too_large(found, format!("{allowed} pixels of all parts"));
        }
        Ok(())
    }
}

/// The first sequence parameter set of a coded item.
fn first_sequence(file: &HeifFile<'_>, id: ItemId) -> Option<Sps> {
    let mut sets = ParameterSets::default();
    for unit in &file.hevc_config(id).ok()??.nal_units {
        sets.add(&NalUnit::parse(unit).ok()?).ok()?;
    }
    sets.sps.into_iter().flatten().next()
}

/// What colours an image's values are.
struct Colours<'a> {
    profile: Option<&'a [u8]>,
    coding: Option<Coding>,
}

impl<'a> Colours<'a> {
    /// Of an item, or of the first that it is made of.
    fn of(file: &'a HeifFile<'_>, id: ItemId) -> Self {
        let profile = file.icc_profile(id).ok().flatten();
        let mut coding = None;
        let mut next = Some(id);
        for _ in 0..MAX_DEPTH {
            let Some(id) = next.filter(|_| coding.is_none()) else { break };
            coding = coding_of(file, id);
            next = file.referenced_items(id, b"dimg").first().copied();
        }
        Self { profile, coding }
    }

    fn to_srgb(&self, image: DynamicImage) -> DynamicImage {
        match (self.profile, self.coding) {
            (_, Some(coding)) if coding.is_hdr() => coding.to_srgb(image),
            (Some(profile), _) => colour::with_profile(image, profile),
            (None, Some(coding)) => coding.to_srgb(image),
            (None, None) => image,
        }
    }

    /// As [`Self::to_srgb`], without a copy where there is a profile.
    fn rgb_to_srgb(&self, mut pixels: RgbImage) -> RgbImage {
        match self.profile {
            Some(profile) => {
                colour::profile_to_srgb(&mut pixels, profile);
                pixels
            }
            None => self.to_srgb(pixels.into()).into_rgb8(),
        }
    }
}

/// As the container says, or else the coded image.
fn coding_of(file: &HeifFile<'_>, id: ItemId) -> Option<Coding> {
    let said = file.item_properties(id).ok()?.find_map(|property| match property {
        Property::Color(ColorInfo::Nclx { primaries, transfer, .. }) => Some(Coding::of(*primaries, *transfer)),
        _ => None,
    });
    said.or_else(|| {
        let facts = first_sequence(file, id)?.vui?;
        Some(Coding::of(facts.colour_primaries.into(), facts.transfer_characteristics.into()))
    })
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::each;

    use super::*;

    /// An image that is larger than a tile, with a transparent half.
    fn tiles() -> Vec<u8> {
        let pixels = RgbaImage::from_fn(1100, 700, |x, y| {
            image::Rgba([(x / 5) as u8, (y / 3) as u8, 90, if x < 550 { 255 } else { 0 }])
        });
        heifer::encode_rgba8(1100, 700, pixels.as_raw(), &heifer::EncodeOptions::default()).unwrap_or_default()
    }

    #[test]
    fn tiles_and_transparency_make_up_one_image() {
        let file = tiles();
        assert!(file.windows(4).any(|name| name == b"grid"), "it is of one piece");
        let pixels = decode(&file, &Limits::default()).map(|decoded| decoded.pixels).unwrap_or_default();
        assert_eq!(pixels.dimensions(), (1100, 700));
        for (x, y, pixel) in each(pixels.enumerate_pixels().filter(|(x, ..)| x.abs_diff(550) > 8)) {
            let expected = if x < 550 { [(x / 5) as u8, (y / 3) as u8, 90] } else { [255; 3] };
            let apart = pixel.0.iter().zip(expected).map(|(a, b)| a.abs_diff(b)).max().unwrap_or_default();
            assert!(apart < 12, "{x}, {y}: {pixel:?} instead of {expected:?}");
        }
    }

    #[test]
    fn an_image_of_many_parts_is_refused_before_it_is_decoded() {
        let file = tiles();
        let limits = Limits { max_pixels: 1100 * 700, ..Limits::default() };
        assert!(decode(&file, &limits).is_ok());
        let parts = Parts { count: 7, pixels: 1100 * 700 * MAX_WORK + 1, largest: (512, 512) };
        assert!(matches!(parts.check(&limits), Err(ImageError::TooLarge { .. })));
        let parts = Parts { count: MAX_PARTS + 1, ..Parts::default() };
        assert!(matches!(parts.check(&limits), Err(ImageError::TooLarge { .. })));
    }

    #[test]
    fn the_highest_value_of_any_depth_stays_the_highest() {
        assert_eq!(
            [(1023, 6), (4095, 4), (255, 8), (65_535, 0)].map(|(value, shift)| widened(value, shift)),
            [65_535; 4]
        );
        assert_eq!([(0, 6), (0, 0)].map(|(value, shift)| widened(value, shift)), [0; 2]);
    }
}
