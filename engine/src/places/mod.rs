//! Names of places, from a table that the program carries: the nearest city of a point on earth.
//!
//! The table is [GeoNames](https://www.geonames.org) (CC BY 4.0), made by `cities.py`.

use std::ops::Range;
use std::sync::LazyLock;

use glimpse_indexer::Place;

/// `latitude (2) | longitude (2) | country (2) | length (1) | name`, square degree by square
/// degree, from south to north and in each row from west to east.
static TABLE: &[u8] = include_bytes!("cities.bin");

static CITIES: LazyLock<Cities> = LazyLock::new(|| Cities::read(TABLE));

/// A city further away than this says nothing about a place.
const REACH_KM: f64 = 50.0;
/// A little less than it is, so that what is in reach is looked at.
const KM_PER_DEGREE: f64 = 111.0;
const EARTH_RADIUS_KM: f64 = 6_371.0;

const ROWS: usize = 180;
const COLUMNS: usize = 360;

/// A city as the table has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct City {
    /// Its name, as GeoNames spells it.
    pub name: &'static str,
    /// ISO 3166-1 alpha-2.
    pub country: &'static str,
    /// Where it is.
    pub place: Place,
}

/// The nearest city within 50 km.
pub fn nearest_city(place: Place) -> Option<City> {
    CITIES.nearest(place)
}

struct Cities {
    cities: Vec<City>,
    /// Where the cities of each square degree begin, and the end of the last.
    starts: Vec<u32>,
}

impl Cities {
    fn read(mut table: &'static [u8]) -> Self {
        let mut cities = Vec::new();
        while let Some((city, rest)) = read_city(table) {
            cities.push(city);
            table = rest;
        }
        let mut starts = vec![0; ROWS * COLUMNS + 1];
        for city in &cities {
            starts[cell(row(city.place.latitude), column(city.place.longitude)) + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        // Rounding may have moved a city over the edge of its square.
        cities.sort_by_key(|city| cell(row(city.place.latitude), column(city.place.longitude)));
        Self { cities, starts }
    }

    fn nearest(&self, place: Place) -> Option<City> {
        let high = REACH_KM / KM_PER_DEGREE;
        let rows = row(place.latitude - high)..row(place.latitude + high) + 1;
        // A degree of longitude is as wide as the cosine of the latitude, and least where the reach
        // ends towards the pole.
        let narrowest = (place.latitude.abs() + high).min(90.0).to_radians().cos();
        let wide = if narrowest * 180.0 > high { high / narrowest } else { 180.0 };
        let (first, last) = ((place.longitude - wide).floor() as i64, (place.longitude + wide).floor() as i64);
        let columns = (first..=last).take(COLUMNS).map(|degree| (degree + 180).rem_euclid(COLUMNS as i64) as usize);
        let columns: Vec<usize> = columns.collect();
        let cells = rows.flat_map(|row| columns.iter().map(move |&column| cell(row, column)));
        let near = cells.flat_map(|cell| &self.cities[self.of_cell(cell)]);
        let near = near.map(|city| (distance_km(place, city.place), city)).filter(|(km, _)| *km <= REACH_KM);
        near.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, city)| *city)
    }

    fn of_cell(&self, cell: usize) -> Range<usize> {
        self.starts[cell] as usize..self.starts[cell + 1] as usize
    }
}

/// The first city of a table, and the rest.
fn read_city(table: &'static [u8]) -> Option<(City, &'static [u8])> {
    let (head, rest) = table.split_at_checked(7)?;
    let [south, north, west, east, _, _, length] = *head else { return None };
    let (name, rest) = rest.split_at_checked(length.into())?;
    let share = |low: u8, high: u8| f64::from(u16::from_le_bytes([low, high])) / f64::from(u16::MAX);
    let place = Place { latitude: share(south, north) * 180.0 - 90.0, longitude: share(west, east) * 360.0 - 180.0 };
    let city = City { name: std::str::from_utf8(name).ok()?, country: std::str::from_utf8(&head[4..6]).ok()?, place };
    Some((city, rest))
}

fn row(latitude: f64) -> usize {
    ((latitude + 90.0).floor().max(0.0) as usize).min(ROWS - 1)
}

fn column(longitude: f64) -> usize {
    ((longitude + 180.0).floor().max(0.0) as usize).min(COLUMNS - 1)
}

fn cell(row: usize, column: usize) -> usize {
    row * COLUMNS + column
}

/// Along the surface, by the haversine formula.
fn distance_km(a: Place, b: Place) -> f64 {
    let half = |degrees: f64| (degrees.to_radians() / 2.0).sin().powi(2);
    let across = a.latitude.to_radians().cos() * b.latitude.to_radians().cos() * half(a.longitude - b.longitude);
    2.0 * EARTH_RADIUS_KM * (half(a.latitude - b.latitude) + across).sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::Every as _;
    use proptest::prelude::*;

    use super::*;

    fn named(latitude: f64, longitude: f64) -> Option<(&'static str, &'static str)> {
        nearest_city(Place { latitude, longitude }).map(|city| (city.name, city.country))
    }

    #[test]
    fn the_whole_table_is_read() {
        assert_eq!(CITIES.cities.len(), 32_444);
        let bytes: usize = CITIES.cities.iter().map(|city| 7 + city.name.len()).sum();
        assert_eq!(bytes, TABLE.len());
        assert!(CITIES.cities.iter().every(|city| city.country.bytes().every(|byte| byte.is_ascii_uppercase())));
    }

    #[test]
    fn places_are_named_by_the_nearest_city() {
        assert_eq!(named(46.5586, 7.8356), Some(("Thun", "CH")), "Lauterbrunnen has fewer people");
        assert_eq!(named(64.1466, -21.9426), Some(("Reykjavík", "IS")));
        assert_eq!(named(-33.9249, 18.4241), Some(("Cape Town", "ZA")));
        assert_eq!(named(35.0116, 135.7681), Some(("Kyoto", "JP")));
        assert_eq!(named(0.0, -30.0), None, "the Atlantic");
        assert_eq!(named(90.0, 0.0), None);
        assert_eq!(named(-90.0, 180.0), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn no_city_is_nearer(latitude in -90.0..=90.0f64, longitude in -180.0..=180.0f64, near in 0usize..32_444) {
            // Points of open sea as well as points beside cities, those at the date line included.
            let city = CITIES.cities[near].place;
            let beside = Place { latitude: (city.latitude + latitude / 300.0).clamp(-90.0, 90.0), ..city };
            for place in [Place { latitude, longitude }, beside] {
                let all = CITIES.cities.iter().map(|city| distance_km(place, city.place));
                let nearest = all.min_by(f64::total_cmp).filter(|km| *km <= REACH_KM);
                prop_assert_eq!(nearest_city(place).map(|city| distance_km(place, city.place)), nearest);
            }
        }
    }
}
