//! Filters as typed to filters as asked.

use glimpse::web::wire::parse_date;
use glimpse::{Filter, Format, GeoBox};

use super::spellings;
use crate::cli::args::FilterArgs;
use crate::cli::outcome::CliError;

/// Kilometres of one degree of latitude.
const KM_PER_DEGREE: f64 = 111.2;

/// What the options of [`FilterArgs`] ask.
pub fn resolve(args: &FilterArgs) -> Result<Filter, CliError> {
    let place = match (&args.near, &args.place_box) {
        (Some(near), _) => Some(around(near)?),
        (None, Some(corners)) => Some(place_box(corners)?),
        (None, None) => None,
    };
    Ok(Filter {
        taken_from: date(args.after.as_deref())?,
        taken_before: date(args.before.as_deref())?,
        folders: args.folder.iter().flat_map(|folder| spellings(folder)).collect(),
        cameras: args.camera.clone(),
        lenses: args.lens.clone(),
        tags: args.tag.clone(),
        region_tags: args.region_tag.clone(),
        formats: args.format.iter().map(|name| format(name)).collect::<Result<_, _>>()?,
        place,
        favourite: args.favourite,
        hidden: args.hidden,
        album: args.album.clone(),
    })
}

fn date(text: Option<&str>) -> Result<Option<i64>, CliError> {
    text.map(parse_date).transpose().map_err(|error| CliError::new(error.to_string()))
}

/// A format by its name or by a usual file name ending.
fn format(name: &str) -> Result<Format, CliError> {
    Format::named(name).ok_or_else(|| {
        let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
        let hint = format!("the formats are {}", names.join(", "));
        CliError::with_hint(format!("`{name}` is not an image format"), hint)
    })
}

/// `SOUTH,WEST,NORTH,EAST`
fn place_box(text: &str) -> Result<GeoBox, CliError> {
    let wrong = || CliError::new(format!("`{text}` is not a box; write SOUTH,WEST,NORTH,EAST in degrees"));
    match numbers(text).ok_or_else(wrong)?[..] {
        [south, west, north, east] if is_place(south, west) && is_place(north, east) && south <= north => {
            Ok(GeoBox { south, west, north, east })
        }
        _ => Err(wrong()),
    }
}

/// `LAT,LON[,KM]`: the box around a circle.
fn around(text: &str) -> Result<GeoBox, CliError> {
    let wrong = || CliError::new(format!("`{text}` is not a place; write LAT,LON or LAT,LON,KM in degrees"));
    let (lat, lon, km) = match numbers(text).ok_or_else(wrong)?[..] {
        [lat, lon] => (lat, lon, 10.0),
        [lat, lon, km] => (lat, lon, km),
        _ => return Err(wrong()),
    };
    if !is_place(lat, lon) || km <= 0.0 {
        return Err(wrong());
    }
    let high = km / KM_PER_DEGREE;
    let (south, north) = ((lat - high).max(-90.0), (lat + high).min(90.0));
    // A meridian's neighbours come nearer towards the poles; a circle that holds a pole touches all
    // of them.
    let narrowest = south.abs().max(north.abs()).to_radians().cos();
    let wide = high / narrowest;
    if narrowest < 1e-6 || wide >= 180.0 {
        return Ok(GeoBox { south, west: -180.0, north, east: 180.0 });
    }
    let turn = |lon: f64| (lon + 180.0).rem_euclid(360.0) - 180.0;
    Ok(GeoBox { south, west: turn(lon - wide), north, east: turn(lon + wide) })
}

fn numbers(text: &str) -> Option<Vec<f64>> {
    text.split(',').map(|part| part.trim().parse().ok().filter(|number: &f64| number.is_finite())).collect()
}

fn is_place(lat: f64, lon: f64) -> bool {
    (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_circle_lies_in_its_box() {
        let berlin = around("52.52,13.40,5").unwrap();
        assert!((berlin.north - berlin.south - 2.0 * 5.0 / KM_PER_DEGREE).abs() < 1e-9);
        assert!(berlin.east - berlin.west > berlin.north - berlin.south);
        let fiji = around("-17.7,179.9,50").unwrap();
        assert!(fiji.west > fiji.east, "crosses the date line: {fiji:?}");
        let pole = around("89.99,0,50").unwrap();
        assert_eq!((pole.west, pole.east, pole.north), (-180.0, 180.0, 90.0));
    }

    #[test]
    fn places_that_are_none_are_named() {
        for text in ["", "1", "1,2,3,4", "91,0", "0,181", "a,b", "1,2,-3", "nan,0"] {
            assert!(around(text).unwrap_err().to_string().contains(text), "{text}");
        }
        for text in ["", "1,2,3", "3,0,1,0", "0,0,95,0"] {
            assert!(place_box(text).unwrap_err().to_string().contains(text), "{text}");
        }
        assert!(place_box("-10,170,10,-170").is_ok());
    }

    #[test]
    fn formats_have_their_usual_names() {
        assert_eq!(format("JPG").unwrap(), Format::Jpeg);
        assert_eq!(format("webp").unwrap(), Format::WebP);
        assert!(format("psd").unwrap_err().to_string().contains("psd"));
    }
}
