#![allow(clippy::unwrap_used)]

use std::io::Cursor;

use ::exif::experimental::Writer;
use ::exif::{Field, In, Rational, Tag, Value};
use image::{DynamicImage, ImageFormat};
use proptest::prelude::*;

use super::*;

fn ascii(tag: Tag, text: &str) -> Field {
    Field { tag, ifd_num: In::PRIMARY, value: Value::Ascii(vec![text.as_bytes().to_vec()]) }
}

fn rationals(tag: Tag, parts: &[(u32, u32)]) -> Field {
    let parts = parts.iter().map(|&(num, denom)| Rational { num, denom }).collect();
    Field { tag, ifd_num: In::PRIMARY, value: Value::Rational(parts) }
}

fn exif_block(fields: &[Field]) -> Vec<u8> {
    let mut writer = Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    let mut block = Cursor::new(Vec::new());
    writer.write(&mut block, true).unwrap();
    block.into_inner()
}

fn encoded(format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::new_rgb8(3, 2).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn jpeg(exif: &[u8], xmp: &str) -> Vec<u8> {
    let segment = |data: Vec<u8>| [&[0xFF, 0xE1][..], &(data.len() as u16 + 2).to_be_bytes(), &data].concat();
    let exif = segment([b"Exif\0\0", exif].concat());
    let xmp = segment([b"http://ns.adobe.com/xap/1.0/\0", xmp.as_bytes()].concat());
    let plain = encoded(ImageFormat::Jpeg);
    [&plain[..2], &exif, &xmp, &plain[2..]].concat()
}

fn png(exif: &[u8], xmp: &str) -> Vec<u8> {
    // The CRC is left out of account, as the reader does.
    let chunk = |kind: &[u8], data: &[u8]| [&(data.len() as u32).to_be_bytes(), kind, data, &[0; 4]].concat();
    let text = [b"XML:com.adobe.xmp\0\0\0en\0key\0", xmp.as_bytes()].concat();
    let plain = encoded(ImageFormat::Png);
    let header = 8 + 12 + 13;
    [&plain[..header], &chunk(b"eXIf", exif), &chunk(b"iTXt", &text), &plain[header..]].concat()
}

fn webp(exif: &[u8], xmp: &str) -> Vec<u8> {
    let chunk = |kind: &[u8], data: &[u8]| {
        let padding = &[0][..data.len() % 2];
        [kind, &(data.len() as u32).to_le_bytes(), data, padding].concat()
    };
    let plain = encoded(ImageFormat::WebP);
    [&plain[..], &chunk(b"EXIF", &[b"Exif\0\0", exif].concat()), &chunk(b"XMP ", xmp.as_bytes())].concat()
}

const XMP: &str = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description xmlns:d="http://purl.org/dc/elements/1.1/">
    <d:title><rdf:Alt><rdf:li xml:lang="x-default">Harbour &amp; s&#xEA;a</rdf:li></rdf:Alt></d:title>
    <d:description><rdf:Alt><rdf:li xml:lang="x-default">Two boats</rdf:li><rdf:li xml:lang="de">Zwei Boote</rdf:li></rdf:Alt></d:description>
    <d:subject><rdf:Bag><rdf:li>boat</rdf:li><rdf:li> 港 </rdf:li><rdf:li>boat</rdf:li><rdf:li/></rdf:Bag></d:subject>
    <d:creator><rdf:Seq><rdf:li>Nobody</rdf:li></rdf:Seq></d:creator>
  </rdf:Description></rdf:RDF></x:xmpmeta>"#;

#[test]
fn exif_and_xmp_are_found_in_every_container() {
    let exif = exif_block(&[
        ascii(Tag::Make, "Canon"),
        ascii(Tag::Model, "Canon EOS 5D"),
        ascii(Tag::DateTimeOriginal, "2021:02:03 04:05:06"),
        ascii(Tag::DateTime, "2022:01:01 00:00:00"),
        rationals(Tag::GPSLatitude, &[(48, 1), (30, 1), (0, 0)]),
        ascii(Tag::GPSLatitudeRef, "N"),
        rationals(Tag::GPSLongitude, &[(2, 1), (15, 1), (36, 1)]),
        ascii(Tag::GPSLongitudeRef, "W"),
    ]);
    let files = [(Format::Jpeg, jpeg(&exif, XMP)), (Format::Png, png(&exif, XMP)), (Format::WebP, webp(&exif, XMP))];
    for (format, bytes) in files {
        let found = read(format, bytes);
        assert_eq!(found.taken, Some(1_612_325_106), "{format}");
        assert_eq!(found.camera.as_deref(), Some("Canon EOS 5D"), "{format}");
        assert_eq!(found.place, Some(Place { latitude: 48.5, longitude: -2.26 }), "{format}");
        let (caption, keywords) = found.words.into_fields();
        assert_eq!(caption.as_deref(), Some("Harbour & sêa\nTwo boats\nZwei Boote"), "{format}");
        assert_eq!(keywords, ["boat", "港"], "{format}");
    }
}

#[test]
fn a_tiff_is_its_own_exif_block() {
    let mut packet = ascii(Tag(::exif::Context::Tiff, 700), "");
    packet.value = Value::Byte(XMP.as_bytes().to_vec());
    let found = read(Format::Tiff, exif_block(&[ascii(Tag::Model, "Scanner"), packet]));
    assert_eq!(found.camera.as_deref(), Some("Scanner"));
    assert_eq!(found.words.into_fields().1, ["boat", "港"]);
}

#[test]
fn maker_and_model_are_joined_without_repetition() {
    let camera = |make: &str, model: &str| {
        exif::camera(&exif::parse(exif_block(&[ascii(Tag::Make, make), ascii(Tag::Model, model)])).unwrap())
    };
    assert_eq!(camera("NIKON CORPORATION", "NIKON D70\0\0").as_deref(), Some("NIKON D70"));
    assert_eq!(camera("Apple", "iPhone 12").as_deref(), Some("Apple iPhone 12"));
    assert_eq!(camera("  ", "\u{1}X\n100 ").as_deref(), Some("X 100"));
    assert_eq!(camera("Sony", "").as_deref(), Some("Sony"));
    assert_eq!(camera("", ""), None);
    assert!(camera("", &"x".repeat(9000)).unwrap().len() <= 64);
}

#[test]
fn impossible_dates_are_no_dates() {
    let taken = |text: &str| exif::taken(&exif::parse(exif_block(&[ascii(Tag::DateTimeOriginal, text)])).unwrap());
    assert_eq!(taken("1970:01:01 00:00:00"), Some(0));
    assert_eq!(taken("1969:12:31 23:59:59"), Some(-1));
    for text in [
        "0000:00:00 00:00:00",
        "2021:02:30 00:00:00",
        "2021:13:01 00:00:00",
        "2021:01:01 25:00:00",
        "    :  :     :  :  ",
        "soon",
        "9999:01:01 00:00:00",
    ] {
        assert_eq!(taken(text), None, "{text}");
    }
}

#[test]
fn impossible_places_are_no_places() {
    let place = |latitude: &[(u32, u32)], north: &str| {
        let fields = [
            rationals(Tag::GPSLatitude, latitude),
            ascii(Tag::GPSLatitudeRef, north),
            rationals(Tag::GPSLongitude, &[(0, 1)]),
            ascii(Tag::GPSLongitudeRef, "E"),
        ];
        exif::place(&exif::parse(exif_block(&fields)).unwrap())
    };
    assert_eq!(place(&[(10, 1), (30, 1)], "s"), Some(Place { latitude: -10.5, longitude: 0.0 }));
    assert_eq!(place(&[(0, 1)], "N"), None);
    assert_eq!(place(&[(91, 1)], "N"), None);
    assert_eq!(place(&[(1, 0)], "N"), None);
    assert_eq!(place(&[(1, 1)], "?"), None);
}

#[test]
fn entities_of_the_document_itself_stay_small() {
    let bomb = format!(
        "<!DOCTYPE x [<!ENTITY a \"{}\"><!ENTITY b \"&a;&a;\">]>{}",
        "ha".repeat(50),
        XMP.replace("Two boats", "&b;!")
    );
    let (caption, _) = xmp::words(bomb.as_bytes()).into_fields();
    assert_eq!(caption.as_deref(), Some("Harbour & sêa\n!\nZwei Boote"));
}

#[test]
fn endless_nesting_and_endless_lists_end() {
    let nested = XMP.replace("Two boats", &"<a>".repeat(100_000));
    assert_eq!(xmp::words(nested.as_bytes()).into_fields().1.len(), 0);
    let many: String = (0..100_000).map(|i| format!("<rdf:li>{i}</rdf:li>")).collect();
    let listed = xmp::words(XMP.replace("<rdf:li>boat</rdf:li>", &many).as_bytes());
    assert_eq!(listed.into_fields().1.len(), Words::MAX_KEYWORDS);
}

#[test]
fn an_element_with_thousands_of_namespaces_is_not_read() {
    let names: String = (0..10_000).map(|n| format!(" xmlns:n{n}=\"http://example.com/{n}\"")).collect();
    let hostile = XMP.replacen("<rdf:Description", &format!("<rdf:Description{names}"), 1);
    assert_ne!(hostile, XMP);
    assert_eq!(xmp::words(hostile.as_bytes()), Words::default());
    assert_ne!(xmp::words(XMP.as_bytes()), Words::default());
}

#[test]
fn sidecars_of_both_kinds_and_names_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("a.b.jpg");
    assert_eq!(newest_sidecar(&image, &SidecarNames::of(dir.path())), 0);
    let utf16: Vec<u8> = [0xFEFF].into_iter().chain("Ein Kätzchen".encode_utf16()).flat_map(u16::to_le_bytes).collect();
    std::fs::write(dir.path().join("a.b.txt"), utf16).unwrap();
    std::fs::write(dir.path().join("a.b.jpg.TXT"), "\u{FEFF}A kitten\n").unwrap();
    std::fs::write(dir.path().join("a.b.jpg.xmp"), XMP).unwrap();
    std::fs::write(dir.path().join("a.txt"), "of another image").unwrap();
    std::fs::create_dir(dir.path().join("a.b.xmp")).unwrap();
    let (caption, keywords) = read_sidecars(&image).into_fields();
    assert_eq!(caption.as_deref(), Some("Ein Kätzchen\nA kitten\nHarbour & sêa\nTwo boats\nZwei Boote"));
    assert_eq!(keywords, ["boat", "港"]);
    let names = SidecarNames::of(dir.path());
    assert!(newest_sidecar(&image, &names) > 0);
    assert_eq!(newest_sidecar(&dir.path().join("b.jpg"), &names), 0);
}

proptest! {
    /// Damage anywhere costs facts, never the run.
    #[test]
    fn damaged_files_are_read_as_far_as_possible(
        kind in 0usize..4, at in 0usize..4000, noise in proptest::collection::vec(any::<u8>(), 0..40), cut in 0usize..4000,
    ) {
        let exif = exif_block(&[
            ascii(Tag::Model, "Camera"),
            ascii(Tag::DateTimeOriginal, "2021:02:03 04:05:06"),
            rationals(Tag::GPSLatitude, &[(48, 1), (30, 1), (0, 0)]),
        ]);
        let (format, mut bytes) = match kind {
            0 => (Format::Jpeg, jpeg(&exif, XMP)),
            1 => (Format::Png, png(&exif, XMP)),
            2 => (Format::WebP, webp(&exif, XMP)),
            _ => (Format::Tiff, exif),
        };
        let at = at % bytes.len();
        let end = (at + noise.len()).min(bytes.len());
        bytes[at..end].copy_from_slice(&noise[..end - at]);
        bytes.truncate(bytes.len() - cut % bytes.len() / 2);
        let found = read(format, bytes);
        prop_assert!(found.camera.is_none_or(|camera| camera.len() < 300));
    }

    #[test]
    fn noise_has_no_words(noise in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(xmp::words(&noise), Words::default());
        for format in [Format::Jpeg, Format::Png, Format::WebP, Format::Tiff] {
            prop_assert_eq!(read(format, noise.clone()).words, Words::default());
        }
    }
}
