//! Images on the map, gathered in cells.

use std::collections::BTreeMap;

use super::Memory;
use crate::{Cluster, GeoBox, IdSet, ImageId};

impl Memory {
    /// The images of `among` with a place in `area`, gathered in cells of so many degrees. Cells
    /// begin at the date line and the south pole.
    pub(in crate::index) fn clusters(&self, among: &IdSet, area: Option<&GeoBox>, cell: f64) -> Vec<Cluster> {
        let mut cells: BTreeMap<(i64, i64), Gathered> = BTreeMap::new();
        for id in among.iter() {
            let Some(row) = self.row(id) else { continue };
            let Some((latitude, longitude)) = row.place.degrees() else { continue };
            if area.is_some_and(|area| !area.contains(latitude, longitude)) {
                continue;
            }
            let at = (((latitude + 90.0) / cell).floor() as i64, ((longitude + 180.0) / cell).floor() as i64);
            cells.entry(at).or_default().add(latitude, longitude, (row.taken, id));
        }
        cells.into_values().filter_map(Gathered::cluster).collect()
    }
}

/// What is known of a cell so far.
#[derive(Default)]
struct Gathered {
    images: usize,
    latitudes: f64,
    longitudes: f64,
    newest: Option<(i64, ImageId)>,
    bounds: Option<GeoBox>,
}

impl Gathered {
    fn add(&mut self, latitude: f64, longitude: f64, image: (i64, ImageId)) {
        self.images += 1;
        self.latitudes += latitude;
        self.longitudes += longitude;
        self.newest = self.newest.max(Some(image));
        let point = GeoBox::point(latitude, longitude);
        self.bounds = Some(self.bounds.map_or(point, |bounds| bounds.around(point)));
    }

    fn cluster(self) -> Option<Cluster> {
        let (bounds, (_, newest), images) = (self.bounds?, self.newest?, self.images as f64);
        let (latitude, longitude) = (self.latitudes / images, self.longitudes / images);
        Some(Cluster { latitude, longitude, images: self.images, newest, bounds })
    }
}
