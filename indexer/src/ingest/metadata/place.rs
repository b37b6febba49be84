//! Coordinates, believed only where they make sense.

use crate::Place;

const MOST_LATITUDE: f64 = 90.0;
const MOST_LONGITUDE: f64 = 180.0;

/// A place of two coordinates in degrees. 0, 0 is what receivers write that know nothing.
pub(super) fn place(latitude: Option<f64>, longitude: Option<f64>) -> Option<Place> {
    let (latitude, longitude) = (latitude?, longitude?);
    let is_on_earth = latitude.abs() <= MOST_LATITUDE && longitude.abs() <= MOST_LONGITUDE;
    (is_on_earth && (latitude != 0.0 || longitude != 0.0)).then_some(Place { latitude, longitude })
}

/// Degrees of degrees, minutes and seconds, where `reference` says which side of zero (`N`, `West`,
/// …). A sign that a part bears counts as well: some phones write it beside the reference, others
/// in its place.
pub(super) fn degrees(parts: &[f64], reference: &str) -> Option<f64> {
    let (first, rest) = parts.split_first()?;
    let size = first.abs() + rest.iter().zip([60.0, 3600.0]).map(|(part, of)| part.abs() / of).sum::<f64>();
    let has_sign = parts.iter().any(|part| part.is_sign_negative() && *part != 0.0);
    let is_negative = match reference.trim_matches(|c: char| c.is_whitespace() || c == '\0').chars().next() {
        Some('N' | 'n' | 'E' | 'e') => has_sign,
        Some('S' | 's' | 'W' | 'w') => true,
        None if has_sign => true,
        _ => return None,
    };
    size.is_finite().then_some(if is_negative { -size } else { size })
}

/// A coordinate of XMP: `48,51.5N`, `48,51,30N`, or in decimals with a sign or a letter.
pub(super) fn coordinate(text: &str) -> Option<f64> {
    let text = text.trim();
    let numbers = text.trim_end_matches(|c: char| c.is_alphabetic());
    let letter = &text[numbers.len()..];
    let parts: Option<Vec<f64>> = numbers.split(',').map(|part| part.trim().parse().ok()).collect();
    // Decimals without a letter count as they are.
    let letter = if letter.is_empty() { "N" } else { letter };
    degrees(&parts.filter(|parts| parts.len() <= 3)?, letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_of_xmp_are_read_in_every_form() {
        for (text, degrees) in [
            ("48,51.5N", Some(48.858_333_333_333_334)),
            ("48,51,30N", Some(48.858_333_333_333_334)),
            ("2,15.6W", Some(-2.26)),
            ("-2.26", Some(-2.26)),
            ("2.26 s", Some(-2.26)),
            ("2.26", Some(2.26)),
            ("north", None),
            ("", None),
            ("1,2,3,4N", None),
            ("infN", None),
            ("5X", None),
        ] {
            let found = coordinate(text);
            let is_same = match (found, degrees) {
                (Some(found), Some(degrees)) => (found - degrees).abs() < 1e-9,
                (found, degrees) => found == degrees,
            };
            assert!(is_same, "{text}: {found:?}");
        }
    }

    #[test]
    fn only_what_is_on_earth_is_a_place() {
        assert!(place(Some(90.0), Some(-180.0)).is_some());
        for (latitude, longitude) in [(0.0, 0.0), (90.1, 0.0), (0.0, 180.1), (f64::NAN, 0.0)] {
            assert_eq!(place(Some(latitude), Some(longitude)), None);
        }
        assert_eq!(place(Some(1.0), None), None);
    }
}
