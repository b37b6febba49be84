//! Images are described when that is asked for, and found by it.

use glimpse_encoder::decoder::CAPTION_BEAMS;
use glimpse_encoder::dense::{DenseProfile, Views};
use glimpse_encoder::image_file::{Limits, decode};
use glimpse_nonempty::{Every as _, each};

use super::*;

fn fixture() -> Fixture {
    let mut fixture = Fixture::with(FakeEncoder::new(24).with_decoder());
    fixture.options.captions = Some("en".to_owned());
    fixture
}

fn described(fixture: &Fixture, path: &Path) -> Option<String> {
    fixture.index.image(fixture.id(path)).unwrap().unwrap().model_caption
}

/// What the decoder says of a file, asked without the pipeline.
fn said(fixture: &Fixture, path: &Path) -> String {
    let image = decode(&fs::read(path).unwrap(), &Limits::default()).unwrap();
    let profile = DenseProfile::default();
    let views: Views = profile.views(&fixture.encoder, &image.pixels).unwrap();
    let grid = profile.encode(&fixture.encoder, &[views]).unwrap().remove(0).grid;
    let decoder = fixture.encoder.decoder().unwrap().unwrap();
    decoder.caption(&grid, "en", CAPTION_BEAMS).unwrap().remove(0).value
}

#[test]
fn new_images_are_described_and_found_by_it() {
    let fixture = fixture();
    let paths: Vec<_> = (0..5).map(|seed| fixture.image(&format!("{seed}.png"), seed)).collect();
    fixture.run();
    for path in each(&paths) {
        let text = described(&fixture, path).unwrap();
        assert_eq!(text, said(&fixture, path));
        assert!(!text.is_empty());
        let found = fixture.index.words(&text, 9, None).unwrap();
        assert!(found.iter().any(|hit| hit.id == fixture.id(path)), "{text}");
    }
}

#[test]
fn known_images_are_described_once() {
    let mut fixture = fixture();
    fixture.options.captions = None;
    let paths: Vec<_> = (0..5).map(|seed| fixture.image(&format!("{seed}.png"), seed)).collect();
    fixture.run();
    assert_eq!(described(&fixture, &paths[0]), None);

    fixture.options.captions = Some("en".to_owned());
    let (summary, _) = fixture.run();
    assert_eq!((summary.indexed, summary.unchanged), (5, 5));
    assert!(paths.iter().every(|path| described(&fixture, path).is_some()));
    assert_eq!(fixture.run_without_encoding().0.indexed, 0);
}

#[test]
fn words_of_people_stand_beside_those_of_the_model() {
    let fixture = fixture();
    let path = fixture.image("a.png", 1);
    fixture.run();
    let before = described(&fixture, &path);
    fs::write(fixture.path("a.txt"), "okapi").unwrap();
    fixture.run();
    assert_eq!(described(&fixture, &path), before);
    for text in ["okapi", before.as_deref().unwrap()] {
        assert_eq!(fixture.index.words(text, 9, None).unwrap()[0].id, fixture.id(&path), "{text}");
    }
}

#[test]
fn a_model_without_decoder_describes_nothing() {
    let mut fixture = Fixture::new();
    fixture.options.captions = Some("en".to_owned());
    let path = fixture.image("a.png", 1);
    fixture.run();
    assert_eq!(described(&fixture, &path), None);
    fixture.run_without_encoding();
}

#[test]
fn descriptions_do_not_depend_on_the_detail_of_regions() {
    let mut fixture = fixture();
    fixture.options.regions.choice.detail = Some(2.0);
    let path = fixture.path("quarters.png");
    let quarter = |x: u32, y: u32| Rgb([(x * 3) as u8, (y * 3) as u8, 120]);
    RgbImage::from_fn(64, 64, quarter).save(&path).unwrap();
    fixture.run();
    assert_eq!(fixture.index.region_map(fixture.id(&path)).unwrap().unwrap().rows(), 8);
    assert_eq!(described(&fixture, &path), Some(said(&fixture, &path)));
}

#[test]
fn an_image_that_lacks_only_its_description_keeps_its_regions() {
    let mut fixture = fixture();
    fixture.options.captions = None;
    let path = fixture.image("a.png", 1);
    fixture.run();
    let before = fixture.index.revision();
    fixture.options.captions = Some("en".to_owned());
    fixture.options.regions.refill = true;
    fixture.run();
    assert!(described(&fixture, &path).is_some());
    assert_eq!(fixture.index.revision(), before + 1, "one step, which wrote words");
}
