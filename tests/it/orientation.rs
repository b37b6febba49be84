//! An image that a camera stored turned or mirrored is the same image.

use std::fs;
use std::path::Path;

use glimpse::encoder::dot;
use glimpse::indexer::Library;
use image::codecs::{jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder};
use image::metadata::Orientation;
use image::{DynamicImage, ImageEncoder};

use crate::util::{Fixture, root};

const IMAGE: &str = "models/demo/library/Travel/2024 Nairobi/DSC04118.jpg";
const FORMATS: [&str; 3] = ["jpg", "png", "webp"];

#[test]
fn an_image_and_its_turned_twins_have_the_same_vector() {
    let fixture = Fixture::empty();
    fs::create_dir(fixture.images()).unwrap();
    let upright = DynamicImage::from(image::open(root().join(IMAGE)).unwrap().into_rgb8());
    for code in 1..=8 {
        let stored = stored_as(&upright, code);
        FORMATS.iter().for_each(|format| save(&stored, Some(code), &fixture.images().join(format!("{code}.{format}"))));
    }
    // What the vectors would be if nobody looked at the orientation.
    save(&stored_as(&upright, 3), None, &fixture.images().join("turned.png"));
    let summary = fixture.json(["index", "--json", "--model", "demo", "images"]).pop().unwrap();
    assert_eq!(summary["indexed"], 25, "{summary}");

    let index = Library::at(&fixture.home().join("library")).open().unwrap();
    let vector = |name: &str| {
        let path = fixture.images().canonicalize().unwrap().join(name);
        index.vector(index.file(&path).unwrap().unwrap_or_else(|| panic!("{name} is not in the index")).image).unwrap()
    };
    for format in FORMATS {
        let first = vector(&format!("1.{format}"));
        for code in 2..=8 {
            let cosine = dot(&first, &vector(&format!("{code}.{format}")));
            assert!(cosine >= 0.999, "{format}, orientation {code}: cosine {cosine} with its upright twin");
        }
    }
    let cosine = dot(&vector("1.png"), &vector("turned.png"));
    assert!(cosine < 0.999, "the image looks the same upside down: cosine {cosine}");
}

/// The pixels that show `upright` when they are turned as EXIF orientation `code` says.
fn stored_as(upright: &DynamicImage, code: u8) -> DynamicImage {
    // Turning left undoes turning right; the others undo themselves.
    let inverse = match code {
        6 => 8,
        8 => 6,
        other => other,
    };
    let mut stored = upright.clone();
    stored.apply_orientation(Orientation::from_exif(inverse).unwrap());
    stored
}

fn save(pixels: &DynamicImage, orientation: Option<u8>, path: &Path) {
    let mut bytes = Vec::new();
    let exif = orientation.map(exif);
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("jpg") => write(JpegEncoder::new_with_quality(&mut bytes, 95), pixels, exif),
        Some("png") => write(PngEncoder::new(&mut bytes), pixels, exif),
        _ => write(WebPEncoder::new_lossless(&mut bytes), pixels, exif),
    }
    fs::write(path, bytes).unwrap();
}

fn write(mut encoder: impl ImageEncoder, pixels: &DynamicImage, exif: Option<Vec<u8>>) {
    exif.into_iter().for_each(|exif| encoder.set_exif_metadata(exif).unwrap());
    pixels.write_with_encoder(encoder).unwrap();
}

/// A TIFF header and one directory with one entry: orientation (0x0112), a SHORT.
fn exif(orientation: u8) -> Vec<u8> {
    let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0]);
    exif.extend([0; 4]); // no further directory
    exif
}
