//! Scores on the geometry of real checkpoints: the logits that the demonstration notebooks of
//! SigLIP 2 and SigLIP print, as a library of their photographs.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use glimpse::encoder::testing::PrecomputedEncoder;
use glimpse::encoder::{Encode, Scoring};
use glimpse::engine::calibrate::CUT;
use glimpse::engine::{Depth, Explanation};
use glimpse::indexer::{ContentHash, FileRecord, FileRole, ImageRecord, Library};
use glimpse::{Engine, Format, ImageId, Mode, Query, Settings};
use serde::Deserialize;

use crate::util;

#[derive(Deserialize)]
struct File {
    sets: Vec<Set>,
}

/// Logits without the bias: rows are images, columns texts. `shows` lists, by text, the images that
/// show it.
#[derive(Deserialize)]
struct Set {
    checkpoint: String,
    scale: Option<f32>,
    bias: f32,
    #[serde(rename = "pictures")]
    images: Vec<String>,
    texts: Vec<String>,
    shows: Vec<Vec<usize>>,
    logits: Vec<Vec<f32>>,
}

impl Set {
    /// That of SigLIP 2 So400m/16, if the notebook does not print it.
    fn scale(&self) -> f32 {
        self.scale.unwrap_or(110.0)
    }
}

/// Vectors whose cosines are those of a set: every text has an axis of its own, and so has what is
/// left of every image. Other texts, such as those of the null bank, are mixtures of all axes of
/// texts.
struct Printed {
    dim: usize,
    texts: HashMap<String, usize>,
    images: Vec<Vec<f32>>,
}

impl Printed {
    fn of(set: &Set) -> Self {
        let (texts, images) = (set.texts.len(), set.images.len());
        let vector = |(row, logits): (usize, &Vec<f32>)| {
            let mut vector: Vec<f32> = logits.iter().map(|logit| logit / set.scale()).collect();
            let left = 1.0 - vector.iter().map(|value| value * value).sum::<f32>();
            vector.resize(texts + images, 0.0);
            vector[texts + row] = left.max(0.0).sqrt();
            vector
        };
        let images_of = set.logits.iter().enumerate().map(vector).collect();
        Self { dim: texts + images, texts: set.texts.iter().cloned().zip(0..).collect(), images: images_of }
    }

    fn text(&self, text: &str) -> Vec<f32> {
        let mut vector = vec![0.0; self.dim];
        match self.texts.get(text) {
            Some(&axis) => vector[axis] = 1.0,
            None => {
                let hash = ContentHash::of(text.as_bytes()).0;
                let axes = vector[..self.texts.len()].iter_mut().zip(hash.iter().cycle());
                axes.enumerate()
                    .for_each(|(turn, (value, &byte))| *value = f32::from(byte.rotate_left(turn as u32)) - 127.5);
            }
        }
        vector
    }
}

/// The score of every image for every text.
fn ask(set: &Set) -> Vec<Vec<(f32, Explanation)>> {
    let home = tempfile::tempdir().unwrap();
    let settings = Settings::at(home.path());
    let printed = Printed::of(set);
    let images = printed.images.clone();
    let scoring = Scoring { scale: set.scale(), bias: set.bias };
    let encoder = PrecomputedEncoder::new(&set.checkpoint, printed.dim, scoring, move |text| printed.text(text));
    let index = Library::at(&settings.library_dir()).open_for(encoder.info(), false).unwrap();
    let add = |(number, vector): (usize, &Vec<f32>)| {
        let name = format!("{number}.jpg");
        let record = ImageRecord::bare(ContentHash::of(name.as_bytes()), (640, 480), Format::Jpeg, 1);
        let path = PathBuf::from("/images").join(name);
        let file = FileRecord {
            path,
            image: ImageId(0),
            role: FileRole::Primary,
            bytes: 1,
            modified: 0,
            changed: 0,
            sidecar_modified: 0,
            missing: false,
        };
        index.add(record, vector, file).unwrap()
    };
    let ids: Vec<ImageId> = images.iter().enumerate().map(add).collect();
    index.finish().unwrap();
    drop(index);
    let engine = Engine::with_encoder(settings, Arc::new(encoder)).unwrap();
    let of_text = |text: &String| {
        let query = Query { mode: Mode::Semantic, depth: Depth::All, limit: 100, ..Query::text(text.as_str()) };
        let hits: HashMap<_, _> =
            engine.search(&query).unwrap().hits.into_iter().map(|hit| (hit.id, (hit.score, hit.why))).collect();
        ids.iter().map(|id| hits[id].clone()).collect()
    };
    set.texts.iter().map(of_text).collect()
}

#[test]
fn what_matches_ranks_above_what_does_not_and_labels_agree_with_the_marks() {
    let Some(dir) = util::test_data("siglip-logits") else { return };
    let file: File = serde_json::from_slice(&std::fs::read(dir.join("logits.json")).unwrap()).unwrap();
    assert!(!file.sets.is_empty());
    let (mut pairs, mut right_way) = (0, 0);
    let (mut matches, mut shown, mut others, mut wrong) = (0, 0, 0, 0);
    for set in &file.sets {
        let scores = ask(set);
        for (text, (shows, scores)) in set.shows.iter().zip(&scores).enumerate() {
            let logit = |image: usize| set.logits[image][text];
            let (matching, other): (Vec<usize>, Vec<usize>) = (0..set.images.len()).partition(|p| shows.contains(p));
            for (&a, &b) in matching.iter().flat_map(|a| other.iter().map(move |b| (a, b))) {
                // Where the logits say so: by more than what images differ in for any text.
                if logit(a) > logit(b) + 4.0 {
                    pairs += 1;
                    right_way += usize::from(scores[a].0 >= scores[b].0);
                }
            }
            matches += matching.len();
            shown += matching.iter().filter(|&&image| scores[image].0 >= CUT).count();
            others += other.len();
            wrong += other.iter().filter(|&&image| scores[image].0 >= CUT).count();
        }
    }
    assert!(pairs > 500 && right_way == pairs, "{right_way} of {pairs} pairs the right way round");
    assert!(5 * shown >= 4 * matches, "{shown} of {matches} matches are shown");
    assert!(20 * wrong <= others, "{wrong} of {others} others are shown");
}
