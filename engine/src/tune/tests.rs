#![allow(clippy::unwrap_used)]

use glimpse_encoder::testing::FakeEncoder;
use glimpse_encoder::{EncodeError, ImageFeatures, ModelInfo, Outputs, PixelInput, Projection};
use glimpse_nonempty::{Every as _, each};

use tempfile::TempDir;

use super::*;
use crate::fixture::{DIM, Fixture, Shot};
use crate::{Depth, Mode, Query, Settings};

const NAMES: [&str; 12] =
    ["anna", "rex", "oslo", "gran", "boat", "den", "ida", "per", "kari", "nils", "lodge", "field"];
const EACH: usize = 12;

/// A direction at random.
pub(super) fn noise(seed: u64, dim: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    (0..8).for_each(|_| _ = uniform());
    let values = (0..dim).map(|_| (0..4).map(|_| uniform()).sum()).collect();
    Embedding::new(values).unwrap().into_vec()
}

/// A library of twelve names, each on twelve images of one colour of its own.
fn named() -> (Engine, TempDir, Vec<Vec<crate::ImageId>>) {
    let fixture = Fixture::empty();
    let colour = |group: usize| [group * 97 % 256, group * 57 % 256, group * 151 % 256].map(|value| value as u8);
    let ids = NAMES.iter().enumerate().map(|(group, name)| {
        let image = |i: usize| {
            let path: &'static str = format!("/library/{group}-{i}.jpg").leak();
            let id = fixture.add(&Shot::of(path, colour(group)), i as u8);
            fixture.index.set_words(id, None, vec![(*name).to_owned()]).unwrap();
            id
        };
        (0..EACH).map(image).collect()
    });
    let ids = ids.collect();
    let (engine, home) = fixture.engine();
    (engine, home, ids)
}

/// By meaning alone, so that keywords are not found as words.
fn by_meaning(text: &str) -> Query {
    Query { mode: Mode::Semantic, ..Query::text(text) }
}

fn engine(home: &TempDir) -> Engine {
    Engine::with_encoder(Settings::at(home.path()), Arc::new(FakeEncoder::new(DIM))).unwrap()
}

/// The share of the first `EACH` images for each name that have it.
fn precision(engine: &Engine, ids: &[Vec<crate::ImageId>]) -> f64 {
    let of = |(name, ids): (&&str, &Vec<crate::ImageId>)| {
        let query = Query { limit: EACH, ..by_meaning(name) };
        let page = engine.search(&query).unwrap();
        page.hits.iter().filter(|hit| ids.contains(&hit.id)).count()
    };
    NAMES.iter().zip(ids).map(of).sum::<usize>() as f64 / (NAMES.len() * EACH) as f64
}

#[test]
fn names_find_their_images_after_tuning_and_undo_takes_it_back() {
    let (engine, home, ids) = named();
    let before = precision(&engine, &ids);
    let (mut steps, options) = (Vec::new(), TuneOptions::default());

    let dry = engine.tune(&TuneOptions { dry_run: true, ..options.clone() }, &mut |_, _| {}).unwrap();
    assert!(!dry.applied && dry.biases.is_certain(), "{dry:?}");
    assert_eq!(precision(&engine, &ids), before, "a dry run changed the answers");

    let report = engine.tune(&options, &mut |done, all| steps.push((done, all))).unwrap();
    assert!(report.applied && report.words.len() == NAMES.len(), "{report:?}");
    assert_eq!(report.texts, BTreeMap::from([(TextSource::Keyword, NAMES.len())]));
    assert!(report.ordinary_kept >= learn::KEPT);
    assert!(
        steps.windows(2).every(|pair| pair[0].0 <= pair[1].0) && steps.last().is_some_and(|(done, all)| done == all)
    );
    let after = precision(&engine, &ids);
    assert!(after > 0.9 && after > before + 0.2, "{before} before, {after} after");

    // The next program finds it, and asks for regions and for other programs are as ever.
    drop(engine);
    let engine = self::engine(&home);
    assert_eq!(precision(&engine, &ids), after);
    let raw = engine.embed(&[crate::EmbedInput::Text("anna".into())], false).unwrap().remove(0).unwrap().embedding;
    assert_eq!(raw, FakeEncoder::new(DIM).encode_texts(&["anna"]).unwrap()[0]);

    assert!(engine.untune().unwrap());
    assert_eq!(precision(&engine, &ids), before);
    assert!(!engine.untune().unwrap(), "it was undone already");
}

/// A model that turns some components of texts round, and knows nothing of images.
struct Mirrored(FakeEncoder);

const MIRRORED: usize = 4;

/// A vector most of whose length is in the components that are turned round.
fn shot(number: u64) -> Vec<f32> {
    let mut vector = noise(number, DIM);
    vector[..MIRRORED].iter_mut().for_each(|value| *value *= 6.0);
    vector
}

impl Encode for Mirrored {
    fn info(&self) -> &ModelInfo {
        self.0.info()
    }

    fn prepare(&self, image: &image::RgbImage) -> Result<PixelInput, EncodeError> {
        self.0.prepare(image)
    }

    fn encode_images(&self, batch: &[PixelInput], outputs: Outputs) -> Result<Vec<ImageFeatures>, EncodeError> {
        self.0.encode_images(batch, outputs)
    }

    /// `shot 17` is the mirrored vector of image 17, all else lies apart from all images.
    fn encode_texts(&self, texts: &[&str]) -> Result<Vec<Embedding>, EncodeError> {
        let of = |text: &&str| {
            let mut vector = match text.strip_prefix("shot ").and_then(|number| number.parse().ok()) {
                Some(number) => shot(number),
                None => (0..DIM).map(|place| f32::from(place == DIM - 1)).collect(),
            };
            vector[..MIRRORED].iter_mut().for_each(|value| *value = -*value);
            Embedding::new(vector)
        };
        texts.iter().map(of).collect()
    }

    fn token_ids(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        self.0.token_ids(text)
    }

    fn align(&self, tokens: &[f32], projection: Projection) -> Result<Vec<f32>, EncodeError> {
        self.0.align(tokens, projection)
    }
}

/// What all texts have in common is learnt from captions, and helps texts that were not learnt
/// from; a later run that keeps nothing says that this one counts.
#[test]
fn a_map_of_all_texts_is_learnt_from_captions_and_used() {
    const ALL: u64 = 160;
    let fixture = Fixture::empty();
    let ids = (0..ALL).map(|number| {
        let path: &'static str = format!("/library/{number}.jpg").leak();
        let caption = (number < 120).then(|| &*format!("shot {number}").leak());
        fixture.add_vector(&Shot { caption, ..Shot::of(path, [0; 3]) }, &shot(number))
    });
    let ids: Vec<_> = ids.collect();
    let (fake, home) = fixture.engine();
    drop(fake);
    let open = || Engine::with_encoder(Settings::at(home.path()), Arc::new(Mirrored(FakeEncoder::new(DIM)))).unwrap();
    let engine = open();
    // Where images stand, of which nobody said what they are: the sum over these.
    let places = |engine: &Engine| -> usize {
        let place = |number: u64| {
            let query = Query { limit: ids.len(), depth: Depth::All, ..by_meaning(&format!("shot {number}")) };
            let page = engine.search(&query).unwrap();
            page.hits.iter().position(|hit| hit.id == ids[number as usize]).unwrap()
        };
        (120..ALL).map(place).sum()
    };
    let before = places(&engine);
    let report = engine.tune(&TuneOptions::default(), &mut |_, _| {}).unwrap();
    assert!(report.applied && report.map_is_used && !report.earlier_is_used, "{report:?}");
    assert!(report.ordinary_kept >= learn::KEPT);
    let after = places(&engine);
    assert!(after + 100 < before, "{before} before, {after} after");
    drop(engine);
    let engine = open();
    assert_eq!(places(&engine), after);
    let few = TuneOptions { sources: vec![TextSource::Caption], rank: 1, dry_run: true };
    assert!(engine.tune(&few, &mut |_, _| {}).unwrap().earlier_is_used);
    assert!(engine.untune().unwrap());
    assert_eq!(places(&engine), before);
    assert!(!engine.tune(&few, &mut |_, _| {}).unwrap().earlier_is_used);
}

#[test]
fn a_library_that_says_nothing_of_its_images_is_told_so() {
    let fixture = Fixture::empty();
    for i in 0..20 {
        let path: &'static str = format!("/dcim/{i}.jpg").leak();
        fixture.add(&Shot::of(path, [i * 10, 20, 30]), 0);
    }
    let error = fixture.engine().0.tune(&TuneOptions::default(), &mut |_, _| {}).unwrap_err().to_string();
    assert!(error.contains("says too little"), "{error}");
}

#[test]
fn a_damaged_file_is_named_and_one_of_another_model_left_alone() {
    let (engine, home, _) = named();
    drop(engine);
    let path = Settings::at(home.path()).library_dir().join("tuned.json");
    let stored = |model: &str, bias: Vec<f32>| {
        let map = QueryMap { low_rank: None, biases: BTreeMap::from([("anna".to_owned(), bias)]) };
        serde_json::to_string(&StoredMap { format: FORMAT, model: model.into(), map }).unwrap()
    };
    let own = FakeEncoder::new(DIM).info().fingerprint.clone();
    for (text, reason) in each([
        ("{".to_owned(), Some("EOF")),
        (stored(&own, vec![1.0; 3]), Some("finite values")),
        (stored(&own, vec![0.0; DIM]).replace("\"format\":1", "\"format\":2"), Some("format 2")),
        (stored("another", vec![1.0; 3]), None),
        (stored(&own, vec![0.1; DIM]), None),
    ]) {
        std::fs::write(&path, text).unwrap();
        let answer = self::engine(&home).search(&by_meaning("anna")).map(|_| ()).map_err(|error| error.to_string());
        match reason {
            None => assert_eq!(answer, Ok(())),
            Some(reason) => {
                let error = answer.unwrap_err();
                assert!(
                    [reason, "tuned.json", "glimpse tune --undo"].iter().every(|part| error.contains(*part)),
                    "{error}"
                );
            }
        }
    }
}
