//! A bias for each word of one's own: names of people, pets and places, which no model knows.

use std::collections::{BTreeMap, HashSet};

use glimpse_encoder::dot;
use rayon::prelude::*;

use super::examples::{Example, TextSource};
use super::measure::{Gain, average_precision};
use super::query_map::{add, words};
use crate::calibrate::vectors::Vectors;
use crate::{Cancel, EngineError};

/// Images that a word needs.
const LEAST_IMAGES: usize = 8;
/// Lengths of a bias that are tried; that of a text is 1.
const LENGTHS: [f32; 5] = [0.1, 0.2, 0.4, 0.8, 1.6];
/// How much images that are wrong count, against those that are right.
const AWAY: f32 = 0.2;
/// Parts in which a word's images are held back, one after the other.
const FOLDS: usize = 3;
/// How much better a word must find its images.
const LEAST_GAIN: f64 = 0.02;

/// The words that have a bias, and what biases are worth.
pub(super) struct Biases {
    pub of: BTreeMap<String, Vec<f32>>,
    /// Measured on images that biases were not made from, over all words that were tried.
    pub gain: Gain,
}

/// Learns biases from names (keywords, albums, folders, feedback) with images enough. None is made
/// of a word that finds its images as well without.
///
/// # Errors
/// [`EngineError::Cancelled`].
pub(super) fn learn(examples: &[Example], images: &Vectors) -> Result<Biases, EngineError> {
    let is_name = |example: &&Example| example.source != TextSource::Caption && example.images.len() >= LEAST_IMAGES;
    let names: Vec<&Example> = examples.iter().filter(is_name).collect();
    let centre = images.mean();
    let wholes: Vec<Vec<usize>> = names.iter().map(|name| name.images.clone()).collect();
    let cancel = Cancel::current();
    let mut pairs = Vec::new();
    for fold in 0..FOLDS {
        cancel.check()?;
        let parts: Vec<Vec<usize>> = wholes.iter().map(|images| without(images, fold, FOLDS)).collect();
        let chosen = choose(&names, &parts, images, &centre);
        let measured = names.par_iter().enumerate().map(|(i, name)| {
            let taught: HashSet<usize> = parts[i].iter().copied().collect();
            let asked: HashSet<usize> = wholes[i].iter().copied().filter(|image| !taught.contains(image)).collect();
            let before = average_precision(images, name.vector.as_slice(), &asked, &taught);
            let after = chosen[i].as_ref().map(|bias| average_precision(images, &moved(name, bias), &asked, &taught));
            (before, after.unwrap_or(before))
        });
        pairs.push(measured.collect::<Vec<_>>());
    }
    cancel.check()?;
    // One pair for each word: its folds are no samples of their own.
    let mean = |i: usize, of: fn(&(f64, f64)) -> f64| pairs.iter().map(|fold| of(&fold[i])).sum::<f64>() / FOLDS as f64;
    let by_word: Vec<(f64, f64)> = (0..names.len()).map(|i| (mean(i, |pair| pair.0), mean(i, |pair| pair.1))).collect();
    let chosen = choose(&names, &wholes, images, &centre);
    let biases = names.iter().zip(chosen).filter_map(|(name, bias)| Some((words(&name.text).join(" "), bias?)));
    Ok(Biases { of: biases.collect(), gain: Gain::of(&by_word) })
}

/// A bias for each name made from its `parts`, or none where it would not help: one length for all,
/// chosen on images that the tried biases were not made from.
fn choose(names: &[&Example], parts: &[Vec<usize>], images: &Vectors, centre: &[f32]) -> Vec<Option<Vec<f32>>> {
    // (names, lengths): average precision without, and with each length.
    let tried: Vec<(f64, [f64; LENGTHS.len()])> = (0..names.len())
        .into_par_iter()
        .map(|i| {
            let mut sums = (0.0, [0.0; LENGTHS.len()]);
            for fold in 0..2 {
                let taught = without(&parts[i], fold, 2);
                let direction = direction(&taught, &names[i].wrong, images, centre);
                let taught: HashSet<usize> = taught.into_iter().collect();
                let asked: HashSet<usize> = parts[i].iter().copied().filter(|image| !taught.contains(image)).collect();
                sums.0 += average_precision(images, names[i].vector.as_slice(), &asked, &taught) / 2.0;
                for (sum, length) in sums.1.iter_mut().zip(LENGTHS) {
                    let bias: Vec<f32> = direction.iter().map(|value| value * length).collect();
                    *sum += average_precision(images, &moved(names[i], &bias), &asked, &taught) / 2.0;
                }
            }
            sums
        })
        .collect();
    let total = |place: usize| tried.iter().map(|(_, with)| with[place]).sum::<f64>();
    let best = (0..LENGTHS.len()).max_by(|&a, &b| total(a).total_cmp(&total(b))).unwrap_or(0);
    let bias = |i: usize| -> Option<Vec<f32>> {
        let (before, with) = &tried[i];
        let direction = direction(&parts[i], &names[i].wrong, images, centre);
        (with[best] >= before + LEAST_GAIN).then(|| direction.iter().map(|value| value * LENGTHS[best]).collect())
    };
    (0..names.len()).map(bias).collect()
}

/// From the centre of all images towards the mean of some, and away from the mean of those that are
/// wrong (Rocchio, 1971), of length 1; nothing if they are the same.
fn direction(of: &[usize], wrong: &[usize], images: &Vectors, centre: &[f32]) -> Vec<f32> {
    let from_centre = |of: &[usize]| {
        let mut mean: Vec<f32> = centre.iter().map(|value| -value).collect();
        of.iter().for_each(|&image| add(&mut mean, images.row(image), 1.0 / of.len() as f32));
        mean
    };
    let mut direction = from_centre(of);
    if !wrong.is_empty() {
        add(&mut direction, &from_centre(wrong), -AWAY);
    }
    let length = dot(&direction, &direction).sqrt();
    if length > f32::EPSILON {
        direction.iter_mut().for_each(|value| *value /= length);
    }
    direction
}

fn moved(name: &Example, bias: &[f32]) -> Vec<f32> {
    let mut moved = name.vector.as_slice().to_vec();
    add(&mut moved, bias, 1.0);
    moved
}

/// All but every `folds`th.
fn without(images: &[usize], fold: usize, folds: usize) -> Vec<usize> {
    images.iter().enumerate().filter(|(place, _)| place % folds != fold).map(|(_, &image)| image).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_encoder::Embedding;
    use glimpse_nonempty::Every as _;

    use super::super::tests::noise;
    use super::*;

    const DIM: usize = 24;

    fn name(text: &str, images: Vec<usize>, seed: u64) -> Example {
        let vector = Embedding::new(noise(seed, DIM)).unwrap();
        Example { text: text.into(), vector, images, wrong: Vec::new(), source: TextSource::Keyword }
    }

    /// 12 groups of 20 images that look alike, each with a name that means nothing to the model.
    #[test]
    fn names_find_their_images_and_words_for_nothing_get_no_bias() {
        let mut images = Vectors::new(DIM);
        for i in 0..240u64 {
            let mut row = noise(1000 + i / 20, DIM);
            add(&mut row, &noise(5000 + i, DIM), 0.5);
            images.push(Embedding::new(row).unwrap().as_slice());
        }
        let named: Vec<Example> = (0..12)
            .map(|group| name(&format!("Name {group}"), (group * 20..group * 20 + 20).collect(), group as u64))
            .collect();
        let biases = learn(&named, &images).unwrap();
        assert!(biases.gain.is_certain() && biases.gain.after > 0.8 && biases.gain.before < 0.4, "{:?}", biases.gain);
        assert_eq!(biases.of.len(), 12);
        assert!(biases.of.keys().every(|word| word.starts_with("name ")));

        let scattered: Vec<Example> = (0..12)
            .map(|group| name("nothing", (0..20).map(|i| (i * 12 + group * 7) % 240).collect(), group as u64))
            .collect();
        let biases = learn(&scattered, &images).unwrap();
        assert!(!biases.gain.is_certain(), "{:?}", biases.gain);
        assert!(learn(&[], &images).unwrap().of.is_empty());
    }
}
