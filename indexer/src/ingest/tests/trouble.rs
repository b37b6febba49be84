//! Bad files, failing encoders, stopped runs.

use std::sync::atomic::AtomicUsize;

use super::*;

#[test]
fn bad_files_are_named_with_their_reasons_and_the_rest_goes_on() {
    let fixture = Fixture::new();
    let good: Vec<_> = (0..5).map(|i| fixture.image(&format!("good{i}.png"), i)).collect();
    let whole = fs::read(&good[0]).unwrap();
    fs::write(fixture.path("cut.png"), &whole[..40]).unwrap();
    fs::write(fixture.path("empty.jpg"), "").unwrap();
    fs::write(fixture.path("words.gif"), "no image").unwrap();
    fs::write(fixture.path("film.heic"), b"\0\0\0\x20ftypisom\0\0\0\0").unwrap();
    let (summary, events) = fixture.run();
    assert_eq!((summary.indexed, summary.skipped), (5, 4), "{events:?}");
    let reason = |name: &str| {
        let of = |event: &FileEvent| match event {
            FileEvent::Skipped { path, reason } if *path == fixture.path(name) => Some(reason.text.clone()),
            _ => None,
        };
        events.iter().find_map(of).unwrap_or_else(|| panic!("{name} was not skipped"))
    };
    assert!(reason("cut.png").contains("PNG"));
    assert_eq!(reason("empty.jpg"), "the file is empty");
    assert!(reason("words.gif").contains("not an image"));
    assert!(reason("film.heic").contains("video"), "whatever its name says");
}

#[test]
fn equal_bad_files_are_all_named() {
    let fixture = Fixture::new();
    let whole = fs::read(fixture.image("a.png", 1)).unwrap();
    (0..20).for_each(|i| fs::write(fixture.path(&format!("bad{i}.png")), &whole[..50]).unwrap());
    assert_eq!(fixture.run().0.skipped, 20);
}

#[test]
fn an_image_that_fails_the_encoder_does_not_fail_its_batch() {
    let culprit = colour(3);
    let trap = move |prepared: &glimpse_encoder::PixelInput| *prepared.pixels.get_pixel(0, 0) == culprit;
    let fixture = Fixture::with(FakeEncoder::new(16).failing_on(trap));
    let paths: Vec<_> = (0..12).map(|i| fixture.image(&format!("{i}.png"), i)).collect();
    let twin = fixture.image("twin.png", 3);
    let (summary, events) = fixture.run();
    assert_eq!((summary.indexed, summary.failed), (11, 2));
    for failed in [&paths[3], &twin] {
        let of = |event: &&FileEvent| matches!(event, FileEvent::Failed { path, reason } if path == failed && reason.text.contains("trap"));
        assert_eq!(events.iter().filter(of).count(), 1, "{events:?}");
    }
}

#[test]
fn an_encoder_that_always_fails_ends_the_run() {
    let fixture = Fixture::with(FakeEncoder::new(16).failing_on(|_| true));
    (0..50).for_each(|i| drop(fixture.image(&format!("{i}.png"), i)));
    let (result, events) = fixture.try_run();
    let error = result.unwrap_err().to_string();
    assert!(error.contains("8 images in a row failed") && error.contains("trap"), "{error}");
    assert!(events.len() < 50);
    assert!(fixture.index.is_empty());
}

#[test]
fn an_encoder_that_panics_fails_images_not_the_process() {
    let culprit = colour(2);
    let trap = move |prepared: &glimpse_encoder::PixelInput| {
        assert_ne!(*prepared.pixels.get_pixel(0, 0), culprit, "this colour is not to my taste");
        false
    };
    let fixture = Fixture::with(FakeEncoder::new(16).failing_on(trap));
    (0..9).for_each(|i| drop(fixture.image(&format!("{i}.png"), i)));
    let (summary, events) = fixture.run();
    assert_eq!((summary.indexed, summary.failed), (8, 1));
    assert!(
        events.iter().any(|event| matches!(event, FileEvent::Failed { reason, .. } if reason.text.contains("taste")))
    );
}

#[test]
fn a_root_that_is_not_there_is_an_error_before_anything_happens() {
    let mut fixture = Fixture::new();
    fixture.image("a.png", 1);
    fixture.options.roots.push(fixture.outside("nowhere"));
    let (result, events) = fixture.try_run();
    assert!(result.unwrap_err().to_string().contains("nowhere"));
    assert_eq!((events.len(), fixture.encoder.images()), (0, 0));
}

#[test]
fn an_emptied_root_is_taken_for_an_unmounted_drive() {
    let mut fixture = Fixture::new();
    let (first, second) = (fixture.image("one/a.png", 1), fixture.image("two/b.png", 2));
    fixture.options.roots = vec![fixture.path("one"), fixture.path("two")];
    fixture.options.prune = true;
    fixture.run();
    fs::remove_file(&first).unwrap();
    fs::remove_file(&second).unwrap();
    File::create(fixture.path("two/lost+found")).unwrap();
    let (summary, events) = fixture.run();
    assert_eq!((summary.pruned, summary.missing, summary.failed), (0, 1, 2), "{events:?}");
    for root in ["one", "two"].map(|name| fixture.path(name)) {
        assert!(
            events.iter().any(|event| matches!(event, FileEvent::Failed { path, .. } if *path == root)),
            "{events:?}"
        );
    }
    assert_eq!(fixture.index.len(), 1);
    fixture.options.force = true;
    let (summary, events) = fixture.run();
    assert_eq!((summary.pruned, summary.failed), (2, 0), "{events:?}");
}

#[test]
fn nothing_is_concluded_about_folders_that_cannot_be_looked_at() {
    let fixture = Fixture::new();
    let paths = ["open/a.png", "shut/deep/b.png"].map(|name| fixture.image(name, name.len() as u32));
    fixture.run();
    paths.iter().for_each(|path| fs::remove_file(path).unwrap());
    let walked = find::walk::Walked {
        unknown: [fixture.path("shut")].into(),
        folders: fixture.options.roots.clone(),
        complete: true,
        ..find::walk::Walked::default()
    };
    let (claims, mut recorder, cancel) = (ContentClaims::default(), Recorder::default(), AtomicBool::new(false));
    let drives = Drives::new(fixture.index.manifest().roots, &cancel);
    let mut writer = Writer::new(&fixture.index, &claims, &drives, Report::new(&mut recorder));
    reconcile(&fixture.index, &fixture.options, &walked, &[], &cancel, &mut writer).unwrap();
    assert_eq!(recorder.events, [missing(&paths[0])]);
}

#[cfg(unix)]
#[test]
fn a_folder_without_permission_is_named_and_its_images_stay() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new();
    let (shut, open) = (fixture.image("shut/a.png", 1), fixture.image("open/b.png", 2));
    fixture.run();
    let permit = |mode| fs::set_permissions(fixture.path("shut"), fs::Permissions::from_mode(mode)).unwrap();
    permit(0o000);
    if fs::read_dir(fixture.path("shut")).is_ok() {
        permit(0o755);
        eprintln!("SKIPPED: this user may read every folder, so none can be shut");
        return;
    }
    let (summary, events) = fixture.run();
    permit(0o755);
    assert_eq!((summary.failed, summary.unchanged, summary.missing), (1, 1, 0), "{events:?}");
    assert!(events.contains(&unchanged(&open)));
    assert!(!fixture.index.file(&shut).unwrap().unwrap().missing);
}

/// Cancels after some events.
struct Impatient<'a> {
    cancel: &'a AtomicBool,
    left: usize,
    events: Vec<FileEvent>,
}

impl Observer for Impatient<'_> {
    fn found(&mut self, _: usize, _: bool) {}

    fn event(&mut self, event: &FileEvent) {
        self.events.push(event.clone());
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.cancel.store(true, Relaxed);
        }
    }
}

#[test]
fn a_cancelled_run_keeps_what_it_did_and_the_next_one_goes_on() {
    let fixture = Fixture::with(FakeEncoder::new(16).with_delay(Duration::from_millis(10)));
    (0..400).for_each(|i| drop(fixture.image(&format!("{i}.png"), i)));
    let cancel = AtomicBool::new(false);
    let mut observer = Impatient { cancel: &cancel, left: 10, events: Vec::new() };
    let summary = ingest(&fixture.index, &fixture.encoder, &fixture.options, &cancel, &mut observer).unwrap();
    assert!(summary.cancelled && summary.indexed >= 10 && summary.indexed < 400, "{summary:?}");
    assert_eq!(summary.indexed, observer.events.len());
    assert_eq!(fixture.index.len(), summary.indexed);
    let (rest, _) = fixture.run();
    assert_eq!((rest.unchanged, rest.indexed), (summary.indexed, 400 - summary.indexed));
    assert!(!rest.cancelled);
}

/// The walk waits for the encoder instead of running ahead of it.
#[test]
fn a_slow_encoder_holds_the_decoders_back() {
    const FILES: usize = 2500;
    let decoded = Arc::new(AtomicUsize::new(0));
    let held_at = Arc::new(AtomicUsize::new(0));
    // The first image is held until the decoders stand still.
    let trap = {
        let (decoded, held_at) = (Arc::clone(&decoded), Arc::clone(&held_at));
        move |_: &glimpse_encoder::PixelInput| {
            while held_at.load(Relaxed) == 0 {
                let before = decoded.load(Relaxed);
                std::thread::sleep(Duration::from_millis(500));
                if before > 0 && before == decoded.load(Relaxed) {
                    held_at.store(before, Relaxed);
                }
            }
            false
        }
    };
    let mut fixture = Fixture::with(FakeEncoder::new(8).failing_on(trap));
    (0..FILES).for_each(|i| drop(fixture.image(&format!("{i}.bmp"), i as u32)));
    fixture.options.decoder = ImageDecoder::new(move |bytes, limits, least| {
        decoded.fetch_add(1, Relaxed);
        glimpse_encoder::image_file::decode_reduced(bytes, limits, least)
    });
    let (summary, _) = fixture.run();
    assert_eq!(summary.indexed, FILES);
    // One in the hands of each thread, waiting and current images.
    let most = fixture.options.threads + 3 * fixture.options.batch;
    assert!((1..=most).contains(&held_at.load(Relaxed)), "{held_at:?}");
}

/// Decodes as always, but never ends with images of which `is_endless`, until `end` is set.
fn endless(end: &Arc<AtomicBool>, is_endless: impl Fn(&[u8]) -> bool + Send + Sync + 'static) -> ImageDecoder {
    let end = Arc::clone(end);
    ImageDecoder::new(move |bytes, limits, least| {
        while is_endless(bytes) && !end.load(Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        glimpse_encoder::image_file::decode_reduced(bytes, limits, least)
    })
}

#[test]
fn an_image_that_never_finishes_decoding_fails_and_the_rest_goes_on() {
    let mut fixture = Fixture::new();
    let end = Arc::new(AtomicBool::new(false));
    let bomb = fixture.image("bomb.png", 100);
    fs::copy(&bomb, fixture.path("copy.png")).unwrap();
    (0..20).for_each(|i| drop(fixture.image(&format!("{i}.png"), i)));
    let bytes = fs::read(&bomb).unwrap();
    fixture.options.decoder = endless(&end, move |read| read == bytes);
    fixture.options.image_timeout = Duration::from_millis(300);
    let (summary, events) = fixture.run();
    assert_eq!((summary.indexed, summary.failed), (20, 2), "{events:?}");
    for name in ["bomb.png", "copy.png"] {
        let told = |event: &FileEvent| match event {
            FileEvent::Failed { path, reason } => {
                *path == fixture.path(name) && reason.text.contains("longer than 0.3")
            }
            _ => false,
        };
        assert!(events.iter().any(told), "{name}: {events:?}");
    }
    end.store(true, Relaxed);
    assert_eq!(fixture.run().0.indexed, 1, "it is tried again");
}

#[test]
fn a_run_ends_at_once_whatever_a_decoder_does_and_keeps_what_was_done() {
    let mut fixture = Fixture::new();
    let end = Arc::new(AtomicBool::new(false));
    (0..2).for_each(|i| drop(fixture.image(&format!("{i}.png"), i)));
    assert_eq!(fixture.run().0.indexed, 2);
    (2..12).for_each(|i| drop(fixture.image(&format!("{i}.png"), i)));
    fixture.options.decoder = endless(&end, |_| true);
    let cancel = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&cancel);
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        stop.store(true, Relaxed);
        std::time::Instant::now()
    });
    let summary =
        ingest(&fixture.index, &fixture.encoder, &fixture.options, &cancel, &mut Recorder::default()).unwrap();
    let late = stopper.join().unwrap().elapsed();
    end.store(true, Relaxed);
    assert!(summary.cancelled && late < Duration::from_secs(2), "{late:?}");
    assert_eq!(fixture.index.len(), 2);
}

#[test]
fn many_images_that_never_finish_end_the_run_with_their_names() {
    let mut fixture = Fixture::new();
    let end = Arc::new(AtomicBool::new(false));
    (0..40).for_each(|i| drop(fixture.image(&format!("{i}.png"), i)));
    fixture.options.decoder = endless(&end, |_| true);
    fixture.options.image_timeout = Duration::from_millis(50);
    let (result, events) = fixture.try_run();
    end.store(true, Relaxed);
    let error = result.unwrap_err();
    assert!(matches!(&error, IndexError::Stuck { files, .. } if files.len() >= drives::detached::MOST_LEFT), "{error}");
    assert!(error.to_string().contains(".png") && events.len() < 40, "{error}");
}

#[test]
fn known_images_are_given_up_too() {
    let mut fixture = Fixture::new();
    fixture.options.regions.make = false;
    let [bomb, good] = [fixture.image("bomb.png", 1), fixture.image("good.png", 2)];
    assert_eq!(fixture.run().0.indexed, 2);
    let end = Arc::new(AtomicBool::new(false));
    let bytes = fs::read(&bomb).unwrap();
    fixture.options.regions = RegionOptions { make: true, refill: true, ..fixture.options.regions };
    fixture.options.decoder = endless(&end, move |read| read == bytes);
    fixture.options.image_timeout = Duration::from_millis(300);
    let (summary, events) = fixture.run();
    end.store(true, Relaxed);
    assert_eq!((summary.indexed, summary.failed), (1, 1), "{events:?}");
    let has = |path: &Path| fixture.index.has_regions(fixture.id(path)).unwrap();
    assert_eq!([has(&bomb), has(&good)], [false, true]);
}

/// Regions of other pixels must not be stored under the number of an image.
#[test]
fn a_known_image_that_changes_during_the_run_gets_nothing() {
    let mut fixture = Fixture::new();
    fixture.options.regions.make = false;
    let paths = [fixture.image("a.bmp", 1), fixture.image("b.bmp", 2)];
    assert_eq!(fixture.run().0.indexed, 2);
    fixture.options.regions = RegionOptions { make: true, refill: true, ..fixture.options.regions };
    (fixture.options.batch, fixture.options.threads) = (1, 1);
    let others = paths.clone();
    fixture.options.decoder = ImageDecoder::new(move |bytes, limits, least| {
        others.iter().zip(3..).for_each(|(path, seed)| write_image(path, seed));
        glimpse_encoder::image_file::decode_reduced(bytes, limits, least)
    });
    let (summary, events) = fixture.run();
    assert_eq!((summary.indexed, summary.skipped), (1, 1), "{events:?}");
    let with_regions = paths.iter().filter(|path| fixture.index.has_regions(fixture.id(path)).unwrap()).count();
    assert_eq!(with_regions, 1, "the first was read before");
}

/// Whoever may write into a folder may put a pipe in the place of any file there.
#[cfg(unix)]
#[test]
fn pipes_in_the_place_of_ignore_files_and_sidecars_are_named_and_not_waited_for() {
    let fixture = Fixture::new();
    let good = fixture.image("a/good.png", 1);
    let pipes = [fixture.path("a/.glimpseignore"), fixture.path("a/good.xmp"), fixture.path("a/pipe.png")];
    assert!(std::process::Command::new("mkfifo").args(&pipes).status().unwrap().success());
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || drop(tell.send(fixture.run())));
    let (summary, events) = told.recv_timeout(Duration::from_secs(60)).expect("a run waits for a pipe");
    assert_eq!((summary.indexed, summary.failed), (1, 1), "{events:?}");
    assert!(events.contains(&indexed(&good)), "{events:?}");
    assert!(matches!(&events[0], FileEvent::Failed { path, .. } if *path == pipes[0]), "{events:?}");
}
