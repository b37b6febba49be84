//! How the camera was set, and ratings.

use super::*;
use crate::{Exposure, Facts};

/// An image whose own bytes name its lens and rate it.
fn write_described(path: &Path) {
    write_image(path, 1);
    let xmp = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
        <rdf:Description xmlns:aux="http://ns.adobe.com/exif/1.0/aux/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
        xmlns:xmp="http://ns.adobe.com/xap/1.0/" aux:Lens="XF23mm" exif:FNumber="4/1" xmp:Rating="2">
        <exif:ISOSpeedRatings><rdf:Seq><rdf:li>640</rdf:li></rdf:Seq></exif:ISOSpeedRatings>
        </rdf:Description></rdf:RDF></x:xmpmeta>"#;
    let plain = fs::read(path).unwrap();
    let text = [b"XML:com.adobe.xmp\0\0\0en\0key\0", xmp.as_bytes()].concat();
    let (head, rest) = plain.split_at(8 + 12 + 13);
    let body = [b"iTXt", &text[..]].concat();
    let (length, sum) = ((text.len() as u32).to_be_bytes(), crc32fast::hash(&body).to_be_bytes());
    fs::write(path, [head, &length, &body, &sum, rest].concat()).unwrap();
}

fn facts(fixture: &Fixture, path: &Path) -> (Exposure, Option<u8>) {
    let record = fixture.index.image(fixture.id(path)).unwrap().unwrap();
    (record.exposure, record.rating)
}

fn of_file() -> (Exposure, Option<u8>) {
    let lens = Some("XF23mm".to_owned());
    (Exposure { lens, aperture: Some(4.0), iso: Some(640), ..Exposure::default() }, Some(2))
}

#[test]
fn a_library_of_before_gets_what_it_lacks_when_files_are_read_again() {
    let mut fixture = Fixture::new();
    let path = fixture.path("a.png");
    write_described(&path);
    fixture.run();
    assert_eq!(facts(&fixture, &path), of_file());
    fixture.index.set_facts(fixture.id(&path), Facts::default()).unwrap();
    fixture.run_without_encoding();
    assert_eq!(facts(&fixture, &path), (Exposure::default(), None), "a file that did not change is not read");
    fixture.options.rehash = true;
    fixture.run_without_encoding();
    assert_eq!(facts(&fixture, &path), of_file());
}

#[test]
fn the_rating_of_a_sidecar_counts_first() {
    let fixture = Fixture::new();
    let path = fixture.path("a.png");
    write_described(&path);
    fixture.run();
    let rated = r#"<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
        <rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/"><xmp:Rating>5</xmp:Rating></rdf:Description></rdf:RDF>"#;
    let sidecar = path.with_extension("xmp");
    fs::write(&sidecar, rated).unwrap();
    fixture.run_without_encoding();
    assert_eq!(facts(&fixture, &path), (of_file().0, Some(5)));
    fs::remove_file(&sidecar).unwrap();
    fixture.run_without_encoding();
    assert_eq!(facts(&fixture, &path), of_file());
}
