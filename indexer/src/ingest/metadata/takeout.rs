//! What Google Takeout writes beside each image: one JSON file with the facts that the album shows.

use jiff::Timestamp;
use serde::Deserialize;

use super::Metadata;
use super::place::place;

const SUFFIX: &str = ".supplemental-metadata";
/// The names of files are cut to so many characters, `.json` not counted.
const MAX_NAME: usize = 46;
const EDITED: &str = "-edited";

/// What the file beside an image may be called, without `.json`.
pub(super) fn stems(image: &str) -> Vec<String> {
    let (base, extension) = match image.rfind('.') {
        Some(dot) => image.split_at(dot),
        None => (image, ""),
    };
    // `a(1).jpg` belongs to `a.jpg(1).json`, and what was edited to the file of the original.
    let (base, number) = match base.strip_suffix(')').and_then(|base| base.rsplit_once('(')) {
        Some((before, number)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            (before, format!("({number})"))
        }
        _ => (base, String::new()),
    };
    let mut images = vec![format!("{base}{extension}")];
    images.extend(base.strip_suffix(EDITED).map(|base| format!("{base}{extension}")));
    let cut = |name: &str| name.chars().take(MAX_NAME).collect::<String>();
    let names = images.iter().flat_map(|name| [cut(&format!("{name}{SUFFIX}")), cut(name)]);
    let mut stems: Vec<String> = names.map(|name| name + &number).collect();
    stems.extend((!number.is_empty()).then(|| image.to_owned()));
    stems.dedup();
    stems
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sidecar {
    /// The name of the image, which tells these files from other JSON.
    #[serde(rename = "title")]
    _title: String,
    #[serde(default)]
    description: String,
    photo_taken_time: Option<Time>,
    geo_data: Option<Location>,
    #[serde(default)]
    people: Vec<Person>,
}

#[derive(Deserialize)]
struct Time {
    /// Seconds since 1970, UTC.
    timestamp: String,
}

#[derive(Deserialize)]
struct Location {
    latitude: f64,
    longitude: f64,
}

#[derive(Deserialize)]
struct Person {
    #[serde(default)]
    name: String,
}

/// Nothing if it is JSON of another kind.
pub(super) fn read(text: &str) -> Metadata {
    let mut found = Metadata::default();
    let Ok(sidecar) = serde_json::from_str::<Sidecar>(text) else { return found };
    found.words.add_caption(&sidecar.description);
    sidecar.people.iter().for_each(|person| found.words.add_keyword(&person.name));
    let seconds = sidecar.photo_taken_time.and_then(|time| time.timestamp.parse().ok());
    found.taken = seconds.filter(|&seconds| Timestamp::from_second(seconds).is_ok());
    found.place = sidecar.geo_data.and_then(|at| place(Some(at.latitude), Some(at.longitude)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;

    #[test]
    fn names_are_those_that_takeout_writes() {
        let has = |image: &str, stem: &str| stems(image).iter().any(|known| known == stem);
        assert!(has("IMG_1.jpg", "IMG_1.jpg"));
        assert!(has("IMG_1.jpg", "IMG_1.jpg.supplemental-metadata"));
        assert!(has("PXL_20230203_040506789.PORTRAIT.jpg", "PXL_20230203_040506789.PORTRAIT.jpg.supplement"));
        assert!(has("IMG_1(2).jpg", "IMG_1.jpg.supplemental-metadata(2)"));
        assert!(has("IMG_1(2).jpg", "IMG_1.jpg(2)"));
        assert!(has("IMG_1-edited.jpg", "IMG_1.jpg.supplemental-metadata"));
        let long = format!("{}.jpg", "x".repeat(47));
        assert!(has(&long, &"x".repeat(46)));
        assert!(!has("IMG_1.jpg", "IMG_1"));
        assert!(!has("IMG_1(2).jpg", "IMG_1.jpg"));
    }

    #[test]
    fn facts_are_read_and_other_json_is_left_alone() {
        let found = read(
            r#"{"title": "IMG_1.jpg", "description": "Two boats", "imageViews": "7",
                "photoTakenTime": {"timestamp": "1517344248", "formatted": "30.01.2018, 20:30:48 UTC"},
                "geoData": {"latitude": 48.5, "longitude": -2.26, "altitude": 0.0}, "people": [{"name": "Ann"}]}"#,
        );
        assert_eq!((found.taken, found.place), (Some(1_517_344_248), Some(Place { latitude: 48.5, longitude: -2.26 })));
        assert_eq!(found.words.into_fields(), (Some("Two boats".to_owned()), vec!["Ann".to_owned()]));
        for other in ["{}", "[1]", "", r#"{"description": "a data set"}"#] {
            assert_eq!(read(other), Metadata::default(), "{other}");
        }
    }
}
