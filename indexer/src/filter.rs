//! Filters on stored facts.

use std::path::PathBuf;

use glimpse_encoder::image_file::Format;

use crate::ImageId;

/// Conditions that all must hold; an empty filter lets everything pass that has a file present and
/// is not hidden.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Taken at or after (seconds since 1970, camera clock).
    pub taken_from: Option<i64>,
    /// Taken before.
    pub taken_before: Option<i64>,
    /// In one of these folders or below.
    pub folders: Vec<PathBuf>,
    /// Camera contains one of these, whatever the case.
    pub cameras: Vec<String>,
    /// The lens's name contains one of these, whatever the case.
    pub lenses: Vec<String>,
    /// Has one of these keywords, whatever the case.
    pub tags: Vec<String>,
    /// A region of it shows one of these labels, whatever the case; nothing passes where no tags of
    /// regions are kept.
    pub region_tags: Vec<String>,
    /// In one of these formats.
    pub formats: Vec<Format>,
    /// Taken inside this box.
    pub place: Option<GeoBox>,
    /// A favourite.
    pub favourite: bool,
    /// Hidden, which all others leave out.
    pub hidden: bool,
    /// In this album, by its id. An album that is not there has no images, and a saved search has
    /// none of its own.
    pub album: Option<String>,
}

impl Filter {
    /// True if nothing is asked.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// True if people change what passes it, not the index.
    pub fn asks_collections(&self) -> bool {
        self.favourite || self.hidden || self.album.is_some()
    }
}

/// A box on the map in degrees; `west > east` crosses the date line.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct GeoBox {
    pub south: f64,
    pub west: f64,
    pub north: f64,
    pub east: f64,
}

impl GeoBox {
    /// The box of one point.
    pub fn point(latitude: f64, longitude: f64) -> Self {
        Self { south: latitude, west: longitude, north: latitude, east: longitude }
    }

    /// The box around two that do not cross the date line.
    #[must_use]
    pub fn around(self, other: Self) -> Self {
        Self {
            south: self.south.min(other.south),
            west: self.west.min(other.west),
            north: self.north.max(other.north),
            east: self.east.max(other.east),
        }
    }

    /// True if the point is inside or on the border.
    pub fn contains(&self, latitude: f64, longitude: f64) -> bool {
        let east_west = if self.west <= self.east {
            (self.west..=self.east).contains(&longitude)
        } else {
            longitude >= self.west || longitude <= self.east
        };
        east_west && (self.south..=self.north).contains(&latitude)
    }
}

/// What there is to filter by, with counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facets {
    /// Cameras, most frequent first.
    pub cameras: Vec<(String, usize)>,
    /// Lenses, most frequent first.
    pub lenses: Vec<(String, usize)>,
    /// Keywords, most frequent first.
    pub tags: Vec<(String, usize)>,
    /// Labels that a region shows, most frequent first, where tags of regions are kept.
    pub region_tags: Vec<(String, usize)>,
    /// Formats, most frequent first.
    pub formats: Vec<(Format, usize)>,
    /// Folders that directly hold images, by path.
    pub folders: Vec<(PathBuf, usize)>,
    /// First and last date taken.
    pub taken: Option<(i64, i64)>,
    /// Images of each day on which some were taken: days since 1970, rising, and how many.
    pub days: Vec<(i64, usize)>,
    /// Images with a place.
    pub with_place: usize,
}

/// Images that lie together on the map.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Their mean, in degrees.
    pub latitude: f64,
    /// The same to the east.
    pub longitude: f64,
    /// How many there are.
    pub images: usize,
    /// The newest of them by the date taken; without dates, the one that came last.
    pub newest: ImageId,
    /// The box around them.
    pub bounds: GeoBox,
}

/// A keyword and the images that have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagCount {
    /// The keyword, as it was first written.
    pub tag: String,
    /// How many images have it, in whatever case.
    pub images: usize,
    /// The newest of them by the date taken; without dates, the one that came last.
    pub newest: ImageId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn box_may_cross_the_date_line() {
        let fiji = GeoBox { south: -20.0, west: 176.0, north: -15.0, east: -178.0 };
        assert!(fiji.contains(-17.0, 179.0) && fiji.contains(-17.0, -179.0));
        assert!(!fiji.contains(-17.0, 0.0) && !fiji.contains(10.0, 179.0));
    }
}
