//! Images on the map.

use glimpse_indexer::{Cluster, Filter, GeoBox, Place};

use crate::places::{City, nearest_city};
use crate::{Engine, EngineError};

/// Most clusters of a map.
const MOST_CLUSTERS: usize = 2_000;
/// Cells of the whole world at the smallest zoom, from west to east.
const CELLS: f64 = 8.0;

/// Images with a place, gathered for a map of one scale.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// Images on it.
    pub images: usize,
    /// The box around all of them; `None` without images.
    pub bounds: Option<GeoBox>,
    /// Those that lie together, 2,000 at most, and the city that they are near.
    pub clusters: Vec<(Cluster, Option<City>)>,
}

impl Engine {
    /// The largest zoom of a map.
    pub const MAX_ZOOM: u8 = 18;

    /// Images that pass a filter and lie in `area`, gathered in cells of `360 / 2^zoom / 8`
    /// degrees; in larger ones where there would be too many.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn map(&self, filter: &Filter, area: Option<&GeoBox>, zoom: u8) -> Result<Map, EngineError> {
        let index = self.serving()?;
        self.check_filter(&index, filter)?;
        let mut cell = 360.0 / f64::from(1u32 << zoom.min(Self::MAX_ZOOM)) / CELLS;
        let mut clusters = index.clusters(filter, area, cell);
        while clusters.len() > MOST_CLUSTERS {
            cell *= 2.0;
            clusters = index.clusters(filter, area, cell);
        }
        let crosses_date_line = area.is_some_and(|area| area.west > area.east);
        let bounds = clusters.iter().map(|cluster| cluster.bounds);
        let bounds = bounds.reduce(|a, b| if crosses_date_line { around_date_line(a, b) } else { a.around(b) });
        let images = clusters.iter().map(|cluster| cluster.images).sum();
        let near = |cluster: &Cluster| nearest_city(Place { latitude: cluster.latitude, longitude: cluster.longitude });
        let clusters = clusters.into_iter().map(|cluster| (cluster.clone(), near(&cluster))).collect();
        Ok(Map { images, bounds, clusters })
    }
}

/// The box around two, where west of the date line is less far than around the world.
fn around_date_line(a: GeoBox, b: GeoBox) -> GeoBox {
    let beyond = |degrees: f64| if degrees < 0.0 { degrees + 360.0 } else { degrees };
    let back = |degrees: f64| if degrees > 180.0 { degrees - 360.0 } else { degrees };
    let turned = |area: GeoBox| GeoBox { west: beyond(area.west), east: beyond(area.east), ..area };
    let both = turned(a).around(turned(b));
    GeoBox { west: back(both.west), east: back(both.east), ..both }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_grow_across_the_date_line_if_they_are_asked_for_there() {
        let (fiji, samoa) = (GeoBox::point(-17.0, 178.0), GeoBox::point(-14.0, -172.0));
        assert_eq!(fiji.around(samoa), GeoBox { south: -17.0, west: -172.0, north: -14.0, east: 178.0 });
        let small = GeoBox { south: -17.0, west: 178.0, north: -14.0, east: -172.0 };
        assert_eq!(around_date_line(fiji, samoa), small);
        assert_eq!(around_date_line(small, GeoBox::point(0.0, -175.0)), GeoBox { north: 0.0, ..small });
    }
}
