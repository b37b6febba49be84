//! A model that learns from its owner: what is asked is moved nearer to what the library's own
//! captions, keywords, albums and folders, and what people said of answers, say of its images.
//! Images stay as they are, so that nothing is encoded again.
//!
//! ```text
//! examples.rs    texts of the library, and their images
//! learn.rs       a low-rank map of all texts            measured on texts that it was not learnt from
//! biases.rs      a bias for each word of one's own      measured on images that it was not learnt from
//! measure.rs     average precision, and whether a gain is an accident
//! query_map.rs   what is done to a query; file.rs keeps it
//! ```

mod biases;
mod examples;
mod file;
mod learn;
mod measure;
mod query_map;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use glimpse_encoder::{Embedding, Encode};
use rayon::prelude::*;

pub use self::examples::TextSource;
use self::examples::{Example, Gathered, Text};
pub(crate) use self::file::QueryMaps;
use self::file::{FORMAT, StoredMap};
use self::learn::Lessons;
pub use self::measure::Gain;
use self::measure::{average_precision, kept};
pub(crate) use self::query_map::QueryMap;
use self::query_map::{LowRank, add, words};
use crate::calibrate::vectors::Vectors;
use crate::{Cancel, Engine, EngineError};

/// Words that everybody uses, which tuning leaves where they are.
const ORDINARY: &str = include_str!("ordinary.txt");
/// Parts in which texts are held back, one after the other.
const FOLDS: usize = 4;
/// Texts from which on a map is tried.
const LEAST_TEXTS: usize = 16;

/// How to learn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TuneOptions {
    /// What to learn from.
    pub sources: Vec<TextSource>,
    /// Rows of the map.
    pub rank: usize,
    /// Measures, and keeps nothing.
    pub dry_run: bool,
}

impl Default for TuneOptions {
    fn default() -> Self {
        Self { sources: TextSource::ALL.to_vec(), rank: 8, dry_run: false }
    }
}

/// What was learnt, and what it is worth.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct TuneReport {
    /// Images that were looked at.
    pub images: usize,
    /// Texts that were learnt from.
    pub texts: BTreeMap<TextSource, usize>,
    /// The map, measured on texts that it was not learnt from; `None` if there are too few texts.
    pub map: Option<Gain>,
    /// The map is used.
    pub map_is_used: bool,
    /// Of the ten images nearest to ordinary words, the share that stays under all that is used.
    pub ordinary_kept: f64,
    /// Biases, measured on images that they were not made from.
    pub biases: Gain,
    /// The words that have one; none if biases are not used.
    pub words: Vec<String>,
    /// It was written to the library.
    pub applied: bool,
    /// What was learnt before stays in use.
    pub earlier_is_used: bool,
}

impl Engine {
    /// Learns from the library how its owner speaks, and asks so from now on, if that finds more of
    /// what it was not learnt from. `progress` is called with steps done and steps in all.
    ///
    /// # Errors
    /// [`EngineError::BadRequest`] if the library says too little of its images;
    /// [`EngineError::Tuning`] if the result cannot be written; otherwise if the model or the index
    /// fails, or the question is given up ([`Cancel`]).
    pub fn tune(
        &self,
        options: &TuneOptions,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<TuneReport, EngineError> {
        let index = self.serving()?;
        let encoder = self.encoder_for(&index)?;
        let info = encoder.info();
        let gathered = Gathered::of(index.index(), info.dim, &options.sources)?;
        let (images, texts) = (gathered.images, gathered.texts);
        if texts.len() < LEAST_TEXTS / 2 {
            return Err(EngineError::BadRequest(format!(
                "the library says too little of its images: {} captions, keywords, albums, folders and feedback \
                 can be learnt from, {} are needed; a keyword, an album or a folder counts from four images on",
                texts.len(),
                LEAST_TEXTS / 2
            )));
        }
        let all = FOLDS + 4;
        progress(0, all);
        let counts = texts.iter().fold(BTreeMap::new(), |mut counts, text| {
            *counts.entry(text.source).or_default() += 1;
            counts
        });
        let said: Vec<&str> = texts.iter().map(|text| text.text.as_str()).collect();
        let embedded = self.texts.embed(encoder.as_ref(), &said)?;
        let examples: Vec<Example> = texts
            .iter()
            .zip(embedded)
            .map(|(Text { source, text, images, wrong }, vector)| Example {
                text: text.clone(),
                vector,
                images: images.clone(),
                wrong: wrong.clone(),
                source: *source,
            })
            .collect();
        let ordinary = self.ordinary(encoder.as_ref(), &examples)?;
        progress(1, all);
        let (scale, rank) = (info.scoring.scale, options.rank);
        let lessons = Lessons { images: &images, ordinary: &ordinary.vectors, scale, rank };
        let map = (examples.len() >= LEAST_TEXTS)
            .then(|| held_out(&lessons, &examples, &mut |done| progress(1 + done, all)))
            .transpose()?;
        let low_rank = match map {
            Some(gain) if gain.is_certain() => lessons.learn(&examples.iter().collect::<Vec<_>>())?,
            _ => None,
        };
        progress(FOLDS + 2, all);
        let mapped: Vec<Example> = examples.iter().map(|example| example.mapped(low_rank.as_ref())).collect();
        let biases = biases::learn(&mapped, &images)?;
        let own = if biases.gain.is_certain() { biases.of } else { BTreeMap::new() };
        let mut learnt = QueryMap { low_rank, biases: own };
        let mut ordinary_kept = ordinary.kept(&learnt, &images)?;
        if ordinary_kept < learn::KEPT {
            learnt.biases.clear();
            ordinary_kept = ordinary.kept(&learnt, &images)?;
        }
        let words = learnt.biases.keys().cloned().collect();
        let map_is_used = learnt.low_rank.is_some();
        let applied = !learnt.is_identity() && !options.dry_run;
        let earlier_is_used = !applied && !self.texts.maps().of(&info.fingerprint, info.dim)?.is_identity();
        if applied {
            let stored = StoredMap { format: FORMAT, model: info.fingerprint.clone(), map: learnt };
            stored.write(self.texts.maps().path())?;
            self.ask_anew(Arc::clone(index.index()));
        }
        progress(all, all);
        Ok(TuneReport {
            images: images.len(),
            texts: counts,
            map,
            map_is_used,
            ordinary_kept,
            biases: biases.gain,
            words,
            applied,
            earlier_is_used,
        })
    }

    /// Asks as the model itself does again. False if it did already.
    ///
    /// # Errors
    /// [`EngineError::Tuning`] if the file cannot be removed; if there is no index.
    pub fn untune(&self) -> Result<bool, EngineError> {
        let removed = StoredMap::remove(self.texts.maps().path())?;
        if removed {
            self.ask_anew(Arc::clone(self.serving()?.index()));
        }
        Ok(removed)
    }

    /// Forgets the answers to how it was asked before.
    fn ask_anew(&self, index: Arc<glimpse_indexer::Index>) {
        self.texts.maps().forget();
        self.serve_anew(index);
    }

    /// Ordinary words that the library has no images for under that name.
    fn ordinary(&self, encoder: &dyn Encode, examples: &[Example]) -> Result<Ordinary, EngineError> {
        let own: HashSet<String> = examples.iter().map(|example| words(&example.text).join(" ")).collect();
        let said: Vec<&str> = ORDINARY.lines().filter(|word| !word.is_empty() && !own.contains(*word)).collect();
        let mut vectors = Vectors::new(encoder.info().dim);
        self.texts.embed(encoder, &said)?.iter().for_each(|vector| vectors.push(vector.as_slice()));
        Ok(Ordinary { words: said, vectors })
    }
}

/// Words that everybody uses, and their embeddings.
struct Ordinary {
    words: Vec<&'static str>,
    vectors: Vectors,
}

impl Ordinary {
    /// The share of the ten images nearest to each that stays under a map, on average.
    fn kept(&self, map: &QueryMap, images: &Vectors) -> Result<f64, EngineError> {
        let asked = self.words.iter().zip(self.vectors.rows());
        let after: Vec<Vec<f32>> = asked
            .map(|(word, row)| Ok(map.apply(word, Embedding::new(row.to_vec())?)?.into_vec()))
            .collect::<Result<_, EngineError>>()?;
        Ok(kept(images, &self.vectors, |row| &after[row]))
    }
}

impl Example {
    /// The same, with what a map makes of the text.
    fn mapped(&self, map: Option<&LowRank>) -> Self {
        let mut vector = self.vector.as_slice().to_vec();
        if let Some(map) = map {
            add(&mut vector, &map.of(self.vector.as_slice()), 1.0);
        }
        let vector = Embedding::new(vector).unwrap_or_else(|_| self.vector.clone());
        Self { vector, ..self.clone() }
    }
}

/// What maps are worth to texts that they were not learnt from. Captions of one image are held back
/// together.
fn held_out(lessons: &Lessons<'_>, examples: &[Example], done: &mut dyn FnMut(usize)) -> Result<Gain, EngineError> {
    let fold_of = |example: &Example| match example.source {
        TextSource::Caption => example.images[0] % FOLDS,
        _ => blake3::hash(example.text.as_bytes()).as_bytes()[0] as usize % FOLDS,
    };
    let (mut pairs, none, cancel) = (Vec::new(), HashSet::new(), Cancel::current());
    for fold in 0..FOLDS {
        cancel.check()?;
        let (held, taught): (Vec<&Example>, Vec<&Example>) =
            examples.iter().partition(|example| fold_of(example) == fold);
        let map = lessons.learn(&taught)?;
        let measured = held.par_iter().map(|example| {
            let wanted: HashSet<usize> = example.images.iter().copied().collect();
            let of = |example: &Example| average_precision(lessons.images, example.vector.as_slice(), &wanted, &none);
            (of(example), of(&example.mapped(map.as_ref())))
        });
        pairs.extend(measured.collect::<Vec<_>>());
        done(fold + 1);
    }
    Ok(Gain::of(&pairs))
}
