//! Dates as people write them and as cameras record them: without a zone, so `2024-05-17` means
//! that day wherever the image was taken.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// A date that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a date; write 2024, 2024-05, 2024-05-17 or 2024-05-17T18:30")]
pub struct DateError(String);

/// The first second of a year, month, day or moment, in seconds since 1970 of the camera's own
/// clock.
///
/// # Errors
/// [`DateError`] says which forms are read.
pub fn parse_date(text: &str) -> Result<i64, DateError> {
    let start = match text.len() {
        4 => format!("{text}-01-01").parse::<Date>().map(DateTime::from),
        7 => format!("{text}-01").parse::<Date>().map(DateTime::from),
        10 => text.parse::<Date>().map(DateTime::from),
        _ => text.parse::<DateTime>(),
    };
    start
        .and_then(|start| start.to_zoned(TimeZone::UTC))
        .map(|start| start.timestamp().as_second())
        .map_err(|_| DateError(text.to_owned()))
}

/// A camera's time as `2024-05-17T18:30:00`; `None` for a number that is no date.
pub fn format_taken(seconds: i64) -> Option<String> {
    let moment = Timestamp::from_second(seconds).ok()?.to_zoned(TimeZone::UTC).datetime();
    Some(moment.strftime("%Y-%m-%dT%H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_form_starts_its_span() {
        for (text, start) in [
            ("1970", "1970-01-01T00:00:00"),
            ("2024-02", "2024-02-01T00:00:00"),
            ("2024-02-29", "2024-02-29T00:00:00"),
            ("2024-05-17T18:30", "2024-05-17T18:30:00"),
            ("1969-12-31", "1969-12-31T00:00:00"),
        ] {
            assert_eq!(format_taken(parse_date(text).unwrap()).unwrap(), start, "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_named() {
        for text in ["", "yesterday", "2023-02-29", "2024-13", "20", "17.05.2024"] {
            assert!(parse_date(text).unwrap_err().to_string().contains(text), "{text}");
        }
    }
}
