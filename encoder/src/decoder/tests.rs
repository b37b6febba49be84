//! Beside the definition in `training/decoder_model.py`; `tests/golden/decoder.py` writes what it
//! computes.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use glimpse_nonempty::{Every as _, each, if_any};
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;

use super::*;

#[derive(Deserialize)]
struct Golden {
    tokens: Vec<Vec<f32>>,
    sequences: BTreeMap<String, Vec<u32>>,
    scores: BTreeMap<String, Vec<Vec<f32>>>,
    aligned: Vec<Vec<f32>>,
    texts: Vec<Vec<f32>>,
    boxes: Vec<[f32; 4]>,
    captions: Vec<Vec<u32>>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/decoder")
}

fn golden() -> (Decoder, Golden) {
    let text = std::fs::read_to_string(folder().join("golden.json")).unwrap();
    (Decoder::load(&folder(), 24).unwrap().unwrap(), serde_json::from_str(&text).unwrap())
}

impl Golden {
    fn grid(&self, i: usize) -> DenseGrid {
        grid(&self.tokens[i], &self.aligned[i])
    }

    fn text(&self, i: usize) -> Embedding {
        Embedding::new(self.texts[i].clone()).unwrap()
    }
}

fn grid(tokens: &[f32], aligned: &[f32]) -> DenseGrid {
    let (cols, aligned) = (tokens.len() / 24 / 3, aligned.to_vec());
    DenseGrid { rows: 3, cols, dim: 24, tokens: tokens.to_vec(), aligned, norms: Vec::new() }
}

#[test]
fn scores_of_every_task_are_those_of_the_definition() {
    let (decoder, golden) = golden();
    let cross_cache = CrossAttentionCache::new(&decoder.net, &golden.grid(0)).unwrap();
    for (task, ids) in each(&golden.sequences) {
        let mut sequence = decoder.net.begin();
        for (position, (id, expected)) in each(ids.iter().zip(&golden.scores[task]).enumerate()) {
            let asks = task == "aref" && position == 1;
            let token = Token { id: *id, expression: asks.then_some(&golden.texts[0][..]) };
            let found = decoder.net.step(&cross_cache, &mut sequence, token);
            let apart = found.iter().step_by(7).zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(apart < 1e-4, "{task} at {position}: {apart}");
        }
    }
}

#[test]
fn greedy_answers_are_those_of_the_definition() {
    let (decoder, golden) = golden();
    for i in each(0..golden.tokens.len()) {
        let grid = golden.grid(i);
        let [found] = &decoder.locate(&grid, &golden.text(i), 1).unwrap()[..] else { panic!("one box") };
        let Rect { left, top, right, bottom } = found.value;
        let apart = [left, top, right, bottom].into_iter().zip(golden.boxes[i]).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f32::max) < 1e-6, "{found:?}");
        let [caption] = &decoder.caption(&grid, "ja", 1).unwrap()[..] else { panic!("one caption") };
        assert_eq!(caption.value, decoder.vocabulary.text(&golden.captions[i]));
    }
}

#[test]
fn more_beams_find_nothing_less_likely() {
    let (decoder, golden) = golden();
    let grid = golden.grid(0);
    let best = |beams| decoder.caption(&grid, "en", beams).unwrap();
    let (one, eight) = (best(1), best(8));
    assert_eq!(eight.len(), 8);
    assert!(eight[0].probability >= one[0].probability * (1.0 - 1e-5));
    assert!(eight.windows(2).every(|pair| pair[0].probability >= pair[1].probability));
    let sum: f32 = eight.iter().map(|said| said.probability).sum();
    assert!(sum <= 1.0 + 1e-5, "different answers of one distribution");
}

#[test]
fn a_region_and_its_word_can_be_asked_for_together() {
    let (decoder, golden) = golden();
    let grid = golden.grid(1);
    let found = decoder.regions(&grid, "en", 4).unwrap();
    assert!((2..=4).contains(&found.len()));
    for (i, one) in each(found.iter().enumerate()) {
        assert!(if_any(&found[..i]).all(|other| other.value.0.iou(&one.value.0) <= 0.5), "different regions");
    }
    let (region, text) = &found[0].value;
    assert!(region.left < region.right && region.top < region.bottom && !text.is_empty());
    let again = decoder.describe(&grid, *region, "en", 1).unwrap();
    assert!(again[0].probability >= found[0].probability, "the box was given, so only the words were left to say");
}

#[test]
fn what_it_cannot_do_is_said() {
    let (decoder, golden) = golden();
    let message = decoder.caption(&golden.grid(0), "de", 1).unwrap_err().to_string();
    assert_eq!(message, "decoder: it has no captions in `de`; it knows en, ja");
    let other = DenseGrid { dim: 32, ..golden.grid(0) };
    assert!(decoder.caption(&other, "en", 1).unwrap_err().to_string().contains("tokens of 24 values, these have 32"));
    let short = Embedding::new(vec![1.0; 8]).unwrap();
    assert!(
        decoder.locate(&golden.grid(0), &short, 1).unwrap_err().to_string().contains("of 24 values, this one has 8")
    );
    let wrong = Decoder::load(&folder(), 32).err().unwrap().to_string();
    assert!(wrong.contains("field `vision_size`: expected 32"), "{wrong}");
    assert!(Decoder::load(tempfile::tempdir().unwrap().path(), 24).unwrap().is_none());
}

#[test]
fn a_cut_off_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(folder().join("decoder.json"), dir.path().join("decoder.json")).unwrap();
    let bytes = std::fs::read(folder().join(FILE)).unwrap();
    std::fs::write(dir.path().join(FILE), &bytes[..bytes.len() / 2]).unwrap();
    let error = Decoder::load(dir.path(), 24).err().unwrap().to_string();
    assert!(error.contains(FILE), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Whatever the image and the words, every box has an inside.
    #[test]
    fn boxes_are_well_formed(
        tokens in prop::collection::vec(-3f32..3.0, 24 * 6),
        aligned in prop::collection::vec(-3f32..3.0, 24 * 6),
        text in prop::collection::vec(0.1f32..3.0, 24),
        beams in 1usize..5,
    ) {
        let (decoder, _) = golden();
        let found = decoder.locate(&grid(&tokens, &aligned), &Embedding::new(text).unwrap(), beams).unwrap();
        prop_assert_eq!(found.len(), beams);
        for Generated { value, probability } in each(found) {
            prop_assert!(value.left < value.right && value.top < value.bottom, "{:?}", value);
            prop_assert!(value.left >= 0.0 && value.right <= 1.0 && value.top >= 0.0 && value.bottom <= 1.0);
            prop_assert!(probability > 0.0 && probability <= 1.0 + 1e-5);
        }
    }
}
