//! Searching vectors and words.

use std::sync::Arc;

use super::Index;
use crate::vectors::{Scored, ScoredVector, VectorIndex};
use crate::{IdSet, IndexError, VectorSet};

impl Index {
    /// The `k` images nearest to `query` (cosine, falling), among `allowed` if given.
    ///
    /// # Errors
    /// [`IndexError::WrongDimension`].
    pub fn nearest(&self, query: &[f32], k: usize, allowed: Option<&IdSet>) -> Result<Vec<Scored>, IndexError> {
        let findable = self.findable();
        let allowed = allowed.map(|allowed| allowed.intersection(&findable)).map_or(findable, Arc::new);
        let allowed = self.restriction(&allowed);
        let found = match self.graph.get() {
            // The graph itself knows when a scan is better: few vectors, a narrow filter, many
            // results.
            Some(graph) => graph.as_index().search(query, k, allowed.as_ref()),
            None => self.scan.search(query, k, allowed.as_ref()),
        };
        Ok(found?.into_iter().map(ScoredVector::of_image).collect())
    }

    /// Cosine of `query` with every image that can be found, in no order: for calibration and full
    /// rankings.
    ///
    /// # Errors
    /// [`IndexError::WrongDimension`].
    pub fn score_all(&self, query: &[f32]) -> Result<Vec<Scored>, IndexError> {
        let findable = self.findable();
        let scores = self.scan.score_all(query)?.into_iter().map(ScoredVector::of_image);
        Ok(scores.filter(|scored| findable.contains(scored.id)).collect())
    }

    /// Images whose file name, folder, camera, date, place, caption or keywords hold the words
    /// (BM25, falling).
    ///
    /// # Errors
    /// If the word index cannot be read.
    pub fn words(&self, text: &str, k: usize, allowed: Option<&IdSet>) -> Result<Vec<Scored>, IndexError> {
        let findable = self.findable();
        let allowed = allowed.map(|allowed| allowed.intersection(&findable)).map_or(findable, Arc::new);
        self.words.search(text, k, Some(&allowed))
    }

    /// Words of a text that no image has, each with the nearest that some have.
    ///
    /// # Errors
    /// If the word index cannot be read.
    pub fn nearest_words(&self, text: &str) -> Result<Vec<(String, String)>, IndexError> {
        self.words.nearest_words(text)
    }

    pub(super) fn findable(&self) -> Arc<IdSet> {
        Arc::clone(self.memory.read().findable())
    }

    /// A scan of all is faster than a scan of a set that happens to hold all.
    fn restriction(&self, allowed: &IdSet) -> Option<VectorSet> {
        (allowed.len() < self.scan.len()).then(|| allowed.vectors())
    }
}
