//! Fuzz targets: what image files say of themselves, and what lies beside them.

use ::exif::Tag;
use glimpse_encoder::image_file::Format;
use glimpse_fuzz::{Outcome, Target};

use super::tests::{XMP, ascii, exif_block, jpeg, png, rationals, webp};
use super::{Metadata, date, iptc, read, takeout, xmp};

/// Which facts were found; none of them is what no record could keep.
fn told(found: Metadata) -> Outcome {
    assert!(found.camera.as_ref().is_none_or(|camera| camera.len() <= 256));
    assert!(found.place.is_none_or(|at| at.latitude.abs() <= 90.0 && at.longitude.abs() <= 180.0), "{:?}", found.place);
    let facts = [found.taken.is_some(), found.camera.is_some(), found.place.is_some()];
    let (caption, keywords) = found.words.into_fields();
    match (facts, &caption, keywords.len()) {
        ([false, false, false], None, 0) => Err("no facts".to_owned()),
        _ => Ok(format!("{facts:?}, caption: {}, keywords: {}", caption.is_some(), keywords.len().min(4))),
    }
}

/// EXIF, XMP and IPTC in the containers of each format.
#[test]
fn metadata() {
    let exif = exif_block(&[
        ascii(Tag::Make, "Canon"),
        ascii(Tag::Model, "Canon EOS 5D"),
        ascii(Tag::ImageDescription, "Two boats"),
        ascii(Tag::DateTimeOriginal, "2021:02:03 04:05:06"),
        rationals(Tag::GPSLatitude, &[(48, 1), (30, 1), (0, 0)]),
        ascii(Tag::GPSLatitudeRef, "N"),
        rationals(Tag::GPSLongitude, &[(2, 1), (15, 1), (36, 1)]),
        ascii(Tag::GPSLongitudeRef, "W"),
    ]);
    let target = Target::new("metadata").seeds([jpeg(&exif, XMP), png(&exif, XMP), webp(&exif, XMP), exif]);
    let words = ["Exif\0\0", "http://ns.adobe.com/xap/1.0/\0", "Photoshop 3.0\0", "8BIM\u{4}\u{4}", "eXIf", "iTXt"];
    target.words(&words).run(|input| {
        let formats = [Format::Jpeg, Format::Png, Format::WebP, Format::Heic, Format::Tiff];
        let format = Format::sniff(input).ok().filter(|format| formats.contains(format)).unwrap_or(Format::Tiff);
        told(read(format, input.to_vec()))
    });
}

#[test]
fn iptc_records() {
    let set = |record: u8, number: u8, data: &[u8]| {
        [&[0x1C, record, number], &(data.len() as u16).to_be_bytes()[..], data].concat()
    };
    let records = [
        set(1, 90, b"\x1B%G"),
        set(2, 5, b"A title"),
        set(2, 25, "\u{6e2f}".as_bytes()),
        set(2, 55, b"20180130"),
        set(2, 60, b"203048+0100"),
        set(2, 120, b"K\xE4tzchen"),
    ];
    Target::new("iptc").seed(records.concat()).words(&["\u{1c}\u{2}", "\u{1b}.A"]).run(|input| told(iptc::read(input)));
}

#[test]
fn xmp_packets() {
    let attributes = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
        <rdf:Description xmlns:e="http://ns.adobe.com/exif/1.0/" e:DateTimeOriginal="2018-01-30T20:30:48"
            e:GPSLatitude="48,30.0N" e:GPSLongitude="2,15.6W" xmlns:p="http://ns.adobe.com/photoshop/1.0/"
            p:DateCreated="2018-01-30"/></rdf:RDF></x:xmpmeta>"#;
    let words = [
        "<rdf:li>",
        "</rdf:li>",
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
        "<?xpacket",
        "&#x10FFFF;",
        "&amp;",
        "xmlns:",
        "<!DOCTYPE a [<!ENTITY b \"c\">]>",
        "&b;",
        "DateTimeOriginal=\"",
        "GPSLatitude=\"",
        "180,0E",
    ];
    Target::new("xmp").seed(XMP).seed(attributes).words(&words).run(|input| told(xmp::read(input)));
}

/// The JSON that Google Takeout writes, and the dates that all kinds of metadata write as text.
#[test]
fn takeout_files() {
    let whole = r#"{"title": "IMG_1.jpg", "description": "Two boats", "imageViews": "7",
        "photoTakenTime": {"timestamp": "1517344248", "formatted": "30.01.2018, 20:30:48 UTC"},
        "geoData": {"latitude": 48.5, "longitude": -2.26, "altitude": 0.0}, "people": [{"name": "Ann"}]}"#;
    let words =
        ["photoTakenTime", "timestamp", "geoData", "latitude", "people", "-edited", "(1)", "2018-01-30T20:30:48Z"];
    let target = Target::new("takeout").seeds([whole, "PXL_1-edited(2).jpg", "2018:01:30 20:30:48.12+05:30"]);
    target.words(&words).run(|input| {
        let text = String::from_utf8_lossy(input);
        let stems = takeout::stems(&text);
        assert!(!stems.is_empty());
        let found = told(takeout::read(&text))?;
        let dated = date::seconds(&text).is_some();
        Ok(format!("{found}, a date: {dated}"))
    });
}
