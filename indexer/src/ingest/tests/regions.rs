//! New images get regions; known ones get them on demand.

use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use glimpse_nonempty::{Every as _, if_any};
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
fn a_new_image_is_found_by_a_part_of_it() {
    let fixture = Fixture::new();
    let path = fixture.path("quarter.png");
    write_quarter(&path);
    (0..5).for_each(|seed| drop(fixture.image(&format!("{seed}.png"), seed)));
    fixture.run();
    let regions = fixture.index.regions().unwrap();
    assert_eq!(regions.images(), 6);
    let best = regions.nearest(&red(&fixture), 1, None).unwrap()[0].id;
    assert_eq!(best.image, fixture.id(&path));
    let rect = regions.shapes(best.image).unwrap()[usize::from(best.region)].rect;
    assert!(rect.right <= 0.5 && rect.bottom <= 0.5, "{rect:?}");
}

#[test]
fn known_images_get_regions_when_asked_for() {
    let mut fixture = Fixture::new();
    fixture.options.regions.make = false;
    let paths: Vec<_> = (0..9).map(|seed| fixture.image(&format!("{seed}.png"), seed)).collect();
    fixture.run();
    assert!(fixture.index.regions().unwrap().is_empty());
    fixture.options.regions.make = true;
    fixture.run_without_encoding();
    assert!(fixture.index.regions().unwrap().is_empty(), "nothing is encoded again unasked");

    fixture.options.regions.refill = true;
    fs::remove_file(&paths[0]).unwrap();
    fs::write(&paths[1], b"no image").unwrap();
    touch(&paths[1], 50);
    let (summary, _) = fixture.run();
    assert_eq!((summary.indexed, summary.missing, summary.skipped), (7, 1, 1));
    assert_eq!(fixture.index.regions().unwrap().images(), 7);
    let (again, _) = fixture.run_without_encoding();
    assert_eq!(again.indexed, 0);
    assert_eq!(fixture.index.verify(false).unwrap().problems, Vec::<String>::new());
}

#[test]
fn an_image_that_fails_keeps_the_others_from_nothing() {
    let trap = |p: &glimpse_encoder::PixelInput| p.pixels.get_pixel(0, 0).0 == colour(3).0;
    let mut fixture = Fixture::new();
    fixture.options.regions.make = false;
    (0..6).for_each(|seed| drop(fixture.image(&format!("{seed}.png"), seed)));
    fixture.run();
    fixture.encoder = FakeEncoder::new(32).failing_on(trap);
    fixture.options.regions.refill = true;
    let (summary, events) = fixture.run();
    assert_eq!((summary.indexed, summary.failed), (5, 1), "{events:?}");
}

#[test]
fn files_that_change_places_keep_their_regions() {
    let fixture = Fixture::new();
    let paths = [0, 1].map(|seed| fixture.image(&format!("{seed}.png"), seed));
    fixture.run();
    let spare = fixture.path("spare");
    fs::rename(&paths[0], &spare).unwrap();
    fs::rename(&paths[1], &paths[0]).unwrap();
    fs::rename(&spare, &paths[1]).unwrap();
    paths.iter().zip(1..).for_each(|(path, n)| touch(path, 100 * n));
    fixture.run_without_encoding();
    assert!(paths.iter().every(|path| fixture.index.has_regions(fixture.id(path)).unwrap()));
    assert_eq!(fixture.index.regions().unwrap().images(), 2);
}

fn detail(detail: f32) -> RegionChoice {
    RegionChoice { detail: Some(detail), ..RegionChoice::default() }
}

/// Rows of the patch grid that an image's regions were made of; `None` if it has none.
fn rows(fixture: &Fixture, path: &Path) -> Option<usize> {
    Some(fixture.index.region_map(fixture.id(path)).unwrap()?.rows())
}

#[test]
fn how_regions_are_made_is_kept_with_the_library() {
    let mut fixture = Fixture::new();
    fixture.options.regions.choice = detail(1.9);
    let first = fixture.image("first.png", 1);
    fixture.run();
    let kept = fixture.index.manifest().regions.unwrap();
    assert_eq!((kept.config.detail, kept.config.leaves), (1.9, 16));

    // A run that asks for nothing goes on as the library is, also after it was opened anew.
    let mut fixture = fixture.reopened();
    assert_eq!(fixture.index.manifest().regions, Some(kept));
    fixture.options.regions.choice = RegionChoice::default();
    let second = fixture.image("second.png", 2);
    fixture.run();
    assert_eq!((rows(&fixture, &first), rows(&fixture, &second)), (Some(8), Some(8)));

    // One that asks for something else is refused before anything is written.
    fixture.options.regions.choice = detail(1.0);
    let third = fixture.image("third.png", 3);
    let error = fixture.try_run().0.unwrap_err().to_string();
    assert!(error.contains("--detail 1.9") && error.contains("--rebuild-regions"), "{error}");
    assert_eq!(fixture.index.file(&third).unwrap(), None);
    // Without regions there is nothing to compare with.
    fixture.options.regions.make = false;
    fixture.run();
    assert_eq!(rows(&fixture, &third), None);
}

#[test]
fn without_regions_any_way_of_making_them_can_be_chosen() {
    let mut fixture = Fixture::new();
    fixture.options.regions.make = false;
    let path = fixture.image("one.png", 1);
    fixture.run();
    assert_eq!(fixture.index.manifest().regions, None);
    (fixture.options.regions.make, fixture.options.regions.refill) = (true, true);
    fixture.options.regions.choice = detail(2.0);
    fixture.run();
    assert_eq!(rows(&fixture, &path), Some(8));
}

#[test]
fn a_rebuild_reaches_all_images_and_goes_on_where_it_was_stopped() {
    let mut fixture = Fixture::new();
    let paths: Vec<_> = (0..12).map(|seed| fixture.image(&format!("{seed}.png"), seed)).collect();
    fixture.run();
    fs::remove_file(&paths[11]).unwrap();

    fixture.options.regions.choice = detail(2.0);
    fixture.options.regions.rebuild = true;
    let made = |fixture: &Fixture| paths[..11].iter().filter(|path| rows(fixture, path) == Some(8)).count();
    // Stopped while the first of its images are encoded: each has ten views.
    let (cancel, views) = (Arc::new(AtomicBool::new(false)), AtomicUsize::new(0));
    let stop = Arc::clone(&cancel);
    fixture.encoder = FakeEncoder::new(32).failing_on(move |_| {
        stop.fetch_or(views.fetch_add(1, Relaxed) >= 15, Relaxed);
        false
    });
    let mut silent = Recorder::default();
    let stopped = ingest(&fixture.index, &fixture.encoder, &fixture.options, &cancel, &mut silent).unwrap();
    assert!(stopped.cancelled && (1..11).contains(&made(&fixture)), "{} made", made(&fixture));
    fixture.encoder = FakeEncoder::new(32);
    let left = fixture.index.manifest().rebuild.unwrap();
    let ahead = paths[..11].iter().filter(|path| fixture.id(path) >= left.next).count();
    let done = paths[..11].iter().filter(|path| fixture.id(path) < left.next);
    // None, if the first was still on its way.
    assert!(if_any(done.map(|path| rows(&fixture, path))).all(|rows| rows == Some(8)));

    // The next run goes on, though it does not ask for it, and asking for it again does not begin
    // anew.
    for rebuild in [true, false] {
        fixture.options.regions.rebuild = rebuild;
        if rebuild {
            let cancelled = AtomicBool::new(true);
            ingest(&fixture.index, &fixture.encoder, &fixture.options, &cancelled, &mut silent).unwrap();
            assert_eq!(fixture.index.manifest().rebuild, Some(left));
            continue;
        }
        let (summary, _) = fixture.run();
        assert_eq!(summary.indexed, ahead);
    }
    assert!(paths[..11].iter().every(|path| rows(&fixture, path) == Some(8)));
    assert_eq!(rows(&fixture, &paths[11]), None, "stale regions of a file that is gone");
    assert_eq!(fixture.index.manifest().rebuild, None);
    assert_eq!(fixture.index.verify(false).unwrap().problems, Vec::<String>::new());
}

#[test]
fn a_rebuild_with_a_model_that_fails_keeps_what_there_is() {
    let mut fixture = Fixture::new();
    let paths: Vec<_> = (0..20).map(|seed| fixture.image(&format!("{seed}.png"), seed)).collect();
    fixture.run();
    fixture.encoder = FakeEncoder::new(32).failing_on(|_| true);
    fixture.options.regions.rebuild = true;
    let error = fixture.try_run().0.unwrap_err().to_string();
    assert!(error.contains("regions are kept"), "{error}");
    assert!(paths.iter().every(|path| rows(&fixture, path) == Some(4)));
    fixture.encoder = FakeEncoder::new(32);
    fixture.run();
    assert!(paths.iter().every(|path| rows(&fixture, path) == Some(4)));
}

#[test]
fn an_image_that_changed_meanwhile_gets_no_regions_of_another() {
    let mut fixture = Fixture::new();
    let path = fixture.image("a.png", 1);
    fixture.run();
    write_image(&path, 2);
    // A run about another folder rebuilds the regions of all images.
    fixture.options.roots = vec![fixture.outside("other")];
    fs::create_dir(&fixture.options.roots[0]).unwrap();
    fixture.options.regions.rebuild = true;
    let (_, events) = fixture.run_without_encoding();
    assert!(
        matches!(&events[..], [FileEvent::Skipped { reason, .. }] if reason.text.contains("has changed")),
        "{events:?}"
    );
    assert_eq!(rows(&fixture, &path), None);
    assert_eq!(fixture.index.manifest().rebuild, None);
}

#[test]
fn known_images_are_read_while_others_are_encoded() {
    let mut fixture = Fixture::new();
    fixture.options.regions.make = false;
    (0..12).for_each(|seed| drop(fixture.image(&format!("{seed}.png"), seed)));
    fixture.run();
    (fixture.options.regions.make, fixture.options.regions.refill) = (true, true);
    let read = Arc::new(AtomicUsize::new(0));
    let (noted, seen) = (Arc::clone(&read), Arc::clone(&read));
    fixture.options.on_image = ImageHook::new(move |_, _| _ = noted.fetch_add(1, Relaxed));
    // The model takes as long as the reading of what comes after its first batch of four.
    let start = Instant::now();
    fixture.encoder = FakeEncoder::new(32).failing_on(move |_| {
        while seen.load(Relaxed) < 8 && start.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(1));
        }
        false
    });
    let (summary, _) = fixture.run();
    assert!(start.elapsed() < Duration::from_secs(20), "{} were read while the model worked", read.load(Relaxed));
    assert_eq!((summary.indexed, summary.unchanged), (12, 12));
}

#[test]
fn a_model_that_always_fails_ends_the_run_for_known_images_too() {
    let mut fixture = Fixture::new();
    fixture.options.regions.make = false;
    (0..40).for_each(|seed| drop(fixture.image(&format!("{seed}.png"), seed)));
    fixture.run();
    (fixture.options.regions.make, fixture.options.regions.refill) = (true, true);
    fixture.encoder = FakeEncoder::new(32).failing_on(|_| true);
    let (result, events) = fixture.try_run();
    assert!(result.unwrap_err().to_string().contains("8 images in a row failed"));
    let failed = events.iter().filter(|event| matches!(event, FileEvent::Failed { .. })).count();
    assert!(failed < 8, "{failed} of 40");
}

#[test]
fn a_decoder_that_panics_on_a_known_image_costs_that_image() {
    let mut fixture = Fixture::new();
    fixture.options.regions.make = false;
    (0..6).for_each(|seed| drop(fixture.image(&format!("{seed}.png"), seed)));
    fixture.run();
    (fixture.options.regions.make, fixture.options.regions.refill) = (true, true);
    fixture.options.on_image = ImageHook::new(|_, image| {
        assert!(image.pixels.get_pixel(0, 0) != &colour(3), "so the test wants it");
    });
    let (summary, events) = fixture.run();
    assert_eq!((summary.indexed, summary.skipped), (5, 1), "{events:?}");
}
