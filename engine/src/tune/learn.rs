//! Learns the low-rank map: texts are to lie nearer to the images that they belong to than to
//! others (softmax over images, InfoNCE, arXiv 1807.03748), those that somebody said are wrong
//! always among them, while ordinary words stay where they are.

use std::collections::HashSet;

use glimpse_encoder::dot;
use rayon::prelude::*;

use super::examples::Example;
use super::measure::kept;
use super::query_map::{LowRank, add};
use crate::calibrate::vectors::{Vectors, spaced};
use crate::{Cancel, EngineError};

/// Images that each text is compared with, beside its own.
const OTHERS: usize = 768;
/// Images of one text that count.
const OWN: usize = 8;
/// Texts a step.
const BATCH: usize = 64;
/// Passes over all texts.
const EPOCHS: usize = 24;
/// Step sizes of Adam (arXiv 1412.6980), for what is added and for what reads.
const RATES: [f32; 2] = [3e-3, 1e-3];
/// How much it costs to move ordinary words.
const ANCHOR: f32 = 4.0;
/// The part of the texts by which the best pass is chosen.
const HELD: usize = 8;
/// Of the ten images nearest to an ordinary word, so many stay, on average.
pub(super) const KEPT: f64 = 0.9;
/// Strengths that are tried, until ordinary words keep their images.
const STRENGTHS: [f32; 5] = [1.0, 0.7, 0.5, 0.35, 0.25];

/// What a map is learnt with.
pub(super) struct Lessons<'a> {
    /// All images.
    pub images: &'a Vectors,
    /// Embeddings of ordinary words.
    pub ordinary: &'a Vectors,
    /// The model's own scale of cosines.
    pub scale: f32,
    /// Rows of the map.
    pub rank: usize,
}

impl Lessons<'_> {
    /// A map learnt from `examples`, as strong as ordinary words allow; `None` if none helps with
    /// those that were held back, or none leaves ordinary words alone.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`].
    pub fn learn(&self, examples: &[&Example]) -> Result<Option<LowRank>, EngineError> {
        let is_held = |place: &usize| place % HELD == HELD - 1;
        let (held, taught): (Vec<usize>, Vec<usize>) = (0..examples.len()).partition(is_held);
        if held.is_empty() || taught.is_empty() {
            return Ok(None);
        }
        let mut map = self.first_map();
        let mut moments = [Moments::new(&map.up), Moments::new(&map.down)];
        let loss_of = |map: &LowRank| -> f64 {
            held.par_iter().map(|&place| f64::from(self.step(map, examples[place]).loss)).sum()
        };
        let (mut least, mut best) = (loss_of(&map), None);
        let (cancel, mut steps) = (Cancel::current(), 0);
        for _ in 0..EPOCHS {
            for batch in taught.chunks(BATCH) {
                cancel.check()?;
                steps += 1;
                let gradients: Vec<Step> = batch.par_iter().map(|&place| self.step(&map, examples[place])).collect();
                let [up, down] = self.gradient(&map, batch.iter().map(|&place| examples[place]).zip(gradients));
                moments[0].descend(&mut map.up, &up, RATES[0], steps);
                moments[1].descend(&mut map.down, &down, RATES[1], steps);
            }
            let loss = loss_of(&map);
            if loss < least {
                (least, best) = (loss, Some(map.clone()));
            }
        }
        Ok(best.and_then(|map| self.weakened(&map)))
    }

    /// The map at the largest strength at which ordinary words keep their images.
    fn weakened(&self, map: &LowRank) -> Option<LowRank> {
        STRENGTHS.into_iter().map(|strength| map.clone().scaled(strength)).find(|map| self.kept(map) >= KEPT)
    }

    /// The share of the ten images nearest to ordinary words that stay, on average.
    pub fn kept(&self, map: &LowRank) -> f64 {
        kept(self.images, self.ordinary, |row| {
            let mut after = self.ordinary.row(row).to_vec();
            add(&mut after, &map.of(self.ordinary.row(row)), 1.0);
            after
        })
    }

    /// Rows that read at random, and add nothing yet.
    fn first_map(&self) -> LowRank {
        let dim = self.images.row(0).len();
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        };
        let row = |random: &mut dyn FnMut() -> f32| {
            let row: Vec<f32> = (0..dim).map(|_| random()).collect();
            let length = dot(&row, &row).sqrt();
            row.into_iter().map(|value| value / length).collect()
        };
        LowRank { down: (0..self.rank).map(|_| row(&mut random)).collect(), up: vec![vec![0.0; dim]; self.rank] }
    }

    /// Loss of one text, and its gradient by the mapped text (before its length is made 1).
    fn step(&self, map: &LowRank, example: &Example) -> Step {
        let text = example.vector.as_slice();
        let read: Vec<f32> = map.down.iter().map(|row| dot(row, text)).collect();
        let mut mapped = text.to_vec();
        map.up.iter().zip(&read).for_each(|(up, &read)| add(&mut mapped, up, read));
        let length = dot(&mapped, &mapped).sqrt();
        let unit: Vec<f32> = mapped.iter().map(|value| value / length).collect();

        let own: HashSet<usize> = example.images.iter().copied().collect();
        let shown = spaced(example.images.len(), OWN).map(|place| example.images[place]);
        let wrong: HashSet<usize> = example.wrong.iter().copied().collect();
        let others = spaced(self.images.len(), OTHERS).filter(|image| !own.contains(image) && !wrong.contains(image));
        let wrong = spaced(example.wrong.len(), OTHERS).map(|place| example.wrong[place]);
        let compared: Vec<usize> = shown.chain(wrong).chain(others).collect();
        let count = example.images.len().min(OWN);
        let logits: Vec<f32> = compared.iter().map(|&image| self.scale * dot(&unit, self.images.row(image))).collect();
        let largest = logits.iter().copied().fold(f32::MIN, f32::max);
        let sum: f32 = logits.iter().map(|logit| (logit - largest).exp()).sum();
        let target = 1.0 / count as f32;
        let loss = largest + sum.ln() - logits[..count].iter().sum::<f32>() * target;

        let mut gradient = vec![0.0; unit.len()];
        for (place, (&image, logit)) in compared.iter().zip(&logits).enumerate() {
            let wanted = if place < count { target } else { 0.0 };
            let factor = self.scale * ((logit - largest).exp() / sum - wanted);
            add(&mut gradient, self.images.row(image), factor);
        }
        let along = dot(&gradient, &unit);
        add(&mut gradient, &unit, -along);
        gradient.iter_mut().for_each(|value| *value /= length);
        Step { loss, read, gradient }
    }

    /// Gradients of `up` and `down`, the mean over a batch, with what it costs to move ordinary
    /// words.
    fn gradient<'e>(&self, map: &LowRank, steps: impl ExactSizeIterator<Item = (&'e Example, Step)>) -> [Rows; 2] {
        let dim = self.images.row(0).len();
        let (mut up, mut down) = (vec![vec![0.0; dim]; self.rank], vec![vec![0.0; dim]; self.rank]);
        let mut back = |text: &[f32], read: &[f32], gradient: &[f32], factor: f32| {
            for r in 0..self.rank {
                add(&mut up[r], gradient, factor * read[r]);
                add(&mut down[r], text, factor * dot(&map.up[r], gradient));
            }
        };
        let share = 1.0 / steps.len() as f32;
        for (example, step) in steps {
            back(example.vector.as_slice(), &step.read, &step.gradient, share);
        }
        let share = ANCHOR * self.scale / self.ordinary.len().max(1) as f32;
        for word in self.ordinary.rows() {
            let read: Vec<f32> = map.down.iter().map(|row| dot(row, word)).collect();
            back(word, &read, &map.of(word), share);
        }
        [up, down]
    }
}

/// (R, D)
type Rows = Vec<Vec<f32>>;

/// What one text says of the map.
struct Step {
    loss: f32,
    /// What the rows of `down` read of the text.
    read: Vec<f32>,
    gradient: Vec<f32>,
}

/// Running means of Adam.
struct Moments {
    first: Rows,
    second: Rows,
}

impl Moments {
    fn new(of: &Rows) -> Self {
        let zero: Rows = of.iter().map(|row| vec![0.0; row.len()]).collect();
        Self { first: zero.clone(), second: zero }
    }

    fn descend(&mut self, values: &mut Rows, gradient: &Rows, rate: f32, steps: i32) {
        const DECAY: [f32; 2] = [0.9, 0.99];
        let left = DECAY.map(|decay| 1.0 - decay.powi(steps));
        let moments = self.first.iter_mut().flatten().zip(self.second.iter_mut().flatten());
        for ((value, gradient), (first, second)) in
            values.iter_mut().flatten().zip(gradient.iter().flatten()).zip(moments)
        {
            *first = DECAY[0] * *first + (1.0 - DECAY[0]) * gradient;
            *second = DECAY[1] * *second + (1.0 - DECAY[1]) * gradient * gradient;
            *value -= rate * (*first / left[0]) / ((*second / left[1]).sqrt() + 1e-8);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_encoder::Embedding;
    use glimpse_nonempty::each;

    use super::super::examples::TextSource;
    use super::super::measure::nearest;
    use super::super::tests::noise;
    use super::*;

    const DIM: usize = 12;

    fn vectors(count: usize, seed: u64) -> Vectors {
        let mut vectors = Vectors::new(DIM);
        (0..count as u64).for_each(|i| vectors.push(&noise(seed * 1000 + i, DIM)));
        vectors
    }

    fn example(images: &[usize], vector: &[f32]) -> Example {
        let vector = Embedding::new(vector.to_vec()).unwrap();
        let (text, wrong) = (String::new(), Vec::new());
        Example { text, vector, images: images.to_vec(), wrong, source: TextSource::Caption }
    }

    /// The gradient that is computed is that of the loss, by differences.
    #[test]
    fn gradients_are_those_of_the_loss() {
        let (images, ordinary, texts) = (vectors(40, 1), vectors(3, 2), vectors(5, 3));
        let lessons = Lessons { images: &images, ordinary: &ordinary, scale: 6.0, rank: 2 };
        let mut map = lessons.first_map();
        for (r, row) in map.up.iter_mut().enumerate() {
            row.iter_mut().enumerate().for_each(|(j, value)| *value = 0.2 * ((r * 7 + j) as f32).cos());
        }
        let examples: Vec<Example> = (0..5).map(|i| example(&[i, i + 9], texts.row(i))).collect();
        let loss = |map: &LowRank| -> f64 {
            let of_texts: f64 = examples.iter().map(|example| f64::from(lessons.step(map, example).loss)).sum();
            let moved = |word: &[f32]| map.of(word).iter().map(|value| f64::from(value * value)).sum::<f64>();
            let anchor: f64 = ordinary.rows().map(moved).sum();
            of_texts / 5.0 + f64::from(ANCHOR * 6.0) * anchor / 2.0 / 3.0
        };
        let steps: Vec<Step> = examples.iter().map(|example| lessons.step(&map, example)).collect();
        let [up, down] = lessons.gradient(&map, examples.iter().zip(steps));
        for (r, j) in each([(0, 0), (0, 5), (1, 3), (1, 11)]) {
            for (is_up, ours) in each([(true, up[r][j]), (false, down[r][j])]) {
                let at = |delta: f32| {
                    let mut map = map.clone();
                    let rows = if is_up { &mut map.up } else { &mut map.down };
                    rows[r][j] += delta;
                    loss(&map)
                };
                let by_differences = (at(1e-3) - at(-1e-3)) / 2e-3;
                let apart = (by_differences - f64::from(ours)).abs();
                assert!(apart <= 0.02 * by_differences.abs().max(0.1), "{is_up} {r} {j}: {ours} for {by_differences}");
            }
        }
    }

    /// Texts that lie beside their images by one and the same reflection are brought to them, and
    /// texts that were never seen as well.
    #[test]
    fn a_shift_that_all_texts_have_in_common_is_learnt() {
        let images = vectors(120, 4);
        let turned = |row: &[f32]| -> Vec<f32> {
            row.iter().enumerate().map(|(i, value)| if i < 4 { -value } else { *value }).collect()
        };
        let examples: Vec<Example> = (0..120).map(|i| example(&[i], &turned(images.row(i)))).collect();
        let nothing = Vectors::new(DIM);
        let lessons = Lessons { images: &images, ordinary: &nothing, scale: 20.0, rank: 4 };
        let taught: Vec<&Example> = examples[..90].iter().collect();
        let map = lessons.learn(&taught);
        assert!(map.unwrap().is_none(), "nobody says that ordinary words stay");
        let mut far = Vectors::new(DIM);
        far.push(&(0..DIM).map(|i| f32::from(i == DIM - 1)).collect::<Vec<f32>>());
        let lessons = Lessons { ordinary: &far, ..lessons };
        let map = lessons.learn(&taught).unwrap().unwrap();
        let first = |text: &[f32], image: usize| usize::from(nearest(&images, text, 1) == [image]);
        let (mut before, mut after) = (0, 0);
        for (i, example) in each(examples.iter().enumerate().skip(90)) {
            let text = example.vector.as_slice();
            let mut mapped = text.to_vec();
            add(&mut mapped, &map.of(text), 1.0);
            before += first(text, i);
            after += first(&mapped, i);
        }
        assert!(after > before, "{after} of 30 are found, {before} without");
    }
}
