//! How the camera was set, believed only where it makes sense.

use ::exif::{Exif, Tag, Value};

use super::exif::{field, text};
use crate::Exposure;

/// The largest sensitivity that a field of 16 bits holds: a larger one stands elsewhere.
const FULL: u32 = 65_535;

/// What EXIF says (CIPA DC-008).
pub(super) fn of_exif(exif: &Exif) -> Exposure {
    let sensitivity = integer(exif, Tag::PhotographicSensitivity);
    let further = [Tag::ISOSpeed, Tag::RecommendedExposureIndex, Tag::StandardOutputSensitivity];
    let further = || further.into_iter().find_map(|tag| integer(exif, tag));
    Exposure {
        lens: text(exif, Tag::LensModel).and_then(|name| lens(&name)),
        focal_length: number(exif, Tag::FocalLength),
        aperture: number(exif, Tag::FNumber),
        exposure_time: number(exif, Tag::ExposureTime),
        iso: sensitivity.filter(|&iso| iso != FULL).or_else(further).or(sensitivity),
    }
}

/// The name of a lens, unless it is what cameras write that know none.
pub(super) fn lens(name: &str) -> Option<String> {
    const UNKNOWN: [&str; 6] = ["unknown", "none", "n/a", "no lens", "0.0 mm f/0.0", "0mm f/0"];
    let name = name.trim();
    let is_known = !UNKNOWN.iter().any(|unknown| name.to_lowercase().starts_with(unknown));
    (is_known && name.chars().any(char::is_alphanumeric)).then(|| name.to_owned())
}

/// A number of XMP: `50/1`, `2.8`.
pub(super) fn fraction(text: &str) -> Option<f32> {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let value = match text.split_once('/') {
        Some((above, below)) => number(above)? / number(below)?,
        None => number(text)?,
    };
    positive(value)
}

/// A sensitivity of XMP.
pub(super) fn iso(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|&iso| iso > 0)
}

/// A rating of XMP, 0 to 5. Images that somebody rejected have -1, which is none.
pub(super) fn rating(text: &str) -> Option<u8> {
    let rating = text.trim().parse::<f32>().ok()?.round();
    (0.0..=5.0).contains(&rating).then_some(rating as u8)
}

fn number(exif: &Exif, tag: Tag) -> Option<f32> {
    match &field(exif, tag)?.value {
        Value::Rational(parts) => parts.first().and_then(|part| positive(part.to_f64())),
        Value::SRational(parts) => parts.first().and_then(|part| positive(part.to_f64())),
        _ => None,
    }
}

fn integer(exif: &Exif, tag: Tag) -> Option<u32> {
    field(exif, tag)?.value.get_uint(0).filter(|&value| value > 0)
}

fn positive(value: f64) -> Option<f32> {
    let value = value as f32;
    (value.is_finite() && value > 0.0).then_some(value)
}

#[cfg(test)]
mod tests {
    use ::exif::In;
    use glimpse_nonempty::each;

    use super::super::tests::{ascii, exif_block, rationals};
    use super::*;

    fn shorts(tag: Tag, value: u16) -> ::exif::Field {
        ::exif::Field { tag, ifd_num: In::PRIMARY, value: Value::Short(vec![value]) }
    }

    fn of(fields: &[::exif::Field]) -> Option<Exposure> {
        super::super::exif::parse(exif_block(fields)).map(|exif| of_exif(&exif))
    }

    #[test]
    fn exif_says_how_the_camera_was_set() {
        let all = [
            ascii(Tag::LensModel, "EF50mm f/1.8 STM"),
            rationals(Tag::FocalLength, &[(50, 1)]),
            rationals(Tag::FNumber, &[(28, 10)]),
            rationals(Tag::ExposureTime, &[(1, 250)]),
            shorts(Tag::PhotographicSensitivity, 400),
        ];
        let expected = Exposure {
            lens: Some("EF50mm f/1.8 STM".to_owned()),
            focal_length: Some(50.0),
            aperture: Some(2.8),
            exposure_time: Some(0.004),
            iso: Some(400),
        };
        assert_eq!(of(&all), Some(expected));
    }

    #[test]
    fn what_cameras_write_that_know_nothing_is_nothing() {
        let none = [
            ascii(Tag::LensModel, "----"),
            rationals(Tag::FocalLength, &[(0, 1)]),
            rationals(Tag::FNumber, &[(0, 0)]),
            rationals(Tag::ExposureTime, &[(1, 0)]),
            shorts(Tag::PhotographicSensitivity, 0),
        ];
        assert_eq!(of(&none), Some(Exposure::default()));
    }

    #[test]
    fn a_sensitivity_that_its_field_cannot_hold_stands_elsewhere() {
        let long = ::exif::Field { tag: Tag::ISOSpeed, ifd_num: In::PRIMARY, value: Value::Long(vec![102_400]) };
        let found = of(&[shorts(Tag::PhotographicSensitivity, u16::MAX), long]);
        assert_eq!(found.and_then(|found| found.iso), Some(102_400));
        let found = of(&[shorts(Tag::PhotographicSensitivity, u16::MAX)]);
        assert_eq!(found.and_then(|found| found.iso), Some(FULL));
    }

    #[test]
    fn numbers_of_xmp_are_read_in_every_form() {
        for (text, value) in [
            ("50/1", Some(50.0)),
            ("2.8", Some(2.8)),
            (" 1/250 ", Some(0.004)),
            ("1/0", None),
            ("0/0", None),
            ("x", None),
        ] {
            assert_eq!(fraction(text), value, "{text}");
        }
        let ratings = [("3", Some(3)), ("4.0", Some(4)), ("0", Some(0)), ("-1", None), ("6", None), ("NaN", None)];
        for (text, value) in each(ratings) {
            assert_eq!(rating(text), value, "{text}");
        }
    }
}
