//! The images of a library by the month they were taken in.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use glimpse_indexer::{Filter, TileFacts};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::{Engine, EngineError};

/// A month of the calendar, on the clocks of cameras; shown and read as `2023-06`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i16,
    month: i8,
}

/// The images of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthCount {
    /// `None` for images without a date.
    pub month: Option<Month>,
    /// How many there are.
    pub images: usize,
}

impl Month {
    /// The month of a moment in seconds since 1970; `None` for a number that is no date.
    pub fn of(taken: i64) -> Option<Self> {
        let date = Timestamp::from_second(taken).ok()?.to_zoned(TimeZone::UTC).date();
        Some(Self { year: date.year(), month: date.month() })
    }

    /// The filter that lets images of this month pass, of those that `filter` lets pass.
    fn narrow(self, filter: &Filter) -> Filter {
        let first = Date::new(self.year, self.month, 1).ok();
        let start = |day: Date| Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second());
        let from = first.and_then(start);
        let before = first.and_then(|day| day.checked_add(1.month()).ok()).and_then(start);
        Filter {
            taken_from: filter.taken_from.max(from),
            taken_before: match (filter.taken_before, before) {
                (Some(asked), Some(before)) => Some(asked.min(before)),
                (asked, before) => asked.or(before),
            },
            ..filter.clone()
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        let read = || {
            let (year, month) = text.split_once('-')?;
            let digits = |text: &str, count| text.len() == count && text.bytes().all(|c| c.is_ascii_digit());
            let month: i8 = month.parse().ok().filter(|_| digits(month, 2) && digits(year, 4))?;
            (1..=12).contains(&month).then_some(Self { year: year.parse().ok()?, month })
        };
        read().ok_or_else(|| EngineError::BadRequest(format!("`{text}` is not a month; write 2023-06")))
    }
}

impl Engine {
    /// How many of the images that pass a filter were taken in each month: newest first, those
    /// without a date last. From memory.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn timeline(&self, filter: &Filter) -> Result<Vec<MonthCount>, EngineError> {
        let index = self.serving()?;
        let mut counts: BTreeMap<Option<Month>, usize> = BTreeMap::new();
        for taken in index.taken_of(&self.selected(&index, filter)?) {
            *counts.entry(taken.and_then(Month::of)).or_default() += 1;
        }
        // No date is less than any, so it comes last here.
        Ok(counts.into_iter().rev().map(|(month, images)| MonthCount { month, images }).collect())
    }

    /// The images that pass a filter and were taken in a month, newest first; for `None` those
    /// without a date, by number. From memory.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn tiles_of_month(&self, filter: &Filter, month: Option<Month>) -> Result<Vec<TileFacts>, EngineError> {
        let index = self.serving()?;
        let of_month = month.map_or_else(|| filter.clone(), |month| month.narrow(filter));
        let mut tiles = index.tiles(self.selected(&index, &of_month)?.iter());
        // Of a month, this is all that was selected; images without a date cannot be asked for.
        tiles.retain(|tile| tile.taken.and_then(Month::of) == month);
        tiles.sort_by_key(|tile| (Reverse(tile.taken), tile.id));
        Ok(tiles)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_read_as_it_is_shown() {
        for (taken, shown) in [(0, "1970-01"), (-1, "1969-12"), (1_709_251_199, "2024-02"), (1_709_251_200, "2024-03")]
        {
            let month = Month::of(taken).unwrap();
            assert_eq!(month.to_string(), shown);
            assert_eq!(shown.parse::<Month>().unwrap(), month);
        }
        assert_eq!(Month::of(i64::MAX), None);
        for wrong in ["", "2024", "2024-13", "2024-00", "2024-2", "24-02", "2024-02-01", "+024-02", "2024-+2"] {
            assert!(wrong.parse::<Month>().unwrap_err().to_string().contains("2023-06"), "{wrong}");
        }
    }

    #[test]
    fn a_filter_is_narrowed_to_the_moments_of_a_month() {
        for (month, first, last) in
            [("2024-02", 1_706_745_600, 1_709_251_199), ("2023-12", 1_701_388_800, 1_704_067_199)]
        {
            let month: Month = month.parse().unwrap();
            let narrowed = month.narrow(&Filter::default());
            assert_eq!((narrowed.taken_from, narrowed.taken_before), (Some(first), Some(last + 1)));
            assert_eq!(
                [first - 1, first, last, last + 1].map(|taken| Month::of(taken) == Some(month)),
                [false, true, true, false]
            );
            let asked = Filter { taken_from: Some(first + 5), taken_before: Some(last - 5), ..Filter::default() };
            assert_eq!(month.narrow(&asked), asked);
        }
    }
}
