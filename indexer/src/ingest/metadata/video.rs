//! Date, place and camera of a video, by what its container says.

use glimpse_encoder::video::VideoFacts;

use super::{Metadata, date, place};
use crate::Place;

/// What a video's own tags say. The clock is that of the camera where it wrote one, else UTC.
pub(in crate::ingest) fn of_video(facts: &VideoFacts) -> Metadata {
    let dates = [&facts.recorded, &facts.created];
    let camera = match (facts.make.as_deref(), facts.model.as_deref()) {
        (Some(make), Some(model)) if !model.to_lowercase().starts_with(&make.to_lowercase()) => {
            Some(format!("{make} {model}"))
        }
        (make, model) => model.or(make).map(str::to_owned),
    };
    Metadata {
        taken: dates.into_iter().flatten().filter(|text| !is_zero(text)).find_map(|text| date::seconds(text)),
        camera,
        place: facts.location.as_deref().and_then(location),
        ..Metadata::default()
    }
}

/// Where containers begin to count, which they write if they know nothing.
fn is_zero(text: &str) -> bool {
    ["1904-01-01", "1970-01-01"].iter().any(|zero| text.starts_with(zero))
}

/// ISO 6709: latitude and longitude with signs, in degrees, degrees and minutes, or seconds as
/// well, by the number of digits; a height may follow.
fn location(text: &str) -> Option<Place> {
    let (latitude, rest) = angle(text.trim(), 2)?;
    let (longitude, _) = angle(rest, 3)?;
    place::place(Some(latitude), Some(longitude))
}

/// An angle whose degrees have so many digits, and what follows.
fn angle(text: &str, degrees: usize) -> Option<(f64, &str)> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1.0,
        b'-' => -1.0,
        _ => return None,
    };
    let text = &text[1..];
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let whole = number.find('.').unwrap_or(number.len());
    let part = |from: usize, to: usize| number.get(from..to)?.parse::<f64>().ok();
    let (minutes, seconds) = (degrees + 2, degrees + 4);
    let size = match whole {
        _ if whole <= degrees => number.parse::<f64>().ok()?,
        _ if whole == minutes => part(0, degrees)? + part(degrees, number.len())? / 60.0,
        _ if whole == seconds => {
            part(0, degrees)? + part(degrees, minutes)? / 60.0 + part(minutes, number.len())? / 3600.0
        }
        _ => return None,
    };
    Some((sign * size, rest))
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::each;

    use super::*;

    #[test]
    fn places_are_read_in_every_form() {
        let near = |text: &str, (latitude, longitude): (f64, f64)| {
            location(text)
                .is_some_and(|it| (it.latitude - latitude).abs() < 1e-3 && (it.longitude - longitude).abs() < 1e-3)
        };
        assert!(near("+46.5586+007.8356+800.0/", (46.5586, 7.8356)));
        assert!(near("-3351.5-15112.6/", (-33.858_3, -151.21)));
        assert!(near("+404451.6-0735908.4/", (40.747_7, -73.985_7)));
        for wrong in each(["", "46.5+7.8", "+46.5586", "+x", "+00.0000+000.0000/", "+91.0+000.1/", "+1234567+1/"]) {
            assert_eq!(location(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_clock_of_the_camera_comes_first() {
        let facts = VideoFacts {
            recorded: Some("2024-05-17T18:30:00+0200".to_owned()),
            created: Some("2024-05-17T16:30:00.000000Z".to_owned()),
            make: Some("Apple".to_owned()),
            model: Some("iPhone 13".to_owned()),
            ..VideoFacts::default()
        };
        let told = of_video(&facts);
        assert_eq!((told.taken, told.camera.as_deref()), (Some(1_715_970_600), Some("Apple iPhone 13")));
        let created = of_video(&VideoFacts { recorded: None, ..facts });
        assert_eq!(created.taken, Some(1_715_963_400));
        let zero = VideoFacts { created: Some("1904-01-01T00:00:00.000000Z".to_owned()), ..VideoFacts::default() };
        assert_eq!(of_video(&zero), Metadata::default());
    }
}
