//! What is done to the embedding of a text before images are asked with it.

use std::collections::BTreeMap;

use glimpse_encoder::{Embedding, EncodeError, dot};
use serde::{Deserialize, Serialize};

/// A low-rank map and a bias for each word of one's own:
/// `t' = t + up (down t) + sum of the biases of the words in the text`, of length 1 again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueryMap {
    /// The map; `None` if it would change nothing.
    pub low_rank: Option<LowRank>,
    /// A vector for each word, or run of words, as [`words`] gives them with a space between.
    pub biases: BTreeMap<String, Vec<f32>>,
}

/// `x -> up (down x)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LowRank {
    /// (R, D): rows that read a text.
    pub down: Vec<Vec<f32>>,
    /// (R, D): what each of them adds.
    pub up: Vec<Vec<f32>>,
}

impl LowRank {
    /// What it adds to a vector.
    pub fn of(&self, vector: &[f32]) -> Vec<f32> {
        let mut sum = vec![0.0; vector.len()];
        for (down, up) in self.down.iter().zip(&self.up) {
            add(&mut sum, up, dot(down, vector));
        }
        sum
    }

    /// The same, `factor` times as strong.
    pub fn scaled(mut self, factor: f32) -> Self {
        self.up.iter_mut().flatten().for_each(|value| *value *= factor);
        self
    }
}

impl QueryMap {
    /// True if texts stay as they are.
    pub fn is_identity(&self) -> bool {
        self.low_rank.is_none() && self.biases.is_empty()
    }

    /// True if all vectors have `dim` finite values.
    pub fn is_sound(&self, dim: usize) -> bool {
        let rows = self.low_rank.iter().flat_map(|map| map.down.iter().chain(&map.up)).chain(self.biases.values());
        let is_even = self.low_rank.as_ref().is_none_or(|map| map.down.len() == map.up.len());
        is_even && rows.into_iter().all(|row| row.len() == dim && row.iter().all(|value| value.is_finite()))
    }

    /// The embedding to ask with in place of that of `text`.
    ///
    /// # Errors
    /// [`EncodeError::NotAVector`] if nothing is left of it.
    pub fn apply(&self, text: &str, embedding: Embedding) -> Result<Embedding, EncodeError> {
        if self.is_identity() {
            return Ok(embedding);
        }
        let mut vector = embedding.into_vec();
        if let Some(map) = &self.low_rank {
            let added = map.of(&vector);
            add(&mut vector, &added, 1.0);
        }
        for bias in self.biases_of(text) {
            add(&mut vector, bias, 1.0);
        }
        Embedding::new(vector)
    }

    /// The biases of the longest runs of own words in a text, from its beginning on.
    fn biases_of(&self, text: &str) -> Vec<&Vec<f32>> {
        let (words, mut found, mut at) = (words(text), Vec::new(), 0);
        let longest = self.biases.keys().map(|key| key.split(' ').count()).max().unwrap_or(0);
        while at < words.len() {
            let most = longest.min(words.len() - at);
            let run =
                (1..=most).rev().find_map(|count| Some((count, self.biases.get(&words[at..at + count].join(" "))?)));
            at += run.map_or(1, |(count, bias)| {
                found.push(bias);
                count
            });
        }
        found
    }
}

/// The words of a text in lower case, without what stands between them.
pub(crate) fn words(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
    parts.map(str::to_lowercase).collect()
}

/// Adds `factor` times `values`.
pub(crate) fn add(sum: &mut [f32], values: &[f32], factor: f32) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += factor * value);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_nonempty::each;
    use proptest::prelude::*;

    use super::*;

    fn embedding(values: &[f32]) -> Embedding {
        Embedding::new(values.to_vec()).unwrap()
    }

    #[test]
    fn own_words_are_found_as_words_and_the_longest_run_counts() {
        let bias = |at: usize| (0..4).map(|i| f32::from(i == at)).collect::<Vec<f32>>();
        let biases = [("anna", bias(1)), ("anna marie", bias(2)), ("rex", bias(3))];
        let map = QueryMap { low_rank: None, biases: biases.map(|(word, bias)| (word.to_owned(), bias)).into() };
        let first = embedding(&[1.0, 0.0, 0.0, 0.0]);
        for (text, expected) in each([
            ("a photo of Anna", [1.0, 1.0, 0.0, 0.0]),
            ("Anna-Marie at the beach", [1.0, 0.0, 1.0, 0.0]),
            ("ANNA and Rex", [1.0, 1.0, 0.0, 1.0]),
            ("Annabel", [1.0, 0.0, 0.0, 0.0]),
            ("", [1.0, 0.0, 0.0, 0.0]),
        ]) {
            assert_eq!(map.apply(text, first.clone()).unwrap(), embedding(&expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_low_rank_map_is_the_product_of_its_parts(
            rows in prop::collection::vec(prop::collection::vec(-2f32..2.0, 6), 4),
            vector in prop::collection::vec(-2f32..2.0, 6),
        ) {
            let map = LowRank { down: rows[..2].to_vec(), up: rows[2..].to_vec() };
            let (whole, half) = (map.of(&vector), map.clone().scaled(0.5).of(&vector));
            for i in 0..6 {
                let plain: f64 = (0..2).map(|r| {
                    let read: f64 = (0..6).map(|j| f64::from(map.down[r][j]) * f64::from(vector[j])).sum();
                    read * f64::from(map.up[r][i])
                }).sum();
                prop_assert!((plain - f64::from(whole[i])).abs() < 1e-4);
                prop_assert!((plain / 2.0 - f64::from(half[i])).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn what_is_not_of_the_models_width_is_not_used() {
        let map = |down: Vec<Vec<f32>>, up: Vec<Vec<f32>>| QueryMap {
            low_rank: Some(LowRank { down, up }),
            biases: BTreeMap::new(),
        };
        assert!(map(vec![vec![0.0; 4]], vec![vec![1.0; 4]]).is_sound(4));
        assert!(!map(vec![vec![0.0; 4]], vec![vec![1.0; 3]]).is_sound(4));
        assert!(!map(vec![vec![0.0; 4]], vec![]).is_sound(4));
        assert!(!map(vec![vec![f32::NAN; 4]], vec![vec![1.0; 4]]).is_sound(4));
    }
}
