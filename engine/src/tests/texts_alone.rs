//! A model that was trained further for texts alone: the library stays, its vectors with it.

use glimpse_encoder::Encode as _;

use super::*;

/// Three images of three colours, and the folder of the library.
struct Colours {
    home: tempfile::TempDir,
    images: tempfile::TempDir,
}

fn colours() -> Colours {
    let [home, images] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    for (name, colour) in [("red.png", RED), ("green.png", GREEN), ("blue.png", BLUE)] {
        save(images.path(), name, colour);
    }
    Colours { home, images }
}

impl Colours {
    fn engine(&self, encoder: &Arc<FakeEncoder>) -> Engine {
        Engine::with_encoder(Settings::at(self.home.path()), Arc::<FakeEncoder>::clone(encoder)).unwrap()
    }

    fn generations(&self) -> usize {
        let folders = std::fs::read_dir(self.home.path().join("library")).unwrap();
        folders.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("gen-")).count()
    }
}

fn first() -> Arc<FakeEncoder> {
    Arc::new(FakeEncoder::new(DIM).named("first"))
}

/// The same model, which has learnt that `rot` is red.
fn lit() -> Arc<FakeEncoder> {
    Arc::new(FakeEncoder::new(DIM).named("first").taught("lit", "rot", "red"))
}

/// The file of the image that comes first.
fn best_of(engine: &Engine, text: &str) -> Option<PathBuf> {
    let query = Query { depth: Depth::All, mode: Mode::Semantic, ..Query::text(text) };
    let hits = engine.search(&query).unwrap().hits;
    let best = hits.first()?;
    Some(engine.files_of(best.id).unwrap()[0].path.clone())
}

#[test]
fn a_library_is_searched_by_the_texts_of_a_model_that_sees_as_its_own_does() {
    let colours = colours();
    let own = first();
    let engine = colours.engine(&own);
    assert_eq!(index(&engine, colours.images.path()).indexed, 3);
    assert!(own.images() >= 3, "these, and those that tell what is special of the model");
    let red = engine.image_at(&colours.images.path().join("red.png")).unwrap().unwrap();
    let vector = engine.serving().unwrap().vector(red).unwrap();
    drop(engine);

    // It asks without an index of its own, and says so.
    let taught = lit();
    let engine = colours.engine(&taught);
    assert!(best_of(&engine, "rot").unwrap().ends_with("red.png"));
    assert!(engine.model_is_loaded());
    assert_eq!(engine.model_info().unwrap().unwrap().name, "lit");
    assert_eq!(engine.stats().unwrap().1.fingerprint, taught.info().fingerprint);

    // An index run makes the library its own, and encodes nothing.
    let rehearsal =
        IngestOptions { roots: vec![colours.images.path().into()], dry_run: true, ..IngestOptions::default() };
    let rehearsed = engine.index(&rehearsal, &AtomicBool::new(false), &mut Silent).unwrap();
    assert_eq!(rehearsed.indexed, 0, "{rehearsed:?}");
    assert_eq!(engine.serving().unwrap().manifest().model.name, "first", "a rehearsal changes nothing");
    let summary = index(&engine, colours.images.path());
    assert_eq!((summary.indexed, summary.unchanged, taught.images()), (0, 3, 0));
    assert_eq!(colours.generations(), 1);
    assert_eq!(engine.serving().unwrap().manifest().model, *taught.info());
    assert_eq!(engine.serving().unwrap().vector(red).unwrap(), vector);
    assert!(best_of(&engine, "rot").unwrap().ends_with("red.png"));
    // What is new is encoded, beside what was there.
    save(colours.images.path(), "yellow.png", [230, 220, 20]);
    assert_eq!(index(&engine, colours.images.path()).indexed, 1);
    assert_eq!(taught.images(), 1);
    drop(engine);

    // So `library.json` says, too.
    let library = glimpse_indexer::Library::at(&colours.home.path().join("library"));
    assert_eq!(library.serving_model().unwrap().unwrap().name, "lit");
}

#[test]
fn a_model_that_sees_otherwise_gets_an_index_of_its_own() {
    let colours = colours();
    index(&colours.engine(&first()), colours.images.path());
    let other = Arc::new(FakeEncoder::new(DIM).named("other").taught("lit", "rot", "red"));
    let engine = colours.engine(&other);
    let refused = engine.search(&Query { mode: Mode::Semantic, ..Query::text("rot") }).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotReady);
    assert_eq!(index(&engine, colours.images.path()).indexed, 3);
    assert!(other.images() >= 3);
    assert_eq!(engine.serving().unwrap().manifest().model.name, "lit");
}

/// Nobody knows what the images' side of its model was like, so it is as it ever was.
#[test]
fn a_library_of_before_keeps_to_its_model() {
    let colours = colours();
    let of_before = Arc::new(FakeEncoder::new(DIM).named("first").without_image_fingerprint());
    index(&colours.engine(&of_before), colours.images.path());

    let engine = colours.engine(&lit());
    let refused = engine.search(&Query { mode: Mode::Semantic, ..Query::text("rot") }).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotReady);
    drop(engine);
    // Its own model goes on with it, and a run of it notes what was not known.
    let own = first();
    let engine = colours.engine(&own);
    assert!(best_of(&engine, "red").unwrap().ends_with("red.png"));
    assert_eq!(index(&engine, colours.images.path()).unchanged, 3);
    assert_eq!(engine.serving().unwrap().manifest().model.image_fingerprint, own.info().image_fingerprint);
    drop(engine);
    let taught = lit();
    let engine = colours.engine(&taught);
    assert_eq!(index(&engine, colours.images.path()).unchanged, 3);
    assert_eq!((own.images(), taught.images()), (0, 0));
    assert!(best_of(&engine, "rot").unwrap().ends_with("red.png"));
}

/// Scores of texts, and what was learnt of them, are those of the model that asks.
#[test]
fn what_was_fitted_to_the_texts_of_before_is_left_alone() {
    use crate::calibrate::{CALIBRATION_FILE, Calibration, StoredCalibration};

    let colours = colours();
    let own = first();
    let engine = colours.engine(&own);
    index(&engine, colours.images.path());
    let calibration = Calibration { fitted_on: "the texts of before".into(), ..Calibration::default() };
    let stored = StoredCalibration { model: Some(own.info().fingerprint.clone()), calibration };
    stored.write(&engine.settings().library_dir().join(CALIBRATION_FILE)).unwrap();
    drop(engine);
    assert_eq!(colours.engine(&own).calibration().unwrap().calibration.fitted_on, "the texts of before");
    let engine = colours.engine(&lit());
    assert!(engine.calibration().unwrap().file.is_none());
    index(&engine, colours.images.path());
    assert!(engine.calibration().unwrap().file.is_none());
}
