//! Conditions in the language of the server.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::{Filter, IdSet, ImageId};

/// Stands for a date that is not known, in `taken`.
pub const NO_DATE: i64 = i64::MIN / 2;
/// Stands for a place that is not known, in `latitude` and `longitude`.
pub const NO_PLACE: f64 = 1000.0;
/// Stands for no name, and in `folders` for those that found no room.
pub const NO_NAME: i64 = 0;
/// Most folders that a row has room for, those above them counted.
pub const MOST_FOLDERS: usize = 128;

/// What of a filter the server can be asked: every image that passes the filter passes this.
/// Cameras are by their whole names.
pub fn of_filter(filter: &Filter) -> Vec<String> {
    let mut conditions = vec!["present == true".to_owned()];
    if let Some(from) = filter.taken_from {
        conditions.push(format!("taken >= {}", from.max(NO_DATE + 1)));
    }
    if let Some(before) = filter.taken_before {
        conditions.push(format!("taken > {NO_DATE}"));
        conditions.push(format!("taken < {before}"));
    }
    if !filter.folders.is_empty() {
        let folders = std::iter::once(NO_NAME).chain(filter.folders.iter().map(|folder| folder_number(folder)));
        conditions.push(format!("array_contains_any(folders, [{}])", list(folders)));
    }
    if !filter.cameras.is_empty() {
        conditions.push(format!("camera in [{}]", list(filter.cameras.iter().map(|name| name_number(name)))));
    }
    if !filter.formats.is_empty() {
        let codes = filter.formats.iter().map(|format| i64::from(format.code()));
        conditions.push(format!("format in [{}]", list(codes)));
    }
    if let Some(area) = filter.place {
        conditions.push(format!("latitude >= {:?} and latitude <= {:?}", area.south, area.north));
        let (west, east) = (area.west, area.east);
        let west_east = match west <= east {
            true => format!("longitude >= {west:?} and longitude <= {east:?}"),
            // Across the date line; `NO_PLACE` would pass the first.
            false => format!("((longitude >= {west:?} and longitude <= 360.0) or longitude <= {east:?})"),
        };
        conditions.push(west_east);
    }
    conditions
}

/// Of some images, by the field that holds their numbers.
pub fn of_images(field: &str, images: impl Iterator<Item = ImageId>) -> String {
    format!("{field} in [{}]", list(images.map(|id| id.0 as i64)))
}

/// Conditions that must all hold.
pub fn all_of(conditions: &[String]) -> String {
    conditions.join(" and ")
}

/// The images of a set, so many at a time.
pub fn pieces(images: &IdSet, at_once: usize) -> Vec<Vec<ImageId>> {
    let all: Vec<ImageId> = images.iter().collect();
    all.chunks(at_once).map(<[ImageId]>::to_vec).collect()
}

/// Numbers of the folders that a file is in, up to the root of its file system; one of these stands
/// for all if there are too many.
pub fn folder_numbers<'a>(folders: impl IntoIterator<Item = &'a Path>) -> Vec<i64> {
    let mut numbers: Vec<i64> = folders.into_iter().flat_map(Path::ancestors).map(folder_number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    if numbers.len() > MOST_FOLDERS { vec![NO_NAME] } else { numbers }
}

fn folder_number(folder: &Path) -> i64 {
    // Without what makes two ways of writing one folder.
    let folder: PathBuf = folder.components().collect();
    number(folder.as_os_str().as_encoded_bytes())
}

/// The number of a name, which no quoting can break.
pub fn name_number(name: &str) -> i64 {
    number(name.as_bytes())
}

fn number(bytes: &[u8]) -> i64 {
    let hash = blake3::hash(bytes);
    let number = hash.as_bytes().first_chunk().map_or(1, |bytes| i64::from_le_bytes(*bytes));
    // Positive: servers differ in how they read signs in lists.
    (number & i64::MAX).max(1)
}

pub fn list(numbers: impl Iterator<Item = i64>) -> String {
    let mut text = String::new();
    for number in numbers {
        let comma = if text.is_empty() { "" } else { "," };
        _ = write!(text, "{comma}{number}");
    }
    text
}

#[cfg(test)]
mod tests {
    use glimpse_encoder::image_file::Format;

    use super::*;
    use crate::GeoBox;

    #[test]
    fn each_condition_is_one_of_the_servers() {
        let filter = Filter {
            taken_from: Some(10),
            taken_before: Some(20),
            formats: vec![Format::Jpeg],
            place: Some(GeoBox { south: -20.0, west: 176.0, north: -15.0, east: -178.0 }),
            ..Filter::default()
        };
        let text = all_of(&of_filter(&filter));
        let wanted = format!(
            "present == true and taken >= 10 and taken > {NO_DATE} and taken < 20 and format in [1] and \
             latitude >= -20.0 and latitude <= -15.0 and \
             ((longitude >= 176.0 and longitude <= 360.0) or longitude <= -178.0)"
        );
        assert_eq!(text, wanted);
        assert_eq!(all_of(&of_filter(&Filter::default())), "present == true");
    }

    #[test]
    fn a_folder_is_among_those_of_what_lies_below() {
        let asked = Filter { folders: vec![PathBuf::from("/a \"b\"")], ..Filter::default() };
        let number = folder_number(Path::new("/a \"b\""));
        assert!(all_of(&of_filter(&asked)).ends_with(&format!("array_contains_any(folders, [0,{number}])")));
        assert!(folder_numbers([Path::new("/a \"b\"/c")]).contains(&number));
        assert!(!folder_numbers([Path::new("/a \"bc\"/c")]).contains(&number));
        let deep: PathBuf = std::iter::repeat_n("x", MOST_FOLDERS + 1).collect();
        assert_eq!(folder_numbers([deep.as_path()]), [NO_NAME]);
    }

    #[test]
    fn sets_travel_in_bounded_pieces() {
        let set: IdSet = (0..10).map(ImageId).collect();
        let pieces = pieces(&set, 4);
        assert_eq!(pieces.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2]);
        assert_eq!(of_images("id", pieces[2].iter().copied()), "id in [8,9]");
    }
}
