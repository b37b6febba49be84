//! Images that a sidecar turns.

use super::*;

/// An XMP sidecar with this orientation, in one of the two forms that programs write.
fn xmp(orientation: &str, as_element: bool) -> String {
    let (attribute, element) = match as_element {
        true => (String::new(), format!("<tiff:Orientation>{orientation}</tiff:Orientation>")),
        false => (format!(" tiff:Orientation=\"{orientation}\""), String::new()),
    };
    format!(
        r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
        xmlns:tiff="http://ns.adobe.com/tiff/1.0/"><rdf:Description rdf:about=""{attribute}>{element}</rdf:Description>
        </rdf:RDF></x:xmpmeta>"#
    )
}

fn size(fixture: &Fixture, path: &Path) -> (u32, u32, Option<u8>) {
    let record = fixture.index.image(fixture.id(path)).unwrap().unwrap();
    (record.width, record.height, record.orientation)
}

#[test]
fn a_sidecar_turns_an_image_and_turns_it_back() {
    for as_element in [false, true] {
        let fixture = Fixture::new();
        let path = fixture.image("a.png", 1); // 9 x 7
        let sidecar = path.with_extension("xmp");
        fs::write(&sidecar, xmp("6", as_element)).unwrap();
        assert_eq!(fixture.run().0.indexed, 1);
        assert_eq!(size(&fixture, &path), (7, 9, Some(6)));
        assert_eq!(fixture.run_without_encoding().0.unchanged, 1);

        fs::write(&sidecar, xmp("1", as_element)).unwrap();
        touch(&sidecar, 70);
        assert_eq!(fixture.run().0.indexed, 1, "another image than the turned one");
        assert_eq!(size(&fixture, &path), (9, 7, None), "what the file says itself needs no sidecar");
        assert_eq!(fixture.index.stats().unwrap().images, 1);

        fs::write(&sidecar, xmp("sideways", as_element)).unwrap();
        touch(&sidecar, 80);
        fixture.run_without_encoding();
        assert_eq!(size(&fixture, &path), (9, 7, None));
    }
}

#[test]
fn copies_of_a_file_are_two_images_if_one_of_them_is_turned() {
    let fixture = Fixture::new();
    let (plain, turned) = (fixture.image("plain.png", 1), fixture.image("turned.png", 1));
    fs::write(turned.with_extension("xmp"), xmp("8", false)).unwrap();
    assert_eq!(fixture.run().0.indexed, 2);
    assert_eq!(size(&fixture, &plain), (9, 7, None));
    assert_eq!(size(&fixture, &turned), (7, 9, Some(8)));
    assert_ne!(fixture.id(&plain), fixture.id(&turned));
}

#[test]
fn regions_that_come_later_are_of_the_turned_image() {
    let mut fixture = Fixture::new();
    fixture.options.regions.make = false;
    let path = fixture.image("a.png", 1);
    fs::write(path.with_extension("xmp"), xmp("6", false)).unwrap();
    fixture.run();
    (fixture.options.regions.make, fixture.options.regions.refill) = (true, true);
    assert_eq!(fixture.run().0.failed, 0);
    assert!(fixture.index.has_regions(fixture.id(&path)).unwrap());
}
