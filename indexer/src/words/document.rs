//! What is said about an image in words, and the words of a date in many languages.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::{ImageId, Place};

/// Everything about an image that words can find.
#[derive(Debug, Clone, PartialEq)]
pub struct WordDocument {
    /// The image.
    pub id: ImageId,
    /// Names of its files, without folders.
    pub file_names: Vec<String>,
    /// Names of the folders that hold them.
    pub folders: Vec<String>,
    /// Camera make and model.
    pub camera: Option<String>,
    /// When it was taken: seconds since 1970, camera clock.
    pub taken: Option<i64>,
    /// Where it was taken.
    pub place: Option<Place>,
    /// Caption.
    pub caption: Option<String>,
    /// Keywords.
    pub keywords: Vec<String>,
}

/// Names of the months, long and short, in the languages that write dates with words most often;
/// English comes first.
const MONTHS: [&str; 12] = [
    "january jan januar janvier enero gennaio janeiro januari января январь stycznia ocak",
    "february feb februar février febrero febbraio fevereiro februari февраля февраль lutego şubat",
    "march mar märz mars marzo março maart марта март marca mart",
    "april apr avril abril aprile апреля апрель kwietnia nisan",
    "may mai mayo maggio maio mei мая май maja mayıs",
    "june jun juni juin junio giugno junho июня июнь czerwca haziran",
    "july jul juli juillet julio luglio julho июля июль lipca temmuz",
    "august aug août agosto augustus августа август sierpnia ağustos",
    "september sep sept septembre septiembre settembre setembro сентября сентябрь września eylül",
    "october oct oktober octobre octubre ottobre outubro октября октябрь października ekim",
    "november nov novembre noviembre novembro ноября ноябрь listopada kasım",
    "december dec dezember décembre diciembre dicembre dezembro декабря декабрь grudnia aralık",
];

/// The words of a date: `2023-07-14`, `14 july 2023`, names of the month and the day of the week,
/// and the forms of Chinese, Japanese and Korean. `None` for a time that no calendar has.
pub fn date_words(taken: i64) -> Option<String> {
    let time = Timestamp::from_second(taken).ok()?;
    let date: Date = time.to_zoned(TimeZone::UTC).date();
    let (year, month, day) = (date.year(), date.month(), date.day());
    let months = MONTHS[usize::try_from(month - 1).ok()?];
    let english = months.split(' ').next().unwrap_or_default();
    let weekday = match date.weekday() {
        jiff::civil::Weekday::Monday => "monday",
        jiff::civil::Weekday::Tuesday => "tuesday",
        jiff::civil::Weekday::Wednesday => "wednesday",
        jiff::civil::Weekday::Thursday => "thursday",
        jiff::civil::Weekday::Friday => "friday",
        jiff::civil::Weekday::Saturday => "saturday",
        jiff::civil::Weekday::Sunday => "sunday",
    };
    Some(format!(
        "{year:04}-{month:02}-{day:02} {day} {english} {year} {english} {day} {months} {weekday} \
         {year}年{month}月{day}日 {year}년 {month}월 {day}일"
    ))
}

/// The words of a place: its coordinates with two decimals, one and none.
pub fn place_words(place: Place) -> String {
    let Place { latitude, longitude } = place;
    format!("{latitude:.2} {longitude:.2} {latitude:.1} {longitude:.1} {latitude:.0} {longitude:.0}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_date_in_words() {
        let words = date_words(1_689_292_800).unwrap();
        for part in ["2023-07-14", "14 july 2023", "juillet", "июля", "friday", "2023年7月14日", "7월"] {
            assert!(words.contains(part), "{part} in {words}");
        }
        assert!(date_words(-62_135_596_800).unwrap().starts_with("0001-01-01"));
        assert_eq!(date_words(i64::MAX), None);
    }
}
