//! Dates in the forms in which cameras and programs write them.

use jiff::civil;
use jiff::tz::TimeZone;

/// Seconds since 1970 of the clock that the text shows; a zone that it names is left out of
/// account.
///
/// A date has year, month and day in this order: `2018:01:30` (EXIF), `2018-01-30`, `2018/1/30`,
/// `2018.01.30` or `20180130`. A time may follow after a space, `T` or the like: `20:30`,
/// `20:30:48`, `203048`, with fractions and `AM` or `PM`. Without one, it is midnight.
///
/// Cameras with an empty battery write years before photography; files from elsewhere write
/// anything.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let (year, rest) = digits(text, 4)?;
    let (month, day, rest) = match rest.strip_prefix(is_date_separator) {
        Some(rest) => {
            let (month, rest) = digits_up_to_two(rest)?;
            let (day, rest) = digits_up_to_two(rest.strip_prefix(is_date_separator)?)?;
            (month, day, rest)
        }
        None => {
            let (month, rest) = digits(rest, 2)?;
            let (day, rest) = digits(rest, 2)?;
            (month, day, rest)
        }
    };
    let [hour, minute, second] = time(rest)?;
    let small = |value: i16| i8::try_from(value).ok();
    (1826..=2200).contains(&year).then_some(())?;
    // A leap second is the last of its minute here.
    let second = if second == 60 { 59 } else { second };
    let [month, day, hour, minute, second] = [month, day, hour, minute, second].map(small);
    let date = civil::DateTime::new(year, month?, day?, hour?, minute?, second?, 0).ok()?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

/// Hour, minute and second; midnight if there is none, `None` if it is none.
fn time(text: &str) -> Option<[i16; 3]> {
    // Clocks that do not know leave their places blank.
    if !text.contains(|c: char| c.is_ascii_digit()) {
        return Some([0; 3]);
    }
    let text = text.strip_prefix(|c: char| !c.is_ascii_digit())?.trim_start();
    let (hour, rest) = digits_up_to_two(text)?;
    let (minute, rest) = digits_up_to_two(rest.strip_prefix(is_time_separator).unwrap_or(rest))?;
    let (second, rest) = match digits_up_to_two(rest.strip_prefix(is_time_separator).unwrap_or(rest)) {
        Some(found) if !rest.starts_with(' ') => found,
        _ => (0, rest),
    };
    let fraction = rest.strip_prefix(['.', ',']).map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    let half = fraction.unwrap_or(rest).trim().to_ascii_lowercase();
    let hour = match hour {
        12 if half.starts_with("am") => 0,
        1..=11 if half.starts_with("pm") => hour + 12,
        hour => hour,
    };
    Some([hour, minute, second])
}

fn is_date_separator(c: char) -> bool {
    matches!(c, ':' | '-' | '/' | '.' | '\u{2010}')
}

fn is_time_separator(c: char) -> bool {
    matches!(c, ':' | '.')
}

/// A number of exactly so many digits, and what follows.
fn digits(text: &str, count: usize) -> Option<(i16, &str)> {
    let (number, rest) = text.split_at_checked(count)?;
    Some((number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())??, rest))
}

/// A number of one or two digits, which may stand after a blank in place of a 0.
fn digits_up_to_two(text: &str) -> Option<(i16, &str)> {
    let text = text.strip_prefix(' ').unwrap_or(text);
    digits(text, 2).or_else(|| digits(text, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_every_form() {
        let taken = 1_517_344_248; // 2018-01-30, 20:30:48
        for text in [
            "2018:01:30 20:30:48",
            "2018:01:30 20:30:48\0",
            " 2018:01:30  20:30:48 ",
            "2018-01-30 20:30:48",
            "2018/01/30 20:30:48",
            "2018/1/30 20:30:48",
            "2018.01.30 20.30.48",
            "2018: 1:30 20:30:48",
            "2018-01-30T20:30:48",
            "2018-01-30T20:30:48Z",
            "2018-01-30T20:30:48.123+05:30",
            "2018-01-30T20:30:48,5-08:00",
            "2018:01:30 20:30:48+01:00",
            "2018:01:30 08:30:48 PM",
            "2018:01:30_20:30:48",
            "20180130T203048",
            "20180130 203048+0100",
        ] {
            assert_eq!(seconds(text), Some(taken), "{text}");
        }
        assert_eq!(seconds("2018:01:30 12:30:48 am"), Some(taken - 20 * 3600));
        assert_eq!(seconds("2018-01-30T20:30"), Some(taken - 48));
        assert_eq!(seconds("2018-01-30T20:30+01:00"), Some(taken - 48));
        assert_eq!(seconds("2018:01:30 20:30:60"), Some(taken + 11), "a leap second");
        for text in ["2018:01:30", "2018-01-30", "20180130", "2018:01:30   :  :  ", "2018/01/30 00:00"] {
            assert_eq!(seconds(text), Some(taken - 20 * 3600 - 30 * 60 - 48), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_gives_none() {
        for text in [
            "",
            "soon",
            "0000:00:00",
            "0000:00:00 00:00:00",
            "2018:00:00 00:00:00",
            "2018",
            "2018-01",
            "2018:02:30",
            "2018:01:30 25:00:00",
            "2018:01:30 20:61:00",
            "2018:01:30 20:30:61",
            "    :  :     :  :  ",
            "9999:12:31 23:59:59",
            "1601:01:01 00:00:00",
            "30/01/2018",
            "2018é01é30",
            "20é8",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
