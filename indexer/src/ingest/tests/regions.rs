//! New pictures get regions; known ones get them on demand.

use image::{Rgb, RgbImage};

use super::*;

/// Red in the upper left quarter, blue elsewhere.
fn write_quarter(path: &Path) {
    let quarter = |x, y| if x < 32 && y < 32 { Rgb([220, 20, 20]) } else { Rgb([20, 20, 220]) };
    RgbImage::from_fn(64, 64, quarter).save(path).unwrap();
}

fn red(fixture: &Fixture) -> Vec<f32> {
    use glimpse_encoder::Encode;
    fixture.encoder.encode_texts(&["red"]).unwrap().remove(0).into_vec()
}

#[test]
fn a_new_picture_is_found_by_a_part_of_it() {
    let fixture = Fixture::new();
    let path = fixture.path("quarter.png");
    write_quarter(&path);
    (0..5).for_each(|seed| drop(fixture.picture(&format!("{seed}.png"), seed)));
    fixture.run();
    let regions = fixture.index.regions().unwrap();
    assert_eq!(regions.pictures(), 6);
    let best = regions.nearest(&red(&fixture), 1, None).unwrap()[0].id;
    assert_eq!(best.image, fixture.id(&path));
    let rect = regions.shapes(best.image).unwrap()[usize::from(best.region)].rect;
    assert!(rect.right <= 0.5 && rect.bottom <= 0.5, "{rect:?}");
}

#[test]
fn known_pictures_get_regions_when_asked_for() {
    let mut fixture = Fixture::new();
    fixture.options.regions.make = false;
    let paths: Vec<_> = (0..9).map(|seed| fixture.picture(&format!("{seed}.png"), seed)).collect();
    fixture.run();
    assert!(fixture.index.regions().unwrap().is_empty());
    fixture.options.regions.make = true;
    fixture.run_without_encoding();
    assert!(fixture.index.regions().unwrap().is_empty(), "nothing is encoded again unasked");

    fixture.options.regions.refill = true;
    fs::remove_file(&paths[0]).unwrap();
    fs::write(&paths[1], b"no picture").unwrap();
    touch(&paths[1], 50);
    let (summary, _) = fixture.run();
    assert_eq!((summary.indexed, summary.missing, summary.skipped), (7, 1, 1));
    assert_eq!(fixture.index.regions().unwrap().pictures(), 7);
    let (again, _) = fixture.run_without_encoding();
    assert_eq!(again.indexed, 0);
    assert_eq!(fixture.index.verify(false).unwrap().problems, Vec::<String>::new());
}

#[test]
fn a_picture_that_fails_keeps_the_others_from_nothing() {
    let trap = |p: &glimpse_encoder::Prepared| p.pixels.get_pixel(0, 0).0 == colour(3).0;
    let mut fixture = Fixture::new();
    fixture.options.regions.make = false;
    (0..6).for_each(|seed| drop(fixture.picture(&format!("{seed}.png"), seed)));
    fixture.run();
    fixture.encoder = FakeEncoder::new(32).failing_on(trap);
    fixture.options.regions.refill = true;
    let (summary, events) = fixture.run();
    assert_eq!((summary.indexed, summary.failed), (5, 1), "{events:?}");
}

#[test]
fn files_that_change_places_keep_their_regions() {
    let fixture = Fixture::new();
    let paths = [0, 1].map(|seed| fixture.picture(&format!("{seed}.png"), seed));
    fixture.run();
    let spare = fixture.path("spare");
    fs::rename(&paths[0], &spare).unwrap();
    fs::rename(&paths[1], &paths[0]).unwrap();
    fs::rename(&spare, &paths[1]).unwrap();
    paths.iter().zip(1..).for_each(|(path, n)| touch(path, 100 * n));
    fixture.run_without_encoding();
    assert!(paths.iter().all(|path| fixture.index.has_regions(fixture.id(path)).unwrap()));
    assert_eq!(fixture.index.regions().unwrap().pictures(), 2);
}
