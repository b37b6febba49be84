#![allow(clippy::unwrap_used)]

use std::io::Cursor;

use ::exif::experimental::Writer;
use ::exif::{Context, Field, In, Rational, Tag, Value};
use glimpse_nonempty::each;
use image::{DynamicImage, ImageFormat};
use proptest::prelude::*;

use super::*;

pub(super) fn ascii(tag: Tag, text: &str) -> Field {
    Field { tag, ifd_num: In::PRIMARY, value: Value::Ascii(vec![text.as_bytes().to_vec()]) }
}

pub(super) fn rationals(tag: Tag, parts: &[(u32, u32)]) -> Field {
    let parts = parts.iter().map(|&(num, denom)| Rational { num, denom }).collect();
    Field { tag, ifd_num: In::PRIMARY, value: Value::Rational(parts) }
}

pub(super) fn exif_block(fields: &[Field]) -> Vec<u8> {
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

pub(super) fn jpeg(exif: &[u8], xmp: &str) -> Vec<u8> {
    let segment = |data: Vec<u8>| [&[0xFF, 0xE1][..], &(data.len() as u16 + 2).to_be_bytes(), &data].concat();
    let exif = segment([b"Exif\0\0", exif].concat());
    let xmp = segment([b"http://ns.adobe.com/xap/1.0/\0", xmp.as_bytes()].concat());
    let plain = encoded(ImageFormat::Jpeg);
    [&plain[..2], &exif, &xmp, &plain[2..]].concat()
}

pub(super) fn png(exif: &[u8], xmp: &str) -> Vec<u8> {
    // The CRC is left out of account, as the reader does.
    let chunk = |kind: &[u8], data: &[u8]| [&(data.len() as u32).to_be_bytes(), kind, data, &[0; 4]].concat();
    let text = [b"XML:com.adobe.xmp\0\0\0en\0key\0", xmp.as_bytes()].concat();
    let plain = encoded(ImageFormat::Png);
    let header = 8 + 12 + 13;
    [&plain[..header], &chunk(b"eXIf", exif), &chunk(b"iTXt", &text), &plain[header..]].concat()
}

pub(super) fn webp(exif: &[u8], xmp: &str) -> Vec<u8> {
    let chunk = |kind: &[u8], data: &[u8]| {
        let padding = &[0][..data.len() % 2];
        [kind, &(data.len() as u32).to_le_bytes(), data, padding].concat()
    };
    let plain = encoded(ImageFormat::WebP);
    [&plain[..], &chunk(b"EXIF", &[b"Exif\0\0", exif].concat()), &chunk(b"XMP ", xmp.as_bytes())].concat()
}

pub(super) const XMP: &str = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
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
    for (format, bytes) in each(files) {
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
fn places_are_read_whatever_their_numbers_and_references() {
    use ::exif::SRational;
    let signed =
        |parts: &[(i32, i32)]| Value::SRational(parts.iter().map(|&(num, denom)| SRational { num, denom }).collect());
    let plain = |parts: &[(u32, u32)]| rationals(Tag::GPSLatitude, parts).value;
    let place = |latitude: Value, north: Option<&str>| {
        let mut fields = vec![
            Field { tag: Tag::GPSLatitude, ifd_num: In::PRIMARY, value: latitude },
            rationals(Tag::GPSLongitude, &[(24, 1), (24, 1), (36, 1)]),
            ascii(Tag::GPSLongitudeRef, "East"),
        ];
        fields.extend(north.map(|north| ascii(Tag::GPSLatitudeRef, north)));
        exif::place(&exif::parse(exif_block(&fields)).unwrap()).map(|place| place.latitude)
    };
    assert_eq!(place(signed(&[(60, 1), (9, 1), (0, 100)]), Some("N")), Some(60.15));
    assert_eq!(place(signed(&[(-60, 1), (9, 1), (0, 0)]), Some("N")), Some(-60.15));
    assert_eq!(place(signed(&[(-60, 1), (9, 1)]), Some("S")), Some(-60.15));
    assert_eq!(place(signed(&[(-6015, 100)]), None), Some(-60.15));
    assert_eq!(place(plain(&[(u32::MAX - 59, 1), (9, 1)]), Some("N")), Some(-60.15), "signed in an unsigned type");
    assert_eq!(place(plain(&[(6015, 100)]), Some("South")), Some(-60.15));
    assert_eq!(place(Value::Double(vec![60.15]), Some("n\0")), Some(60.15));
    assert_eq!(place(plain(&[(60, 1)]), None), None, "north or south?");
}

#[test]
fn the_most_telling_date_counts() {
    let dated = |tag: Tag, text: &str| exif_block(&[ascii(tag, text)]);
    let xmp = |attributes: &str| {
        format!(
            r#"<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="http://ns.adobe.com/exif/1.0/"
                xmlns:p="http://ns.adobe.com/photoshop/1.0/" xmlns:x="http://ns.adobe.com/xap/1.0/">
                <r:Description {attributes}/><r:Description><x:CreateDate>2017-01-01</x:CreateDate></r:Description></r:RDF>"#
        )
    };
    let taken = 1_517_344_248; // 2018-01-30, 20:30:48
    let created = r#"p:DateCreated="2018-01-30T20:30:48+02:00" e:GPSLatitude="48,51.5N" e:GPSLongitude="2,15.6W""#;
    let empty = dated(Tag::DateTimeOriginal, "0000:00:00 00:00:00");
    let found = read(Format::Jpeg, jpeg(&empty, &xmp(created)));
    assert_eq!((found.taken, found.place.map(|place| place.longitude)), (Some(taken), Some(-2.26)));
    // Programs write DateTime when they change a file.
    let changed = dated(Tag::DateTime, "2023:01:01 00:00:00");
    assert_eq!(read(Format::Jpeg, jpeg(&changed, &xmp(created))).taken, Some(taken));
    assert_eq!(read(Format::Jpeg, jpeg(&changed, "")).taken, Some(1_672_531_200));
    assert_eq!(read(Format::Png, png(&empty, &xmp(""))).taken, Some(1_483_228_800));
    for text in ["2018-01-30T20:30:48.5Z", "2018/01/30 20:30:48"] {
        assert_eq!(
            read(Format::Jpeg, jpeg(&dated(Tag::DateTimeOriginal, text), &xmp(""))).taken,
            Some(taken),
            "{text}"
        );
    }
}

#[test]
fn words_of_exif_are_read_in_the_encoding_that_they_have() {
    let wide = |text: &str| Value::Byte(text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect());
    let bytes = |tag: u16, value: Value| Field { tag: Tag(::exif::Context::Tiff, tag), ifd_num: In::PRIMARY, value };
    let mut latin = ascii(Tag::ImageDescription, "");
    latin.value = Value::Ascii(vec![b"K\xE4tzchen".to_vec()]);
    let comment: Vec<u8> =
        b"UNICODE\0".iter().copied().chain("Zwei Boote".encode_utf16().flat_map(u16::to_be_bytes)).collect();
    let comment = Field { tag: Tag::UserComment, ifd_num: In::PRIMARY, value: Value::Undefined(comment, 0) };
    let fields = [latin, bytes(0x9C9B, wide("港")), bytes(0x9C9E, wide("boat; sea")), comment];
    let (caption, keywords) = read(Format::Jpeg, jpeg(&exif_block(&fields), "")).words.into_fields();
    assert_eq!(caption.as_deref(), Some("Kätzchen\n港\nZwei Boote"));
    assert_eq!(keywords, ["boat", "sea"]);
    let boilerplate = exif_block(&[ascii(Tag::ImageDescription, "OLYMPUS DIGITAL CAMERA         ")]);
    assert_eq!(read(Format::Jpeg, jpeg(&boilerplate, "")).words, Words::default());
    let utf16: Vec<u8> = XMP.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(xmp::read(&utf16).words.into_fields().1, ["boat", "港"]);
    let simple =
        XMP.replace("<rdf:Alt><rdf:li xml:lang=\"x-default\">Harbour &amp; s&#xEA;a</rdf:li></rdf:Alt>", "Harbour");
    assert_eq!(xmp::read(simple.as_bytes()).words.into_fields().0.as_deref(), Some("Harbour\nTwo boats\nZwei Boote"));
}

#[test]
fn entities_of_the_document_itself_stay_small() {
    let bomb = format!(
        "<!DOCTYPE x [<!ENTITY a \"{}\"><!ENTITY b \"&a;&a;\">]>{}",
        "ha".repeat(50),
        XMP.replace("Two boats", "&b;!")
    );
    let (caption, _) = xmp::read(bomb.as_bytes()).words.into_fields();
    assert_eq!(caption.as_deref(), Some("Harbour & sêa\n!\nZwei Boote"));
}

#[test]
fn endless_nesting_and_endless_lists_end() {
    let nested = XMP.replace("Two boats", &"<a>".repeat(100_000));
    assert_eq!(xmp::read(nested.as_bytes()).words.into_fields().1.len(), 0);
    let many: String = (0..100_000).map(|i| format!("<rdf:li>{i}</rdf:li>")).collect();
    let listed = xmp::read(XMP.replace("<rdf:li>boat</rdf:li>", &many).as_bytes());
    assert_eq!(listed.words.into_fields().1.len(), Words::MAX_KEYWORDS);
}

#[test]
fn an_element_with_thousands_of_namespaces_is_not_read() {
    let names: String = (0..10_000).map(|n| format!(" xmlns:n{n}=\"http://example.com/{n}\"")).collect();
    let hostile = XMP.replacen("<rdf:Description", &format!("<rdf:Description{names}"), 1);
    assert_ne!(hostile, XMP);
    assert_eq!(xmp::read(hostile.as_bytes()), Metadata::default());
    assert_ne!(xmp::read(XMP.as_bytes()), Metadata::default());
}

#[test]
fn sidecars_of_both_kinds_and_names_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("a.b.jpg");
    assert_eq!(Beside::of(&image, &SidecarNames::of(dir.path())).modified, 0);
    let utf16: Vec<u8> = [0xFEFF].into_iter().chain("Ein Kätzchen".encode_utf16()).flat_map(u16::to_le_bytes).collect();
    std::fs::write(dir.path().join("a.b.txt"), utf16).unwrap();
    std::fs::write(dir.path().join("a.b.jpg.TXT"), "\u{FEFF}A kitten\n").unwrap();
    std::fs::write(dir.path().join("a.b.jpg.xmp"), XMP).unwrap();
    std::fs::write(dir.path().join("a.txt"), "of another image").unwrap();
    std::fs::create_dir(dir.path().join("a.b.xmp")).unwrap();
    let (caption, keywords) = Sidecars::default().read(&image).words.into_fields();
    assert_eq!(caption.as_deref(), Some("A kitten\nEin Kätzchen\nHarbour & sêa\nTwo boats\nZwei Boote"));
    assert_eq!(keywords, ["boat", "港"]);
    let names = SidecarNames::of(dir.path());
    assert!(Beside::of(&image, &names).modified > 0);
    assert_eq!(Beside::of(&dir.path().join("b.jpg"), &names).modified, 0);
}

#[test]
fn sidecars_are_found_whatever_the_case_of_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| std::fs::write(dir.path().join(name), text).unwrap();
    let caption = |name: &str| Sidecars::default().read(&dir.path().join(name)).words.into_fields().0;
    write("img_1.Xmp", XMP.as_bytes());
    write("IMG_1.jpg.TXT", b"K\xE4tzchen");
    assert_eq!(caption("IMG_1.JPG").as_deref(), Some("Kätzchen\nHarbour & sêa\nTwo boats\nZwei Boote"));
    // Both kinds of names belong to it, that with the whole name first.
    write("b.jpg.xmp", XMP.replace("Two boats", "Three boats").as_bytes());
    write("b.xmp", XMP.as_bytes());
    assert_eq!(caption("b.jpg").as_deref(), Some("Harbour & sêa\nThree boats\nZwei Boote\nTwo boats"));
    // Where images differ in case alone, so do their sidecars.
    write("c.txt", b"small");
    write("C.txt", b"large");
    assert_eq!((caption("c.jpg").as_deref(), caption("C.jpg").as_deref()), (Some("small"), Some("large")));
    // Accents in one piece and in two.
    write("Caf\u{e9}.txt", b"coffee");
    assert_eq!(caption("Cafe\u{301}.jpg").as_deref(), Some("coffee"));
    let takeout = br#"{"title": "PXL_20230203_040506789.PORTRAIT.jpg", "description": "A dog",
        "photoTakenTime": {"timestamp": "1675396800"}}"#;
    write("PXL_20230203_040506789.PORTRAIT.jpg.supplement.json", takeout);
    let image = dir.path().join("PXL_20230203_040506789.PORTRAIT.jpg");
    let found = Sidecars::default().read(&image);
    assert_eq!((found.taken, found.words.into_fields().0.as_deref()), (Some(1_675_396_800), Some("A dog")));
    assert!(Beside::of(&image, &SidecarNames::of(dir.path())).modified > 0);
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
        prop_assert_eq!(xmp::read(&noise), Metadata::default());
        for format in [Format::Jpeg, Format::Png, Format::WebP, Format::Tiff] {
            prop_assert_eq!(read(format, noise.clone()).words, Words::default());
        }
    }
}

#[test]
fn seconds_of_arc_use_all_bits_of_their_field() {
    // As iPhones write them; as a signed number this would be on the other side of the equator.
    let exif = exif_block(&[
        rationals(Tag::GPSLatitude, &[(47, 1), (12, 1), (2_564_660_003, 100_000_000)]),
        ascii(Tag::GPSLatitudeRef, "N"),
        rationals(Tag::GPSLongitude, &[(106, 1), (14, 1), (3_517_834_504, 100_000_000)]),
        ascii(Tag::GPSLongitudeRef, "E"),
    ]);
    let Place { latitude, longitude } = read(Format::Jpeg, jpeg(&exif, "")).place.unwrap();
    assert!((latitude - 47.207_124).abs() < 1e-6 && (longitude - 106.243_105).abs() < 1e-6, "{latitude} {longitude}");
}

#[test]
fn stars_of_exif_count_where_xmp_has_none() {
    let stars = |n: u16| Field { tag: Tag(Context::Tiff, 0x4746), ifd_num: In::PRIMARY, value: Value::Short(vec![n]) };
    let rated = r#"<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
        <rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="2"/></rdf:RDF>"#;
    for (number, xmp, expected) in
        [(3, "", Some(3)), (3, rated, Some(2)), (0, "", None), (99, "", None), (300, "", None)]
    {
        assert_eq!(read(Format::Jpeg, jpeg(&exif_block(&[stars(number)]), xmp)).rating, expected, "{number}");
    }
}

#[test]
fn fields_of_exif_are_found_among_those_of_the_image() {
    let moved = |tag: Tag| Tag(Context::Tiff, tag.number());
    let exif = exif_block(&[
        ascii(moved(Tag::DateTimeOriginal), "2006:05:27 12:37:03"),
        rationals(moved(Tag::FNumber), &[(9, 1)]),
        ascii(moved(Tag::GPSLatitudeRef), "R98"), // another field of the same number
    ]);
    let found = read(Format::Jpeg, jpeg(&exif, ""));
    assert_eq!((found.taken, found.exposure.aperture, found.place), (Some(1_148_733_423), Some(9.0), None));
}

#[test]
fn facts_of_canons_raw_files_lie_in_several_structures() {
    let found = read(Format::Raw, include_bytes!("../../../../tests/golden/formats/j.cr3").to_vec());
    let expected = Exposure {
        lens: Some("Test 50mm F2.8".to_owned()),
        aperture: Some(2.8),
        iso: Some(400),
        ..Exposure::default()
    };
    assert_eq!((found.camera.as_deref(), found.exposure), (Some("Test CR3 camera"), expected));
    assert_eq!(found.place, Some(Place { latitude: -33.85, longitude: 151.2 }));
    assert_eq!(found.taken, Some(1_714_979_288));
}
