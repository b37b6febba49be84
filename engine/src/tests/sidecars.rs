//! Favourites in sidecars, read back by a library of its own.

use std::fs;

use super::*;

const WITH_KEYWORD: &str = "<x:xmpmeta xmlns:x='adobe:ns:meta/'>
<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>
<rdf:Description rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmp:Rating='0'>
<dc:subject><rdf:Bag><rdf:li>Spain</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>";

fn open(home: &Path) -> Engine {
    Engine::with_encoder(Settings::at(home), Arc::new(FakeEncoder::new(DIM))).unwrap()
}

#[test]
fn favourites_become_ratings_that_any_library_reads() {
    let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let images = tempfile::tempdir().unwrap();
    let [red, blue, green] = [("red.png", RED), ("blue.png", BLUE), ("green.png", GREEN)]
        .map(|(name, colour)| save(images.path(), name, colour));
    let sidecar = images.path().join("blue.xmp");
    fs::write(&sidecar, WITH_KEYWORD).unwrap();
    let engine = open(home.path());
    index(&engine, images.path());
    let ids = [&red, &blue, &green].map(|path| engine.image_at(path).unwrap().unwrap());
    engine.set_favourites(&ids[..2], &[]).unwrap();

    let planned = engine.write_sidecars(&ids, true).unwrap();
    assert_eq!(fs::read_to_string(&sidecar).unwrap(), WITH_KEYWORD);
    assert_eq!(engine.image(ids[0]).unwrap().rating, None);
    let done = engine.write_sidecars(&ids, false).unwrap();
    assert_eq!(done.written, [images.path().join("red.png.xmp"), sidecar.clone()]);
    assert_eq!((done.unchanged, done.failed.len()), (1, 0));
    assert_eq!(planned.written, done.written);
    assert_eq!(fs::read_to_string(&sidecar).unwrap(), WITH_KEYWORD.replace("Rating='0'", "Rating='5'"));
    assert_eq!(ids.map(|id| engine.image(id).unwrap().rating), [Some(5), Some(5), None]);

    let again = engine.write_sidecars(&ids, false).unwrap();
    assert_eq!((again.written.len(), again.unchanged), (0, 3));
    let summary = index(&engine, images.path());
    assert_eq!((summary.unchanged, summary.indexed), (3, 0), "what was written here is known");
    let fresh = open(other.path());
    index(&fresh, images.path());
    let record = |path: &Path| fresh.image(fresh.image_at(path).unwrap().unwrap()).unwrap();
    assert_eq!([&red, &blue, &green].map(|path| record(path).rating), [Some(5), Some(5), None]);
    assert_eq!(record(&blue).keywords, ["Spain"]);
}

#[test]
fn what_fails_is_named_and_the_rest_goes_on() {
    let (home, images) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let [red, blue, green] = [("red.png", RED), ("blue.png", BLUE), ("green.png", GREEN)]
        .map(|(name, colour)| save(images.path(), name, colour));
    let engine = open(home.path());
    index(&engine, images.path());
    let ids = [&red, &blue, &green].map(|path| engine.image_at(path).unwrap().unwrap());
    engine.set_favourites(&ids, &[]).unwrap();
    save(images.path(), "red.png", GREEN);
    fs::write(images.path().join("blue.png.xmp"), "<x:xmpmeta>").unwrap();
    assert!(engine.write_sidecars(&[ids[2], ImageId(99)], false).is_err());
    let sidecar = images.path().join("green.png.xmp");
    assert!(!sidecar.exists(), "nothing is written for a wrong number");
    let done = engine.write_sidecars(&ids, false).unwrap();
    assert_eq!((&done.written[..], done.unchanged), (&[sidecar][..], 0));
    let failed: Vec<(&Path, String)> =
        done.failed.iter().map(|(path, error)| (path.as_path(), error.to_string())).collect();
    assert!(failed[0].0 == red && failed[0].1.contains("has changed"), "{failed:?}");
    assert!(failed[1].0 == blue && failed[1].1.contains("damaged XML"), "{failed:?}");
    assert!(!images.path().join("red.png.xmp").exists());
}

#[test]
fn what_another_program_wrote_meanwhile_is_read_at_the_next_run() {
    let (home, images) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let red = save(images.path(), "red.png", RED);
    let engine = open(home.path());
    index(&engine, images.path());
    let id = engine.image_at(&red).unwrap().unwrap();
    engine.set_favourites(&[id], &[]).unwrap();
    fs::write(images.path().join("red.png.xmp"), WITH_KEYWORD).unwrap();
    assert_eq!(engine.write_sidecars(&[id], false).unwrap().written.len(), 1);
    assert_eq!(index(&engine, images.path()).indexed, 0, "no image is encoded again");
    let record = engine.image(id).unwrap();
    assert_eq!((record.rating, &record.keywords[..]), (Some(5), &["Spain".to_owned()][..]));
}
