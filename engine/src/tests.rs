//! The engine over real files: indexing, generations, duplicates, tags, embeddings, and the bundled
//! model.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use glimpse_encoder::testing::FakeEncoder;
use glimpse_nonempty::{Every as _, each};
use image::{Rgb, RgbImage};

use crate::fixture::{BLUE, DIM, Fixture, GREEN, RED, Shot};
use crate::{
    Depth, DuplicateOptions, EmbedInput, Engine, EngineError, ErrorKind, FileEvent, ImageHook, ImageId, IngestOptions,
    Mode, Observer, Query, RunControl, Settings, TagOptions,
};

mod feedback;
mod generations;
mod questions;
mod sidecars;
mod texts_alone;
mod videos;
mod watching;

struct Silent;

impl Observer for Silent {
    fn found(&mut self, _: usize, _: bool) {}
    fn event(&mut self, _: &FileEvent) {}
}

fn save(folder: &Path, name: &str, colour: [u8; 3]) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    RgbImage::from_fn(80, 60, |x, y| Rgb(if (x + y) % 80 == 0 { [9, 9, 9] } else { colour })).save(&path).unwrap();
    path
}

fn index(engine: &Engine, root: &Path) -> glimpse_indexer::ingest::Summary {
    let options = IngestOptions { roots: vec![root.to_path_buf()], ..IngestOptions::default() };
    engine.index(&options, &AtomicBool::new(false), &mut Silent).unwrap()
}

#[test]
fn folders_are_indexed_and_described() {
    let (home, photos) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let red = save(photos.path(), "a/red.png", RED);
    save(photos.path(), "b/blue.png", BLUE);
    std::fs::write(photos.path().join("b/broken.jpg"), b"not an image").unwrap();
    let engine = Engine::with_encoder(Settings::at(home.path()), Arc::new(FakeEncoder::new(DIM))).unwrap();
    let summary = index(&engine, photos.path());
    assert_eq!((summary.indexed, summary.skipped), (2, 1));
    assert_eq!(index(&engine, photos.path()).unchanged, 2);

    let id = engine.image_at(&red).unwrap().unwrap();
    let described = engine.describe(id).unwrap();
    assert_eq!((described.record.width, described.record.height, described.files.len()), (80, 60, 1));
    assert_eq!(engine.image_at(Path::new("/no/such/file")).unwrap(), None);
    assert_eq!(engine.taken(id).unwrap(), None);
    let (stats, model) = engine.stats().unwrap();
    assert_eq!((stats.images, model.name.as_str()), (2, "fake"));
    assert!(engine.verify(false).unwrap().problems.is_empty());
    assert_eq!(engine.facets().unwrap().formats.len(), 1);
    let best = engine.search(&Query { depth: crate::Depth::All, ..Query::text("red") }).unwrap().hits[0].id;
    assert_eq!(best, id);
}

#[test]
fn another_model_makes_a_second_generation_of_everything() {
    let home = tempfile::tempdir().unwrap();
    let [first, second] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    save(first.path(), "red.png", RED);
    save(second.path(), "blue.png", BLUE);
    let settings = || Settings::at(home.path());
    let old = Engine::with_encoder(settings(), Arc::new(FakeEncoder::new(DIM))).unwrap();
    index(&old, first.path());
    drop(old);

    let new = Engine::with_encoder(settings(), Arc::new(FakeEncoder::new(DIM).named("newer"))).unwrap();
    let refused = new.search(&Query { mode: Mode::Semantic, ..Query::text("red") }).unwrap_err();
    assert!(refused.kind() == ErrorKind::NotReady && refused.to_string().contains("glimpse index --model newer"));
    assert_eq!(new.search(&Query { mode: Mode::Words, ..Query::text("red") }).unwrap().hits.len(), 1);

    // A run that is stopped leaves the old generation in service.
    let options = IngestOptions { roots: vec![second.path().to_path_buf()], ..IngestOptions::default() };
    assert!(new.index(&options, &AtomicBool::new(true), &mut Silent).unwrap().cancelled);
    assert_eq!(new.stats().unwrap().1.name, "fake");

    assert_eq!(index(&new, second.path()).indexed, 2);
    let (stats, model) = new.stats().unwrap();
    assert_eq!((stats.images, model.name.as_str()), (2, "newer"));
    drop(new);
    let reopened = Engine::open(settings()).unwrap();
    assert_eq!(reopened.model_info().unwrap().unwrap().name, "newer");
}

#[test]
fn a_new_model_does_without_folders_that_are_gone_but_not_without_one_that_is_asked_for() {
    #[derive(Default)]
    struct Skipped(Vec<(PathBuf, String)>);
    impl Observer for Skipped {
        fn found(&mut self, _: usize, _: bool) {}
        fn event(&mut self, event: &FileEvent) {
            if let FileEvent::Skipped { path, reason } = event {
                self.0.push((path.clone(), reason.text.clone()));
            }
        }
    }
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let photos = dir.path().canonicalize().unwrap();
    save(&photos, "old name/red.png", RED);
    save(&photos, "other/blue.png", BLUE);
    let settings = || Settings::at(home.path());
    let old = Engine::with_encoder(settings(), Arc::new(FakeEncoder::new(DIM))).unwrap();
    index(&old, &photos.join("old name"));
    index(&old, &photos.join("other"));
    drop(old);
    std::fs::rename(photos.join("old name"), photos.join("new name")).unwrap();

    let new = Engine::with_encoder(settings(), Arc::new(FakeEncoder::new(DIM).named("newer"))).unwrap();
    let mut skipped = Skipped::default();
    let mut run = |name: &str| {
        let options = IngestOptions { roots: vec![photos.join(name)], ..IngestOptions::default() };
        new.index(&options, &AtomicBool::new(false), &mut skipped)
    };
    for nowhere in ["old name", "nowhere"] {
        assert!(run(nowhere).unwrap_err().to_string().contains(nowhere));
        assert!(!settings().library_dir().join("gen-0002").exists(), "an index for nothing");
    }
    let summary = run("new name").unwrap();
    assert_eq!((summary.indexed, summary.skipped), (2, 1));
    let [(path, reason)] = &skipped.0[..] else { panic!("{:?}", skipped.0) };
    assert!(*path == photos.join("old name") && reason.contains("index it again"), "{reason}");
    assert_eq!(new.roots().unwrap(), [photos.join("new name"), photos.join("other")]);
}

/// Another model while a drive is away: the library as it was goes on serving until the drive is
/// back, or by force.
#[test]
fn a_new_generation_without_what_is_on_a_drive_takes_nobodys_place() {
    for away in ["an empty folder", "nothing", "an unreadable file"] {
        let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let photos = dir.path().canonicalize().unwrap();
        save(&photos, "here/red.png", RED);
        let on_drive = save(&photos, "usb/blue.png", BLUE);
        let settings = || Settings::at(home.path());
        let old = Engine::with_encoder(settings(), Arc::new(FakeEncoder::new(DIM))).unwrap();
        index(&old, &photos.join("here"));
        index(&old, &photos.join("usb"));
        drop(old);
        let (usb, elsewhere) = (photos.join("usb"), photos.join("elsewhere"));
        std::fs::rename(&usb, &elsewhere).unwrap();
        match away {
            "nothing" => {}
            "an empty folder" => std::fs::create_dir(&usb).unwrap(),
            _ => std::fs::create_dir_all(&on_drive).unwrap(), // a folder under the image's name
        }
        let run = |force: bool| {
            let new = Engine::with_encoder(settings(), Arc::new(FakeEncoder::new(DIM).named("newer"))).unwrap();
            let options = IngestOptions { roots: vec![photos.join("here")], force, ..IngestOptions::default() };
            let summary = new.index(&options, &AtomicBool::new(false), &mut Silent).unwrap();
            drop(new);
            (summary, Engine::open(settings()).unwrap().stats().unwrap().0.images)
        };
        let (summary, images) = run(false);
        assert!(summary.kept_old && summary.failed > 0, "{away}: {summary:?}");
        assert_eq!(images, 2, "{away}: the old one serves");
        assert!(settings().library_dir().join("gen-0002").exists(), "{away}: and the new one is kept");
        if away == "nothing" {
            std::fs::rename(&elsewhere, &usb).unwrap();
            let (summary, images) = run(false);
            assert_eq!((summary.kept_old, summary.indexed, images), (false, 1, 2), "only what was away is encoded");
        } else {
            let (summary, images) = run(true);
            assert_eq!((summary.kept_old, images), (false, 1), "{away}");
        }
        assert!(settings().library_dir().join("gen-0001.retired").exists(), "{away}");
    }
}

#[test]
fn of_several_files_the_first_one_is_there() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let photos = dir.path().canonicalize().unwrap();
    let first = save(&photos, "a/red.png", RED);
    let second = save(&photos, "b/red.png", RED);
    let engine = Engine::with_encoder(Settings::at(home.path()), Arc::new(FakeEncoder::new(DIM))).unwrap();
    index(&engine, &photos);
    let id = engine.image_at(&first).unwrap().unwrap();
    let paths = || engine.files_of(id).unwrap().into_iter().map(|file| file.path).collect::<Vec<_>>();
    assert_eq!(paths(), [first.clone(), second.clone()]);
    std::fs::remove_file(&first).unwrap();
    assert_eq!(paths(), [second, first]);
}

#[test]
fn only_one_run_indexes_at_a_time() {
    let (home, photos) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    save(photos.path(), "red.png", RED);
    let engine = Engine::with_encoder(Settings::at(home.path()), Arc::new(FakeEncoder::new(DIM))).unwrap();
    let _running = engine.turns.take();
    let options = IngestOptions { roots: vec![photos.path().to_path_buf()], ..IngestOptions::default() };
    let error = engine.index(&options, &AtomicBool::new(false), &mut Silent).unwrap_err();
    assert!(matches!(error, EngineError::Busy(_)));
}

#[test]
fn near_duplicates_are_grouped_best_first() {
    let fixture = Fixture::empty();
    fixture.add_crowd(60);
    let shot = |path, width, taken| Shot { width, taken, ..Shot::of(path, RED) };
    let small = fixture.add(&shot("small.png", 320, Some(5)), 0);
    let late = fixture.add(&shot("late.png", 640, Some(9)), 0);
    let early = fixture.add(&shot("early.png", 640, Some(3)), 0);
    let other = fixture.add(&Shot::of("other.png", GREEN), 0);
    let (engine, _home) = fixture.engine();
    let groups = engine.duplicates(&DuplicateOptions { min_cosine: 0.999 }).unwrap();
    let group = groups.iter().find(|group| group.images.contains(&small)).unwrap();
    assert_eq!(group.images, [early, late, small]);
    assert!(group.min_cosine >= 0.999);
    assert!(groups.iter().every(|group| !group.images.contains(&other)));
    assert!(engine.duplicates(&DuplicateOptions { min_cosine: 1.5 }).is_err());
}

#[test]
fn near_duplicates_in_a_ranking_are_stacked_on_the_first() {
    let fixture = Fixture::empty();
    let red = fixture.add(&Shot::of("red.png", RED), 0);
    let blue = fixture.add(&Shot::of("blue.png", BLUE), 0);
    let red_again = fixture.add(&Shot::of("red again.png", RED), 1);
    let (engine, _home) = fixture.engine();
    let options = DuplicateOptions { min_cosine: 0.99 };
    let stacks = engine.stacks(&[red, blue, red_again, ImageId(99)], &options).unwrap();
    assert_eq!(stacks, [None, None, Some(red), None]);
}

#[test]
fn a_run_in_the_background_can_be_stopped_while_it_waits() {
    let (home, photos) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    (0..40).for_each(|i| drop(save(photos.path(), &format!("{i}.png"), [i * 5, 100, 250 - i * 5])));
    let engine = Engine::with_encoder(Settings::at(home.path()), Arc::new(FakeEncoder::new(DIM))).unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let options = IngestOptions {
        roots: vec![photos.path().to_path_buf()],
        batch: 2,
        on_image: ImageHook::new(move |_, _| _ = count.fetch_add(1, Ordering::Relaxed)),
        ..IngestOptions::default()
    };
    let control = RunControl::new();
    control.pause();
    let summary = std::thread::scope(|scope| {
        let run = scope.spawn(|| engine.index_in_background(&options, &control, &mut Silent).unwrap());
        while seen.load(Ordering::Relaxed) == 0 {
            std::thread::yield_now(); // images are decoded ahead, and wait
        }
        control.cancel();
        run.join().unwrap()
    });
    assert!(summary.cancelled && summary.indexed < 40, "{summary:?}");
    let summary = engine.index_in_background(&options, &RunControl::new(), &mut Silent).unwrap();
    assert!(!summary.cancelled);
    assert_eq!(engine.stats().unwrap().0.images, 40);
}

#[test]
fn a_chain_of_likes_is_not_one_group() {
    let fixture = Fixture::empty();
    let path = |i: u8| -> &'static str { Box::leak(format!("step{i:02}.png").into_boxed_str()) };
    let chain: Vec<_> = (0..40u8).map(|i| fixture.add(&Shot::of(path(i), [220 - 5 * i, 20 + 5 * i, 20]), 0)).collect();
    let (engine, _home) = fixture.engine();
    let min_cosine = 0.98;
    let groups = engine.duplicates(&DuplicateOptions { min_cosine }).unwrap();
    assert!(groups.len() > 1, "{groups:?}");
    assert!(groups.iter().every(|group| group.min_cosine >= min_cosine));
    let members: Vec<_> = groups.iter().flat_map(|group| &group.images).collect();
    assert!(members.len() <= chain.len() && members.len() > chain.len() / 2);
}

#[test]
fn labels_tag_what_they_fit_and_nothing_else() {
    let fixture = Fixture::empty();
    fixture.add_crowd(150);
    let red = fixture.add(&Shot::of("red.png", RED), 0);
    let (engine, _home) = fixture.engine();
    let labels = ["red", "zebra", "lighthouse"].map(str::to_owned);
    let tagged = engine.tag(&labels, &TagOptions::default()).unwrap();
    assert_eq!(tagged.len(), 151);
    let tags = &tagged.iter().find(|tagged| tagged.id == red).unwrap().tags;
    assert_eq!(tags[0].label, "red");
    let absent = tagged.iter().flat_map(|tagged| &tagged.tags).filter(|tag| tag.label != "red").count();
    assert!(absent <= 1, "{absent}");
    let all = engine.tag(&labels, &TagOptions { max_tags: 2, min_score: 0.0, ..TagOptions::default() }).unwrap();
    assert!(all.iter().every(|tagged| tagged.tags.len() == 2 && tagged.tags[0].score >= tagged.tags[1].score));
    for bad in [vec![], vec!["  ".to_owned()]] {
        assert_eq!(engine.tag(&bad, &TagOptions::default()).unwrap_err().kind(), ErrorKind::BadRequest);
    }
}

#[test]
fn texts_and_images_are_embedded_in_order_and_a_bad_file_costs_itself() {
    let (home, photos) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let red = save(photos.path(), "red.png", RED);
    let broken = photos.path().join("broken.png");
    std::fs::write(&broken, b"\x89PNG\r\n\x1a\n").unwrap();
    let engine = Engine::with_encoder(Settings::at(home.path()), Arc::new(FakeEncoder::new(DIM))).unwrap();
    let inputs: Vec<EmbedInput> = std::iter::repeat_n(
        [
            EmbedInput::Text("red".into()),
            EmbedInput::Image(broken),
            EmbedInput::Image(red),
            EmbedInput::Image(photos.path().join("none.png")),
        ],
        5,
    )
    .flatten()
    .collect();
    let embedded = engine.embed(&inputs, true).unwrap();
    assert_eq!(embedded.len(), 20);
    for four in each(embedded.chunks(4)) {
        let [Ok(text), Err(broken), Ok(image), Err(none)] = four else { panic!("{four:?}") };
        assert!(text.tokens.is_some() && text.dense.is_none());
        assert!(image.tokens.is_none() && image.dense.is_some());
        assert!(text.embedding.cosine(&image.embedding) > 0.9);
        assert!(broken.to_string().contains("broken.png") && none.to_string().contains("none.png"));
    }
}

#[test]
fn the_bundled_model_finds_little_of_what_is_absent() {
    let (home, photos) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let settings = Settings { model: Some("demo".into()), ..Settings::at(home.path()) };
    let engine = Engine::open(settings).unwrap();
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/demo/library/Zoo");
    for (i, file) in std::fs::read_dir(library).unwrap().map(|entry| entry.unwrap().path()).enumerate() {
        let name = file.extension().map_or("x".into(), |e| format!("{i}.{}", e.to_string_lossy()));
        std::fs::copy(&file, photos.path().join(name)).unwrap();
    }
    let images = index(&engine, photos.path()).indexed;
    assert!(images > 10);
    assert_eq!(engine.load_model().unwrap().name, "demo");
    let found = |text: &str| engine.search(&Query { mode: Mode::Semantic, ..Query::text(text) }).unwrap().accepted;
    let absent = ["submarine", "office meeting", "Bibliothek", "地铁站", "метро"];
    let hits: usize = absent.into_iter().map(found).sum();
    assert!(20 * hits <= absent.len() * images, "{hits} hits among {images} images for what is not there");
}

#[test]
fn the_library_is_asked_with_its_own_model_whatever_becomes_of_another() {
    let (home, photos) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    save(photos.path(), "red.png", RED);
    let settings = || Settings::at(home.path());
    let old = Engine::open(Settings { model: Some("demo".into()), ..settings() }).unwrap();
    index(&old, photos.path());
    drop(old);

    let engine = Engine::with_encoder(settings(), Arc::new(FakeEncoder::new(DIM).named("newer"))).unwrap();
    let embedded = |engine: &Engine| {
        let text = [EmbedInput::Text("red".into())];
        engine.embed(&text, false).unwrap().remove(0).unwrap().model
    };
    let found = |engine: &Engine| {
        engine.search(&Query { mode: Mode::Semantic, depth: Depth::All, ..Query::text("red") }).unwrap().hits.len()
    };
    assert!(!engine.model_is_loaded(), "what is loaded is not what the library needs");
    assert_eq!((found(&engine), embedded(&engine)), (1, "newer".to_owned()));
    assert_eq!((engine.model_is_loaded(), engine.model_info().unwrap().unwrap().name), (true, "demo".to_owned()));

    // A run with the other model that is stopped changes nothing.
    let options = IngestOptions { roots: vec![photos.path().to_path_buf()], ..IngestOptions::default() };
    assert!(engine.index(&options, &AtomicBool::new(true), &mut Silent).unwrap().cancelled);
    assert_eq!((found(&engine), embedded(&engine)), (1, "newer".to_owned()));
    // One that ends changes all.
    index(&engine, photos.path());
    assert_eq!((found(&engine), engine.model_info().unwrap().unwrap().name), (1, "newer".to_owned()));
}

#[test]
fn scores_follow_from_the_images_that_are_there() {
    let (home, photos) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let open = || Engine::with_encoder(Settings::at(home.path()), Arc::new(FakeEncoder::new(DIM))).unwrap();
    let shades = |folder: &str, colour: fn(u8) -> [u8; 3]| {
        (0..80).for_each(|i| drop(save(photos.path(), &format!("{folder}/{i}.png"), colour(i))));
    };
    let scores = |engine: &Engine| -> Vec<(ImageId, f32)> {
        let query = Query { mode: Mode::Semantic, depth: Depth::All, limit: 200, ..Query::text("red") };
        engine.search(&query).unwrap().hits.into_iter().map(|hit| (hit.id, hit.score)).collect()
    };
    let engine = open();
    shades("reds", |i| [150 + i, i, i / 2]);
    index(&engine, photos.path());
    let before = scores(&engine);
    // As many images take their place as go.
    std::fs::remove_dir_all(photos.path().join("reds")).unwrap();
    shades("blues", |i| [i, i / 2, 150 + i]);
    let roots = vec![photos.path().to_path_buf()];
    let options = IngestOptions { roots, prune: true, ..IngestOptions::default() };
    engine.index(&options, &AtomicBool::new(false), &mut Silent).unwrap();
    assert_eq!(engine.count().unwrap(), before.len());
    let after = scores(&engine);
    drop(engine);
    assert_eq!(scores(&open()), after, "another process answers the same");
}

#[test]
fn a_label_tags_the_same_however_it_is_written() {
    let fixture = Fixture::empty();
    fixture.add_crowd(60);
    fixture.add(&Shot::of("red.png", RED), 0);
    let (engine, _home) = fixture.engine();
    let options = TagOptions { min_score: 0.0, ..TagOptions::default() };
    let scores = |label: &str| -> Vec<f32> {
        let tagged = engine.tag(&[label.to_owned()], &options).unwrap();
        assert!(tagged.iter().every(|tagged| tagged.tags[0].label == label), "labels come back as given");
        tagged.iter().map(|tagged| tagged.tags[0].score).collect()
    };
    let plain = scores("bright red");
    for label in ["Bright_Red", " bright  red! ", "BRIGHT: red"] {
        assert_eq!(scores(label), plain, "{label}");
    }
}

/// A copy of the small NaFlex checkpoint of the goldens, with a tokenizer of few pieces.
fn naflex(folder: &Path) -> String {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/naflex");
    for file in ["config.json", "model.safetensors"] {
        std::fs::copy(golden.join(file), folder.join(file)).unwrap();
    }
    let tokenizer = serde_json::json!({"model": {
        "type": "BPE", "unk_token": "<unk>", "merges": [],
        "vocab": {"<pad>": 0, "<eos>": 1, "<unk>": 2, "a": 3, "e": 4, "i": 5, "o": 6, "t": 7, "n": 8, "s": 9},
    }});
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    folder.to_str().unwrap().to_owned()
}

#[test]
fn a_library_keeps_its_patch_budget() {
    let [home, photos, model] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    save(photos.path(), "red.png", RED);
    let name = naflex(model.path());
    let open = |model: Option<&str>, max_patches| {
        let settings = Settings { model: model.map(str::to_owned), max_patches, ..Settings::at(home.path()) };
        Engine::open(settings).unwrap()
    };
    assert_eq!(index(&open(Some(&name), Some(144)), photos.path()).indexed, 1);
    for model in [None, Some(name.as_str())] {
        let engine = open(model, None);
        assert_eq!(engine.load_model().unwrap().max_patches, Some(144));
        assert_eq!(engine.load_model().unwrap().fingerprint, engine.stats().unwrap().1.fingerprint);
        assert_eq!(index(&engine, photos.path()).unchanged, 1);
    }
    // Another budget makes other vectors, so that there is a second index; until then the first is
    // searched with its own.
    let other = open(None, Some(200));
    assert!(other.search(&Query { mode: Mode::Semantic, ..Query::text("red") }).is_ok());
    assert_eq!(index(&other, photos.path()).indexed, 1);
    drop(other);
    assert_eq!(open(None, None).load_model().unwrap().max_patches, Some(200));
    let error = open(Some("demo"), Some(256)).load_model().unwrap_err().to_string();
    assert!(error.contains("leave --patches out"), "{error}");
}
