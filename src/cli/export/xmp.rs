//! XMP sidecars with image regions as the Metadata Working Group has them (guidelines 2.0, section
//! 5.9): image managers show them as named areas. Areas are centred, in shares of the image as it
//! is stored: readers turn them with the image.
//!
//! A sidecar that is there already, with ratings, keywords or whatever else, keeps all that; the
//! regions come beside it. One whose regions are not ours is left alone.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::Path;

use glimpse::engine::sidecars::{replace, whole, with_description};
use glimpse::engine::{Limits, Rect, decode_reduced, files};

use super::{Annotated, Names, escape};
use crate::cli::outcome::CliError;

/// Around what is ours in a sidecar, so that it can be replaced.
const BEGIN: &str = "  <!-- glimpse: regions -->\n";
const END: &str = "  <!-- glimpse: end of regions -->\n";

pub fn write(image: &Annotated<'_>, names: &mut Names) -> Result<usize, CliError> {
    let path = names.path(&image.name(), ".xmp");
    let failed = |error: String| CliError::new(format!("{}: {error}", path.display()));
    let orientation = image.orientation.map_or_else(|| orientation(&image.path), Ok)?;
    let regions = regions(image, orientation);
    let text = match files::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => whole(&regions),
        Err(error) => return Err(failed(error.to_string())),
        Ok(old) => merged(&old, &regions).map_err(failed)?,
    };
    replace(&path, &text).map_err(|error| failed(error.to_string()))?;
    Ok(1)
}

/// A sidecar with these regions beside all that it held.
fn merged(old: &[u8], regions: &str) -> Result<String, String> {
    let old = std::str::from_utf8(old).map_err(|_| "this sidecar is not UTF-8, so it is left as it is")?;
    let mut text = old.to_owned();
    if let (Some(from), Some(to)) = (text.find(BEGIN), text.find(END))
        && from < to
    {
        text.replace_range(from..to + END.len(), "");
    }
    if text.contains("http://www.metadataworkinggroup.com/schemas/regions/") {
        return Err("this sidecar names regions already, so it is left as it is; give another folder to --xmp".into());
    }
    with_description(&text, regions).map_err(|reason| format!("this sidecar {reason}, so it is left as it is"))
}

/// EXIF orientation that a file names, 1 to 8.
fn orientation(path: &Path) -> Result<u8, CliError> {
    let failed = |error: String| CliError::new(format!("{}: {error}", path.display()));
    let bytes = files::read(path).map_err(|error| failed(error.to_string()))?;
    let image = decode_reduced(&bytes, &Limits::default(), 1);
    image.map(|image| image.orientation).map_err(|error| failed(error.to_string()))
}

/// The part of a sidecar that names regions.
pub fn regions(image: &Annotated<'_>, orientation: u8) -> String {
    let on_its_side = orientation >= 5;
    let turned = |(wide, high)| if on_its_side { (high, wide) } else { (wide, high) };
    let (width, height) = turned((f64::from(image.width), f64::from(image.height)));
    let mut xmp = format!(
        "{BEGIN}  <rdf:Description rdf:about=\"\"
    xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"
    xmlns:mwg-rs=\"http://www.metadataworkinggroup.com/schemas/regions/\"
    xmlns:stDim=\"http://ns.adobe.com/xap/1.0/sType/Dimensions#\"
    xmlns:stArea=\"http://ns.adobe.com/xmp/sType/Area#\">
   <mwg-rs:Regions rdf:parseType=\"Resource\">
    <mwg-rs:AppliedToDimensions stDim:w=\"{width}\" stDim:h=\"{height}\" stDim:unit=\"pixel\"/>
    <mwg-rs:RegionList>
     <rdf:Bag>
"
    );
    for found in &image.boxes {
        let (x, y) = stored(centre(&found.rect), orientation);
        let Rect { left, top, right, bottom } = found.rect;
        let (w, h) = turned((f64::from(right - left), f64::from(bottom - top)));
        let _ = writeln!(
            xmp,
            "      <rdf:li rdf:parseType=\"Resource\">\n       <mwg-rs:Name>{}</mwg-rs:Name>\n       \
             <mwg-rs:Description>found with a probability of {:.2}</mwg-rs:Description>\n       \
             <mwg-rs:Area stArea:x=\"{x}\" stArea:y=\"{y}\" stArea:w=\"{w}\" stArea:h=\"{h}\" \
             stArea:unit=\"normalized\"/>\n      </rdf:li>",
            escape(&found.label),
            found.score,
        );
    }
    let _ = write!(xmp, "     </rdf:Bag>\n    </mwg-rs:RegionList>\n   </mwg-rs:Regions>\n  </rdf:Description>\n{END}");
    xmp
}

fn centre(rect: &Rect) -> (f64, f64) {
    let (x, y) = rect.centre();
    (f64::from(x), f64::from(y))
}

/// Where a point of the upright image is in the stored one, both in shares of the sides.
fn stored((x, y): (f64, f64), orientation: u8) -> (f64, f64) {
    match orientation {
        2 => (1.0 - x, y),
        3 => (1.0 - x, 1.0 - y),
        4 => (x, 1.0 - y),
        5 => (y, x),
        6 => (y, 1.0 - x),
        7 => (1.0 - y, 1.0 - x),
        8 => (1.0 - y, x),
        _ => (x, y),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Regions of another program, and what it says of the image.
    const RATED: &str = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
         <rdf:Description xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmp:Rating='5'/></rdf:RDF></x:xmpmeta>";

    #[test]
    fn a_point_is_where_readers_look_for_it() {
        // How a reader turns the stored image to show it.
        let shown = |(x, y): (f64, f64), orientation| match orientation {
            1 => (x, y),
            2 => (1.0 - x, y),
            3 => (1.0 - x, 1.0 - y),
            4 => (x, 1.0 - y),
            5 => (y, x),
            6 => (1.0 - y, x),
            7 => (1.0 - y, 1.0 - x),
            _ => (y, 1.0 - x),
        };
        for orientation in 1..=8 {
            assert_eq!(shown(stored((0.25, 0.125), orientation), orientation), (0.25, 0.125), "{orientation}");
        }
    }

    #[test]
    fn what_a_sidecar_held_stays() {
        let first = merged(RATED.as_bytes(), &format!("{BEGIN}one{END}")).unwrap();
        assert!(
            first.contains("xmp:Rating='5'") && first.contains("one") && first.ends_with("</x:xmpmeta>"),
            "{first}"
        );
        let second = merged(first.as_bytes(), &format!("{BEGIN}two{END}")).unwrap();
        assert_eq!(second, first.replace("one", "two"), "our own regions are replaced");
    }

    #[test]
    fn what_regions_cannot_be_added_to_is_left_alone() {
        let faces =
            RATED.replace("xmp:Rating", "xmlns:mwg-rs='http://www.metadataworkinggroup.com/schemas/regions/' x");
        for (sidecar, reason) in
            [(faces.as_bytes(), "names regions already"), (b"<x:xmpmeta/>", "no XMP"), (b"\xff\xfe<\0", "not UTF-8")]
        {
            assert!(merged(sidecar, "").unwrap_err().contains(reason));
        }
    }
}
